// Fused attention with an arbitrary additive mask, causal as well where `causal` is not zero.
//
//   q, out   [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//   k, v     [batch, kv_heads, kv_capacity, head_dim] or [batch, kv_capacity, kv_heads * head_dim]
//   mask     float32 [seq_q, seq_k] for each batch and head, added to the scaled scores; the strides from
//            batch to batch and from head to head are in elements, 0 where they share a mask
//
// One kernel for each storage type and each tile that head_dim is padded to. Geometry: blockIdx.x is a tile
// of flash_rows(tile) queries, y the head, z the batch; flash_threads(tile) work-items.
#include "flash_wmma.h"

#define FLASH_PARAMETERS(T)                                                                          \
  const T *q, const T *k, const T *v, const float* mask, T *out, unsigned heads, unsigned kv_heads, unsigned seq_q, \
      unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major, \
      unsigned long long mask_batch_stride, unsigned long long mask_head_stride, float scale, unsigned causal
#define FLASH_ARGUMENTS \
  {q, k, v, out, mask, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major, mask_batch_stride, mask_head_stride, scale, causal}

extern "C" __global__ __launch_bounds__(flash_threads(32)) void flash_attention_kernel_d32(
    FLASH_PARAMETERS(float)) {
  flash_attention<float, Masking::kAdditive, 32>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(64)) void flash_attention_kernel_d64(
    FLASH_PARAMETERS(float)) {
  flash_attention<float, Masking::kAdditive, 64>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(128)) void flash_attention_kernel_d128(
    FLASH_PARAMETERS(float)) {
  flash_attention<float, Masking::kAdditive, 128>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(256)) void flash_attention_kernel_d256(
    FLASH_PARAMETERS(float)) {
  flash_attention<float, Masking::kAdditive, 256>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(32)) void flash_attention_kernel_d32_f16(
    FLASH_PARAMETERS(_Float16)) {
  flash_attention<_Float16, Masking::kAdditive, 32>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(64)) void flash_attention_kernel_d64_f16(
    FLASH_PARAMETERS(_Float16)) {
  flash_attention<_Float16, Masking::kAdditive, 64>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(128)) void flash_attention_kernel_d128_f16(
    FLASH_PARAMETERS(_Float16)) {
  flash_attention<_Float16, Masking::kAdditive, 128>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(256)) void flash_attention_kernel_d256_f16(
    FLASH_PARAMETERS(_Float16)) {
  flash_attention<_Float16, Masking::kAdditive, 256>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(32)) void flash_attention_kernel_d32_bf16(
    FLASH_PARAMETERS(Bf16)) {
  flash_attention<Bf16, Masking::kAdditive, 32>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(64)) void flash_attention_kernel_d64_bf16(
    FLASH_PARAMETERS(Bf16)) {
  flash_attention<Bf16, Masking::kAdditive, 64>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(128)) void flash_attention_kernel_d128_bf16(
    FLASH_PARAMETERS(Bf16)) {
  flash_attention<Bf16, Masking::kAdditive, 128>(FLASH_ARGUMENTS);
}

extern "C" __global__ __launch_bounds__(flash_threads(256)) void flash_attention_kernel_d256_bf16(
    FLASH_PARAMETERS(Bf16)) {
  flash_attention<Bf16, Masking::kAdditive, 256>(FLASH_ARGUMENTS);
}
