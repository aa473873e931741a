// Device globals, constants, local arrays with a run-time index, bytes and shorts, structures by value.
#include <hip/hip_runtime.h>

__constant__ int weights[8] = {3, 1, 4, 1, 5, 9, 2, 6};
__device__ unsigned counter = 5;

struct Shape {
    int scale;
    short offset;
    char flags[3];
};

extern "C" __global__ void data(const unsigned char *bytes, const short *shorts, int *out, Shape shape, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    int local[8];
    for (int k = 0; k < 8; k++)
        local[(k * 3 + i) % 8] = weights[k] * shape.scale + bytes[i];
    int sum = 0;
    for (int k = 0; k <= bytes[i] % 8; k++)
        sum += local[k];
    out[2 * i] = sum + shape.offset + shape.flags[i % 3];
    out[2 * i + 1] = shorts[i] * (int)(signed char)bytes[i];
    if (i == 0)
        counter += 1;
}
