// Races in global memory, between waves and between workgroups; lanes of one wave under --strict.
#include <hip/hip_runtime.h>

// launch one_cell: --grid 4 --block 32 --arg f32[128]:random --arg f32[1]:zeros
extern "C" __global__ void one_cell(const float *x, float *y)
{
    y[0] = x[blockIdx.x * 32 + threadIdx.x]; // FINDS race WAW
}

extern "C" __global__ void one_cell_fixed(const float *x, float *y)
{
    atomicAdd(&y[0], x[blockIdx.x * 32 + threadIdx.x]);
}

// launch plain_counter: --grid 4 --block 32 --arg u32[1]:zeros
extern "C" __global__ void plain_counter(unsigned *count)
{
    if (threadIdx.x == 0)
        count[0] += 1; // FINDS race RAW/WAR, FINDS race WAW, ALSO race WAR
}

extern "C" __global__ void plain_counter_fixed(unsigned *count)
{
    if (threadIdx.x == 0)
        atomicAdd(count, 1u);
}

// launch stencil_in_place: --grid 4 --block 64 --arg f32[256]:random --arg i32:256
extern "C" __global__ void stencil_in_place(float *x, int n)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    float right = x[(i + 1) % n]; // ALSO race RAW
    x[i] += right; // FINDS race WAR, ALSO race RAW
}

extern "C" __global__ void stencil_in_place_fixed(float *x, int n)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    x[i] += x[i] * 0.5f + n;
}

// launch neighbours_result: --grid 4 --block 32 --arg f32[128]:random --arg f32[128]:zeros --arg f32[4]:out
extern "C" __global__ void neighbours_result(const float *x, float *y, float *sums)
{
    int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = x[i] * 2;
    if (threadIdx.x == 0 && blockIdx.x > 0)
        sums[blockIdx.x] = y[i - 1]; // FINDS race RAW
}

extern "C" __global__ void neighbours_result_fixed(const float *x, float *y, float *sums)
{
    int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = x[i] * 2;
    if (threadIdx.x == 0 && blockIdx.x > 0)
        sums[blockIdx.x] = x[i - 1] * 2;
}

// launch last_block_without_fence: --grid 4 --block 32 --arg f32[128]:random --arg f32[4]:zeros --arg f32[1]:zeros --arg u32[1]:zeros
extern "C" __global__ void last_block_without_fence(const float *x, float *parts, float *sum, unsigned *finished)
{
    if (threadIdx.x)
        return;
    parts[blockIdx.x] = x[blockIdx.x * 32];
    if (atomicAdd(finished, 1u) != gridDim.x - 1)
        return;
    float total = 0;
    for (int b = 0; b < 4; b++)
        total += parts[b]; // FINDS race RAW
    sum[0] = total;
}

extern "C" __global__ void last_block_without_fence_fixed(const float *x, float *parts, float *sum, unsigned *finished)
{
    if (threadIdx.x)
        return;
    parts[blockIdx.x] = x[blockIdx.x * 32];
    __threadfence();
    if (atomicAdd(finished, 1u) != gridDim.x - 1)
        return;
    __threadfence();
    float total = 0;
    for (int b = 0; b < 4; b++)
        total += parts[b];
    sum[0] = total;
}

// launch clears_while_others_add: --grid 4 --block 32 --arg u32[1]:zeros
extern "C" __global__ void clears_while_others_add(unsigned *total)
{
    if (blockIdx.x == 0 && threadIdx.x == 0)
        total[0] = 0; // ALSO race WAW
    if (blockIdx.x > 0)
        atomicAdd(total, threadIdx.x); // FINDS race WAW
}

extern "C" __global__ void clears_while_others_add_fixed(unsigned *total)
{
    if (blockIdx.x > 0)
        atomicAdd(total, threadIdx.x);
}

// launch warp_synchronous: --grid 1 --block 32 --arg f32[32]:random --arg f32[1]:out --strict
extern "C" __global__ void warp_synchronous(const float *x, float *y)
{
    __shared__ volatile float t[32];
    int l = threadIdx.x;
    t[l] = x[l]; // ALSO lockstep WAR
    if (l < 16)
        t[l] += t[l + 16]; // FINDS lockstep RAW, ALSO lockstep WAR
    if (l == 0)
        y[0] = t[0] + t[1]; // FINDS lockstep RAW
}

extern "C" __global__ void warp_synchronous_fixed(const float *x, float *y)
{
    __shared__ volatile float t[32];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    if (l < 16)
        t[l] = t[l] + t[l + 16];
    __syncthreads();
    if (l == 0)
        y[0] = t[0] + t[1];
}

// launch exchange_within_a_wave: --grid 1 --block 32 --arg f32[32]:random --arg f32[32]:out --strict
extern "C" __global__ void exchange_within_a_wave(const float *x, float *y)
{
    __shared__ volatile float t[32];
    t[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = t[threadIdx.x ^ 1]; // FINDS lockstep RAW
}

extern "C" __global__ void exchange_within_a_wave_fixed(const float *x, float *y)
{
    y[threadIdx.x] = __shfl_xor(x[threadIdx.x], 1);
}
