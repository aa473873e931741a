// Matrices turned over: with strided stores, and through LDS with and without bank conflicts.
#include <hip/hip_runtime.h>

#define TILE 32
#define ROWS 8

extern "C" __global__ void transpose_naive(const float *in, float *out, int rows, int cols)
{
    int col = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < rows && col < cols)
        out[col * rows + row] = in[row * cols + col];
}

// A tile of TILE x TILE by TILE x ROWS workitems; PITCH words from one row of the tile to the next.
template <typename T, int PITCH> __device__ void transpose_tile(const T *in, T *out, int rows, int cols)
{
    __shared__ T tile[TILE][PITCH];
    int col = blockIdx.x * TILE + threadIdx.x, row = blockIdx.y * TILE + threadIdx.y;
    for (int r = 0; r < TILE; r += ROWS)
        if (row + r < rows && col < cols)
            tile[threadIdx.y + r][threadIdx.x] = in[(row + r) * cols + col];
    __syncthreads();
    int to_col = blockIdx.y * TILE + threadIdx.x, to_row = blockIdx.x * TILE + threadIdx.y;
    for (int r = 0; r < TILE; r += ROWS)
        if (to_row + r < cols && to_col < rows)
            out[(to_row + r) * rows + to_col] = tile[threadIdx.x][threadIdx.y + r];
}

// All lanes of a wave read the same bank.
extern "C" __global__ void transpose_conflicts(const float *in, float *out, int rows, int cols)
{
    transpose_tile<float, TILE>(in, out, rows, cols);
}

// One word of padding a row puts them on different banks.
extern "C" __global__ void transpose_padded(const float *in, float *out, int rows, int cols)
{
    transpose_tile<float, TILE + 1>(in, out, rows, cols);
}

extern "C" __global__ void transpose_bytes(const unsigned char *in, unsigned char *out, int rows, int cols)
{
    transpose_tile<unsigned char, TILE + 4>(in, out, rows, cols);
}
