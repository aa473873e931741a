/* Copies to and from arrays by the functions that name them. Those that wait are the device process's own calls; those
 * that do not are copies of rows of the array's memory. */
#include "copy.h"

static int finished(int code) {
    return code ? code : RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
}

/* x in bytes, y in rows; NULL: not an array, or what is to be copied leaves it. */
static void *place(const void *array, size_t x, size_t y, size_t width, size_t rows, size_t *pitch) {
    struct rv_array a;
    if (!rv_array_memory(array, &a)) return NULL;
    uint64_t all_rows = (a.height ? a.height : 1) * (a.depth ? a.depth : 1);
    *pitch = a.pitch;
    bool inside = x + width <= a.width * a.element && y + rows <= all_rows;
    return inside ? (void *)(uintptr_t)(a.address + y * a.pitch + x) : NULL;
}

/* ---- rows */

RV_API hipError_t hipMemcpy2DToArray(hipArray_t to, size_t x, size_t y, const void *from, size_t pitch, size_t width,
                                     size_t height, int kind) {
    return RV_CALL(hipMemcpy2DToArray, RV_N(to), x, y, RV_N(from), pitch, width, height, RV_S(kind));
}

RV_API hipError_t hipMemcpy2DFromArray(void *to, size_t pitch, hipArray_const_t from, size_t x, size_t y, size_t width,
                                       size_t height, int kind) {
    return RV_CALL(hipMemcpy2DFromArray, RV_N(to), pitch, RV_N(from), x, y, width, height, RV_S(kind));
}

RV_API hipError_t hipMemcpy2DToArrayAsync(hipArray_t to, size_t x, size_t y, const void *from, size_t pitch, size_t width,
                                          size_t height, int kind, hipStream_t stream) {
    size_t to_pitch;
    void *target = place(to, x, y, width, height, &to_pitch);
    if (!target) return rv_note(hipErrorInvalidValue);
    return hipMemcpy2DAsync(target, to_pitch, from, pitch, width, height, kind, stream);
}

RV_API hipError_t hipMemcpy2DFromArrayAsync(void *to, size_t pitch, hipArray_const_t from, size_t x, size_t y, size_t width,
                                            size_t height, int kind, hipStream_t stream) {
    size_t from_pitch;
    void *source = place(from, x, y, width, height, &from_pitch);
    if (!source) return rv_note(hipErrorInvalidValue);
    return hipMemcpy2DAsync(to, pitch, source, from_pitch, width, height, kind, stream);
}

RV_API hipError_t hipMemcpy2DArrayToArray(hipArray_t to, size_t to_x, size_t to_y, hipArray_const_t from, size_t from_x,
                                          size_t from_y, size_t width, size_t height, int kind) {
    size_t to_pitch, from_pitch;
    void *target = place(to, to_x, to_y, width, height, &to_pitch);
    void *source = place(from, from_x, from_y, width, height, &from_pitch);
    if (!target || !source) return rv_note(hipErrorInvalidValue);
    return hipMemcpy2D(target, to_pitch, source, from_pitch, width, height, kind);
}

RV_API hipError_t hipMemcpy2DToArray_spt(hipArray_t to, size_t x, size_t y, const void *from, size_t pitch, size_t width,
                                         size_t height, int kind) {
    return finished(hipMemcpy2DToArrayAsync(to, x, y, from, pitch, width, height, kind, hipStreamPerThread));
}

RV_API hipError_t hipMemcpy2DFromArray_spt(void *to, size_t pitch, hipArray_const_t from, size_t x, size_t y, size_t width,
                                           size_t height, int kind) {
    return finished(hipMemcpy2DFromArrayAsync(to, pitch, from, x, y, width, height, kind, hipStreamPerThread));
}

RV_API hipError_t hipMemcpy2DToArrayAsync_spt(hipArray_t to, size_t x, size_t y, const void *from, size_t pitch,
                                              size_t width, size_t height, int kind, hipStream_t stream) {
    return hipMemcpy2DToArrayAsync(to, x, y, from, pitch, width, height, kind, rv_per_thread(stream));
}

RV_API hipError_t hipMemcpy2DFromArrayAsync_spt(void *to, size_t pitch, hipArray_const_t from, size_t x, size_t y,
                                                size_t width, size_t height, int kind, hipStream_t stream) {
    return hipMemcpy2DFromArrayAsync(to, pitch, from, x, y, width, height, kind, rv_per_thread(stream));
}

/* ---- counts of bytes, which may go on in the next row */

RV_API hipError_t hipMemcpyToArray(hipArray_t to, size_t x, size_t y, const void *from, size_t count, int kind) {
    return RV_CALL(hipMemcpyToArray, RV_N(to), x, y, RV_N(from), count, RV_S(kind));
}

RV_API hipError_t hipMemcpyFromArray(void *to, hipArray_const_t from, size_t x, size_t y, size_t count, int kind) {
    return RV_CALL(hipMemcpyFromArray, RV_N(to), RV_N(from), x, y, count, RV_S(kind));
}

RV_API hipError_t hipMemcpyFromArray_spt(void *to, hipArray_const_t from, size_t x, size_t y, size_t count, int kind) {
    int code = RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
    return code ? code : hipMemcpyFromArray(to, from, x, y, count, kind);
}

/* ---- the driver's: arrays of one row, offsets in bytes */

static void *row(const void *array, size_t offset, size_t count) {
    size_t pitch;
    return place(array, offset, 0, count, 1, &pitch);
}

RV_API hipError_t hipMemcpyAtoH(void *to, hipArray_t from, size_t offset, size_t count) {
    void *source = row(from, offset, count);
    return source ? hipMemcpyDtoH(to, source, count) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpyHtoA(hipArray_t to, size_t offset, const void *from, size_t count) {
    void *target = row(to, offset, count);
    return target ? hipMemcpyHtoD(target, from, count) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpyAtoHAsync(void *to, hipArray_t from, size_t offset, size_t count, hipStream_t stream) {
    void *source = row(from, offset, count);
    return source ? hipMemcpyDtoHAsync(to, source, count, stream) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpyHtoAAsync(hipArray_t to, size_t offset, const void *from, size_t count, hipStream_t stream) {
    void *target = row(to, offset, count);
    return target ? hipMemcpyHtoDAsync(target, from, count, stream) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpyAtoD(hipDeviceptr_t to, hipArray_t from, size_t offset, size_t count) {
    void *source = row(from, offset, count);
    return source ? hipMemcpyDtoD(to, source, count) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpyDtoA(hipArray_t to, size_t offset, hipDeviceptr_t from, size_t count) {
    void *target = row(to, offset, count);
    return target ? hipMemcpyDtoD(target, from, count) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpyAtoA(hipArray_t to, size_t to_offset, hipArray_t from, size_t from_offset, size_t count) {
    void *target = row(to, to_offset, count), *source = row(from, from_offset, count);
    return target && source ? hipMemcpyDtoD(target, source, count) : rv_note(hipErrorInvalidValue);
}
