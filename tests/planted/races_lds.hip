// Races in LDS between waves of a workgroup.
#include <hip/hip_runtime.h>

// launch no_barrier: --grid 2 --block 128 --arg f32[256]:random --arg f32[256]:out
extern "C" __global__ void no_barrier(const float *x, float *y)
{
    __shared__ float t[128];
    int l = threadIdx.x, i = blockIdx.x * 128 + l;
    t[l] = x[i]; // FINDS race WAR
    y[i] = t[127 - l]; // FINDS uninitialized store, FINDS race RAW
}

extern "C" __global__ void no_barrier_fixed(const float *x, float *y)
{
    __shared__ float t[128];
    int l = threadIdx.x, i = blockIdx.x * 128 + l;
    t[l] = x[i];
    __syncthreads();
    y[i] = t[127 - l];
}

// launch loop_without_second_barrier: --grid 1 --block 64 --arg f32[256]:random --arg f32[64]:out --arg i32:4
extern "C" __global__ void loop_without_second_barrier(const float *x, float *y, int n)
{
    __shared__ float t[64];
    float sum = 0;
    for (int k = 0; k < n; k++) {
        t[threadIdx.x] = x[k * 64 + threadIdx.x]; // FINDS race WAR
        __syncthreads();
        sum += t[63 - threadIdx.x]; // FINDS race RAW
    }
    y[threadIdx.x] = sum;
}

extern "C" __global__ void loop_without_second_barrier_fixed(const float *x, float *y, int n)
{
    __shared__ float t[64];
    float sum = 0;
    for (int k = 0; k < n; k++) {
        t[threadIdx.x] = x[k * 64 + threadIdx.x];
        __syncthreads();
        sum += t[63 - threadIdx.x];
        __syncthreads();
    }
    y[threadIdx.x] = sum;
}

// launch tree_without_barrier: --grid 1 --block 256 --arg f32[256]:random --arg f32[1]:out
extern "C" __global__ void tree_without_barrier(const float *x, float *y)
{
    __shared__ float t[256];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    for (int s = 128; s > 0; s >>= 1)
        if (l < s)
            t[l] += t[l + s]; // FINDS race RAW/WAR
    if (l == 0)
        y[0] = t[0];
}

extern "C" __global__ void tree_without_barrier_fixed(const float *x, float *y)
{
    __shared__ float t[256];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    for (int s = 128; s > 0; s >>= 1) {
        if (l < s)
            t[l] += t[l + s];
        __syncthreads();
    }
    if (l == 0)
        y[0] = t[0];
}

// launch same_slot: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void same_slot(const float *x, float *y)
{
    __shared__ float t[32];
    int l = threadIdx.x;
    t[l & 31] = x[l]; // FINDS race WAW
    __syncthreads();
    y[l] = t[l & 31];
}

extern "C" __global__ void same_slot_fixed(const float *x, float *y)
{
    __shared__ float t[64];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    y[l] = t[l & 31];
}

// launch plain_histogram: --grid 1 --block 128 --arg u32[128]:range --arg u32[16]:out
extern "C" __global__ void plain_histogram(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[16];
    int l = threadIdx.x;
    if (l < 16)
        bins[l] = 0;
    __syncthreads();
    bins[x[l] / 2 % 16] += 1; // FINDS race RAW/WAR/WAW
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

extern "C" __global__ void plain_histogram_fixed(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[16];
    int l = threadIdx.x;
    if (l < 16)
        bins[l] = 0;
    __syncthreads();
    atomicAdd(&bins[x[l] / 2 % 16], 1u);
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

// launch cleared_late: --grid 1 --block 64 --arg u32[64]:range --arg u32[16]:out
extern "C" __global__ void cleared_late(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[64];
    int l = threadIdx.x;
    bins[63 - l] = 0; // FINDS race WAW
    atomicAdd(&bins[x[l] % 16], 1u); // ALSO race WAW
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

extern "C" __global__ void cleared_late_fixed(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[64];
    int l = threadIdx.x;
    bins[63 - l] = 0;
    __syncthreads();
    atomicAdd(&bins[x[l] % 16], 1u);
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}
