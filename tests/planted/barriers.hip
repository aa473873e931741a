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

// launch in_a_loop_of_own_length: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out
extern "C" __global__ void in_a_loop_of_own_length(const int *x, int *y)
{
    __shared__ int t[32];
    int l = threadIdx.x;
    t[l] = 0;
    for (int k = 0; k < x[l] % 4 + 1; k++) {
        t[l] += k;
        __syncthreads(); // FINDS barrier diverged
    }
    y[l] = t[l];
}

extern "C" __global__ void in_a_loop_of_own_length_fixed(const int *x, int *y)
{
    __shared__ int t[32];
    int l = threadIdx.x;
    t[l] = 0;
    for (int k = 0; k < 4; k++) {
        if (k < x[l] % 4 + 1)
            t[l] += k;
        __syncthreads();
    }
    y[l] = t[l];
}

// launch one_wave_does_more_rounds: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void one_wave_does_more_rounds(const float *x, float *y)
{
    __shared__ volatile float t[64];
    int l = threadIdx.x, rounds = __builtin_amdgcn_readfirstlane(l) < 32 ? 3 : 2;
    for (int k = 0; k < rounds; k++) {
        t[l] = x[l] * k;
        __syncthreads(); // FINDS barrier missed
    }
    y[l] = t[l];
}

extern "C" __global__ void one_wave_does_more_rounds_fixed(const float *x, float *y)
{
    __shared__ volatile float t[64];
    int l = threadIdx.x, rounds = __builtin_amdgcn_readfirstlane(l) < 32 ? 3 : 2;
    for (int k = 0; k < 3; k++) {
        if (k < rounds)
            t[l] = x[l] * k;
        __syncthreads();
    }
    y[l] = t[l];
}

// launch in_a_called_function: --grid 1 --block 32 --arg f32[32]:random --arg f32[32]:out
__device__ __attribute__((noinline)) float with_a_barrier(volatile float *t, int l)
{
    __syncthreads(); // FINDS barrier diverged
    return t[l ^ 1];
}

extern "C" __global__ void in_a_called_function(const float *x, float *y)
{
    __shared__ volatile float t[32];
    int l = threadIdx.x;
    t[l] = x[l];
    float v = x[l];
    if (l < 20)
        v = with_a_barrier(t, l);
    y[l] = v;
}

extern "C" __global__ void in_a_called_function_fixed(const float *x, float *y)
{
    __shared__ volatile float t[32];
    int l = threadIdx.x;
    t[l] = x[l];
    float v = with_a_barrier(t, l);
    y[l] = l < 20 ? v : x[l];
}
