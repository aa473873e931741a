#include <hip/hip_runtime.h>

__device__ float block_sum(float value, float* part) {
    part[threadIdx.x] = value;
    __syncthreads();
    for (int step = 64; step > 0; step >>= 1) {
        if (threadIdx.x < step) *(part + threadIdx.x) += *(part + threadIdx.x + step);
        __syncthreads();
    }
    const float total = part[0];
    __syncthreads();
    return total;
}

/// Layer norm over the last axis of the sum of x and residual.
extern "C" __global__ __launch_bounds__(128) void residual_norm(
    const float* __restrict__ x, const float* __restrict__ residual, const float* __restrict__ gain,
    const float* __restrict__ shift, float* __restrict__ out, int tokens, int width, float eps) {
    __shared__ float part[128];
    const int token = blockIdx.x;
    x += (size_t)token * width;
    residual += (size_t)token * width;
    float s = 0.f, q = 0.f;
    for (int i = threadIdx.x; i < width; i += blockDim.x) s += x[i] + residual[i];
    const float mean = block_sum(s, part) / width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        const float h = x[i] + residual[i] - mean;
        q += h * h;
    }
    const float scale = 1.f / sqrtf(block_sum(q, part) / width + eps);
    float* row = out + (size_t)token * width;
    for (int i = threadIdx.x; i < width; i += blockDim.x)
        row[i] = (x[i] + residual[i] - mean) * scale * gain[i] + shift[i];
}
