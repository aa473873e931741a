#include <hip/hip_runtime.h>

extern "C" __global__ void set(int *y, int value, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = value; // set
}

extern "C" __global__ void add(int *y, const int *x, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] += x[i]; // add
}

extern "C" __global__ void count(int *y) { atomicAdd(y, 1); }

// Every second element, so that no line is accessed as a whole.
extern "C" __global__ void odd(int *y, int n)
{
    int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x) + 1;
    if (i < n)
        y[i] = i; // odd
}

extern "C" __global__ void even(int *y, int n)
{
    int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n)
        y[i] = i; // even
}

extern "C" __global__ void read(const int *x, int *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = x[i]; // read
}

extern "C" __global__ void endless(volatile int *y)
{
    while (*y == 0)
        ;
}
