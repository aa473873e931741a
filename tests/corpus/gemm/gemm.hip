// Matrix products C[m, n] = A[m, k] B[k, n], tiled in LDS; products of bytes by dot4 instructions.
#include <hip/hip_runtime.h>

#include "../signed_dots.h"

#define TILE 16

__device__ float widen(float value)
{
    return value;
}

__device__ float widen(_Float16 value)
{
    return value;
}

// bfloat16 as it lies in memory: the upper half of a float.
struct Bf16 {
    unsigned short bits;
};

__device__ float widen(Bf16 value)
{
    return __uint_as_float((unsigned)value.bits << 16);
}

__device__ void narrow(float value, float *to)
{
    *to = value;
}

__device__ void narrow(float value, _Float16 *to)
{
    *to = (_Float16)value;
}

__device__ void narrow(float value, Bf16 *to)
{
    unsigned bits = __float_as_uint(value);
    if (value != value)
        to->bits = bits >> 16 | 0x40;
    else
        to->bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

// One element of C a workitem, TILE x TILE of them a workgroup; sums are single precision.
template <typename T> __device__ void gemm_tiled(const T *a, const T *b, T *c, int m, int n, int k)
{
    __shared__ float as[TILE][TILE], bs[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, col = blockIdx.x * TILE + threadIdx.x;
    float sum = 0.0f;
    for (int start = 0; start < k; start += TILE) {
        int ak = start + threadIdx.x, bk = start + threadIdx.y;
        as[threadIdx.y][threadIdx.x] = row < m && ak < k ? widen(a[row * k + ak]) : 0.0f;
        bs[threadIdx.y][threadIdx.x] = bk < k && col < n ? widen(b[bk * n + col]) : 0.0f;
        __syncthreads();
        for (int i = 0; i < TILE; i++)
            sum += as[threadIdx.y][i] * bs[i][threadIdx.x];
        __syncthreads();
    }
    if (row < m && col < n)
        narrow(sum, &c[row * n + col]);
}

extern "C" __global__ void gemm_f32(const float *a, const float *b, float *c, int m, int n, int k)
{
    gemm_tiled(a, b, c, m, n, k);
}

extern "C" __global__ void gemm_f16(const _Float16 *a, const _Float16 *b, _Float16 *c, int m, int n, int k)
{
    gemm_tiled(a, b, c, m, n, k);
}

extern "C" __global__ void gemm_bf16(const Bf16 *a, const Bf16 *b, Bf16 *c, int m, int n, int k)
{
    gemm_tiled(a, b, c, m, n, k);
}

#define BLOCK 32
#define DEPTH 8
#define PER 4

// BLOCK x BLOCK of C a workgroup of 64, PER x PER of it in the registers of each workitem.
extern "C" __global__ __launch_bounds__(64) void gemm_blocked(const float *a, const float *b, float *c, int m,
                                                              int n, int k)
{
    __shared__ float as[DEPTH][BLOCK], bs[DEPTH][BLOCK];
    int t = threadIdx.x, top = t / 8 * PER, left = t % 8 * PER;
    float sums[PER][PER] = {};
    for (int start = 0; start < k; start += DEPTH) {
        for (int i = t; i < BLOCK * DEPTH; i += 64) {
            int row = blockIdx.y * BLOCK + i / DEPTH, ak = start + i % DEPTH;
            as[i % DEPTH][i / DEPTH] = row < m && ak < k ? a[row * k + ak] : 0.0f;
            int col = blockIdx.x * BLOCK + i % BLOCK, bk = start + i / BLOCK;
            bs[i / BLOCK][i % BLOCK] = bk < k && col < n ? b[bk * n + col] : 0.0f;
        }
        __syncthreads();
        for (int d = 0; d < DEPTH; d++)
            for (int y = 0; y < PER; y++)
                for (int x = 0; x < PER; x++)
                    sums[y][x] += as[d][top + y] * bs[d][left + x];
        __syncthreads();
    }
    for (int y = 0; y < PER; y++)
        for (int x = 0; x < PER; x++) {
            int row = blockIdx.y * BLOCK + top + y, col = blockIdx.x * BLOCK + left + x;
            if (row < m && col < n)
                c[row * n + col] = sums[y][x];
        }
}

// Bytes: B is given transposed, [n, k], and k counts words of four.
extern "C" __global__ void gemm_i8(const int *a, const int *bt, int *c, int m, int n, int k)
{
    int row = blockIdx.y * blockDim.y + threadIdx.y, col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m || col >= n)
        return;
    int sum = 0;
    for (int i = 0; i < k; i++)
        sum = dot4<true, true>(a[row * k + i], bt[col * k + i], sum);
    c[row * n + col] = sum;
}

// Unsigned activations by signed weights.
extern "C" __global__ void gemm_u8i8(const int *a, const int *bt, int *c, int m, int n, int k)
{
    int row = blockIdx.y * blockDim.y + threadIdx.y, col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m || col >= n)
        return;
    int sum = 0;
    for (int i = 0; i < k; i++)
        sum = dot4<false, true>(a[row * k + i], bt[col * k + i], sum);
    c[row * n + col] = sum;
}

extern "C" __global__ void gemm_u8(const unsigned *a, const unsigned *bt, unsigned *c, int m, int n, int k)
{
    int row = blockIdx.y * blockDim.y + threadIdx.y, col = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m || col >= n)
        return;
    unsigned sum = 0;
    for (int i = 0; i < k; i++)
        sum = __builtin_amdgcn_udot4(a[row * k + i], bt[col * k + i], sum, false);
    c[row * n + col] = sum;
}
