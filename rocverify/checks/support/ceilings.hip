// What a GPU reaches at best: bytes by copying, operations by multiply-adds.
//
// The multiply-adds form chains that depend on nothing but themselves, enough of them for a wave to hide one
// behind the others. Every chain's end is stored, so that none can be left out.
#include <hip/hip_runtime.h>

constexpr unsigned kThreads = 256;
constexpr unsigned kChains = 8;
constexpr unsigned kUnrolled = 16;  // rounds come in multiples of it

extern "C" __global__ __launch_bounds__(kThreads) void ceiling_copy(const uint4* from, uint4* to,
                                                                    unsigned long long count) {
  const size_t step = static_cast<size_t>(gridDim.x) * kThreads;
  for (size_t i = static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += step) to[i] = from[i];
}

typedef _Float16 Half2 __attribute__((ext_vector_type(2)));

// One round of a chain. float32 adds the product to the chain, since gfx11 issues two such in one instruction;
// a compiler that is told no fused operation could move the product out of the loop.
__device__ __forceinline__ float next(float chain, float factor, float term) {
  return __builtin_fmaf(factor, term, chain);
}

__device__ __forceinline__ double next(double chain, double factor, double term) {
  return __builtin_fma(factor, term, chain);
}

__device__ __forceinline__ Half2 next(Half2 chain, Half2 factor, Half2 term) { return chain * factor + term; }

template <typename T>
__device__ __forceinline__ void multiply_add(T* ends, T factor, const T (&terms)[2], unsigned rounds) {
  T chain[kChains];
#pragma unroll
  for (unsigned c = 0; c < kChains; ++c) chain[c] = T(static_cast<float>(threadIdx.x * kChains + c));
  for (unsigned round = 0; round < rounds; round += kUnrolled) {
#pragma unroll
    for (unsigned r = 0; r < kUnrolled; ++r) {
#pragma unroll
      for (unsigned c = 0; c < kChains; ++c) chain[c] = next(chain[c], factor, terms[c % 2]);
    }
  }
  T* const own = ends + (static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x) * kChains;
#pragma unroll
  for (unsigned c = 0; c < kChains; ++c) own[c] = chain[c];
}

extern "C" __global__ __launch_bounds__(kThreads) void ceiling_f32(float* ends, float factor, float term,
                                                                   unsigned rounds) {
  // Two operations in one instruction take an operand each from vector registers of different banks.
  float terms[2] = {term, term};
  asm("" : "+v"(terms[0]), "+v"(terms[1]));
  multiply_add(ends, factor, terms, rounds);
}

extern "C" __global__ __launch_bounds__(kThreads) void ceiling_f64(double* ends, float factor, float term,
                                                                   unsigned rounds) {
  multiply_add<double>(ends, factor, {term, term}, rounds);
}

extern "C" __global__ __launch_bounds__(kThreads) void ceiling_f16(Half2* ends, float factor, float term,
                                                                   unsigned rounds) {
  const _Float16 f = static_cast<_Float16>(factor), t = static_cast<_Float16>(term);
  multiply_add<Half2>(ends, Half2{f, f}, {Half2{t, t}, Half2{t, t}}, rounds);
}

#if defined(__gfx1100__) || defined(__gfx1101__) || defined(__gfx1102__) || defined(__gfx1103__) || \
    defined(__gfx1150__) || defined(__gfx1151__)
typedef float Float8 __attribute__((ext_vector_type(8)));
typedef short Short16 __attribute__((ext_vector_type(16)));
typedef _Float16 Half16 __attribute__((ext_vector_type(16)));

// Products of 16 x 16 matrices all of whose elements are `element`, as bits of the type.
template <bool kBrain>
__device__ __forceinline__ void multiply_matrices(Float8* ends, short element, unsigned rounds) {
  constexpr unsigned kSums = kChains / 2;
  const Short16 matrix = Short16(element);
  Float8 sum[kSums] = {};
  for (unsigned round = 0; round < rounds; round += kUnrolled) {
#pragma unroll
    for (unsigned r = 0; r < kUnrolled; ++r) {
#pragma unroll
      for (unsigned c = 0; c < kSums; ++c) {
        if constexpr (kBrain) {
          sum[c] = __builtin_amdgcn_wmma_f32_16x16x16_bf16_w32(matrix, matrix, sum[c]);
        } else {
          const Half16 halves = __builtin_bit_cast(Half16, matrix);
          sum[c] = __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(halves, halves, sum[c]);
        }
      }
    }
  }
  Float8* const own = ends + (static_cast<size_t>(blockIdx.x) * kThreads + threadIdx.x) * kSums;
#pragma unroll
  for (unsigned c = 0; c < kSums; ++c) own[c] = sum[c];
}

extern "C" __global__ __launch_bounds__(kThreads) void ceiling_matrix_f16(Float8* ends, unsigned element,
                                                                          unsigned rounds) {
  multiply_matrices<false>(ends, static_cast<short>(element), rounds);
}

extern "C" __global__ __launch_bounds__(kThreads) void ceiling_matrix_bf16(Float8* ends, unsigned element,
                                                                           unsigned rounds) {
  multiply_matrices<true>(ends, static_cast<short>(element), rounds);
}
#endif
