// Fused attention for training: dropout on the weights, and the logarithm of each row's sum of exponentials,
// from which the backward pass recomputes the weights.
//
//   q, out   [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//   k, v     [batch, kv_heads, seq_k, head_dim] or [batch, seq_k, kv_heads * head_dim]
//   lse      float32 [batch, heads, seq_q]; -infinity for a row that sees no key
//
// A weight is dropped by its place, the seed and the offset alone: see dropout.h. Geometry as in
// flash_attention_causal.hip.
#include "flash_wmma.h"

#define DROPOUT_KERNEL(symbol, T, tile)                                                                  \
  extern "C" __global__ __launch_bounds__(flash_threads(tile)) void symbol(                              \
      const T* q, const T* k, const T* v, T* out, float* lse, unsigned heads, unsigned kv_heads,         \
      unsigned seq_q, unsigned seq_k, unsigned head_dim, unsigned seq_major, unsigned causal,            \
      float scale, unsigned threshold, float keep_scale, unsigned offset, unsigned long long seed) {     \
    const Dropout dropout{threshold, keep_scale, offset, seed};                                          \
    flash_attention<T, Masking::kChosen, tile>({q, k, v, out, nullptr, heads, kv_heads, seq_q, seq_k,    \
                                                seq_k, head_dim, seq_major, 0, 0, scale, causal,         \
                                                dropout, lse});                                          \
  }

DROPOUT_KERNEL(flash_attention_dropout_kernel_d32, float, 32)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d64, float, 64)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d128, float, 128)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d32_f16, _Float16, 32)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d64_f16, _Float16, 64)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d128_f16, _Float16, 128)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d32_bf16, Bf16, 32)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d64_bf16, Bf16, 64)
DROPOUT_KERNEL(flash_attention_dropout_kernel_d128_bf16, Bf16, 128)
