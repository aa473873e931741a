// Rotary position embedding (RoPE) of one tensor, in place.
//
//   x          [seq, heads, head_dim], contiguous, of the kernel's storage type
//   cos, sin   [seq, head_dim / 2], float32: row p holds the angles of the token at index p
//
// One work-item rotates one pair. Geometry: blockIdx.x is the token, y covers heads, z covers pairs, and
// neighbouring work-items take neighbouring pairs, so that every access is coalesced and no index needs
// a division. Offsets are 64-bit; work-items beyond the tensor do nothing, whatever the grid.
#include "rope_pair.h"

template <typename T, PairLayout layout>
__device__ __forceinline__ void rope(T* __restrict__ x, const float* __restrict__ cos,
                                     const float* __restrict__ sin, unsigned seq, unsigned heads,
                                     unsigned head_dim) {
  const unsigned token = blockIdx.x;
  const unsigned head = blockIdx.y * blockDim.y + threadIdx.y;
  const unsigned pair = blockIdx.z * blockDim.x + threadIdx.x;
  const unsigned pairs = head_dim / 2;
  if (token >= seq || head >= heads || pair >= pairs) return;

  const size_t angle = static_cast<size_t>(token) * pairs + pair;
  T* const row = x + (static_cast<size_t>(token) * heads + head) * head_dim;
  rotate_pair<T, layout>(row, pair, pairs, cos[angle], sin[angle]);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel(
    float* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {
  rope<float, PairLayout::kHalfSplit>(x, cos, sin, seq, heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel_f16(
    _Float16* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {
  rope<_Float16, PairLayout::kHalfSplit>(x, cos, sin, seq, heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_kernel_bf16(
    Bf16* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {
  rope<Bf16, PairLayout::kHalfSplit>(x, cos, sin, seq, heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_interleaved_kernel(
    float* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {
  rope<float, PairLayout::kInterleaved>(x, cos, sin, seq, heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_interleaved_kernel_f16(
    _Float16* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {
  rope<_Float16, PairLayout::kInterleaved>(x, cos, sin, seq, heads, head_dim);
}

extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void rope_interleaved_kernel_bf16(
    Bf16* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {
  rope<Bf16, PairLayout::kInterleaved>(x, cos, sin, seq, heads, head_dim);
}
