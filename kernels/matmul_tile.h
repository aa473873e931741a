// The tiles of the two matrix products of the attention pipeline.
//
// 256 work-items compute a tile of 32 x 32 results, each of them 2 x 2, sixteen apart, so that the rows
// that a wave reads from LDS lie in different banks. Each chunk of 32 terms is summed up by itself, then
// added to the rest: the error grows with the number of chunks, not of terms.
#pragma once

#include "attention.h"

constexpr unsigned kMatmulThreads = 256;
constexpr unsigned kTileSide = 32;
constexpr unsigned kTileHalf = kTileSide / 2;
// One element more than the tile is wide: the rows of a column lie in different banks.
constexpr unsigned kTilePitch = kTileSide + 1;

template <typename C>
struct MatmulTiles {
  C left[kTileSide * kTilePitch];
  C right[kTileSide * kTilePitch];
};

// Copies a tile of 32 x 32 elements to LDS; what lies beyond `rows` and `columns` becomes zero.
template <typename T, typename C>
__device__ __forceinline__ void load_tile(C* tile, const T* source, size_t stride, unsigned row,
                                          unsigned rows, unsigned column, unsigned columns) {
  const unsigned x = threadIdx.x % kTileSide;
#pragma unroll
  for (unsigned y = threadIdx.x / kTileSide; y < kTileSide; y += kMatmulThreads / kTileSide) {
    const bool inside = row + y < rows && column + x < columns;
    tile[y * kTilePitch + x] = inside ? static_cast<C>(load_compute(source + (row + y) * stride + column + x))
                                      : C(0);
  }
}

// Adds the sums of one chunk to those of all.
template <typename C>
__device__ __forceinline__ void add_part(C (&sum)[2][2], const C (&part)[2][2]) {
#pragma unroll
  for (unsigned r = 0; r < 2; ++r) {
#pragma unroll
    for (unsigned c = 0; c < 2; ++c) sum[r][c] += part[r][c];
  }
}
