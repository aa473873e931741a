// Fused attention: the scores of a tile live in registers, the softmax runs along as tiles of keys pass by,
// and memory is O(seq x head_dim).
//
// A workgroup computes the outputs of one tile of queries of one head. For every tile of 32 keys it computes
// scores, exponentials relative to the running maximum of each row, and adds the tile's share to the output;
// when the maximum grows, what was summed up is scaled down. Eight neighbouring work-items share a query
// row, so that they sit in one wave: work-item t serves the rows t / 8 + n * (rows served at once) and the
// keys t % 8 + 8 n of a tile. All arithmetic is float32. flash_wmma.h has the variant that multiplies by
// matrix instructions.
//
// Masked keys have the score -infinity. A row that sees no key becomes zeros. A masked key must still hold
// a finite value in V: its weight is zero, and zero times NaN is NaN.
//
// There is a kernel for each tile that head_dim is padded to in LDS: 32, 64, 128 and 256. head_dim itself is
// a multiple of 4. LDS is dynamic: flash_lds_bytes says how much a tile takes.
#pragma once

#include "attention.h"
#include "dropout.h"

constexpr unsigned kRowLanes = 8;                       // work-items that share a query row
constexpr unsigned kFlashKeys = 32;                     // keys in a tile
constexpr unsigned kKeysEach = kFlashKeys / kRowLanes;  // keys of one work-item
// Rows start 4 banks apart (8 for the weights), so that what a wave reads together lies in different banks.
constexpr unsigned kTilePad = 4;
constexpr unsigned kWeightPitch = kFlashKeys + 8;

constexpr unsigned flash_threads(unsigned tile_dim) { return tile_dim <= 64 ? 256 : 128; }

constexpr unsigned flash_rows(unsigned tile_dim) { return tile_dim <= 64 ? 64 : 4096 / tile_dim; }

constexpr unsigned flash_lds_bytes(unsigned tile_dim) {
  return 4 * ((flash_rows(tile_dim) + kFlashKeys) * (tile_dim + kTilePad) + flash_rows(tile_dim) * kWeightPitch);
}

// kAdditive and kChosen: causal too or not, as the arguments say.
enum class Masking { kNone, kCausal, kAdditive, kChosen };

// What every flash kernel is given, as its parameters say it.
template <typename T>
struct FlashArguments {
  const T* q;
  const T* k;
  const T* v;
  T* out;
  const float* mask;
  unsigned heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major;
  unsigned long long mask_batch_stride, mask_head_stride;
  float scale;
  // Whether the causal mask applies, where the kernel leaves that to its caller.
  unsigned causal = 0;
  // For training only: which weights to drop, and where to leave the logarithm of each row's sum of
  // exponentials, float32 [batch, heads, seq_q].
  Dropout dropout = {};
  float* lse = nullptr;
};

// Copies rows to LDS as float32; rows from `rows` on and elements from head_dim on become zero.
template <unsigned kTileDim, unsigned kRows, unsigned kThreads, typename T>
__device__ __forceinline__ void load_rows(float* tile, const T* source, size_t stride, unsigned rows,
                                          unsigned head_dim) {
  constexpr unsigned kQuads = kTileDim / 4, kAtOnce = kThreads / kQuads;
  const unsigned first = threadIdx.x / kQuads, column = threadIdx.x % kQuads * 4;
  const T* from = source + first * stride + column;
  float* to = tile + first * (kTileDim + kTilePad) + column;
#pragma unroll 2
  for (unsigned row = first; row < kRows; row += kAtOnce) {
    float4 value = make_float4(0, 0, 0, 0);
    if (row < rows && column < head_dim) value = load_quad(from);
    *reinterpret_cast<float4*>(to) = value;
    from += kAtOnce * stride;
    to += kAtOnce * (kTileDim + kTilePad);
  }
}

__device__ __forceinline__ float4 lds_quad(const float* source) {
  return *reinterpret_cast<const float4*>(source);
}

__device__ __forceinline__ void add_products(float& sum, float4 a, float4 b) {
  sum += a.x * b.x;
  sum += a.y * b.y;
  sum += a.z * b.z;
  sum += a.w * b.w;
}

__device__ __forceinline__ void add_scaled(float4& sum, float factor, float4 value) {
  sum.x += factor * value.x;
  sum.y += factor * value.y;
  sum.z += factor * value.z;
  sum.w += factor * value.w;
}

__device__ __forceinline__ float4 scaled(float4 value, float factor) {
  return make_float4(value.x * factor, value.y * factor, value.z * factor, value.w * factor);
}

// exp(x) for x <= 0, by the base-2 exponential that the hardware has: exp(-infinity) is 0, and what is below
// the smallest normal number may be.
__device__ __forceinline__ float exp_of(float x) {
#if defined(__AMDGCN__) && __has_builtin(__builtin_amdgcn_exp2f)  // clang 15 has none
  return __builtin_amdgcn_exp2f(x * 1.44269504088896340736f);
#else
  return exp2f(x * 1.44269504088896340736f);
#endif
}

