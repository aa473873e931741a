// One rotated pair, for every storage type and both pair layouts.
//
// Arithmetic is float32 throughout and rounds once, at the store, so that float16 and bfloat16 lose
// no more than their storage costs.
#pragma once

#include "storage.h"

// How the two elements of a pair lie in a row of head_dim elements.
enum class PairLayout {
  kHalfSplit,    // (d, d + head_dim / 2), as in Llama and GPT-NeoX
  kInterleaved,  // (2 d, 2 d + 1), as in GPT-J and GLM
};

// Most work-items in one workgroup; the wrappers' launch geometry stays within it.
constexpr unsigned kMaxWorkgroup = 256;

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
