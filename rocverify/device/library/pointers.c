/* What can be asked about pointers, and what managed memory can be told. */
#include <string.h>

#include "client.h"

/* Of an answer to hipPointerGetAttributes. */
enum { TYPE, DEVICE, DEVICE_POINTER, HOST_POINTER, IS_MANAGED, FLAGS, BASE, SIZE };
enum { HOST, ON_DEVICE, UNREGISTERED, MANAGED };

/* hipMemoryType, of the headers that the program was built with. */
static int memory_type(uint64_t type) {
    static const int old[] = {0, 1, 0, 3}, now[] = {hipMemoryTypeHost, hipMemoryTypeDevice, hipMemoryTypeUnregistered,
                                                    hipMemoryTypeManaged};
    return (rv_abi() == 5 ? old : now)[type & 3];
}

static int ask(const void *pointer, rv_reply *reply) {
    return pointer ? RV_CALL_INTO(reply, hipPointerGetAttributes, RV_N(pointer)) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipPointerGetAttributes(hipPointerAttribute_t *attributes, const void *pointer) {
    rv_reply reply;
    if (!attributes) return rv_note(hipErrorInvalidValue);
    int code = ask(pointer, &reply);
    if (code) return code;
    const uint64_t *v = reply.values;
    if (v[TYPE] == UNREGISTERED && rv_abi() == 5) return rv_note(hipErrorInvalidValue); /* as ROCm 5 does */
    *attributes = (hipPointerAttribute_t){
        .type = memory_type(v[TYPE]),
        .device = (int)v[DEVICE],
        .devicePointer = (void *)(uintptr_t)v[DEVICE_POINTER],
        .hostPointer = (void *)(uintptr_t)v[HOST_POINTER],
        .isManaged = (int)v[IS_MANAGED],
        .allocationFlags = (unsigned)v[FLAGS],
    };
    return 0;
}

/* hipPointer_attribute */
enum {
    ASK_CONTEXT = 1, ASK_TYPE, ASK_DEVICE_POINTER, ASK_HOST_POINTER, ASK_P2P_TOKENS, ASK_SYNC_MEMOPS, ASK_BUFFER_ID,
    ASK_IS_MANAGED, ASK_DEVICE_ORDINAL, ASK_LEGACY_IPC, ASK_RANGE_START, ASK_RANGE_SIZE, ASK_MAPPED,
    ASK_HANDLE_TYPES, ASK_GPU_DIRECT, ASK_ACCESS_FLAGS, ASK_POOL,
};

static void put_number(void *data, int number) {
    memcpy(data, &number, sizeof number);
}

static int one_attribute(void *data, int attribute, const uint64_t *v) {
    bool known = v[TYPE] != UNREGISTERED;
    switch (attribute) {
    case ASK_TYPE: put_number(data, memory_type(v[TYPE])); return known ? 0 : hipErrorInvalidValue;
    case ASK_DEVICE_POINTER: memcpy(data, &v[DEVICE_POINTER], 8); return known ? 0 : hipErrorInvalidValue;
    case ASK_HOST_POINTER: memcpy(data, &v[HOST_POINTER], 8); return v[HOST_POINTER] ? 0 : hipErrorInvalidValue;
    case ASK_SYNC_MEMOPS: put_number(data, 1); return 0;
    case ASK_BUFFER_ID: memcpy(data, &v[BASE], 8); return known ? 0 : hipErrorInvalidValue;
    case ASK_IS_MANAGED: *(bool *)data = v[IS_MANAGED]; return 0;
    case ASK_DEVICE_ORDINAL: put_number(data, (int)v[DEVICE]); return known ? 0 : hipErrorInvalidValue;
    case ASK_LEGACY_IPC: *(bool *)data = false; return 0;
    case ASK_RANGE_START: memcpy(data, &v[BASE], 8); return known ? 0 : hipErrorInvalidValue;
    case ASK_RANGE_SIZE: memcpy(data, &v[SIZE], 8); return known ? 0 : hipErrorInvalidValue;
    case ASK_MAPPED: *(bool *)data = known; return 0;
    case ASK_GPU_DIRECT: *(bool *)data = false; return 0;
    case ASK_ACCESS_FLAGS: put_number(data, 3); return 0; /* read and write */
    default: return hipErrorNotSupported;
    }
}

RV_API hipError_t hipPointerGetAttribute(void *data, int attribute, hipDeviceptr_t pointer) {
    rv_reply reply;
    if (!data) return rv_note(hipErrorInvalidValue);
    int code = ask(pointer, &reply);
    return code ? code : rv_note(one_attribute(data, attribute, reply.values));
}

RV_API hipError_t hipDrvPointerGetAttributes(unsigned count, int *attributes, void **data, hipDeviceptr_t pointer) {
    rv_reply reply;
    if (!attributes || !data) return rv_note(hipErrorInvalidValue);
    int code = ask(pointer, &reply);
    /* Those that the pointer has not are left as they are, without an error: so the function is documented. */
    for (unsigned i = 0; code == 0 && i < count; i++)
        if (data[i]) one_attribute(data[i], attributes[i], reply.values);
    return code;
}

RV_API hipError_t hipPointerSetAttribute(const void *value, int attribute, hipDeviceptr_t pointer) {
    if (!value || !pointer || attribute != ASK_SYNC_MEMOPS) return rv_note(hipErrorInvalidValue);
    return hipSuccess; /* synchronous operations on that memory do synchronise */
}

RV_API hipError_t hipMemGetAddressRange(hipDeviceptr_t *base, size_t *size, hipDeviceptr_t pointer) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMemGetAddressRange, RV_N(pointer));
    if (code) return code;
    if (base) *base = (void *)(uintptr_t)reply.values[0];
    if (size) *size = reply.values[1];
    return 0;
}

