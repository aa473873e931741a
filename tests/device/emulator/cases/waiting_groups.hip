// Workgroups of ordinary launches that wait for one another: a barrier of the grid made by hand, a chained scan.
#include <hip/hip_runtime.h>

extern "C" __global__ void grid_barrier(unsigned *count, int *x, int *out)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    x[i] = i;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(count, 1u);
        while (atomicAdd(count, 0u) < gridDim.x) {
        }
        __threadfence();
    }
    __syncthreads();
    out[i] = x[(i + blockDim.x) % (blockDim.x * gridDim.x)];
}

// The total of a workgroup is handed to the next one with a flag. FLAG_WRITE and FLAG_READ: memory orders.
template <int FLAG_WRITE, int FLAG_READ> __device__ void chain(const int *x, int *sum, int *ready, int *before)
{
    __shared__ int s[64];
    const int t = threadIdx.x, g = blockIdx.x;
    s[t] = x[g * 64 + t];
    __syncthreads();
    for (int h = 32; h > 0; h >>= 1) {
        if (t < h)
            s[t] += s[t + h];
        __syncthreads();
    }
    if (t == 0) {
        int base = 0;
        if (g) {
            while (__hip_atomic_load(ready + g - 1, FLAG_READ, __HIP_MEMORY_SCOPE_AGENT) == 0)
                __builtin_amdgcn_s_sleep(1);
            base = sum[g - 1]; // handed on
        }
        sum[g] = base + s[0];
        before[g] = base;
        __hip_atomic_store(ready + g, 1, FLAG_WRITE, __HIP_MEMORY_SCOPE_AGENT);
    }
}

extern "C" __global__ void scan(const int *x, int *sum, int *ready, int *before)
{
    chain<__ATOMIC_RELEASE, __ATOMIC_ACQUIRE>(x, sum, ready, before);
}

extern "C" __global__ void scan_without_release(const int *x, int *sum, int *ready, int *before)
{
    chain<__ATOMIC_RELAXED, __ATOMIC_ACQUIRE>(x, sum, ready, before);
}

extern "C" __global__ void scan_without_acquire(const int *x, int *sum, int *ready, int *before)
{
    chain<__ATOMIC_RELEASE, __ATOMIC_RELAXED>(x, sum, ready, before);
}

// Backwards: each workgroup waits for the one after it, so that all must run at a time.
extern "C" __global__ void hand_back(int *value)
{
    int g = blockIdx.x, last = gridDim.x - 1;
    if (threadIdx.x == 0) {
        int got = 0;
        if (g < last)
            while ((got = __hip_atomic_load(value + g + 1, __ATOMIC_ACQUIRE, __HIP_MEMORY_SCOPE_AGENT)) == 0) {
            }
        __hip_atomic_store(value + g, got + 1, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_AGENT);
    }
}
