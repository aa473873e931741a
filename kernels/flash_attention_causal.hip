// Fused attention with the causal mask: query i sees the keys up to i + seq_k - seq_q.
//
//   q, out   [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//   k, v     [batch, kv_heads, kv_capacity, head_dim] or [batch, kv_capacity, kv_heads * head_dim]
//
// Geometry: blockIdx.x is a tile of flash_rows(head_dim) queries, y the head, z the batch.
#include "flash_attention.h"

extern "C" __global__ __launch_bounds__(kFlashThreads) void flash_attention_causal_kernel(
    const float* q, const float* k, const float* v, float* out, unsigned heads,
    unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
    unsigned seq_major, float scale) {
  flash_attention<float, Masking::kCausal>({q, k, v, out, nullptr, heads, kv_heads, seq_q, seq_k, kv_capacity,
                                         head_dim, seq_major, 0, 0, scale});
}

extern "C" __global__ __launch_bounds__(kFlashThreads) void flash_attention_causal_kernel_f16(
    const _Float16* q, const _Float16* k, const _Float16* v, _Float16* out, unsigned heads,
    unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
    unsigned seq_major, float scale) {
  flash_attention<_Float16, Masking::kCausal>({q, k, v, out, nullptr, heads, kv_heads, seq_q, seq_k, kv_capacity,
                                         head_dim, seq_major, 0, 0, scale});
}

extern "C" __global__ __launch_bounds__(kFlashThreads) void flash_attention_causal_kernel_bf16(
    const Bf16* q, const Bf16* k, const Bf16* v, Bf16* out, unsigned heads,
    unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
    unsigned seq_major, float scale) {
  flash_attention<Bf16, Masking::kCausal>({q, k, v, out, nullptr, heads, kv_heads, seq_q, seq_k, kv_capacity,
                                         head_dim, seq_major, 0, 0, scale});
}
