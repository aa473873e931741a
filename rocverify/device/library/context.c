/* Contexts (hipCtx*, hipDevicePrimaryCtx*). As in AMD's runtime a context is a name of its device; each thread has a
 * stack of them. */
#include "client.h"

enum { STACK = 64, API_VERSION = 4, ERROR_CONTEXT_ALREADY_IN_USE = 216 };

static char primary_context; /* its address is the context of the one device */
static _Thread_local unsigned depth;

static hipCtx_t the_context(void) {
    return (hipCtx_t)(void *)&primary_context;
}

static int check(int device) {
    if (device != 0) return rv_note(hipErrorInvalidDevice);
    return rv_connected() ? hipSuccess : hipErrorNoDevice;
}

static int push(void) {
    if (depth == STACK) return rv_note(hipErrorInvalidContext);
    depth++;
    return hipSuccess;
}

RV_API hipError_t hipCtxCreate(hipCtx_t *context, unsigned flags, hipDevice_t device) {
    (void)flags; /* of scheduling only */
    if (!context) return rv_note(hipErrorInvalidValue);
    int code = check(device);
    if (code == hipSuccess) code = push();
    if (code == hipSuccess) *context = the_context();
    return code;
}

RV_API hipError_t hipCtxDestroy(hipCtx_t context) {
    if (context != the_context()) return rv_note(hipErrorInvalidValue);
    if (depth) depth--;
    return hipSuccess;
}

RV_API hipError_t hipCtxPushCurrent(hipCtx_t context) {
    return context == the_context() ? push() : rv_note(hipErrorInvalidContext);
}

RV_API hipError_t hipCtxPopCurrent(hipCtx_t *context) {
    if (depth == 0) return rv_note(hipErrorInvalidContext);
    depth--;
    if (context) *context = the_context();
    return hipSuccess;
}

RV_API hipError_t hipCtxSetCurrent(hipCtx_t context) {
    if (!context) {
        if (depth) depth--;
        return hipSuccess;
    }
    if (context != the_context()) return rv_note(hipErrorInvalidContext);
    return depth ? hipSuccess : push();
}

RV_API hipError_t hipCtxGetCurrent(hipCtx_t *context) {
    if (!context) return rv_note(hipErrorInvalidValue);
    int code = check(0);
    if (code == hipSuccess) *context = the_context();
    return code;
}

RV_API hipError_t hipCtxGetDevice(hipDevice_t *device) {
    if (!device) return rv_note(hipErrorInvalidValue);
    *device = 0;
    return check(0);
}

RV_API hipError_t hipCtxGetApiVersion(hipCtx_t context, unsigned *version) {
    if (!version) return rv_note(hipErrorInvalidValue);
    if (context && context != the_context()) return rv_note(hipErrorInvalidContext);
    *version = API_VERSION;
    return hipSuccess;
}

RV_API hipError_t hipCtxGetFlags(unsigned *flags) {
    if (!flags) return rv_note(hipErrorInvalidValue);
    *flags = 0;
    return check(0);
}

RV_API hipError_t hipCtxGetCacheConfig(int *config) {
    if (!config) return rv_note(hipErrorInvalidValue);
    *config = 0;
    return check(0);
}

RV_API hipError_t hipCtxSetCacheConfig(int config) {
    return config < 0 || config > 3 ? rv_note(hipErrorInvalidValue) : check(0);
}

RV_API hipError_t hipCtxGetSharedMemConfig(int *config) {
    if (!config) return rv_note(hipErrorInvalidValue);
    *config = 1;
    return check(0);
}

RV_API hipError_t hipCtxSetSharedMemConfig(int config) {
    return config < 0 || config > 2 ? rv_note(hipErrorInvalidValue) : check(0);
}

RV_API hipError_t hipCtxSynchronize(void) {
    return RV_CALL(hipCtxSynchronize);
}

RV_API hipError_t hipCtxEnablePeerAccess(hipCtx_t peer, unsigned flags) {
    (void)peer; /* no context is that of another device */
    return rv_note(flags ? hipErrorInvalidValue : hipErrorInvalidContext);
}

RV_API hipError_t hipCtxDisablePeerAccess(hipCtx_t peer) {
    (void)peer;
    return rv_note(hipErrorInvalidContext);
}

RV_API hipError_t hipDevicePrimaryCtxRetain(hipCtx_t *context, hipDevice_t device) {
    if (!context) return rv_note(hipErrorInvalidValue);
    int code = check(device);
    if (code == hipSuccess) *context = the_context();
    return code;
}

RV_API hipError_t hipDevicePrimaryCtxRelease(hipDevice_t device) {
    return check(device);
}

/* As in AMD's runtime, it resets nothing. */
RV_API hipError_t hipDevicePrimaryCtxReset(hipDevice_t device) {
    return check(device);
}

RV_API hipError_t hipDevicePrimaryCtxSetFlags(hipDevice_t device, unsigned flags) {
    (void)flags; /* the context is in use from the start */
    int code = check(device);
    return code ? code : rv_note(ERROR_CONTEXT_ALREADY_IN_USE);
}

RV_API hipError_t hipDevicePrimaryCtxGetState(hipDevice_t device, unsigned *flags, int *active) {
    if (!flags || !active) return rv_note(hipErrorInvalidValue);
    int code = check(device);
    if (code) return code;
    *flags = 0;
    *active = 1;
    return hipSuccess;
}
