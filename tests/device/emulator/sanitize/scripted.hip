// Does what a script says, one access of every work-item at a time: for tests of what accesses are compared with.
#include <hip/hip_runtime.h>

#define LOADS(space, suffix, at)                                                                 \
  case 1: asm volatile(#space "_load_u8 %0, %1" suffix : "=v"(w.x) : "v"(at)); break;            \
  case 2: asm volatile(#space "_load_u16 %0, %1" suffix : "=v"(w.x) : "v"(at)); break;           \
  case 4: asm volatile(#space "_load_b32 %0, %1" suffix : "=v"(w.x) : "v"(at)); break;           \
  case 8: asm volatile(#space "_load_b64 %0, %1" suffix : "=v"(d) : "v"(at)); break;             \
  case 12: asm volatile(#space "_load_b96 %0, %1" suffix : "=v"(t) : "v"(at)); break;            \
  case 16: asm volatile(#space "_load_b128 %0, %1" suffix : "=v"(q) : "v"(at)); break;

#define STORES(space, suffix, at)                                                                \
  case 1: asm volatile(#space "_store_b8 %0, %1" suffix : : "v"(at), "v"(w.x)); break;           \
  case 2: asm volatile(#space "_store_b16 %0, %1" suffix : : "v"(at), "v"(w.x)); break;          \
  case 4: asm volatile(#space "_store_b32 %0, %1" suffix : : "v"(at), "v"(w.x)); break;          \
  case 8: asm volatile(#space "_store_b64 %0, %1" suffix : : "v"(at), "v"(d)); break;            \
  case 12: asm volatile(#space "_store_b96 %0, %1" suffix : : "v"(at), "v"(t)); break;           \
  case 16: asm volatile(#space "_store_b128 %0, %1" suffix : : "v"(at), "v"(q)); break;

typedef unsigned Two __attribute__((ext_vector_type(2)));
typedef unsigned Three __attribute__((ext_vector_type(3)));
typedef unsigned Four __attribute__((ext_vector_type(4)));

const unsigned kUndefined = 2560;  // an offset in LDS that no script writes

enum Kind { kNothing, kLoad, kStore, kLdsLoad, kLdsStore, kAtomic, kLdsAtomic, kSpoil, kLdsSpoil, kFence, kMet };

// `script` has a word for every step and work-item of the grid: the kind from bit 24, the bytes from bit 16,
// the offset. Each kind is on a line of its own.
extern "C" __global__ void scripted(const unsigned *script, unsigned steps, char *memory) {
  extern __shared__ unsigned tile[];
  const unsigned items = gridDim.x * blockDim.x;
  struct { unsigned x; } w = {1};
  Two d = {1, 1};
  Three t = {1, 1, 1};
  Four q = {1, 1, 1, 1};
  for (unsigned step = 0; step < steps; ++step) {
    const unsigned what = script[step * items + blockIdx.x * blockDim.x + threadIdx.x];
    const unsigned kind = what >> 24, bytes = what >> 16 & 255, offset = what & 0xffff;
    char *at = memory + offset;
    asm volatile("" : "+v"(at));  // here, so that work-items which then do nothing have an address too
    unsigned undefined;
    if (kind == kMet) {
      __syncthreads();
    } else if (kind == kFence) {
      __threadfence();
    } else if (kind == kLoad) {
      switch (bytes) { LOADS(global, ", off\ns_waitcnt vmcnt(0)", at) }  // mark: load
    } else if (kind == kStore) {
      w.x = 1, d = {1, 1}, t = {1, 1, 1}, q = {1, 1, 1, 1};
      switch (bytes) { STORES(global, ", off", at) }  // mark: store
    } else if (kind == kLdsLoad) {
      switch (bytes) { LOADS(ds, "\ns_waitcnt lgkmcnt(0)", offset) }  // mark: lds load
    } else if (kind == kLdsStore) {
      w.x = 1, d = {1, 1}, t = {1, 1, 1}, q = {1, 1, 1, 1};
      switch (bytes) { STORES(ds, "", offset) }  // mark: lds store
    } else if (kind == kAtomic) {
      atomicAdd(reinterpret_cast<unsigned *>(at), 1u);  // mark: atomic
    } else if (kind == kLdsAtomic) {
      atomicAdd(tile + offset / 4, 1u);  // mark: lds atomic
    } else if (kind == kSpoil) {
      asm volatile("ds_load_b32 %0, %1\ns_waitcnt lgkmcnt(0)" : "=v"(undefined) : "v"(kUndefined));
      asm volatile("global_store_b32 %0, %1, off" : : "v"(at), "v"(undefined));  // mark: spoil
    } else if (kind == kLdsSpoil) {
      asm volatile("ds_load_b32 %0, %1\ns_waitcnt lgkmcnt(0)" : "=v"(undefined) : "v"(kUndefined));
      asm volatile("ds_store_b32 %0, %1" : : "v"(offset), "v"(undefined));  // mark: lds spoil
    }
  }
}
