// Storage types and their way to and from float32: every kernel computes in float32 or wider and rounds
// once, at the store.
#pragma once

#include <hip/hip_runtime.h>

// bfloat16 as it lies in memory: the upper half of a float32. HIP's own type is missing in old releases.
struct Bf16 {
  unsigned short bits;
};

__device__ __forceinline__ float load_f32(const float* source) { return *source; }

__device__ __forceinline__ float load_f32(const _Float16* source) { return static_cast<float>(*source); }

__device__ __forceinline__ float load_f32(const Bf16* source) {
  return __uint_as_float(static_cast<unsigned>(source->bits) << 16);
}

__device__ __forceinline__ void store_rounded(float* target, float value) { *target = value; }

__device__ __forceinline__ void store_rounded(_Float16* target, float value) {
  *target = static_cast<_Float16>(value);
}

// Round to nearest even on the bits. A NaN is kept apart: the carry could turn its payload into infinity.
__device__ __forceinline__ void store_rounded(Bf16* target, float value) {
  const unsigned bits = __float_as_uint(value);
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const unsigned nearest_even = bits + 0x7fffu + ((bits >> 16) & 1u);
  const unsigned quiet_nan = bits | 0x00400000u;
  target->bits = static_cast<unsigned short>((is_nan ? quiet_nan : nearest_even) >> 16);
}
