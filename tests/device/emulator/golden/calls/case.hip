// Functions that are really called: noinline, recursive, through pointers and tables; a switch.
#include <hip/hip_runtime.h>

__device__ __noinline__ int twice(int x) { return 2 * x; }
__device__ __noinline__ int square(int x) { return x * x; }
__device__ __noinline__ int minus(int x) { return -x; }

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

typedef int (*Function)(int);
__device__ Function table[3] = {twice, square, minus};

__device__ __noinline__ int chosen(int kind, int x)
{
    switch (kind) {
    case 0: return x + 1;
    case 1: return x ^ 0x55;
    case 2: return twice(x) - 3;
    case 3: return x / 7;
    case 4: return x % 11;
    case 5: return x << 3;
    case 9: return -x;
    default: return 42;
    }
}

extern "C" __global__ void calls(const int *in, int *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    int x = in[i];
    Function f = table[i % 3];
    out[4 * i] = f(x);
    out[4 * i + 1] = fibonacci(i % 9);
    out[4 * i + 2] = chosen(i % 11, x);
    out[4 * i + 3] = i & 1 ? square(x) : twice(x);
}
