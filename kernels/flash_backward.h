// The backward pass of fused attention: weights are recomputed tile by tile from the logarithms that the
// forward pass left, so that memory is O(seq x head_dim) here too. No atomics: the same call gives the same
// bits.
//
// With F the factors of dropout (1 or 0 and 1 / (1 - part)) and dP = dO V^T:
//   P = exp(scale * Q K^T - lse)     delta = rowsum(dO * O)     dS = P * (F * dP - delta)
//   dV = (F * P)^T dO     dQ = scale * dS K     dK = scale * dS^T Q
//
// A workgroup holds a tile of queries and one of 32 keys, with their gradients and values. Eight
// neighbouring work-items share a query row; each has four keys of it, eight apart.
#pragma once

#include "flash_attention.h"

constexpr unsigned backward_rows(unsigned tile_dim) { return tile_dim <= 64 ? 32 : 16; }

constexpr unsigned backward_threads(unsigned tile_dim) { return backward_rows(tile_dim) * kRowLanes; }

constexpr unsigned backward_lds_bytes(unsigned tile_dim) {
  return 4 * (2 * (backward_rows(tile_dim) + kFlashKeys) * (tile_dim + kTilePad) +
              2 * backward_rows(tile_dim) * kWeightPitch);
}

template <typename T>
struct BackwardArguments {
  const T* q;
  const T* k;
  const T* v;
  const T* dout;
  const float* lse;
  const float* delta;
  unsigned heads, kv_heads, seq_q, seq_k, head_dim, seq_major, causal;
  float scale;
  Dropout dropout;
};

template <typename T, unsigned kTileDim>
struct BackwardTile {
  static constexpr unsigned kRows = backward_rows(kTileDim);
  static constexpr unsigned kThreads = backward_threads(kTileDim);
  static constexpr unsigned kPitch = kTileDim + kTilePad;
  static constexpr unsigned kChunks = kTileDim / (4 * kRowLanes);
  static constexpr unsigned kKeyGroups = kFlashKeys / kRows;  // keys that one work-item sums up for

  const BackwardArguments<T>& a;
  float* const queries;
  float* const gradients;
  float* const keys;
  float* const values;
  float* const weights;  // F * P
  float* const slopes;   // scale * dS
  const unsigned lane, group;

  __device__ __forceinline__ BackwardTile(const BackwardArguments<T>& arguments, float* lds)
      : a(arguments),
        queries(lds),
        gradients(lds + kRows * kPitch),
        keys(lds + 2 * kRows * kPitch),
        values(lds + (2 * kRows + kFlashKeys) * kPitch),
        weights(lds + 2 * (kRows + kFlashKeys) * kPitch),
        slopes(lds + 2 * (kRows + kFlashKeys) * kPitch + kRows * kWeightPitch),
        lane(threadIdx.x % kRowLanes),
        group(threadIdx.x / kRowLanes) {}

  __device__ __forceinline__ HeadRows query_rows(unsigned batch, unsigned head) const {
    return rows_of_head(batch, head, a.heads, a.seq_q, a.head_dim, a.seq_major);
  }

  __device__ __forceinline__ HeadRows key_rows(unsigned batch, unsigned kv_head) const {
    return rows_of_head(batch, kv_head, a.kv_heads, a.seq_k, a.head_dim, a.seq_major);
  }

  __device__ __forceinline__ void load_queries(HeadRows rows, unsigned first) {
    const size_t at = rows.first + first * rows.stride;
    load_rows<kTileDim, kRows, kThreads>(queries, a.q + at, rows.stride, a.seq_q - first, a.head_dim);
    load_rows<kTileDim, kRows, kThreads>(gradients, a.dout + at, rows.stride, a.seq_q - first, a.head_dim);
  }

  __device__ __forceinline__ void load_keys(HeadRows rows, unsigned first) {
    const size_t at = rows.first + first * rows.stride;
    load_rows<kTileDim, kFlashKeys, kThreads>(keys, a.k + at, rows.stride, a.seq_k - first, a.head_dim);
    load_rows<kTileDim, kFlashKeys, kThreads>(values, a.v + at, rows.stride, a.seq_k - first, a.head_dim);
  }

  // F * P and scale * dS of this tile, to LDS. Zero for what lies outside or is masked.
  __device__ __forceinline__ void weigh(unsigned matrix, unsigned first_row, unsigned first_key) {
    const unsigned row = first_row + group;
    float score[kKeysEach] = {}, slope[kKeysEach] = {};
#pragma unroll 1
    for (unsigned d = 0; d < a.head_dim; d += 4) {
      const float4 q = lds_quad(queries + group * kPitch + d);
      const float4 g = lds_quad(gradients + group * kPitch + d);
#pragma unroll
      for (unsigned c = 0; c < kKeysEach; ++c) {
        add_products(score[c], q, lds_quad(keys + (lane + c * kRowLanes) * kPitch + d));
        add_products(slope[c], g, lds_quad(values + (lane + c * kRowLanes) * kPitch + d));
      }
    }
    unsigned seen = 0;
    float lse = 0, delta = 0;
    if (row < a.seq_q) {
      seen = a.causal ? causal_keys(row, a.seq_q, a.seq_k) : a.seq_k;
      lse = a.lse[static_cast<size_t>(matrix) * a.seq_q + row];
      delta = a.delta[static_cast<size_t>(matrix) * a.seq_q + row];
    }
    const float4 kept = dropout_factors(a.dropout, matrix, row, first_key + lane);
#pragma unroll
    for (unsigned c = 0; c < kKeysEach; ++c) {
      const float factor = c == 0 ? kept.x : c == 1 ? kept.y : c == 2 ? kept.z : kept.w;
      const bool counts = first_key + lane + c * kRowLanes < seen && lse != -__builtin_inff();
      const float weight = counts ? exp_of(score[c] * a.scale - lse) : 0.0f;
      const unsigned at = group * kWeightPitch + lane + c * kRowLanes;
      weights[at] = weight * factor;
      slopes[at] = counts ? weight * (factor * slope[c] - delta) * a.scale : 0.0f;
    }
  }

