// Clocks and the number of the compute unit.
#include <hip/hip_runtime.h>

// What wall_clock64 is from ROCm 5.3 on; in HIP's headers before that it is -1 on gfx11.
static __device__ unsigned long long ticks() { return __builtin_amdgcn_s_sendmsg_rtnl(0x83); }

extern "C" __global__ void timed(float *x, long long *t)
{
    long long before = clock64();
    float v = x[threadIdx.x];
    for (int i = 0; i < 8; ++i)
        v = v * v + 1;
    x[threadIdx.x] = v;
    if (threadIdx.x == 0)
        *t = clock64() - before;
}

extern "C" __global__ void wall(unsigned long long *t)
{
    if (threadIdx.x == 0) {
        t[0] = ticks();
        for (int i = 0; i < 100; i++)
            __builtin_amdgcn_s_sleep(10);
        t[1] = ticks();
    }
}

// What the first wave sees of the time that the second one works between two barriers.
extern "C" __global__ void beside_work(unsigned long long *t, volatile int *work)
{
    unsigned long long before = ticks();
    __syncthreads();
    if (threadIdx.x >= 32)
        for (int i = 0; i < 10000; i++)
            work[threadIdx.x] = i;
    __syncthreads();
    if (threadIdx.x == 0)
        *t = ticks() - before;
}

// A loop that ends when time has passed.
extern "C" __global__ void until_late(unsigned long long most, int *turns)
{
    unsigned long long begun = ticks();
    int n = 0;
    while (ticks() - begun < most)
        n++;
    *turns = n;
}

extern "C" __global__ void units(unsigned *out)
{
    if (threadIdx.x == 0)
        out[blockIdx.x] = __smid();
}
