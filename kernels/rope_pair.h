// One rotated pair, for every storage type and both pair layouts.
//
// Arithmetic is float32 throughout and rounds once, at the store, so that float16 and bfloat16 lose
// no more than their storage costs.
#pragma once

#include <hip/hip_runtime.h>

// How the two elements of a pair lie in a row of head_dim elements.
enum class PairLayout {
  kHalfSplit,    // (d, d + head_dim / 2), as in Llama and GPT-NeoX
  kInterleaved,  // (2 d, 2 d + 1), as in GPT-J and GLM
};

// Most work-items in one workgroup; the wrappers' launch geometry stays within it.
constexpr unsigned kMaxWorkgroup = 256;

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

// Rotates pair `pair` of the row in place by the angle whose cosine and sine are given.
template <typename T, PairLayout layout>
__device__ __forceinline__ void rotate_pair(T* row, unsigned pair, unsigned pairs, float cosine, float sine) {
  const unsigned low = layout == PairLayout::kHalfSplit ? pair : 2 * pair;
  const unsigned high = layout == PairLayout::kHalfSplit ? pair + pairs : 2 * pair + 1;
  const float first = load_f32(row + low);
  const float second = load_f32(row + high);
  store_rounded(row + low, first * cosine - second * sine);
  store_rounded(row + high, first * sine + second * cosine);
}
