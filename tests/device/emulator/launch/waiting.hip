// Waves and workgroups that wait for one another, rightly and in vain.
#include <hip/hip_runtime.h>
#include <hip/hip_cooperative_groups.h>

extern "C" __global__ void spin_lock(int *count, int rounds)
{
    __shared__ int held;
    if (threadIdx.x == 0)
        held = 0;
    __syncthreads();
    if (threadIdx.x % warpSize == 0)
        for (int i = 0; i < rounds; i++) {
            while (atomicCAS(&held, 0, 1) != 0) {
            }
            int seen = *(volatile int *)count;
            for (int pause = 0; pause < 3000; pause++)
                *(volatile int *)(count + 1 + threadIdx.x) = pause;
            *(volatile int *)count = seen + 1;
            __threadfence_block();
            atomicExch(&held, 0);
        }
}

// Every wave hands a number on to the next, the last one to the first: each waits for the one before.
extern "C" __global__ void ring(int *out, int laps)
{
    __shared__ volatile int turn, value;
    int wave = threadIdx.x / warpSize, waves = blockDim.x / warpSize;
    if (threadIdx.x == 0) {
        turn = 0;
        value = 0;
    }
    __syncthreads();
    if (threadIdx.x % warpSize == 0)
        for (int lap = 0; lap < laps; lap++) {
            while (turn != lap * waves + wave) {
            }
            value = value * 3 + wave;
            __threadfence_block();
            turn = turn + 1;
        }
    __syncthreads();
    out[threadIdx.x] = value;
}

extern "C" __global__ void sleeper(int *out)
{
    __shared__ volatile int flag;
    if (threadIdx.x == 0)
        flag = 0;
    __syncthreads();
    if (threadIdx.x < warpSize)
        while (flag == 0)
            __builtin_amdgcn_s_sleep(2);
    else if (threadIdx.x == warpSize)
        flag = 1;
    out[threadIdx.x] = 1;
}

extern "C" __global__ void some_leave(int *out, int leaving)
{
    if (threadIdx.x / warpSize < leaving)
        return;
    out[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] += out[blockDim.x - 1];
}

extern "C" __global__ void never_comes(int *out)
{
    __shared__ volatile int flag;
    if (threadIdx.x == 0)
        flag = 0;
    __syncthreads();
    if (threadIdx.x < warpSize) {
        while (flag == 0) { // polled in vain
        }
    } else {
        __syncthreads(); // waited at in vain
        flag = 1;
    }
    out[threadIdx.x] = 1;
}

extern "C" __global__ void crossed_locks(int *out)
{
    __shared__ int first, second;
    if (threadIdx.x == 0)
        first = second = 0;
    __syncthreads();
    int wave = threadIdx.x / warpSize;
    if (threadIdx.x % warpSize == 0) {
        int *mine = wave ? &second : &first, *other = wave ? &first : &second;
        atomicExch(mine, 1);
        for (int pause = 0; pause < 30000; pause++)
            *(volatile int *)out = pause;
        while (atomicCAS(other, 0, 1) != 0) { // both for ever
        }
    }
    out[threadIdx.x] = 1;
}

extern "C" __global__ void counts_on(unsigned *out)
{
    if (threadIdx.x < warpSize)
        for (unsigned i = 1; i; i += 2)
            *(volatile unsigned *)out = i;
    __syncthreads();
}

extern "C" __global__ void waits_for_the_last_group(int *flags)
{
    if (blockIdx.x + 1 < gridDim.x)
        while (atomicAdd(flags, 0) == 0) { // for the last workgroup
        }
    else if (threadIdx.x == 0)
        atomicExch(flags, 1);
}

extern "C" __global__ void waits_for_the_group_before(int *flags)
{
    if (threadIdx.x == 0) {
        while (blockIdx.x && atomicAdd(flags + blockIdx.x - 1, 0) == 0) {
        }
        atomicExch(flags + blockIdx.x, 1 + blockIdx.x);
    }
}

extern "C" __global__ void work(float *x, int n)
{
    float a = x[threadIdx.x];
    for (int i = 0; i < n; i++)
        a = a * 0.5f + 1.0f;
    x[blockIdx.x * blockDim.x + threadIdx.x] = a;
}

// Phases of a sum over the whole grid, each reading what other workgroups wrote in the one before.
extern "C" __global__ void grid_sum(unsigned *x, unsigned n)
{
    auto grid = cooperative_groups::this_grid();
    unsigned total = gridDim.x * blockDim.x, me = blockIdx.x * blockDim.x + threadIdx.x;
    for (unsigned half = n / 2; half; half /= 2) {
        for (unsigned i = me; i < half; i += total)
            x[i] += x[i + half];
        grid.sync();
    }
}

extern "C" __global__ void grid_without_one(int *out)
{
    if (blockIdx.x == 1)
        return;
    cooperative_groups::this_grid().sync(); // never complete
    out[blockIdx.x] = 1;
}

// How later device libraries synchronise a grid: a counter in the record that a hidden argument points to.
extern "C" __global__ void grid_by_record(unsigned *out, unsigned *valid)
{
#if CODE_OBJECT_VERSION >= 5
    const int word = 11;
#else
    const int word = 6;
#endif
    auto hidden = (unsigned long const __attribute__((address_space(4))) *)__builtin_amdgcn_implicitarg_ptr();
    unsigned *record = (unsigned *)hidden[word], *counter = record + 8, groups = record[10];
    if (threadIdx.x == 0) {
        unsigned before = __hip_atomic_fetch_add(counter, 1u, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
        atomicAdd(valid, 1u);
        if ((before & 0xffff) == groups - 1)
            __hip_atomic_fetch_add(counter, 0x10000 - groups, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT);
        else
            while ((__hip_atomic_load(counter, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT) & ~0xffffu) ==
                   (before & ~0xffffu))
                __builtin_amdgcn_s_sleep(1);
        out[blockIdx.x] = *(volatile unsigned *)valid;
    }
}
