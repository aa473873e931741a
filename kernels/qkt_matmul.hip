// The scores of attention: scores[b, h, i, j] = scale * sum over d of q[b, h, i, d] * k[b, h', j, d].
//
//   q        [batch, heads, seq_q, head_dim] or [batch, seq_q, heads * head_dim]
//   k        [batch, kv_heads, kv_capacity, head_dim] or [batch, kv_capacity, kv_heads * head_dim]
//   scores   [batch, heads, seq_q, seq_k], float32 (float64 for float64)
//
// Geometry: blockIdx.x covers 32 keys, y 32 queries, z every head of every batch.
#include "matmul_tile.h"

template <typename T>
__device__ __forceinline__ void qkt_matmul(const T* __restrict__ q, const T* __restrict__ k,
                                           Compute<T>* __restrict__ scores, unsigned heads,
                                           unsigned kv_heads, unsigned seq_q, unsigned seq_k,
                                           unsigned kv_capacity, unsigned head_dim, unsigned seq_major,
                                           Compute<T> scale) {
  using C = Compute<T>;
  __shared__ MatmulTiles<C> tiles;
  const unsigned batch = blockIdx.z / heads, head = blockIdx.z % heads;
  const HeadRows q_rows = rows_of_head(batch, head, heads, seq_q, head_dim, seq_major);
  const HeadRows k_rows =
      rows_of_head(batch, head / (heads / kv_heads), kv_heads, kv_capacity, head_dim, seq_major);
  const unsigned query = blockIdx.y * kTileSide, key = blockIdx.x * kTileSide;
  const unsigned x = threadIdx.x % kTileHalf, y = threadIdx.x / kTileHalf;

  C sum[2][2] = {};
  for (unsigned d = 0; d < head_dim; d += kTileSide) {
    load_tile(tiles.left, q + q_rows.first, q_rows.stride, query, seq_q, d, head_dim);
    load_tile(tiles.right, k + k_rows.first, k_rows.stride, key, seq_k, d, head_dim);
    __syncthreads();
    C part[2][2] = {};
#pragma unroll 8
    for (unsigned i = 0; i < kTileSide; ++i) {
      const C q0 = tiles.left[y * kTilePitch + i], q1 = tiles.left[(y + kTileHalf) * kTilePitch + i];
      const C k0 = tiles.right[x * kTilePitch + i], k1 = tiles.right[(x + kTileHalf) * kTilePitch + i];
      part[0][0] += q0 * k0;
      part[0][1] += q0 * k1;
      part[1][0] += q1 * k0;
      part[1][1] += q1 * k1;
    }
    add_part(sum, part);
    __syncthreads();
  }

  C* const matrix = scores + static_cast<size_t>(blockIdx.z) * seq_q * seq_k;
#pragma unroll
  for (unsigned r = 0; r < 2; ++r) {
#pragma unroll
    for (unsigned c = 0; c < 2; ++c) {
      const unsigned row = query + y + r * kTileHalf, column = key + x + c * kTileHalf;
      if (row < seq_q && column < seq_k) {
        matrix[static_cast<size_t>(row) * seq_k + column] = sum[r][c] * scale;
      }
    }
  }
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void qkt_matmul_kernel(
    const float* q, const float* k, float* scores, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major, float scale) {
  qkt_matmul(q, k, scores, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major, scale);
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void qkt_matmul_kernel_f16(
    const _Float16* q, const _Float16* k, float* scores, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major, float scale) {
  qkt_matmul(q, k, scores, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major, scale);
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void qkt_matmul_kernel_bf16(
    const Bf16* q, const Bf16* k, float* scores, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major, float scale) {
  qkt_matmul(q, k, scores, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major, scale);
}

extern "C" __global__ __launch_bounds__(kMatmulThreads) void qkt_matmul_kernel_f64(
    const double* q, const double* k, double* scores, unsigned heads, unsigned kv_heads, unsigned seq_q,
    unsigned seq_k, unsigned kv_capacity, unsigned head_dim, unsigned seq_major, double scale) {
  qkt_matmul(q, k, scores, heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major, scale);
}
