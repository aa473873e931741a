// Fused attention with an arbitrary additive mask.
//
//   q, out   [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//   k, v     [batch, kv_heads, kv_capacity, head_dim] or [batch, kv_capacity, kv_heads * head_dim]
//   mask     float32 [seq_q, seq_k] for each batch and head, added to the scaled scores; the strides from
//            batch to batch and from head to head are in elements, 0 where they share a mask
//
// Geometry: blockIdx.x is a tile of flash_rows(head_dim) queries, y the head, z the batch.
#include "flash_attention.h"

extern "C" __global__ __launch_bounds__(kFlashThreads) void flash_attention_kernel(
    const float* q, const float* k, const float* v, const float* mask, float* out, unsigned heads,
    unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
    unsigned seq_major, unsigned long long mask_batch_stride, unsigned long long mask_head_stride,
    float scale) {
  flash_attention<float, Masking::kAdditive>({q, k, v, out, mask, heads, kv_heads, seq_q, seq_k, kv_capacity,
                                         head_dim, seq_major, mask_batch_stride, mask_head_stride, scale});
}

extern "C" __global__ __launch_bounds__(kFlashThreads) void flash_attention_kernel_f16(
    const _Float16* q, const _Float16* k, const _Float16* v, const float* mask, _Float16* out, unsigned heads,
    unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
    unsigned seq_major, unsigned long long mask_batch_stride, unsigned long long mask_head_stride,
    float scale) {
  flash_attention<_Float16, Masking::kAdditive>({q, k, v, out, mask, heads, kv_heads, seq_q, seq_k, kv_capacity,
                                         head_dim, seq_major, mask_batch_stride, mask_head_stride, scale});
}

extern "C" __global__ __launch_bounds__(kFlashThreads) void flash_attention_kernel_bf16(
    const Bf16* q, const Bf16* k, const Bf16* v, const float* mask, Bf16* out, unsigned heads,
    unsigned kv_heads, unsigned seq_q, unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
    unsigned seq_major, unsigned long long mask_batch_stride, unsigned long long mask_head_stride,
    float scale) {
  flash_attention<Bf16, Masking::kAdditive>({q, k, v, out, mask, heads, kv_heads, seq_q, seq_k, kv_capacity,
                                         head_dim, seq_major, mask_batch_stride, mask_head_stride, scale});
}
