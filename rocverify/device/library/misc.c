/* Functions found by their names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "client.h"

enum {
    NAME_LIMIT = 256,
    QUERY_FOUND = 0,
    QUERY_NOT_FOUND = 1,
    FLAG_PER_THREAD_STREAM = 2,
    ROCM_6 = 60000000, /* HIP_VERSION: major * 10^7 + minor * 10^5 + patch */
};

/* A function of this library, whatever other HIP library the process has loaded. */
static void *own_function(const char *name) {
    static const char anchor;
    Dl_info info;
    if (strncmp(name, "hip", 3) || !dladdr(&anchor, &info)) return NULL;
    void *library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) return NULL;
    void *function = dlsym(library, name);
    dlclose(library);
    return function;
}

/* Under the names that ROCm 6's headers give to what changed, and the default stream's variants. */
static void *function_named(const char *name, bool rocm_6, bool per_thread) {
    char variant[NAME_LIMIT + 8];
    void *found = NULL;
    if (rocm_6 && (!strcmp(name, "hipGetDeviceProperties") || !strcmp(name, "hipChooseDevice"))) {
        snprintf(variant, sizeof variant, "%sR0600", name);
        return own_function(variant);
    }
    if (per_thread) {
        snprintf(variant, sizeof variant, "%s_spt", name);
        found = own_function(variant);
    }
    return found ? found : own_function(name);
}

static int look_up(const char *name, void **function, bool rocm_6, bool per_thread, int *status) {
    if (!function || rv_text_length(name, NAME_LIMIT) == SIZE_MAX) return rv_note(hipErrorInvalidValue);
    *function = function_named(name, rocm_6, per_thread);
    if (status) *status = *function ? QUERY_FOUND : QUERY_NOT_FOUND;
    return *function ? hipSuccess : rv_note(hipErrorNotFound);
}

RV_API hipError_t hipGetProcAddress(const char *name, void **function, int version, uint64_t flags, int *status) {
    return look_up(name, function, version >= ROCM_6, flags == FLAG_PER_THREAD_STREAM, status);
}

RV_API hipError_t hipGetProcAddress_spt(const char *name, void **function, int version, uint64_t flags,
                                        int *status) {
    (void)flags;
    return look_up(name, function, version >= ROCM_6, true, status);
}

RV_API hipError_t hipGetDriverEntryPoint(const char *name, void **function, unsigned long long flags, int *status) {
    return look_up(name, function, rv_abi() >= 6, flags == FLAG_PER_THREAD_STREAM, status);
}

RV_API hipError_t hipGetDriverEntryPoint_spt(const char *name, void **function, unsigned long long flags,
                                             int *status) {
    (void)flags;
    return look_up(name, function, rv_abi() >= 6, true, status);
}
