// Philox 4x32-10: four random words for each counter and key, without any state. From Salmon, Moraes, Dror,
// Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; constants and rounds as published there.
#pragma once

#include <hip/hip_runtime.h>

struct PhiloxWords {
  unsigned word[4];
};

__device__ __forceinline__ PhiloxWords philox(PhiloxWords counter, unsigned long long key) {
  unsigned low = static_cast<unsigned>(key), high = static_cast<unsigned>(key >> 32);
#pragma unroll 2
  for (unsigned round = 0; round < 10; ++round) {
    const unsigned long long a = 0xD2511F53ull * counter.word[0], b = 0xCD9E8D57ull * counter.word[2];
    const unsigned a_high = static_cast<unsigned>(a >> 32), b_high = static_cast<unsigned>(b >> 32);
    counter = {{b_high ^ counter.word[1] ^ low, static_cast<unsigned>(b), a_high ^ counter.word[3] ^ high,
                static_cast<unsigned>(a)}};
    low += 0x9E3779B9u;
    high += 0xBB67AE85u;
  }
  return counter;
}
