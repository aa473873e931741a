// Workgroups that synchronise through memory: the idioms, and each with one thing missing.
#include <hip/hip_runtime.h>
#include <hip/hip_cooperative_groups.h>

// launch fence_after_the_atomic: --grid 4 --block 64 --arg f32[256]:random --arg f32[4]:out --arg f32[1]:out --arg u32[1]:zeros
extern "C" __global__ void fence_after_the_atomic(const float *x, float *parts, float *y, unsigned *finished)
{
    __shared__ bool last;
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = x[blockIdx.x * 64];
        last = atomicAdd(finished, 1u) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (!last || threadIdx.x > 0)
        return;
    float sum = 0;
    for (int b = 0; b < 4; b++)
        sum += parts[b]; // FINDS race RAW
    y[0] = sum;
}

extern "C" __global__ void fence_after_the_atomic_fixed(const float *x, float *parts, float *y, unsigned *finished)
{
    __shared__ bool last;
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = x[blockIdx.x * 64];
        __threadfence();
        last = atomicAdd(finished, 1u) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (!last || threadIdx.x > 0)
        return;
    float sum = 0;
    for (int b = 0; b < 4; b++)
        sum += parts[b];
    y[0] = sum;
}

// launch last_block_of_all_threads: --grid 4 --block 64 --arg f32[256]:random --arg f32[256]:out --arg f32[64]:out --arg u32[1]:zeros
extern "C" __global__ void last_block_of_all_threads(const float *x, float *parts, float *y, unsigned *finished)
{
    __shared__ bool last;
    int l = threadIdx.x;
    parts[blockIdx.x * 64 + l] = x[blockIdx.x * 64 + l] * 2;
    __syncthreads();
    if (l == 0)
        last = atomicAdd(finished, 1u) == gridDim.x - 1;
    __syncthreads();
    if (!last)
        return;
    float sum = 0;
    for (int b = 0; b < gridDim.x; b++)
        sum += parts[b * 64 + l]; // FINDS race RAW
    y[l] = sum;
}

extern "C" __global__ void last_block_of_all_threads_fixed(const float *x, float *parts, float *y, unsigned *finished)
{
    __shared__ bool last;
    int l = threadIdx.x;
    parts[blockIdx.x * 64 + l] = x[blockIdx.x * 64 + l] * 2;
    __threadfence();
    __syncthreads();
    if (l == 0)
        last = atomicAdd(finished, 1u) == gridDim.x - 1;
    __syncthreads();
    if (!last)
        return;
    __threadfence();
    float sum = 0;
    for (int b = 0; b < gridDim.x; b++)
        sum += parts[b * 64 + l];
    y[l] = sum;
}

// launch lock_not_taken: --grid 4 --block 64 --arg u32[1]:zeros --arg u32[2]:zeros
extern "C" __global__ void lock_not_taken(unsigned *lock, unsigned *total)
{
    if (threadIdx.x == 0)
        total[0] += blockIdx.x; // FINDS race RAW/WAW, ALSO race WAR, ALSO race WAW
}

extern "C" __global__ void lock_not_taken_fixed(unsigned *lock, unsigned *total)
{
    if (threadIdx.x == 0) {
        while (atomicCAS(lock, 0u, 1u) != 0u)
            ;
        __threadfence();
        total[0] += blockIdx.x;
        __threadfence();
        atomicExch(lock, 0u);
    }
}

// launch lock_without_fences: --grid 4 --block 32 --arg u32[1]:zeros --arg u32[2]:zeros
extern "C" __global__ void lock_without_fences(unsigned *lock, unsigned *total)
{
    if (threadIdx.x == 0) {
        while (atomicCAS(lock, 0u, 1u) != 0u)
            ;
        unsigned before = total[0]; // FINDS race RAW
        total[0] = before + blockIdx.x; // ALSO race WAW, ALSO race WAR
        atomicExch(lock, 0u);
    }
}

extern "C" __global__ void lock_without_fences_fixed(unsigned *lock, unsigned *total)
{
    if (threadIdx.x == 0) {
        while (__hip_atomic_exchange(lock, 1u, __ATOMIC_ACQUIRE, __HIP_MEMORY_SCOPE_AGENT) != 0u)
            ;
        unsigned before = total[0];
        total[0] = before + blockIdx.x;
        __hip_atomic_store(lock, 0u, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_AGENT);
    }
}

// launch look_back_without_flags: --grid 4 --block 32 --arg u32[128]:range --arg u32[4]:zeros --arg u32[4]:zeros --arg u32[4]:out
extern "C" __global__ void look_back_without_flags(const unsigned *x, unsigned *sums, unsigned *flags, unsigned *y)
{
    if (threadIdx.x)
        return;
    unsigned before = 0;
    if (blockIdx.x > 0)
        before = sums[blockIdx.x - 1]; // FINDS race RAW
    sums[blockIdx.x] = before + x[blockIdx.x];
    y[blockIdx.x] = before;
}

