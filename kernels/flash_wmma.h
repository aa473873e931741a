// Fused attention by matrix instructions: float16 and bfloat16 on gfx11, in place of FlashTile's products.
//
// Both products are made of 16 x 16 x 16 multiplications with float32 sums. The scores of a tile go through
// LDS to the work-items that share their rows, which compute the weights as FlashTile does; the weights come
// back rounded to the storage type, as the instruction takes them. That rounding, half a ULP of each weight,
// is the only one that FlashTile does not have.
//
// A wave holds of A (and B) in lane l row (column) l % 16, all 16 terms of it, and of the result in register
// v the row 2 v + l / 16 of column l % 16. The waves of a row block share its columns of the output.
#pragma once

#include "flash_attention.h"

#if defined(__gfx1100__) || defined(__gfx1101__) || defined(__gfx1102__) || defined(__gfx1103__) || \
    defined(__gfx1150__) || defined(__gfx1151__)
#define FLASH_WMMA 1

typedef float Float8 __attribute__((ext_vector_type(8)));
typedef short Short8 __attribute__((ext_vector_type(8)));
typedef short Short16 __attribute__((ext_vector_type(16)));
typedef _Float16 Half16 __attribute__((ext_vector_type(16)));

__device__ __forceinline__ Float8 multiply_add(const _Float16*, Short16 a, Short16 b, Float8 c) {
  return __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(__builtin_bit_cast(Half16, a),
                                                    __builtin_bit_cast(Half16, b), c);
}

__device__ __forceinline__ Float8 multiply_add(const Bf16*, Short16 a, Short16 b, Float8 c) {
  return __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(a, b, c);
}

template <typename T, Masking masking, unsigned kTileDim>
struct FlashWmmaTile {
  using Scalar = FlashTile<T, masking, kTileDim>;
  static constexpr unsigned kRows = Scalar::kRows, kRowGroups = Scalar::kRowGroups;
  static constexpr unsigned kThreads = Scalar::kThreads, kRowsEach = Scalar::kRowsEach;
  static constexpr unsigned kBlocks = kRows / 16;                   // blocks of 16 query rows
  static constexpr unsigned kShared = kThreads / 32 / kBlocks;      // waves that share a block
  static constexpr unsigned kColumns = kTileDim / 16 / kShared;     // column tiles of a wave
  // Rows lie apart so that what eight lanes read at once lies in different banks.
  static constexpr unsigned kPitch = kTileDim + 8, kKeyPitch = kFlashKeys + 8;
  static constexpr unsigned kKeyElements =
      kFlashKeys * kPitch > kTileDim * kKeyPitch ? kFlashKeys * kPitch : kTileDim * kKeyPitch;
  static_assert(4 * kRows * kWeightPitch + 2 * (kRows * kPitch + kKeyElements + kRows * kKeyPitch) + 4 * kRows <=
                    flash_lds_bytes(kTileDim),
                "the tiles must fit in what the wrapper asks for");

  Scalar rows;          // the running maxima and sums, and the mask
  float* const scores;  // [rows][keys], in the order of slot()
  float* const shrinks;
  T* const queries;
  T* const keys;  // K [keys][dim]; after the scores V, transposed: [dim][keys]
  T* const weights;
  const unsigned lane, block, part;
  Float8 sum[kColumns];

  __device__ __forceinline__ FlashWmmaTile(const FlashArguments<T>& arguments, float* lds)
      : rows(arguments, lds),
        scores(lds),
        shrinks(lds + kRows * kWeightPitch),
        queries(reinterpret_cast<T*>(shrinks + kRows)),
        keys(queries + kRows * kPitch),
        weights(keys + kKeyElements),
        lane(threadIdx.x % 32),
        block(threadIdx.x / 32 / kShared),
        part(threadIdx.x / 32 % kShared) {}

  // Where a row of scores lies: neighbouring rows 16 banks apart for the waves that write two at once, four
  // rows 8 banks apart for the waves that read four.
  __device__ static __forceinline__ unsigned slot(unsigned row) {
    return ((row & ~3u) | (row & 1) << 1 | (row >> 1 & 1)) * kWeightPitch;
  }

  // Sixteen neighbouring elements.
  __device__ static __forceinline__ Short16 fragment(const T* from) {
    const Short8 low = *reinterpret_cast<const Short8*>(from);
    const Short8 high = *reinterpret_cast<const Short8*>(from + 8);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }

  template <unsigned kCount>
  __device__ __forceinline__ void load(T* tile, const T* source, size_t stride, unsigned count) {
    constexpr unsigned kQuads = kTileDim / 4, kAtOnce = kThreads / kQuads;
    const unsigned column = threadIdx.x % kQuads * 4;
#pragma unroll 2
    for (unsigned row = threadIdx.x / kQuads; row < kCount; row += kAtOnce) {
      Quad<T> value = {};
      if (row < count && column < rows.a.head_dim) {
        value = *reinterpret_cast<const Quad<T>*>(source + row * stride + column);
      }
      *reinterpret_cast<Quad<T>*>(tile + row * kPitch + column) = value;
    }
  }

  // Each lane takes a key, so that the transposed elements of a wave lie next to each other.
  __device__ __forceinline__ void load_transposed(const T* source, size_t stride, unsigned count) {
    const unsigned key = threadIdx.x % kFlashKeys;
#pragma unroll 2
    for (unsigned d = threadIdx.x / kFlashKeys * 4; d < kTileDim; d += kThreads / kFlashKeys * 4) {
      Quad<T> value = {};
      if (key < count && d < rows.a.head_dim) {
        value = *reinterpret_cast<const Quad<T>*>(source + key * stride + d);
      }
#pragma unroll
      for (unsigned i = 0; i < 4; ++i) keys[(d + i) * kKeyPitch + key] = value.part[i];
    }
  }

