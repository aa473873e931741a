/* The memset functions. */
#include "client.h"

/* What can be judged at once; the rest waits for the device process's judgement. */
static bool sure(const void *pointer, hipStream_t stream) {
    return rv_known_stream(stream) && (rv_is_device(pointer) || rv_is_shared(pointer));
}

RV_API hipError_t hipMemset(void *pointer, int value, size_t size) {
    return RV_CALL(hipMemset, RV_N(pointer), RV_S(value), size);
}

RV_API hipError_t hipMemsetAsync(void *pointer, int value, size_t size, hipStream_t stream) {
    return RV_QUEUE(sure(pointer, stream), hipMemsetAsync, RV_N(pointer), RV_S(value), size, RV_N(stream));
}

RV_API hipError_t hipMemset_spt(void *pointer, int value, size_t size) {
    int code = RV_CALL(hipMemsetAsync, RV_N(pointer), RV_S(value), size, RV_N(hipStreamPerThread));
    return code ? code : RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
}

RV_API hipError_t hipMemsetAsync_spt(void *pointer, int value, size_t size, hipStream_t stream) {
    return hipMemsetAsync(pointer, value, size, rv_per_thread(stream));
}

/* Counts are of elements here. */
RV_API hipError_t hipMemsetD8(hipDeviceptr_t pointer, unsigned char value, size_t count) {
    return RV_CALL(hipMemsetD8, RV_N(pointer), value, count);
}

RV_API hipError_t hipMemsetD8Async(hipDeviceptr_t pointer, unsigned char value, size_t count, hipStream_t stream) {
    return RV_QUEUE(sure(pointer, stream), hipMemsetD8Async, RV_N(pointer), value, count, RV_N(stream));
}

RV_API hipError_t hipMemsetD16(hipDeviceptr_t pointer, unsigned short value, size_t count) {
    return RV_CALL(hipMemsetD16, RV_N(pointer), value, count);
}

RV_API hipError_t hipMemsetD16Async(hipDeviceptr_t pointer, unsigned short value, size_t count, hipStream_t stream) {
    return RV_QUEUE(sure(pointer, stream), hipMemsetD16Async, RV_N(pointer), value, count, RV_N(stream));
}

RV_API hipError_t hipMemsetD32(hipDeviceptr_t pointer, int value, size_t count) {
    return RV_CALL(hipMemsetD32, RV_N(pointer), RV_S(value), count);
}

RV_API hipError_t hipMemsetD32Async(hipDeviceptr_t pointer, int value, size_t count, hipStream_t stream) {
    return RV_QUEUE(sure(pointer, stream), hipMemsetD32Async, RV_N(pointer), RV_S(value), count, RV_N(stream));
}

RV_API hipError_t hipMemset2D(void *pointer, size_t pitch, int value, size_t width, size_t height) {
    return RV_CALL(hipMemset2D, RV_N(pointer), pitch, RV_S(value), width, height);
}

RV_API hipError_t hipMemset2DAsync(void *pointer, size_t pitch, int value, size_t width, size_t height, hipStream_t stream) {
    return RV_QUEUE(sure(pointer, stream), hipMemset2DAsync, RV_N(pointer), pitch, RV_S(value), width, height, RV_N(stream));
}

RV_API hipError_t hipMemset2D_spt(void *pointer, size_t pitch, int value, size_t width, size_t height) {
    int code = hipMemset2DAsync(pointer, pitch, value, width, height, hipStreamPerThread);
    return code ? code : RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
}

RV_API hipError_t hipMemset2DAsync_spt(void *pointer, size_t pitch, int value, size_t width, size_t height,
                                       hipStream_t stream) {
    return hipMemset2DAsync(pointer, pitch, value, width, height, rv_per_thread(stream));
}

RV_API hipError_t hipMemset3D(hipPitchedPtr p, int value, hipExtent extent) {
    return RV_CALL(hipMemset3D, RV_N(p.ptr), p.pitch, p.ysize, RV_S(value), extent.width, extent.height, extent.depth);
}

RV_API hipError_t hipMemset3DAsync(hipPitchedPtr p, int value, hipExtent extent, hipStream_t stream) {
    return RV_QUEUE(sure(p.ptr, stream), hipMemset3DAsync, RV_N(p.ptr), p.pitch, p.ysize, RV_S(value), extent.width,
                    extent.height, extent.depth, RV_N(stream));
}

RV_API hipError_t hipMemset3D_spt(hipPitchedPtr p, int value, hipExtent extent) {
    int code = hipMemset3DAsync(p, value, extent, hipStreamPerThread);
    return code ? code : RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
}

RV_API hipError_t hipMemset3DAsync_spt(hipPitchedPtr p, int value, hipExtent extent, hipStream_t stream) {
    return hipMemset3DAsync(p, value, extent, rv_per_thread(stream));
}

/* Rows of elements of two and four bytes: each row is a memset of its own. */
RV_API hipError_t hipMemsetD2D16Async(hipDeviceptr_t pointer, size_t pitch, unsigned short value, size_t width, size_t height,
                                      hipStream_t stream) {
    int code = 0;
    for (size_t row = 0; code == 0 && row < height; row++)
        code = hipMemsetD16Async((char *)pointer + row * pitch, value, width, stream);
    return code;
}

RV_API hipError_t hipMemsetD2D32Async(hipDeviceptr_t pointer, size_t pitch, unsigned value, size_t width, size_t height,
                                      hipStream_t stream) {
    int code = 0;
    for (size_t row = 0; code == 0 && row < height; row++)
        code = hipMemsetD32Async((char *)pointer + row * pitch, (int)value, width, stream);
    return code;
}

RV_API hipError_t hipMemsetD2D8Async(hipDeviceptr_t pointer, size_t pitch, unsigned char value, size_t width, size_t height,
                                     hipStream_t stream) {
    return hipMemset2DAsync(pointer, pitch, value, width, height, stream);
}

RV_API hipError_t hipMemsetD2D8(hipDeviceptr_t pointer, size_t pitch, unsigned char value, size_t width, size_t height) {
    return hipMemset2D(pointer, pitch, value, width, height);
}

static int finished(int code) {
    return code ? code : RV_CALL(hipStreamSynchronize, 0);
}

RV_API hipError_t hipMemsetD2D16(hipDeviceptr_t pointer, size_t pitch, unsigned short value, size_t width, size_t height) {
    return finished(hipMemsetD2D16Async(pointer, pitch, value, width, height, NULL));
}

RV_API hipError_t hipMemsetD2D32(hipDeviceptr_t pointer, size_t pitch, unsigned value, size_t width, size_t height) {
    return finished(hipMemsetD2D32Async(pointer, pitch, value, width, height, NULL));
}
