// Rotary position embedding of the queries and the keys of one attention layer, in one launch, in place.
//
//   q          [seq, q_heads, head_dim], contiguous, of the kernel's storage type
//   k          [seq, k_heads, head_dim], likewise; fewer heads than q in grouped-query attention
//   cos, sin   [seq, head_dim / 2], float32: row p holds the angles of the token at index p
//
// Geometry as in rope.hip; y covers the q_heads of q and after them the k_heads of k.
#include "rope_pair.h"

template <typename T, PairLayout layout>
__device__ __forceinline__ void position_embeddings(T* __restrict__ q, T* __restrict__ k,
                                                    const float* __restrict__ cos,
                                                    const float* __restrict__ sin, unsigned seq,
                                                    unsigned q_heads, unsigned k_heads,
                                                    unsigned head_dim) {
  const unsigned token = blockIdx.x;
  const unsigned head = blockIdx.y * blockDim.y + threadIdx.y;
  const unsigned pair = blockIdx.z * blockDim.x + threadIdx.x;
  const unsigned pairs = head_dim / 2;
  if (token >= seq || head >= q_heads + k_heads || pair >= pairs) return;

  const bool is_query = head < q_heads;
  const size_t row_of_token = static_cast<size_t>(token) * (is_query ? q_heads : k_heads);
  const size_t row = row_of_token + (is_query ? head : head - q_heads);
  const size_t angle = static_cast<size_t>(token) * pairs + pair;
  T* const base = is_query ? q : k;
  rotate_pair<T, layout>(base + row * head_dim, pair, pairs, cos[angle], sin[angle]);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void position_embeddings_kernel(
    float* q, float* k, const float* cos, const float* sin, unsigned seq, unsigned q_heads,
    unsigned k_heads, unsigned head_dim) {
  position_embeddings<float, PairLayout::kHalfSplit>(q, k, cos, sin, seq, q_heads, k_heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void position_embeddings_kernel_f16(
    _Float16* q, _Float16* k, const float* cos, const float* sin, unsigned seq, unsigned q_heads,
    unsigned k_heads, unsigned head_dim) {
  position_embeddings<_Float16, PairLayout::kHalfSplit>(q, k, cos, sin, seq, q_heads, k_heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void position_embeddings_kernel_bf16(
    Bf16* q, Bf16* k, const float* cos, const float* sin, unsigned seq, unsigned q_heads,
    unsigned k_heads, unsigned head_dim) {
  position_embeddings<Bf16, PairLayout::kHalfSplit>(q, k, cos, sin, seq, q_heads, k_heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void position_embeddings_interleaved_kernel(
    float* q, float* k, const float* cos, const float* sin, unsigned seq, unsigned q_heads,
    unsigned k_heads, unsigned head_dim) {
  position_embeddings<float, PairLayout::kInterleaved>(q, k, cos, sin, seq, q_heads, k_heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void position_embeddings_interleaved_kernel_f16(
    _Float16* q, _Float16* k, const float* cos, const float* sin, unsigned seq, unsigned q_heads,
    unsigned k_heads, unsigned head_dim) {
  position_embeddings<_Float16, PairLayout::kInterleaved>(q, k, cos, sin, seq, q_heads, k_heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void position_embeddings_interleaved_kernel_bf16(
    Bf16* q, Bf16* k, const float* cos, const float* sin, unsigned seq, unsigned q_heads,
    unsigned k_heads, unsigned head_dim) {
  position_embeddings<Bf16, PairLayout::kInterleaved>(q, k, cos, sin, seq, q_heads, k_heads, head_dim);
}
