// Softmax of every row in place: x[r, c] = exp(x[r, c] - max) / sum over c of exp(x[r, c] - max).
//
//   x   [rows, columns]
//
// One workgroup reduces one row, however long: each work-item takes every 256th element, then all 256
// partial results are combined. A row whose elements are all -infinity (a fully masked one) becomes
// zeros, not NaN. NaN or +infinity in a row make all of it NaN.
#include "attention.h"

constexpr unsigned kSoftmaxThreads = 256;

__device__ __forceinline__ float exponential(float x) { return expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }
__device__ __forceinline__ float larger(float a, float b) { return fmaxf(a, b); }
__device__ __forceinline__ double larger(double a, double b) { return fmax(a, b); }

// The sum of exp(x - largest) over some elements. `largest` is -infinity where there are none.
template <typename C>
struct Partial {
  C largest;
  C sum;
};

// exp(x - largest), where a largest of -infinity stands for no admissible element at all.
template <typename C>
__device__ __forceinline__ C weight(C x, C largest) {
  return exponential(x - (largest == -C(__builtin_inff()) ? C(0) : largest));
}

template <typename C>
__device__ __forceinline__ Partial<C> combined(Partial<C> a, Partial<C> b) {
  const C largest = larger(a.largest, b.largest);
  return {largest, a.sum * weight(a.largest, largest) + b.sum * weight(b.largest, largest)};
}

template <typename T>
__device__ __forceinline__ void softmax(T* __restrict__ x, unsigned columns) {
  using C = Compute<T>;
  __shared__ Partial<C> partials[kSoftmaxThreads];
  T* const row = x + static_cast<size_t>(blockIdx.x) * columns;

  Partial<C> mine{-C(__builtin_inff()), C(0)};
  for (unsigned c = threadIdx.x; c < columns; c += kSoftmaxThreads) {
    mine = combined(mine, Partial<C>{load_compute(row + c), C(1)});
  }
  partials[threadIdx.x] = mine;
  for (unsigned width = kSoftmaxThreads / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) {
      partials[threadIdx.x] = combined(partials[threadIdx.x], partials[threadIdx.x + width]);
    }
  }
  __syncthreads();

  const Partial<C> all = partials[0];
  for (unsigned c = threadIdx.x; c < columns; c += kSoftmaxThreads) {
    const C numerator = weight<C>(load_compute(row + c), all.largest);
    store_rounded(row + c, all.sum == C(0) ? C(0) : numerator / all.sum);
  }
}

extern "C" __global__ __launch_bounds__(kSoftmaxThreads) void softmax_kernel(float* x, unsigned columns) {
  softmax(x, columns);
}

extern "C" __global__ __launch_bounds__(kSoftmaxThreads) void softmax_kernel_f16(_Float16* x,
                                                                                 unsigned columns) {
  softmax(x, columns);
}

extern "C" __global__ __launch_bounds__(kSoftmaxThreads) void softmax_kernel_bf16(Bf16* x, unsigned columns) {
  softmax(x, columns);
}

extern "C" __global__ __launch_bounds__(kSoftmaxThreads) void softmax_kernel_f64(double* x,
                                                                                 unsigned columns) {
  softmax(x, columns);
}
