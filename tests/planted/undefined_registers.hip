// Values that nothing has written, in registers, private arrays and by way of other lanes.
#include <hip/hip_runtime.h>

// launch sum_never_set: --grid 1 --block 32 --arg f32[32]:random --arg f32[32]:out --arg i32:1
extern "C" __global__ void sum_never_set(const float *x, float *y, int n)
{
    volatile float sum;
    for (int k = 0; k < n; k++)
        sum += x[threadIdx.x];
    y[threadIdx.x] = sum; // FINDS uninitialized store
}

extern "C" __global__ void sum_never_set_fixed(const float *x, float *y, int n)
{
    volatile float sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[threadIdx.x];
    y[threadIdx.x] = sum;
}

// launch private_array_not_filled: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out --arg i32:6
extern "C" __global__ void private_array_not_filled(const int *x, int *y, int n)
{
    int kept[8];
    for (int i = 0; i < n; i++)
        kept[i] = x[threadIdx.x] + i;
    y[threadIdx.x] = kept[x[threadIdx.x] & 7]; // FINDS uninitialized store
}

extern "C" __global__ void private_array_not_filled_fixed(const int *x, int *y, int n)
{
    int kept[8];
    for (int i = 0; i < n + 2; i++)
        kept[i] = x[threadIdx.x] + i;
    y[threadIdx.x] = kept[x[threadIdx.x] & 7];
}

// launch index_from_scratch: --grid 1 --block 32 --arg i32[64]:range --arg i32[32]:out --arg i32:20
extern "C" __global__ void index_from_scratch(const int *x, int *y, int n)
{
    volatile int order[64];
    for (int i = 0; i < n; i++)
        order[i] = x[i];
    int from = order[threadIdx.x] & 63;
    y[threadIdx.x] = x[from]; // FINDS uninitialized address
}

extern "C" __global__ void index_from_scratch_fixed(const int *x, int *y, int n)
{
    volatile int order[64];
    for (int i = 0; i < 64; i++)
        order[i] = i < n ? x[i] : 0;
    int from = order[threadIdx.x] & 63;
    y[threadIdx.x] = x[from];
}

__device__ __attribute__((noinline)) bool looked_up(const int *x, int key, int *value)
{
    if (x[key] % 2)
        return false;
    *value = x[key] / 2;
    return true;
}

// launch result_of_a_failure: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:zeros
extern "C" __global__ void result_of_a_failure(const int *x, int *y)
{
    int value;
    looked_up(x, threadIdx.x, &value);
    if (value > 3) // FINDS uninitialized branch
        atomicAdd(&y[threadIdx.x], 1);
}

extern "C" __global__ void result_of_a_failure_fixed(const int *x, int *y)
{
    int value;
    if (looked_up(x, threadIdx.x, &value) && value > 3)
        atomicAdd(&y[threadIdx.x], 1);
}

// launch stored_after_a_failure: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out
extern "C" __global__ void stored_after_a_failure(const int *x, int *y)
{
    int value;
    looked_up(x, threadIdx.x, &value);
    y[threadIdx.x] = value; // FINDS uninitialized store
}

extern "C" __global__ void stored_after_a_failure_fixed(const int *x, int *y)
{
    int value;
    y[threadIdx.x] = looked_up(x, threadIdx.x, &value) ? value : -1;
}

// launch lane_that_is_not_there: --grid 1 --block 16 --arg i32[16]:range --arg i32[16]:out
extern "C" __global__ void lane_that_is_not_there(const int *x, int *y)
{
    int mine = x[threadIdx.x];
    y[threadIdx.x] = __builtin_amdgcn_readlane(mine, 20); // FINDS uninitialized store
}

extern "C" __global__ void lane_that_is_not_there_fixed(const int *x, int *y)
{
    int mine = x[threadIdx.x];
    y[threadIdx.x] = __builtin_amdgcn_readlane(mine, 10);
}

// launch lane_decides_a_branch: --grid 1 --block 24 --arg i32[32]:range --arg i32[1]:zeros
extern "C" __global__ void lane_decides_a_branch(const int *x, int *y)
{
    int mine = x[threadIdx.x];
    int last = __builtin_amdgcn_readlane(mine, 31);
    if (last > 3) // FINDS uninitialized branch
        atomicAdd(y, mine);
}

