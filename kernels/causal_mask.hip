// Masks the scores of attention in place, before the softmax: x[m, i, j] = -infinity where query i must not
// see key j, that is j > i + seq_k - seq_q. The other elements are neither read nor written.
//
//   x   [matrices, seq_q, seq_k]
//
// Geometry: blockIdx.x covers 256 keys, y is the query, z the matrix.
#include "attention.h"

constexpr unsigned kMaskThreads = 256;

template <typename T>
__device__ __forceinline__ void causal_mask(T* __restrict__ x, unsigned seq_q, unsigned seq_k) {
  const unsigned key = blockIdx.x * kMaskThreads + threadIdx.x;
  const unsigned query = blockIdx.y;
  if (key >= seq_k || key < causal_keys(query, seq_q, seq_k)) return;
  const size_t row = static_cast<size_t>(blockIdx.z) * seq_q + query;
  store_rounded(x + row * seq_k + key, -static_cast<Compute<T>>(__builtin_inff()));
}

extern "C" __global__ __launch_bounds__(kMaskThreads) void causal_mask_kernel(float* x, unsigned seq_q,
                                                                              unsigned seq_k) {
  causal_mask(x, seq_q, seq_k);
}

extern "C" __global__ __launch_bounds__(kMaskThreads) void causal_mask_kernel_f16(
    _Float16* x, unsigned seq_q, unsigned seq_k) {
  causal_mask(x, seq_q, seq_k);
}

extern "C" __global__ __launch_bounds__(kMaskThreads) void causal_mask_kernel_bf16(
    Bf16* x, unsigned seq_q, unsigned seq_k) {
  causal_mask(x, seq_q, seq_k);
}

extern "C" __global__ __launch_bounds__(kMaskThreads) void causal_mask_kernel_f64(
    double* x, unsigned seq_q, unsigned seq_k) {
  causal_mask(x, seq_q, seq_k);
}
