// What the attention kernels share: how their tensors lie in memory, and the type they compute in.
//
// A tensor of attention has `heads` heads of `rows` rows of `head_dim` elements for each batch, in one of
// two layouts:
//
//   head-major   [batch, heads, rows, head_dim]
//   seq-major    [batch, rows, heads * head_dim], as a projection of the hidden states leaves it
//
// K and V have kv_heads heads; query head h reads the head h / (heads / kv_heads) of them. `rows` of K and
// V is the capacity of the cache, of which the first seq_k rows count.
#pragma once

#include "storage.h"

// The type in which a kernel computes for a storage type.
template <typename T>
struct ComputeOf {
  using Type = float;
};

template <>
struct ComputeOf<double> {
  using Type = double;
};

template <typename T>
using Compute = typename ComputeOf<T>::Type;

template <typename T>
__device__ __forceinline__ Compute<T> load_compute(const T* source) {
  return load_f32(source);
}

__device__ __forceinline__ double load_compute(const double* source) { return *source; }

__device__ __forceinline__ void store_rounded(double* target, double value) { *target = value; }

// Four neighbouring elements, moved by one memory instruction. The address is a multiple of its size.
template <typename T>
struct alignas(4 * sizeof(T)) Quad {
  T part[4];
};

template <typename T>
__device__ __forceinline__ float4 load_quad(const T* source) {
  const Quad<T> quad = *reinterpret_cast<const Quad<T>*>(source);
  return make_float4(load_f32(&quad.part[0]), load_f32(&quad.part[1]), load_f32(&quad.part[2]),
                     load_f32(&quad.part[3]));
}

template <typename T>
__device__ __forceinline__ void store_quad(T* target, float4 value) {
  Quad<T> quad;
  store_rounded(&quad.part[0], value.x);
  store_rounded(&quad.part[1], value.y);
  store_rounded(&quad.part[2], value.z);
  store_rounded(&quad.part[3], value.w);
  *reinterpret_cast<Quad<T>*>(target) = quad;
}

// Where the rows of one head lie: the element offset of its first row, and from row to row.
struct HeadRows {
  size_t first;
  size_t stride;
};

__device__ __forceinline__ HeadRows rows_of_head(unsigned batch, unsigned head, unsigned heads,
                                                 unsigned rows, unsigned head_dim, unsigned seq_major) {
  const size_t in_batch = static_cast<size_t>(batch) * heads * rows * head_dim;
  if (seq_major) {
    return {in_batch + static_cast<size_t>(head) * head_dim, static_cast<size_t>(heads) * head_dim};
  }
  return {in_batch + static_cast<size_t>(head) * rows * head_dim, head_dim};
}

// How many of the first keys query `row` sees under the causal mask: the last query sees all of them, so
// that one query against a cache of seq_k keys sees the whole cache. 0 for a query before the first key.
__device__ __forceinline__ unsigned causal_keys(unsigned row, unsigned seq_q, unsigned seq_k) {
  const long long visible = static_cast<long long>(row) + 1 + seq_k - seq_q;
  if (visible < 0) return 0;
  return visible < seq_k ? static_cast<unsigned>(visible) : seq_k;
}
