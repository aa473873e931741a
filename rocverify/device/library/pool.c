/* Stream-ordered memory, and the pools that it comes from. */
#include <string.h>

#include "client.h"

enum { LOCATION_DEVICE = 1, ACCESS_READ_WRITE = 3, THRESHOLD = 4, LAST_FLAG = 3, LAST_ATTRIBUTE = 8 };

static int allocate(void **address, size_t size, hipMemPool_t pool, hipStream_t stream) {
    if (!address) return rv_note(hipErrorInvalidValue);
    *address = NULL;
    if (size == 0) return rv_connected() ? hipSuccess : hipErrorNoDevice;
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMallocAsync, RV_N(size), RV_N(stream), RV_N(pool));
    if (code == hipSuccess) *address = (void *)reply.values[0];
    return code;
}

RV_API hipError_t hipMallocAsync(void **address, size_t size, hipStream_t stream) {
    return allocate(address, size, NULL, stream);
}

RV_API hipError_t hipMallocFromPoolAsync(void **address, size_t size, hipMemPool_t pool, hipStream_t stream) {
    return pool ? allocate(address, size, pool, stream) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipFreeAsync(void *address, hipStream_t stream) {
    if (!address) return rv_note(hipErrorInvalidValue);
    return RV_CALL(hipFreeAsync, RV_N(address), RV_N(stream)); /* what is not (any more) to be freed is told here */
}

/* ---- pools */

static int pool_result(int code, const rv_reply *reply, hipMemPool_t *pool) {
    if (code == hipSuccess) *pool = (hipMemPool_t)reply->values[0];
    return code;
}

RV_API hipError_t hipMemPoolCreate(hipMemPool_t *pool, const hipMemPoolProps *wanted) {
    if (!pool || !wanted || wanted->allocType != 1 || wanted->location.type != LOCATION_DEVICE)
        return rv_note(hipErrorInvalidValue);
    if (wanted->location.id != 0) return rv_note(hipErrorInvalidDevice);
    if (wanted->handleTypes) return rv_not_served("hipMemPoolCreate with a handle for other processes");
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMemPoolCreate, RV_S(wanted->allocType), RV_S(wanted->handleTypes),
                            RV_S(wanted->location.type), RV_S(wanted->location.id), RV_N(wanted->maxSize));
    return pool_result(code, &reply, pool);
}

RV_API hipError_t hipMemPoolDestroy(hipMemPool_t pool) {
    return pool ? RV_CALL(hipMemPoolDestroy, RV_N(pool)) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemPoolTrimTo(hipMemPool_t pool, size_t bytes) {
    return pool ? RV_CALL(hipMemPoolTrimTo, RV_N(pool), RV_N(bytes)) : rv_note(hipErrorInvalidValue);
}

/* The first attributes are ints, the others 64-bit numbers. */
RV_API hipError_t hipMemPoolSetAttribute(hipMemPool_t pool, int attribute, void *value) {
    if (!pool || !value || attribute < 1 || attribute > LAST_ATTRIBUTE) return rv_note(hipErrorInvalidValue);
    uint64_t number = 0;
    if (!rv_copy_guarded(&number, value, attribute <= LAST_FLAG ? 4 : 8)) return rv_note(hipErrorInvalidValue);
    return RV_CALL(hipMemPoolSetAttribute, RV_N(pool), RV_S(attribute), number);
}

static int pool_attribute(hipMemPool_t pool, int attribute, uint64_t *value) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMemPoolGetAttribute, RV_N(pool), RV_S(attribute));
    *value = reply.values[0];
    return code;
}

RV_API hipError_t hipMemPoolGetAttribute(hipMemPool_t pool, int attribute, void *value) {
    if (!pool || !value || attribute < 1 || attribute > LAST_ATTRIBUTE) return rv_note(hipErrorInvalidValue);
    uint64_t number;
    int code = pool_attribute(pool, attribute, &number);
    if (code == hipSuccess) memcpy(value, &number, attribute <= LAST_FLAG ? 4 : 8);
    return code;
}

/* The device that a pool is on may always read and write; there is no other to be granted anything. */
RV_API hipError_t hipMemPoolSetAccess(hipMemPool_t pool, const hipMemAccessDesc *descs, size_t count) {
    if (!pool || !descs || !count) return rv_note(hipErrorInvalidValue);
    for (size_t i = 0; i < count; i++) {
        if (descs[i].location.type != LOCATION_DEVICE) return rv_note(hipErrorInvalidValue);
        if (descs[i].location.id != 0) return rv_note(hipErrorInvalidDevice);
        if (descs[i].flags != ACCESS_READ_WRITE) return rv_note(hipErrorInvalidValue);
    }
    uint64_t threshold;
    return pool_attribute(pool, THRESHOLD, &threshold); /* is it a pool? */
}

RV_API hipError_t hipMemPoolGetAccess(int *flags, hipMemPool_t pool, hipMemLocation *location) {
    if (!flags || !pool || !location || location->type != LOCATION_DEVICE) return rv_note(hipErrorInvalidValue);
    if (location->id != 0) return rv_note(hipErrorInvalidDevice);
    uint64_t threshold;
    *flags = ACCESS_READ_WRITE;
    return pool_attribute(pool, THRESHOLD, &threshold);
}

/* ---- the pools of a device */

RV_API hipError_t hipDeviceGetDefaultMemPool(hipMemPool_t *pool, int device) {
    if (!pool) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return pool_result(RV_CALL_INTO(&reply, hipDeviceGetDefaultMemPool, RV_S(device)), &reply, pool);
}

RV_API hipError_t hipDeviceGetMemPool(hipMemPool_t *pool, int device) {
    if (!pool) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return pool_result(RV_CALL_INTO(&reply, hipDeviceGetMemPool, RV_S(device)), &reply, pool);
}

RV_API hipError_t hipDeviceSetMemPool(int device, hipMemPool_t pool) {
    return pool ? RV_CALL(hipDeviceSetMemPool, RV_S(device), RV_N(pool)) : rv_note(hipErrorInvalidValue);
}

static bool is_on_device(const hipMemLocation *location, int type) {
    return location && location->type == LOCATION_DEVICE && type == 1;
}

RV_API hipError_t hipMemGetDefaultMemPool(hipMemPool_t *pool, hipMemLocation *location, int type) {
    if (!is_on_device(location, type)) return rv_note(hipErrorInvalidValue);
    return hipDeviceGetDefaultMemPool(pool, location->id);
}

RV_API hipError_t hipMemGetMemPool(hipMemPool_t *pool, hipMemLocation *location, int type) {
    if (!is_on_device(location, type)) return rv_note(hipErrorInvalidValue);
    return hipDeviceGetMemPool(pool, location->id);
}

RV_API hipError_t hipMemSetMemPool(hipMemLocation *location, int type, hipMemPool_t pool) {
    if (!is_on_device(location, type)) return rv_note(hipErrorInvalidValue);
    return hipDeviceSetMemPool(location->id, pool);
}
