#include <hip/hip_runtime.h>
#include <stdint.h>

/// int8 weights to float, one scale and one zero point per row.
extern "C" __global__ void dequant_int8(const int8_t* q, const float* scale, const int8_t* zero, float* out,
                                        int rows, int cols) {
    int row = blockIdx.x;
    const int8_t* src = q + row * cols;
    float* dst = out + row * cols;
    const float s = *(scale + row);
    const float z = (float)*(zero + row);
    for (int c = threadIdx.x; c < cols; c += blockDim.x) *(dst + c) = ((float)*(src + c) - z) * s;
}
