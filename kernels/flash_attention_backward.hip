// The backward pass of fused attention, in three launches: delta, then dQ, then dK and dV.
//
//   q, out, dout, dq   [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//   k, v, dk, dv       [batch, kv_heads, seq_k, head_dim] or [batch, seq_k, kv_heads * head_dim]
//   lse, delta         float32 [batch, heads, seq_q]
//
// Geometry of delta: blockIdx.x covers 8 rows, one wave each, y the head, z the batch. Of dQ: x is a tile of
// backward_rows(tile) queries, y the head, z the batch. Of dK and dV: x is a tile of 32 keys, y the key head,
// z the batch.
#include "flash_backward.h"

constexpr unsigned kDeltaThreads = 256;
constexpr unsigned kDeltaLanes = 32;

template <typename T>
__device__ __forceinline__ void delta_of_rows(const T* __restrict__ out, const T* __restrict__ dout,
                                              float* __restrict__ delta, unsigned heads, unsigned seq_q,
                                              unsigned head_dim, unsigned seq_major) {
  const unsigned row = blockIdx.x * (kDeltaThreads / kDeltaLanes) + threadIdx.x / kDeltaLanes;
  const unsigned lane = threadIdx.x % kDeltaLanes;
  if (row >= seq_q) return;
  const HeadRows rows = rows_of_head(blockIdx.z, blockIdx.y, heads, seq_q, head_dim, seq_major);
  const size_t at = rows.first + row * rows.stride;
  float sum = 0;
  for (unsigned d = lane; d < head_dim; d += kDeltaLanes) {
    sum += load_f32(out + at + d) * load_f32(dout + at + d);
  }
#pragma unroll
  for (unsigned step = 1; step < kDeltaLanes; step *= 2) sum += __shfl_xor(sum, step, kDeltaLanes);
  if (lane == 0) delta[(static_cast<size_t>(blockIdx.z) * heads + blockIdx.y) * seq_q + row] = sum;
}

template <typename T, unsigned kTileDim>
__device__ __forceinline__ BackwardTile<T, kTileDim> backward_tile(const BackwardArguments<T>& arguments) {
  extern __shared__ float4 lds[];
  return BackwardTile<T, kTileDim>(arguments, reinterpret_cast<float*>(lds));
}

#define DELTA_KERNEL(symbol, T)                                                                          \
  extern "C" __global__ __launch_bounds__(kDeltaThreads) void symbol(                                    \
      const T* out, const T* dout, float* delta, unsigned heads, unsigned seq_q, unsigned head_dim,      \
      unsigned seq_major) {                                                                              \
    delta_of_rows(out, dout, delta, heads, seq_q, head_dim, seq_major);                                  \
  }

#define QUERY_KERNEL(symbol, T, tile)                                                                    \
  extern "C" __global__ __launch_bounds__(backward_threads(tile)) void symbol(                           \
      const T* q, const T* k, const T* v, const T* dout, const float* lse, const float* delta, T* dq,    \
      unsigned heads, unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned head_dim,              \
      unsigned seq_major, unsigned causal, float scale, unsigned threshold, float keep_scale,            \
      unsigned offset, unsigned long long seed) {                                                        \
    const BackwardArguments<T> arguments{q, k, v, dout, lse, delta, heads, kv_heads, seq_q, seq_k,       \
                                         head_dim, seq_major, causal, scale,                             \
                                         {threshold, keep_scale, offset, seed}};                         \
    backward_tile<T, tile>(arguments).run_queries(dq);                                                   \
  }

#define KEY_KERNEL(symbol, T, tile)                                                                      \
  extern "C" __global__ __launch_bounds__(backward_threads(tile)) void symbol(                           \
      const T* q, const T* k, const T* v, const T* dout, const float* lse, const float* delta, T* dk,    \
      T* dv, unsigned heads, unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned head_dim,       \
      unsigned seq_major, unsigned causal, float scale, unsigned threshold, float keep_scale,            \
      unsigned offset, unsigned long long seed) {                                                        \
    const BackwardArguments<T> arguments{q, k, v, dout, lse, delta, heads, kv_heads, seq_q, seq_k,       \
                                         head_dim, seq_major, causal, scale,                             \
                                         {threshold, keep_scale, offset, seed}};                         \
    backward_tile<T, tile>(arguments).run_keys(dk, dv);                                                  \
  }

DELTA_KERNEL(flash_attention_backward_delta_kernel, float)
DELTA_KERNEL(flash_attention_backward_delta_kernel_f16, _Float16)
DELTA_KERNEL(flash_attention_backward_delta_kernel_bf16, Bf16)
QUERY_KERNEL(flash_attention_backward_q_kernel_d32, float, 32)
QUERY_KERNEL(flash_attention_backward_q_kernel_d64, float, 64)
QUERY_KERNEL(flash_attention_backward_q_kernel_d128, float, 128)
QUERY_KERNEL(flash_attention_backward_q_kernel_d32_f16, _Float16, 32)
QUERY_KERNEL(flash_attention_backward_q_kernel_d64_f16, _Float16, 64)
QUERY_KERNEL(flash_attention_backward_q_kernel_d128_f16, _Float16, 128)
QUERY_KERNEL(flash_attention_backward_q_kernel_d32_bf16, Bf16, 32)
QUERY_KERNEL(flash_attention_backward_q_kernel_d64_bf16, Bf16, 64)
QUERY_KERNEL(flash_attention_backward_q_kernel_d128_bf16, Bf16, 128)
KEY_KERNEL(flash_attention_backward_kv_kernel_d32, float, 32)
KEY_KERNEL(flash_attention_backward_kv_kernel_d64, float, 64)
KEY_KERNEL(flash_attention_backward_kv_kernel_d128, float, 128)
KEY_KERNEL(flash_attention_backward_kv_kernel_d32_f16, _Float16, 32)
KEY_KERNEL(flash_attention_backward_kv_kernel_d64_f16, _Float16, 64)
KEY_KERNEL(flash_attention_backward_kv_kernel_d128_f16, _Float16, 128)
KEY_KERNEL(flash_attention_backward_kv_kernel_d32_bf16, Bf16, 32)
KEY_KERNEL(flash_attention_backward_kv_kernel_d64_bf16, Bf16, 64)
KEY_KERNEL(flash_attention_backward_kv_kernel_d128_bf16, Bf16, 128)