// The largest, or the sum, over the eight work-items of a row.
__device__ __forceinline__ float row_max(float value) {
#pragma unroll
  for (unsigned step = 1; step < kRowLanes; step *= 2) value = fmaxf(value, __shfl_xor(value, step));
  return value;
}

__device__ __forceinline__ float row_sum(float value) {
#pragma unroll
  for (unsigned step = 1; step < kRowLanes; step *= 2) value += __shfl_xor(value, step);
  return value;
}

// One workgroup's tile of queries, padded to kTileDim elements of head_dim.
template <typename T, Masking masking, unsigned kTileDim>
struct FlashTile {
  static constexpr bool kTraining = masking == Masking::kChosen;
  static constexpr unsigned kThreads = flash_threads(kTileDim);
  static constexpr unsigned kRows = flash_rows(kTileDim);
  static constexpr unsigned kRowGroups = kThreads / kRowLanes;  // rows served at once
  static constexpr unsigned kRowsEach = kRows / kRowGroups;
  static constexpr unsigned kPitch = kTileDim + kTilePad;
  static constexpr unsigned kChunks = kTileDim / (4 * kRowLanes);

  const FlashArguments<T>& a;
  float* const queries;
  float* const keys;  // the tile of K, and after the scores the tile of V
  float* const weights;
  const unsigned first_row, lane, group;
  float4 sum[kRowsEach][kChunks];
  float largest[kRowsEach], total[kRowsEach];

  __device__ __forceinline__ FlashTile(const FlashArguments<T>& arguments, float* lds)
      : a(arguments),
        queries(lds),
        keys(lds + kRows * kPitch),
        weights(lds + (kRows + kFlashKeys) * kPitch),
        first_row(blockIdx.x * kRows),
        lane(threadIdx.x % kRowLanes),
        group(threadIdx.x / kRowLanes) {}

  __device__ __forceinline__ bool causal() const {
    return masking == Masking::kCausal || (masking != Masking::kNone && a.causal != 0);
  }

  // Keys that some row of this tile may see, from the first on.
  __device__ __forceinline__ unsigned key_end() const {
    if (!causal()) return a.seq_k;
    const unsigned last_row = min(first_row + kRows, a.seq_q) - 1;
    return causal_keys(last_row, a.seq_q, a.seq_k);
  }

