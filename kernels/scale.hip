// Scales the scores of attention in place: x[n] *= factor.
//
//   x   `count` elements
//
// One work-item scales one element; those beyond the last do nothing.
#include "attention.h"

constexpr unsigned kScaleThreads = 256;

template <typename T>
__device__ __forceinline__ void scale(T* __restrict__ x, unsigned long long count, Compute<T> factor) {
  const size_t index = static_cast<size_t>(blockIdx.x) * kScaleThreads + threadIdx.x;
  if (index < count) store_rounded(x + index, load_compute(x + index) * factor);
}

extern "C" __global__ __launch_bounds__(kScaleThreads) void scale_kernel(float* x, unsigned long long count,
                                                                         float factor) {
  scale(x, count, factor);
}

extern "C" __global__ __launch_bounds__(kScaleThreads) void scale_kernel_f16(
    _Float16* x, unsigned long long count, float factor) {
  scale(x, count, factor);
}

extern "C" __global__ __launch_bounds__(kScaleThreads) void scale_kernel_bf16(
    Bf16* x, unsigned long long count, float factor) {
  scale(x, count, factor);
}

extern "C" __global__ __launch_bounds__(kScaleThreads) void scale_kernel_f64(
    double* x, unsigned long long count, double factor) {
  scale(x, count, factor);
}
