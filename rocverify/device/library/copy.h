/* What the files of copies share. */
#ifndef ROCVERIFY_COPY_H
#define ROCVERIFY_COPY_H

#include "client.h"

/* Host memory of the program that the device process cannot see: reached through the thread that waits. */
bool rv_is_pageable(const void *address);

/* May a copy on a stream be queued, with nobody waiting? `to` and `from` are its places. */
bool rv_copy_is_sure(const void *to, const void *from, int kind, hipStream_t stream);

/* What a short copy to the device would read, sent with the request; false: it is to be read when it is executed. */
bool rv_copy_is_inline(const void *to, const void *from, size_t size, int kind);

/* Waits; and puts the bytes of a short copy to the host where they belong. `args` begin with it, `size` is the copy's. */
int rv_copy_now(enum rv_call call, const uint64_t *args, unsigned nargs, void *to, const void *payload, uint32_t bytes,
                unsigned flags);

/* What hipMemcpy3D sends: rows within slices on both sides, `to_rows` and `from_rows` rows from slice to slice. */
struct rv_box {
    uint64_t to, to_pitch, to_rows, from, from_pitch, from_rows, width, height, depth, kind;
};
enum { RV_BOX_WORDS = sizeof(struct rv_box) / sizeof(uint64_t) };
bool rv_box_of(const hipMemcpy3DParms *parms, struct rv_box *box); /* false: not a copy that is possible */
bool rv_box_of_driver(const void *copy, struct rv_box *box);       /* of a HIP_MEMCPY3D */

/* HIP functions that others are made of. */
hipError_t hipMemcpyHtoD(hipDeviceptr_t to, const void *from, size_t size);
hipError_t hipMemcpyDtoH(void *to, hipDeviceptr_t from, size_t size);
hipError_t hipMemcpyDtoD(hipDeviceptr_t to, hipDeviceptr_t from, size_t size);
hipError_t hipMemcpyHtoDAsync(hipDeviceptr_t to, const void *from, size_t size, hipStream_t stream);
hipError_t hipMemcpyDtoHAsync(void *to, hipDeviceptr_t from, size_t size, hipStream_t stream);
hipError_t hipMemcpy(void *to, const void *from, size_t size, int kind);
hipError_t hipMemcpyAsync(void *to, const void *from, size_t size, int kind, hipStream_t stream);
hipError_t hipMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind);
hipError_t hipMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                            int kind, hipStream_t stream);

#endif