  __device__ __forceinline__ void run() {
    const unsigned batch = blockIdx.z, head = blockIdx.y, kv_head = head / (a.heads / a.kv_heads);
    const HeadRows q = rows_of_head(batch, head, a.heads, a.seq_q, a.head_dim, a.seq_major);
    const HeadRows kv = rows_of_head(batch, kv_head, a.kv_heads, a.kv_capacity, a.head_dim, a.seq_major);
    const size_t rows_at = q.first + first_row * q.stride;
    clear();
    load_rows<kTileDim, kRows, kThreads>(queries, a.q + rows_at, q.stride, a.seq_q - first_row, a.head_dim);
    const unsigned end = key_end();
    for (unsigned key = 0; key < end; key += kFlashKeys) {
      const size_t keys_at = kv.first + key * kv.stride;
      load_rows<kTileDim, kFlashKeys, kThreads>(keys, a.k + keys_at, kv.stride, a.seq_k - key, a.head_dim);
      __syncthreads();
      weigh(key, batch, head);
      __syncthreads();
      load_rows<kTileDim, kFlashKeys, kThreads>(keys, a.v + keys_at, kv.stride, a.seq_k - key, a.head_dim);
      __syncthreads();
      accumulate();
      __syncthreads();
    }
    store(a.out + rows_at, q.stride);
  }

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (unsigned r = 0; r < kRowsEach; ++r) {
      largest[r] = -__builtin_inff();
      total[r] = 0;
#pragma unroll
      for (unsigned c = 0; c < kChunks; ++c) sum[r][c] = make_float4(0, 0, 0, 0);
    }
  }

  // The scores of this tile of keys, then their exponentials, which go to LDS.
  __device__ __forceinline__ void weigh(unsigned first_key, unsigned batch, unsigned head) {
    float score[kRowsEach][kKeysEach] = {};
#pragma unroll 1
    for (unsigned d = 0; d < a.head_dim; d += 4) {
      float4 k[kKeysEach];
#pragma unroll
      for (unsigned c = 0; c < kKeysEach; ++c) k[c] = lds_quad(keys + (lane + c * kRowLanes) * kPitch + d);
#pragma unroll
      for (unsigned r = 0; r < kRowsEach; ++r) {
        const float4 q = lds_quad(queries + (group + r * kRowGroups) * kPitch + d);
#pragma unroll
        for (unsigned c = 0; c < kKeysEach; ++c) add_products(score[r][c], q, k[c]);
      }
    }
#pragma unroll
    for (unsigned r = 0; r < kRowsEach; ++r) {
      const unsigned row = first_row + group + r * kRowGroups;
      const unsigned seen = causal() ? causal_keys(row, a.seq_q, a.seq_k) : a.seq_k;
#pragma unroll
      for (unsigned c = 0; c < kKeysEach; ++c) {
        const unsigned key = first_key + lane + c * kRowLanes;
        score[r][c] = masked(score[r][c] * a.scale, row, key, seen, batch, head);
      }
      float4 kept = make_float4(1, 1, 1, 1);
      if (kTraining) kept = dropout_factors(a.dropout, batch * a.heads + head, row, first_key + lane);
      take(r, score[r], kept);
    }
  }

  // The score with its mask; `seen` is how many keys the row may see at all.
  __device__ __forceinline__ float masked(float score, unsigned row, unsigned key, unsigned seen,
                                          unsigned batch, unsigned head) const {
    if (key >= seen) return -__builtin_inff();
    if (masking != Masking::kAdditive || row >= a.seq_q) return score;
    const size_t at = batch * a.mask_batch_stride + head * a.mask_head_stride;
    return score + a.mask[at + static_cast<size_t>(row) * a.seq_k + key];
  }

  // Takes the scores of row r into its running maximum and sum. Gives their weights, and by how much what
  // was summed up shrinks.
  __device__ __forceinline__ float advance(unsigned r, const float (&score)[kKeysEach],
                                           float (&weight)[kKeysEach]) {
    float now = largest[r];
#pragma unroll
    for (unsigned c = 0; c < kKeysEach; ++c) now = fmaxf(now, score[c]);
    now = row_max(now);
    // A row that has seen no key yet has no maximum to subtract; its weights are exp(-infinity).
    const float base = now == -__builtin_inff() ? 0.0f : now;
    const float shrink = exp_of(largest[r] - base);
    largest[r] = now;
    total[r] *= shrink;
#pragma unroll
    for (unsigned c = 0; c < kKeysEach; ++c) {
      weight[c] = exp_of(score[c] - base);
      total[r] += weight[c];
    }
    return shrink;
  }

  // Scales down the sums of row r and stores the weights. What dropout drops counts in the row's sum.
  __device__ __forceinline__ void take(unsigned r, const float (&score)[kKeysEach], float4 kept) {
    float weight[kKeysEach];
    const float shrink = advance(r, score, weight);
#pragma unroll
    for (unsigned c = 0; c < kChunks; ++c) sum[r][c] = scaled(sum[r][c], shrink);
#pragma unroll
    for (unsigned c = 0; c < kKeysEach; ++c) {
      const float factor = c == 0 ? kept.x : c == 1 ? kept.y : c == 2 ? kept.z : kept.w;
      weights[(group + r * kRowGroups) * kWeightPitch + lane + c * kRowLanes] = weight[c] * factor;
    }
  }

  // Adds the weighted rows of V.
  __device__ __forceinline__ void accumulate() {
#pragma unroll 1
    for (unsigned key = 0; key < kFlashKeys; key += 2) {
      float2 weight[kRowsEach];
#pragma unroll
      for (unsigned r = 0; r < kRowsEach; ++r) {
        const float* const row = weights + (group + r * kRowGroups) * kWeightPitch;
        weight[r] = *reinterpret_cast<const float2*>(row + key);
      }
#pragma unroll
      for (unsigned c = 0; c < kChunks; ++c) {
        const unsigned column = (c * kRowLanes + lane) * 4;
        const float4 v0 = lds_quad(keys + key * kPitch + column);
        const float4 v1 = lds_quad(keys + (key + 1) * kPitch + column);
#pragma unroll
        for (unsigned r = 0; r < kRowsEach; ++r) {
          add_scaled(sum[r][c], weight[r].x, v0);
          add_scaled(sum[r][c], weight[r].y, v1);
        }
      }
    }
  }

  // What makes an output of a row's weighted sum; `all` is the sum of its weights. A row without any weight
  // has a weighted sum of zero, unless a NaN or an infinity in V made it NaN, which must not be lost.
  __device__ static __forceinline__ float share(float all) { return all == 0 ? 1.0f : 1 / all; }

  __device__ __forceinline__ void store(T* out, size_t stride) const {
#pragma unroll
    for (unsigned r = 0; r < kRowsEach; ++r) {
      const unsigned row = group + r * kRowGroups;
      const float all = row_sum(total[r]);
      if (first_row + row >= a.seq_q) continue;
      if (kTraining && lane == 0) {
        const size_t at = (static_cast<size_t>(blockIdx.z) * a.heads + blockIdx.y) * a.seq_q + first_row + row;
        a.lse[at] = largest[r] + logf(all);
      }
#pragma unroll
      for (unsigned c = 0; c < kChunks; ++c) {
        const unsigned column = (c * kRowLanes + lane) * 4;
        if (column >= a.head_dim) continue;
        store_quad(out + row * stride + column, scaled(sum[r][c], share(all)));
      }
    }
  }
};