extern "C" __global__ void look_back_without_flags_fixed(const unsigned *x, unsigned *sums, unsigned *flags, unsigned *y)
{
    if (threadIdx.x)
        return;
    unsigned before = 0;
    if (blockIdx.x > 0) {
        while (__hip_atomic_load(&flags[blockIdx.x - 1], __ATOMIC_ACQUIRE, __HIP_MEMORY_SCOPE_AGENT) == 0)
            ;
        before = sums[blockIdx.x - 1];
    }
    sums[blockIdx.x] = before + x[blockIdx.x];
    __hip_atomic_store(&flags[blockIdx.x], 1u, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_AGENT);
    y[blockIdx.x] = before;
}

// launch flag_by_atomic_without_fence: --grid 2 --block 32 --arg u32[32]:range --arg u32[32]:zeros --arg u32[1]:zeros --arg u32[32]:zeros
extern "C" __global__ void flag_by_atomic_without_fence(const unsigned *x, unsigned *data, unsigned *flag, unsigned *y)
{
    int l = threadIdx.x;
    if (blockIdx.x == 0) {
        data[l] = x[l] + 1;
        if (l == 0)
            atomicExch(flag, 1u);
    } else {
        while (atomicAdd(flag, 0u) == 0u)
            ;
        y[l] = data[l]; // FINDS race RAW
    }
}

extern "C" __global__ void flag_by_atomic_without_fence_fixed(const unsigned *x, unsigned *data, unsigned *flag, unsigned *y)
{
    int l = threadIdx.x;
    if (blockIdx.x == 0) {
        data[l] = x[l] + 1;
        __threadfence();
        __syncthreads();
        if (l == 0)
            atomicExch(flag, 1u);
    } else {
        while (atomicAdd(flag, 0u) == 0u)
            ;
        __threadfence();
        y[l] = data[l];
    }
}

// launch phases_without_grid_sync: --grid 4 --block 64 --arg f32[256]:random --arg f32[256]:zeros --arg f32[256]:zeros --cooperative
extern "C" __global__ void phases_without_grid_sync(const float *x, float *between, float *y)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    between[i] = x[i] * 2; // ALSO race WAR
    __syncthreads();
    y[i] = between[(i + 64) % 256]; // FINDS race RAW
}

extern "C" __global__ void phases_without_grid_sync_fixed(const float *x, float *between, float *y)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    between[i] = x[i] * 2;
    cooperative_groups::this_grid().sync();
    y[i] = between[(i + 64) % 256];
}

// launch transposed_in_place: --grid 2,2 --block 8,8 --arg f32[256]:random
extern "C" __global__ void transposed_in_place(float *x)
{
    int c = blockIdx.x * 8 + threadIdx.x, r = blockIdx.y * 8 + threadIdx.y;
    float mine = x[r * 16 + c]; // FINDS race RAW
    __syncthreads();
    x[c * 16 + r] = mine; // FINDS race WAR
}

extern "C" __global__ void transposed_in_place_fixed(float *x)
{
    if (blockIdx.x > blockIdx.y)
        return;
    int c = blockIdx.x * 8 + threadIdx.x, r = blockIdx.y * 8 + threadIdx.y;
    float mine = x[r * 16 + c], other = x[c * 16 + r];
    __syncthreads();
    x[c * 16 + r] = mine;
    if (blockIdx.x < blockIdx.y)
        x[r * 16 + c] = other;
}

// launch tiles_overlap: --grid 4 --block 32 --arg f32[128]:random --arg f32[128]:zeros --arg i32:31
extern "C" __global__ void tiles_overlap(const float *x, float *y, int stride)
{
    int i = blockIdx.x * stride + threadIdx.x;
    y[i] = x[i] * 2; // FINDS race WAW
}

extern "C" __global__ void tiles_overlap_fixed(const float *x, float *y, int stride)
{
    int i = blockIdx.x * (stride + 1) + threadIdx.x;
    y[i] = x[i] * 2;
}

// launch levels_of_a_graph: --grid 2 --block 64 --arg i32[128]:zeros --arg i32[16]:zeros
extern "C" __global__ void levels_of_a_graph(const int *edges, int *level)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    level[(edges[i] + i) % 16] = 1; // FINDS race WAW
}

extern "C" __global__ void levels_of_a_graph_fixed(const int *edges, int *level)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    atomicMax(&level[(edges[i] + i) % 16], 1);
}

// launch waves_through_global: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:zeros --arg f32[64]:out
extern "C" __global__ void waves_through_global(const float *x, float *between, float *y)
{
    int l = threadIdx.x;
    between[l] = x[l] + 1; // ALSO race WAR
    y[l] = between[63 - l]; // FINDS race RAW/WAR
}

extern "C" __global__ void waves_through_global_fixed(const float *x, float *between, float *y)
{
    int l = threadIdx.x;
    between[l] = x[l] + 1;
    __syncthreads();
    y[l] = between[63 - l];
}

// launch progress_read_plainly: --grid 4 --block 32 --arg u32[1]:zeros --arg u32[4]:out
extern "C" __global__ void progress_read_plainly(unsigned *count, unsigned *y)
{
    if (threadIdx.x == 0) {
        atomicAdd(count, 1u); // FINDS race WAR
        y[blockIdx.x] = *(const unsigned *)count; // ALSO race RAW
    }
}

extern "C" __global__ void progress_read_plainly_fixed(unsigned *count, unsigned *y)
{
    if (threadIdx.x == 0)
        y[blockIdx.x] = atomicAdd(count, 1u) + 1;
}