extern "C" __global__ void lane_decides_a_branch_fixed(const int *x, int *y)
{
    int mine = x[threadIdx.x];
    int last = __builtin_amdgcn_readlane(mine, blockDim.x - 1);
    if (last > 3)
        atomicAdd(y, mine);
}

// launch switch_on_nothing: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:zeros --arg i32:3
extern "C" __global__ void switch_on_nothing(const int *x, int *y, int n)
{
    volatile int kinds[40];
    for (int i = 0; i < n; i++)
        kinds[i] = i;
    switch (kinds[n]) { // FINDS uninitialized branch
    case 1: atomicAdd(&y[0], 1); break;
    case 2: atomicSub(&y[1], 2); break;
    case 7: atomicMax(&y[2], 3); break;
    default: atomicMin(&y[3], 4);
    }
} // ALSO uninitialized branch

extern "C" __global__ void switch_on_nothing_fixed(const int *x, int *y, int n)
{
    volatile int kinds[40];
    for (int i = 0; i < n; i++)
        kinds[i] = i;
    switch (kinds[n - 1]) {
    case 1: atomicAdd(&y[0], 1); break;
    case 2: atomicSub(&y[1], 2); break;
    case 7: atomicMax(&y[2], 3); break;
    default: atomicMin(&y[3], 4);
    }
}

// launch trip_count_never_set: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:zeros --arg i32:0
extern "C" __global__ void trip_count_never_set(const int *x, int *y, int known)
{
    volatile int count;
    if (known)
        count = 3;
    int rounds = count & 3, sum = 0;
    for (int k = 0; k < rounds; k++) // FINDS uninitialized branch
        sum += atomicAdd(&y[threadIdx.x], x[k]);
}

extern "C" __global__ void trip_count_never_set_fixed(const int *x, int *y, int known)
{
    volatile int count = 2;
    if (known)
        count = 3;
    int rounds = count & 3, sum = 0;
    for (int k = 0; k < rounds; k++)
        sum += atomicAdd(&y[threadIdx.x], x[k]);
}

struct Range {
    const float *first;
    int count;
};

// launch pointer_never_set: --grid 1 --block 32 --arg f32[32]:random --arg f32[32]:out --arg i32:33
extern "C" __global__ void pointer_never_set(const float *x, float *y, int n)
{
    __shared__ Range ranges[2];
    if (threadIdx.x < 2) {
        ranges[threadIdx.x].count = 16;
        if (n < 32)
            ranges[threadIdx.x].first = x + 16 * threadIdx.x;
    }
    __syncthreads();
    const Range &mine = ranges[threadIdx.x / 16];
    y[threadIdx.x] = *mine.first; // FINDS uninitialized address, FAULTS global
}

extern "C" __global__ void pointer_never_set_fixed(const float *x, float *y, int n)
{
    __shared__ Range ranges[2];
    if (threadIdx.x < 2) {
        ranges[threadIdx.x].count = 16;
        ranges[threadIdx.x].first = x + 16 * threadIdx.x;
    }
    __syncthreads();
    const Range &mine = ranges[threadIdx.x / 16];
    y[threadIdx.x] = *mine.first;
}

// launch rows_left_over: --grid 1 --block 32 --arg f32[96]:random --arg f32[32]:out --arg i32:3
extern "C" __global__ void rows_left_over(const float *x, float *y, int rows)
{
    float part[4];
    for (int r = 0; r < 4; r++)
        if (r < rows)
            part[r] = x[r * 32 + threadIdx.x];
    volatile float kept[4];
    for (int r = 0; r < rows; r++)
        kept[r] = part[r];
    float sum = 0;
    for (int r = 0; r < 4; r++)
        sum += kept[r];
    y[threadIdx.x] = sum; // FINDS uninitialized store
}

extern "C" __global__ void rows_left_over_fixed(const float *x, float *y, int rows)
{
    float part[4];
    for (int r = 0; r < 4; r++)
        part[r] = r < rows ? x[r * 32 + threadIdx.x] : 0.0f;
    volatile float kept[4];
    for (int r = 0; r < 4; r++)
        kept[r] = part[r];
    float sum = 0;
    for (int r = 0; r < 4; r++)
        sum += kept[r];
    y[threadIdx.x] = sum;
}
