/* Copies of one row of bytes. Those that wait take the bytes of short ones along, in the request or in the answer;
 * longer ones go through the thread's staging memory while it waits. Those that do not wait are queued: host memory
 * that the device process sees is read when the copy is executed, other host memory when --order says so. */
#include "copy.h"

#include "internal.h"

bool rv_is_pageable(const void *address) {
    return !rv_is_device(address) && !rv_is_shared(address) && !rv_is_registered(address);
}

static bool is_plausible(const void *to, const void *from, int kind) {
    switch (kind) {
    case hipMemcpyHostToHost: return !rv_is_device(to) && !rv_is_device(from);
    case hipMemcpyHostToDevice: return !rv_is_pageable(to) && !rv_is_device(from);
    case hipMemcpyDeviceToHost: return !rv_is_device(to) && !rv_is_pageable(from);
    case hipMemcpyDeviceToDevice:
    case hipMemcpyDeviceToDeviceNoCU: return !rv_is_pageable(to) && !rv_is_pageable(from);
    default: return kind == hipMemcpyDefault;
    }
}

bool rv_copy_is_sure(const void *to, const void *from, int kind, hipStream_t stream) {
    if (!to || !from || !rv_connected() || !rv_known_stream(stream) || !is_plausible(to, from, kind)) return false;
    if (rv_order() == RV_CHECKED) return rv_is_device(to) && rv_is_device(from);
    return rv_order() != RV_EAGER || (!rv_is_pageable(to) && !rv_is_pageable(from));
}

bool rv_copy_is_inline(const void *to, const void *from, size_t size, int kind) {
    bool to_device = kind == hipMemcpyHostToDevice || kind == hipMemcpyDefault;
    if (!to_device || !size || size > RV_INLINE_BYTES || rv_capturing() || !rv_connected()) return false;
    return rv_is_pageable(from) && !rv_is_pageable(to);
}

int rv_copy_now(enum rv_call call, const uint64_t *args, unsigned nargs, void *to, const void *payload, uint32_t bytes,
                unsigned flags) {
    rv_reply reply;
    int code = rv_call_flags(&reply, call, args, nargs, payload, bytes, flags);
    if (code == 0 && reply.payload_bytes && !rv_copy_guarded(to, reply.payload, reply.payload_bytes))
        code = rv_note(hipErrorInvalidValue);
    return code;
}

/* What can be read now goes along; what cannot is for the device process to find out, and to refuse. */
static int copy_now(enum rv_call call, const uint64_t *args, unsigned nargs, int kind) {
    void *to = (void *)(uintptr_t)args[0];
    const void *from = (const void *)(uintptr_t)args[1];
    size_t size = args[2];
    bool inlined = rv_copy_is_inline(to, from, size, kind) && rv_readable(from, size);
    return rv_copy_now(call, args, nargs, to, from, inlined ? (uint32_t)size : 0, inlined ? RV_INLINE : 0);
}

static int copy_later(enum rv_call call, const uint64_t *args, unsigned nargs, int kind, hipStream_t stream) {
    const void *to = (const void *)(uintptr_t)args[0], *from = (const void *)(uintptr_t)args[1];
    size_t size = args[2];
    if (size && rv_copy_is_sure(to, from, kind, stream)) return rv_post(call, args, nargs, NULL, 0, 0);
    bool eager = rv_connected() && rv_order() == RV_EAGER;
    if (eager && rv_known_stream(stream) && rv_copy_is_inline(to, from, size, kind) && rv_readable(from, size))
        return rv_post(call, args, nargs, from, (uint32_t)size, RV_INLINE);
    return rv_call(NULL, call, args, nargs, NULL, 0);
}

/* ---- of a kind that the program names */

RV_API hipError_t hipMemcpy(void *to, const void *from, size_t size, int kind) {
    return copy_now(RV_CALL_hipMemcpy, RV_ARGS(RV_N(to), RV_N(from), size, RV_S(kind)), kind);
}

RV_API hipError_t hipMemcpyWithStream(void *to, const void *from, size_t size, int kind, hipStream_t stream) {
    return copy_now(RV_CALL_hipMemcpyWithStream, RV_ARGS(RV_N(to), RV_N(from), size, RV_S(kind), RV_N(stream)), kind);
}

