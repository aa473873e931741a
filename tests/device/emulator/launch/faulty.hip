// Kernels that do what a GPU faults on, one kind of fault each.
#include <hip/hip_runtime.h>

extern "C" __global__ void load_at(const char *p, long at, int size, int *out)
{
    switch (size) {
    case 1: out[0] = *(const volatile char *)(p + at); break;
    case 2: out[0] = *(const volatile short *)(p + at); break;
    case 4: out[0] = *(const volatile int *)(p + at); break;
    case 8: out[0] = (int)*(const volatile long *)(p + at); break;
    default: {
        int4 v = *(const int4 *)(p + at);
        out[0] = v.x + v.y + v.z + v.w;
    }
    }
}

extern "C" __global__ void store_at(char *p, long at, int size)
{
    switch (size) {
    case 1: *(volatile char *)(p + at) = 1; break;
    case 2: *(volatile short *)(p + at) = 1; break;
    case 4: *(volatile int *)(p + at) = 1; break;
    case 8: *(volatile long *)(p + at) = 1; break;
    default: *(int4 *)(p + at) = make_int4(1, 2, 3, 4);
    }
}

extern "C" __global__ void atomic_at(char *p, long at) { atomicAdd((int *)(p + at), 1); }

extern "C" __global__ void lds_at(int at, int *out)
{
    extern __shared__ int staged[];
    staged[at] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = staged[at];
}

extern "C" __global__ void scratch_at(int at, int *out)
{
    volatile int local[16];
    for (int i = 0; i < 16; i++)
        local[i] = i;
    out[threadIdx.x] = local[at];
}

extern "C" __global__ void endless(volatile int *flag)
{
    while (*flag == 0) {
    }
}

extern "C" __global__ void jump(long address)
{
    ((void (*)(void))address)();
}

extern "C" __global__ void trapped(int *out)
{
    if (out[0] == 0)
        __builtin_trap();
}

extern "C" __global__ void trap_state(long *out) { out[0] = __builtin_amdgcn_s_getreg(3 | 31 << 11); }

extern "C" __global__ void one_of_many(int *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i == 777 ? n : i] = i;
}

extern "C" __global__ void busy(const unsigned *in, unsigned *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned x = in[i];
    for (unsigned k = 0; k < 50 + x % 50; k++)
        x = x * 1664525u + 1013904223u;
    out[i] = x;
}
