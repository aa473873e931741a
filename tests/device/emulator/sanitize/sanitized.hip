// Kernels with known findings, for the tests of what findings say.
#include <hip/hip_runtime.h>

extern "C" __global__ void neighbours(const float *x, float *y, int n)
{
    __shared__ volatile float tile[64];
    int l = threadIdx.x, i = blockIdx.x * 64 + l;
    tile[l] = i < n ? x[i] : 0.0f; // mark: write
    y[i] = tile[63 - l]; // mark: read
}

extern "C" __global__ void copied(const unsigned *x, unsigned *y)
{
    y[threadIdx.x] = x[threadIdx.x]; // mark: copy
}

extern "C" __global__ void chosen(const unsigned *x, unsigned *y, unsigned *seen)
{
    if (x[threadIdx.x] > 7) // mark: branch
        atomicAdd(seen, 1u);
    y[threadIdx.x] = 1;
}

extern "C" __global__ void everyone(unsigned *y)
{
    y[0] = blockIdx.x; // mark: everyone
}

extern "C" __global__ void past(unsigned *y, unsigned distance)
{
    y[threadIdx.x + distance] = 1; // mark: past
}

extern "C" __global__ void in_lockstep(const float *x, float *y)
{
    __shared__ volatile float tile[32];
    int l = threadIdx.x;
    tile[l] = x[l]; // mark: lane writes
    y[l] = tile[31 - l]; // mark: lane reads
}
