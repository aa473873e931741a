// Kernels whose counts follow from their sizes. Tests name lines by their marks.
#include <hip/hip_runtime.h>

extern "C" __global__ void vector_add(float *out, const float *a, const float *b, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = a[i] + b[i]; // mark: add
}

extern "C" __global__ void strided(float *out, const float *in, int stride)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = in[i * stride];
}

extern "C" __global__ void gemm(float *c, const float *a, const float *b, int m, int n, int k)
{
    int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m || column >= n)
        return;
    float sum = 0;
    for (int i = 0; i < k; i++)
        sum += a[row * k + i] * b[i * n + column]; // mark: product
    c[row * n + column] = sum; // mark: result
}

template <int WIDTH>
__device__ void transpose(float *out, const float *in)
{
    __shared__ float tile[32][WIDTH];
    int x = threadIdx.x, y = threadIdx.y;
    tile[y][x] = in[y * 32 + x]; // mark: tile
    __syncthreads();
    out[y * 32 + x] = tile[x][y]; // mark: column
}

extern "C" __global__ void transpose_conflicts(float *out, const float *in) { transpose<32>(out, in); }
extern "C" __global__ void transpose_padded(float *out, const float *in) { transpose<33>(out, in); }

extern "C" __global__ void histogram(unsigned *bins, const unsigned *in)
{
    __shared__ unsigned local[32];
    if (threadIdx.x < 32)
        local[threadIdx.x] = 0;
    __syncthreads(); // mark: barrier
    atomicAdd(&local[in[blockIdx.x * blockDim.x + threadIdx.x] % 32], 1u); // mark: atomic
    __syncthreads();
    if (threadIdx.x < 32)
        atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}
