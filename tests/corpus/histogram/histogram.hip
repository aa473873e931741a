// How often each value occurs.
#include <hip/hip_runtime.h>

// One global atomic for each element; what is out of range is not counted.
extern "C" __global__ void histogram_global(const int *in, unsigned *counts, int n, int bins)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && (unsigned)in[i] < (unsigned)bins)
        atomicAdd(&counts[in[i]], 1u);
}

// Bytes, counted in LDS first: one global atomic a bin and workgroup.
extern "C" __global__ void histogram_lds(const unsigned char *in, unsigned *counts, int n)
{
    __shared__ unsigned own[256];
    for (int b = threadIdx.x; b < 256; b += blockDim.x)
        own[b] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&own[in[i]], 1u);
    __syncthreads();
    for (int b = threadIdx.x; b < 256; b += blockDim.x)
        if (own[b])
            atomicAdd(&counts[b], own[b]);
}

// Lanes that hold the same value are counted by one ballot; one of them adds for all.
extern "C" __global__ void histogram_ballot(const unsigned char *in, unsigned *counts, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % warpSize;
    bool waiting = i < n;
    int value = waiting ? in[i] : 0;
    while (unsigned long long left = __ballot(waiting)) {
        int leader = __ffsll(left) - 1;
        int chosen = __builtin_amdgcn_readlane(value, leader);
        unsigned long long same = __ballot(waiting && value == chosen);
        if (lane == leader)
            atomicAdd(&counts[chosen], (unsigned)__popcll(same));
        waiting = waiting && value != chosen;
    }
}
