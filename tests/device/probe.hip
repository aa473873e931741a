// Small kernels for the tests of devices.
#include <hip/hip_runtime.h>

struct Triple {
    float a, b, c;
};

__device__ int answer = 42;
__device__ int table[4] = {1, 2, 3, 4};

extern "C" __global__ void nothing() {}

extern "C" __global__ void axpy(float *y, const float *x, float a, unsigned n)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = a * x[i] + y[i];
}

// Writes what it was given, so that a test can see how arguments arrive.
extern "C" __global__ void arguments(double *out, char c, short s, int i, float f, long l, double d)
{
    if (threadIdx.x == 0) {
        out[0] = c;
        out[1] = s;
        out[2] = i;
        out[3] = f;
        out[4] = (double)l;
        out[5] = d;
    }
}

// No bounds test: overruns when the launch has more work-items than elements.
extern "C" __global__ void unchecked(float *y) { y[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f; }

extern "C" __global__ void __launch_bounds__(64) bounded(float *y) { y[threadIdx.x] = (float)threadIdx.x; }

extern "C" __global__ void shared_sum(float *out)
{
    __shared__ float buffer[256];
    buffer[threadIdx.x] = (float)threadIdx.x;
    __syncthreads();
    if (threadIdx.x == 0) {
        float sum = 0;
        for (unsigned i = 0; i < blockDim.x; i++)
            sum += buffer[i];
        out[blockIdx.x] = sum;
    }
}

extern "C" __global__ void dynamic(float *out, unsigned n)
{
    extern __shared__ float scratch[];
    scratch[threadIdx.x] = (float)threadIdx.x;
    __syncthreads();
    if (threadIdx.x == 0)
        out[0] = scratch[n - 1];
}

extern "C" __global__ void read_answer(int *out) { out[0] = answer; }
