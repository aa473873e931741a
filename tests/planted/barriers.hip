// Barriers that not every workitem of the workgroup reaches.
#include <hip/hip_runtime.h>

// launch in_a_branch: --grid 2 --block 64 --arg f32[128]:random --arg f32[128]:out
extern "C" __global__ void in_a_branch(const float *x, float *y)
{
    __shared__ float t[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    t[threadIdx.x] = x[i];
    if (threadIdx.x % 2 == 0)
        __syncthreads(); // FINDS barrier diverged
    y[i] = t[threadIdx.x];
}

extern "C" __global__ void in_a_branch_fixed(const float *x, float *y)
{
    __shared__ float t[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    t[threadIdx.x] = x[i];
    __syncthreads();
    y[i] = t[threadIdx.x];
}

// launch early_return: --grid 2 --block 64 --arg f32[128]:random --arg f32[128]:random --arg i32:100
extern "C" __global__ void early_return(const float *x, float *y, int n)
{
    __shared__ float t[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    if (i >= n)
        return;
    t[threadIdx.x] = x[i];
    __syncthreads(); // FINDS barrier diverged
    y[i] = t[threadIdx.x] + 1;
}

extern "C" __global__ void early_return_fixed(const float *x, float *y, int n)
{
    __shared__ float t[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    if (i < n)
        t[threadIdx.x] = x[i];
    __syncthreads();
    if (i < n)
        y[i] = t[threadIdx.x] + 1;
}

// launch a_wave_returns: --grid 1 --block 128 --arg f32[128]:random --arg f32[128]:random --arg i32:96
extern "C" __global__ void a_wave_returns(const float *x, float *y, int n)
{
    __shared__ float t[128];
    int i = threadIdx.x;
    if (i >= n)
        return;
    t[i] = x[i];
    __syncthreads(); // FINDS barrier missed
    y[i] = t[i ^ 1];
}

extern "C" __global__ void a_wave_returns_fixed(const float *x, float *y, int n)
{
    __shared__ float t[128];
    int i = threadIdx.x;
    if (i < n)
        t[i] = x[i];
    __syncthreads();
    if (i < n)
        y[i] = t[i ^ 1];
}

// launch different_barriers: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void different_barriers(const float *x, float *y)
{
    __shared__ float t[64];
    int i = threadIdx.x;
    if (__builtin_amdgcn_readfirstlane(i) < 32) {
        t[i] = x[i];
        __syncthreads();
        y[i] = t[i] * 2;
    } else {
        t[i] = x[i] + 1;
        __syncthreads(); // FINDS barrier mixed
        y[i] = t[i] * 3;
    }
}

extern "C" __global__ void different_barriers_fixed(const float *x, float *y)
{
    __shared__ float t[64];
    int i = threadIdx.x;
    bool low = __builtin_amdgcn_readfirstlane(i) < 32;
    t[i] = low ? x[i] : x[i] + 1;
    __syncthreads();
    y[i] = t[i] * (low ? 2 : 3);
}