  __device__ __forceinline__ void run() {
    const FlashArguments<T>& a = rows.a;
    const unsigned batch = blockIdx.z, head = blockIdx.y, kv_head = head / (a.heads / a.kv_heads);
    const HeadRows q = rows_of_head(batch, head, a.heads, a.seq_q, a.head_dim, a.seq_major);
    const HeadRows kv = rows_of_head(batch, kv_head, a.kv_heads, a.kv_capacity, a.head_dim, a.seq_major);
    const size_t rows_at = q.first + rows.first_row * q.stride;
    rows.clear();
#pragma unroll
    for (unsigned c = 0; c < kColumns; ++c) sum[c] = Float8(0.0f);
    load<kRows>(queries, a.q + rows_at, q.stride, a.seq_q - rows.first_row);
    const unsigned end = rows.key_end();
    for (unsigned key = 0; key < end; key += kFlashKeys) {
      const size_t keys_at = kv.first + key * kv.stride;
      load<kFlashKeys>(keys, a.k + keys_at, kv.stride, a.seq_k - key);
      __syncthreads();
      multiply_scores();
      __syncthreads();
      load_transposed(a.v + keys_at, kv.stride, a.seq_k - key);
      weigh(key, batch, head);
      __syncthreads();
      accumulate();
      __syncthreads();
    }
    store(a.out + rows_at, q.stride);
  }

  // Q K^T of this tile: the first two waves of a row block take 16 keys each.
  __device__ __forceinline__ void multiply_scores() {
    if (part >= 2) return;
    Float8 score = Float8(0.0f);
    const T* const q = queries + (block * 16 + lane % 16) * kPitch;
    const T* const k = keys + (part * 16 + lane % 16) * kPitch;
#pragma unroll 2
    for (unsigned d = 0; d < kTileDim; d += 16) score = multiply_add(q, fragment(q + d), fragment(k + d), score);
#pragma unroll
    for (unsigned v = 0; v < 8; ++v) {
      scores[slot(block * 16 + 2 * v + lane / 16) + part * 16 + lane % 16] = score[v];
    }
  }

  // The weights of this tile, rounded, and by how much each row's sum so far shrinks.
  __device__ __forceinline__ void weigh(unsigned first_key, unsigned batch, unsigned head) {
    const FlashArguments<T>& a = rows.a;
#pragma unroll
    for (unsigned r = 0; r < kRowsEach; ++r) {
      const unsigned local = rows.group + r * kRowGroups, row = rows.first_row + local;
      const unsigned seen = rows.causal() ? causal_keys(row, a.seq_q, a.seq_k) : a.seq_k;
      float score[kKeysEach];
#pragma unroll
      for (unsigned c = 0; c < kKeysEach; ++c) {
        const unsigned column = rows.lane + c * kRowLanes;
        const float product = scores[slot(local) + column] * a.scale;
        score[c] = rows.masked(product, row, first_key + column, seen, batch, head);
      }
      float weight[kKeysEach];
      const float shrink = rows.advance(r, score, weight);
      if (rows.lane == 0) shrinks[local] = shrink;
#pragma unroll
      for (unsigned c = 0; c < kKeysEach; ++c) {
        store_rounded(weights + local * kKeyPitch + rows.lane + c * kRowLanes, weight[c]);
      }
    }
  }

  // Scales down what was summed up, then adds the weighted rows of V.
  __device__ __forceinline__ void accumulate() {
    Float8 shrink;
#pragma unroll
    for (unsigned v = 0; v < 8; ++v) shrink[v] = shrinks[block * 16 + 2 * v + lane / 16];
    const T* const weight = weights + (block * 16 + lane % 16) * kKeyPitch;
    const Short16 low = fragment(weight), high = fragment(weight + 16);
#pragma unroll
    for (unsigned c = 0; c < kColumns; ++c) {
      const T* const v = keys + ((part * kColumns + c) * 16 + lane % 16) * kKeyPitch;
      sum[c] = multiply_add(v, low, fragment(v), sum[c] * shrink);
      sum[c] = multiply_add(v, high, fragment(v + 16), sum[c]);
    }
  }

  __device__ __forceinline__ void store(T* out, size_t stride) {
#pragma unroll
    for (unsigned r = 0; r < kRowsEach; ++r) {
      const float all = row_sum(rows.total[r]);
      if (rows.lane == 0) shrinks[rows.group + r * kRowGroups] = all;
    }
    __syncthreads();
#pragma unroll
    for (unsigned v = 0; v < 8; ++v) {
      const unsigned row = block * 16 + 2 * v + lane / 16;
      if (rows.first_row + row >= rows.a.seq_q) continue;
      const float factor = Scalar::share(shrinks[row]);
#pragma unroll
      for (unsigned c = 0; c < kColumns; ++c) {
        const unsigned column = (part * kColumns + c) * 16 + lane % 16;
        if (column >= rows.a.head_dim) continue;
        store_rounded(out + row * stride + column, sum[c][v] * factor);
      }
    }
  }
};
#endif

// The body of a kernel: by matrix instructions where there are any for the type, else by FlashTile. Training
// stays with FlashTile, whose weights are not rounded.
template <typename T, Masking masking, unsigned kTileDim>
__device__ __forceinline__ void flash_attention(const FlashArguments<T>& arguments) {
  extern __shared__ float4 lds[];
  float* const memory = reinterpret_cast<float*>(lds);
#if defined(FLASH_WMMA)
  if constexpr (sizeof(T) == 2 && masking != Masking::kChosen) {
    FlashWmmaTile<T, masking, kTileDim>(arguments, memory).run();
    return;
  }
#endif
  FlashTile<T, masking, kTileDim>(arguments, memory).run();
}
