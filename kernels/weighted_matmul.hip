// The output of attention: out[b, h, i, d] = sum over j of probs[b, h, i, j] * v[b, h', j, d].
//
//   probs    [batch, heads, seq_q, seq_k], float32 (float64 for float64)
//   v        [batch, kv_heads, kv_capacity, head_dim] or [batch, kv_capacity, kv_heads * head_dim]
//   out      [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//
// Geometry: blockIdx.x covers 32 elements of head_dim, y 32 queries, z every head of every batch.
#include "matmul_tile.h"

template <typename T>
__device__ __forceinline__ void weighted_matmul(const Compute<T>* __restrict__ probs,
                                                const T* __restrict__ v, T* __restrict__ out,
                                                unsigned heads, unsigned kv_heads, unsigned seq_q,
                                                unsigned seq_k, unsigned kv_capacity, unsigned head_dim,
                                                unsigned seq_major) {
  using C = Compute<T>;
  __shared__ MatmulTiles<C> tiles;
  const unsigned batch = blockIdx.z / heads, head = blockIdx.z % heads;
  const HeadRows out_rows = rows_of_head(batch, head, heads, seq_q, head_dim, seq_major);
  const HeadRows v_rows =
      rows_of_head(batch, head / (heads / kv_heads), kv_heads, kv_capacity, head_dim, seq_major);
  const C* const matrix = probs + static_cast<size_t>(blockIdx.z) * seq_q * seq_k;
  const unsigned query = blockIdx.y * kTileSide, dim = blockIdx.x * kTileSide;
  const unsigned x = threadIdx.x % kTileHalf, y = threadIdx.x / kTileHalf;

  C sum[2][2] = {};
  for (unsigned key = 0; key < seq_k; key += kTileSide) {
    load_tile(tiles.left, matrix, seq_k, query, seq_q, key, seq_k);
    load_tile(tiles.right, v + v_rows.first, v_rows.stride, key, seq_k, dim, head_dim);
    __syncthreads();
    C part[2][2] = {};
#pragma unroll 8
    for (unsigned i = 0; i < kTileSide; ++i) {
      const C p0 = tiles.left[y * kTilePitch + i], p1 = tiles.left[(y + kTileHalf) * kTilePitch + i];
      const C v0 = tiles.right[i * kTilePitch + x], v1 = tiles.right[i * kTilePitch + x + kTileHalf];
      part[0][0] += p0 * v0;
      part[0][1] += p0 * v1;
      part[1][0] += p1 * v0;
      part[1][1] += p1 * v1;
    }
    add_part(sum, part);
    __syncthreads();
  }

#pragma unroll
  for (unsigned r = 0; r < 2; ++r) {
#pragma unroll
    for (unsigned c = 0; c < 2; ++c) {
      const unsigned row = query + y + r * kTileHalf, column = dim + x + c * kTileHalf;
      if (row < seq_q && column < head_dim) {
        store_rounded(out + out_rows.first + row * out_rows.stride + column, sum[r][c]);
      }
    }
  }
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void weighted_matmul_kernel(
    const float* probs, const float* v, float* out, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major) {
  weighted_matmul(probs, v, out, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major);
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void weighted_matmul_kernel_f16(
    const float* probs, const _Float16* v, _Float16* out, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major) {
  weighted_matmul(probs, v, out, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major);
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void weighted_matmul_kernel_bf16(
    const float* probs, const Bf16* v, Bf16* out, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major) {
  weighted_matmul(probs, v, out, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major);
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void weighted_matmul_kernel_f64(
    const double* probs, const double* v, double* out, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major) {
  weighted_matmul(probs, v, out, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major);
}
