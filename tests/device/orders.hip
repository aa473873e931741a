// Kernels whose results tell in which order they ran.
#include <hip/hip_runtime.h>

// The place of each workgroup, and of each wave of it, in the order in which they came.
extern "C" __global__ void came(unsigned *next, unsigned *groups, unsigned *waves)
{
    __shared__ unsigned count;
    if (threadIdx.x == 0)
        count = 0;
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        waves[blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32] = atomicAdd(&count, 1u);
    __syncthreads();
    if (threadIdx.x == 0)
        groups[blockIdx.x] = atomicAdd(next, 1u);
}

// What LDS, and device memory, hold before anybody writes there.
extern "C" __global__ void unwritten(const unsigned *memory, unsigned *out)
{
    __shared__ unsigned lds[32];
    volatile unsigned *v = lds;
    out[threadIdx.x] = v[threadIdx.x];
    out[32 + threadIdx.x] = memory[threadIdx.x];
}
