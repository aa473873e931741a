// Which weights of an attention dropout keeps: a function of the seed, the offset and the place, and of
// nothing else, so that every kernel that asks gets the same answer.
//
// The counter of the generator is (key group, query, head of the batch, offset), its key the seed. A group
// is 32 keys; one call serves the keys n, n + 8, n + 16 and n + 24 of a group, which one work-item holds.
#pragma once

#include "philox.h"

struct Dropout {
  unsigned threshold;  // a word below it drops the weight: part * 2^32, 0 drops nothing
  float keep_scale;    // 1 / (1 - part)
  unsigned offset;
  unsigned long long seed;
};

// The factors of four weights: 0 where dropped, else keep_scale. `key` is the first of the four.
__device__ __forceinline__ float4 dropout_factors(const Dropout& dropout, unsigned matrix, unsigned query,
                                                  unsigned key) {
  if (dropout.threshold == 0) return make_float4(1, 1, 1, 1);
  const unsigned group = key / 32 * 8 + key % 8;
  const PhiloxWords random = philox({{group, query, matrix, dropout.offset}}, dropout.seed);
  float factor[4];
#pragma unroll
  for (unsigned i = 0; i < 4; ++i) factor[i] = random.word[i] < dropout.threshold ? 0.0f : dropout.keep_scale;
  return make_float4(factor[0], factor[1], factor[2], factor[3]);
}
