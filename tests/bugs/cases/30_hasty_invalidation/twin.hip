// Twin: corrected.
#define TWIN
#include <hip/hip_runtime.h>
#ifdef TWIN
#define POLL "global_load_b32 %0, %1, off glc\n s_waitcnt vmcnt(0)\n buffer_gl1_inv\n buffer_gl0_inv"
#else
#define POLL "global_load_b32 %0, %1, off glc\n buffer_gl1_inv\n buffer_gl0_inv\n s_waitcnt vmcnt(0)"
#endif
extern "C" __global__ void hand(int* flag, int* data, int* y) {
  if (threadIdx.x) return;
  if (blockIdx.x == 0) {
    *data = 7;
    __hip_atomic_store(flag, 1, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_AGENT);
    return;
  }
  int seen;
  do {
    asm volatile(POLL : "=v"(seen) : "v"(flag) : "memory");
  } while (seen == 0);
  *y = *data;
}