RV_API hipError_t hipMemPtrGetInfo(void *pointer, size_t *size) {
    return size ? hipMemGetAddressRange(NULL, size, pointer) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipHostGetDevicePointer(void **device, void *host, unsigned flags) {
    rv_reply reply;
    if (!device || !host) return rv_note(hipErrorInvalidValue);
    int code = RV_CALL_INTO(&reply, hipHostGetDevicePointer, RV_N(host), flags);
    if (code == 0) *device = (void *)(uintptr_t)reply.values[0];
    return code;
}

RV_API hipError_t hipHostGetFlags(unsigned *flags, void *host) {
    rv_reply reply;
    if (!flags || !host) return rv_note(hipErrorInvalidValue);
    int code = RV_CALL_INTO(&reply, hipHostGetFlags, RV_N(host));
    if (code == 0) *flags = (unsigned)reply.values[0];
    return code;
}

/* ---- managed memory */

#define CPU_DEVICE (-1)

static int device_of(hipMemLocation location) {
    return location.type == 1 ? location.id : CPU_DEVICE;
}

RV_API hipError_t hipMemAdvise(const void *pointer, size_t size, int advice, int device) {
    return RV_CALL(hipMemAdvise, RV_N(pointer), size, RV_S(advice), RV_S(device));
}

RV_API hipError_t hipMemAdvise_v2(const void *pointer, size_t size, int advice, hipMemLocation location) {
    return hipMemAdvise(pointer, size, advice, device_of(location));
}

RV_API hipError_t hipMemPrefetchAsync(const void *pointer, size_t size, int device, hipStream_t stream) {
    return RV_CALL(hipMemPrefetchAsync, RV_N(pointer), size, RV_S(device), RV_N(stream));
}

RV_API hipError_t hipMemPrefetchAsync_v2(const void *pointer, size_t size, hipMemLocation location, unsigned flags,
                                         hipStream_t stream) {
    (void)flags; /* reserved */
    return hipMemPrefetchAsync(pointer, size, device_of(location), stream);
}

RV_API hipError_t hipMemRangeGetAttribute(void *data, size_t data_bytes, int attribute, const void *pointer, size_t size) {
    rv_reply reply;
    if (!data || data_bytes < sizeof(int)) return rv_note(hipErrorInvalidValue);
    int code = RV_CALL_INTO(&reply, hipMemRangeGetAttribute, data_bytes, RV_S(attribute), RV_N(pointer), size);
    if (code) return code;
    /* A list of devices ends with the invalid device. */
    for (size_t i = 0; i < data_bytes / sizeof(int); i++)
        put_number((int *)data + i, i == 0 ? (int)reply.values[0] : -2);
    return 0;
}

RV_API hipError_t hipMemRangeGetAttributes(void **data, size_t *bytes, int *attributes, size_t count, const void *pointer,
                                           size_t size) {
    if (!data || !bytes || !attributes) return rv_note(hipErrorInvalidValue);
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = hipMemRangeGetAttribute(data[i], bytes[i], attributes[i], pointer, size);
    return code;
}