  // dQ of one tile of queries: all tiles of keys pass by.
  __device__ __forceinline__ void run_queries(T* dq) {
    const unsigned batch = blockIdx.z, head = blockIdx.y, first = blockIdx.x * kRows;
    const HeadRows q = query_rows(batch, head), kv = key_rows(batch, head / (a.heads / a.kv_heads));
    float4 sum[kChunks] = {};
    load_queries(q, first);
    const unsigned last_row = min(first + kRows, a.seq_q) - 1;
    const unsigned end = a.causal ? causal_keys(last_row, a.seq_q, a.seq_k) : a.seq_k;
    for (unsigned key = 0; key < end; key += kFlashKeys) {
      load_keys(kv, key);
      __syncthreads();
      weigh(batch * a.heads + head, first, key);
      __syncthreads();
#pragma unroll 2
      for (unsigned i = 0; i < kFlashKeys; ++i) {
        const float slope = slopes[group * kWeightPitch + i];
#pragma unroll
        for (unsigned c = 0; c < kChunks; ++c) {
          add_scaled(sum[c], slope, lds_quad(keys + i * kPitch + (c * kRowLanes + lane) * 4));
        }
      }
      __syncthreads();
    }
    if (first + group < a.seq_q) store_row(dq + q.first + (first + group) * q.stride, sum);
  }

  // dK and dV of one tile of keys: all tiles of queries of the heads that share them pass by.
  __device__ __forceinline__ void run_keys(T* dk, T* dv) {
    const unsigned batch = blockIdx.z, kv_head = blockIdx.y, first = blockIdx.x * kFlashKeys;
    const unsigned shared = a.heads / a.kv_heads;
    const HeadRows kv = key_rows(batch, kv_head);
    float4 sum_k[kKeyGroups][kChunks] = {}, sum_v[kKeyGroups][kChunks] = {};
    load_keys(kv, first);
    for (unsigned head = kv_head * shared; head < (kv_head + 1) * shared; ++head) {
      const HeadRows q = query_rows(batch, head);
      for (unsigned row = first_row_of(first); row < a.seq_q; row += kRows) {
        load_queries(q, row);
        __syncthreads();
        weigh(batch * a.heads + head, row, first);
        __syncthreads();
        add_rows(sum_k, sum_v);
        __syncthreads();
      }
    }
#pragma unroll
    for (unsigned n = 0; n < kKeyGroups; ++n) {
      const unsigned key = first + group + n * kRows;
      if (key >= a.seq_k) continue;
      store_row(dk + kv.first + key * kv.stride, sum_k[n]);
      store_row(dv + kv.first + key * kv.stride, sum_v[n]);
    }
  }

  // The first query, rounded down to a tile, that sees any key from `first_key` on.
  __device__ __forceinline__ unsigned first_row_of(unsigned first_key) const {
    if (!a.causal) return 0;
    const long long row = static_cast<long long>(first_key) + a.seq_q - a.seq_k;
    return row <= 0 ? 0 : static_cast<unsigned>(row) / kRows * kRows;
  }

  __device__ __forceinline__ void add_rows(float4 (&sum_k)[kKeyGroups][kChunks],
                                           float4 (&sum_v)[kKeyGroups][kChunks]) {
#pragma unroll 1
    for (unsigned row = 0; row < kRows; ++row) {
#pragma unroll
      for (unsigned c = 0; c < kChunks; ++c) {
        const unsigned column = row * kPitch + (c * kRowLanes + lane) * 4;
        const float4 q = lds_quad(queries + column), g = lds_quad(gradients + column);
#pragma unroll
        for (unsigned n = 0; n < kKeyGroups; ++n) {
          const unsigned at = row * kWeightPitch + group + n * kRows;
          add_scaled(sum_k[n][c], slopes[at], q);
          add_scaled(sum_v[n][c], weights[at], g);
        }
      }
    }
  }

  __device__ __forceinline__ void store_row(T* row, const float4 (&sum)[kChunks]) const {
#pragma unroll
    for (unsigned c = 0; c < kChunks; ++c) {
      const unsigned column = (c * kRowLanes + lane) * 4;
      if (column < a.head_dim) store_quad(row + column, sum[c]);
    }
  }
};