RV_API hipError_t hipMemcpyAsync(void *to, const void *from, size_t size, int kind, hipStream_t stream) {
    return copy_later(RV_CALL_hipMemcpyAsync, RV_ARGS(RV_N(to), RV_N(from), size, RV_S(kind), RV_N(stream)), kind, stream);
}

RV_API hipError_t hipMemcpy_spt(void *to, const void *from, size_t size, int kind) {
    return hipMemcpyWithStream(to, from, size, kind, hipStreamPerThread);
}

RV_API hipError_t hipMemcpyAsync_spt(void *to, const void *from, size_t size, int kind, hipStream_t stream) {
    return hipMemcpyAsync(to, from, size, kind, rv_per_thread(stream));
}

/* ---- of the kind that the function's name tells */

RV_API hipError_t hipMemcpyHtoD(hipDeviceptr_t to, const void *from, size_t size) {
    return copy_now(RV_CALL_hipMemcpyHtoD, RV_ARGS(RV_N(to), RV_N(from), size), hipMemcpyHostToDevice);
}

RV_API hipError_t hipMemcpyDtoH(void *to, hipDeviceptr_t from, size_t size) {
    return copy_now(RV_CALL_hipMemcpyDtoH, RV_ARGS(RV_N(to), RV_N(from), size), hipMemcpyDeviceToHost);
}

RV_API hipError_t hipMemcpyDtoD(hipDeviceptr_t to, hipDeviceptr_t from, size_t size) {
    return copy_now(RV_CALL_hipMemcpyDtoD, RV_ARGS(RV_N(to), RV_N(from), size), hipMemcpyDeviceToDevice);
}

RV_API hipError_t hipMemcpyHtoDAsync(hipDeviceptr_t to, const void *from, size_t size, hipStream_t stream) {
    return copy_later(RV_CALL_hipMemcpyHtoDAsync, RV_ARGS(RV_N(to), RV_N(from), size, RV_N(stream)), hipMemcpyHostToDevice,
                      stream);
}

RV_API hipError_t hipMemcpyDtoHAsync(void *to, hipDeviceptr_t from, size_t size, hipStream_t stream) {
    return copy_later(RV_CALL_hipMemcpyDtoHAsync, RV_ARGS(RV_N(to), RV_N(from), size, RV_N(stream)), hipMemcpyDeviceToHost,
                      stream);
}

RV_API hipError_t hipMemcpyDtoDAsync(hipDeviceptr_t to, hipDeviceptr_t from, size_t size, hipStream_t stream) {
    return copy_later(RV_CALL_hipMemcpyDtoDAsync, RV_ARGS(RV_N(to), RV_N(from), size, RV_N(stream)),
                      hipMemcpyDeviceToDevice, stream);
}

RV_API hipError_t hipMemcpyPeer(void *to, int to_device, const void *from, int from_device, size_t size) {
    return RV_CALL(hipMemcpyPeer, RV_N(to), RV_S(to_device), RV_N(from), RV_S(from_device), size);
}

RV_API hipError_t hipMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t size,
                                     hipStream_t stream) {
    bool sure = to_device == 0 && from_device == 0 && rv_copy_is_sure(to, from, hipMemcpyDeviceToDevice, stream);
    return RV_QUEUE(sure, hipMemcpyPeerAsync, RV_N(to), RV_S(to_device), RV_N(from), RV_S(from_device), size, RV_N(stream));
}

/* Attributes are hints of when sources are read; in order is right for all of them. */
RV_API hipError_t hipMemcpyBatchAsync(void **to, void **from, size_t *sizes, size_t count, void *attributes,
                                      size_t *attribute_starts, size_t attribute_count, size_t *failed, hipStream_t stream) {
    (void)attributes, (void)attribute_starts, (void)attribute_count;
    if (failed) *failed = SIZE_MAX;
    if (!to || !from || !sizes || !count) return rv_note(hipErrorInvalidValue);
    for (size_t i = 0; i < count; i++) {
        int code = hipMemcpyAsync(to[i], from[i], sizes[i], hipMemcpyDefault, stream);
        if (code && failed) *failed = i;
        if (code) return code;
    }
    return 0;
}
