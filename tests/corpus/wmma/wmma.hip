// Matrix products by WMMA instructions: one tile of 16 x 16 a wave, all sizes multiples of 16.
//
// Lane l holds row l % 16 of A and column l % 16 of B, 16 values deep (the upper half of the wave holds the
// same again), and in element r of C the value of row r * LANES / 16 + l / 16, column l % 16.
#include <hip/hip_runtime.h>

#if __AMDGCN_WAVEFRONT_SIZE == 64
#define LANES 64
#define WMMA(name) __builtin_amdgcn_wmma_##name##_w64
#else
#define LANES 32
#define WMMA(name) __builtin_amdgcn_wmma_##name##_w32
#endif

#define VALUES (256 / LANES)

typedef _Float16 Half16 __attribute__((ext_vector_type(16)));
typedef short Short16 __attribute__((ext_vector_type(16)));
typedef int Int4 __attribute__((ext_vector_type(4)));
typedef int Int2 __attribute__((ext_vector_type(2)));
typedef float Sums __attribute__((ext_vector_type(VALUES)));
typedef int Counts __attribute__((ext_vector_type(VALUES)));
typedef _Float16 HalfSums __attribute__((ext_vector_type(2 * VALUES)));

// Workgroups have 64 workitems: two tiles side by side in waves of 32.
struct Tile {
    int top, left, row, column, first;

    __device__ Tile()
    {
        int lane = threadIdx.x % LANES;
        top = blockIdx.y * 16;
        left = (blockIdx.x * (64 / LANES) + threadIdx.x / LANES) * 16;
        row = top + lane % 16;
        column = left + lane % 16;
        first = top + lane / 16;
    }
};

template <typename T, typename Vector> __device__ Vector row_of(const T *a, int at)
{
    Vector found;
    for (int i = 0; i < 16; i++)
        found[i] = a[at + i];
    return found;
}

template <typename T, typename Vector> __device__ Vector column_of(const T *b, int at, int pitch)
{
    Vector found;
    for (int i = 0; i < 16; i++)
        found[i] = b[at + i * pitch];
    return found;
}

extern "C" __global__ void wmma_f16(const _Float16 *a, const _Float16 *b, float *c, int n, int k)
{
    Tile tile;
    if (tile.left >= n)
        return;
    Sums sums = {};
    for (int start = 0; start < k; start += 16)
        sums = WMMA(f32_16x16x16_f16)(row_of<_Float16, Half16>(a, tile.row * k + start),
                                      column_of<_Float16, Half16>(b, start * n + tile.column, n), sums);
    for (int r = 0; r < VALUES; r++)
        c[(tile.first + r * (LANES / 16)) * n + tile.column] = sums[r];
}

extern "C" __global__ void wmma_bf16(const short *a, const short *b, float *c, int n, int k)
{
    Tile tile;
    if (tile.left >= n)
        return;
    Sums sums = {};
    for (int start = 0; start < k; start += 16)
        sums = WMMA(f32_16x16x16_bf16)(row_of<short, Short16>(a, tile.row * k + start),
                                       column_of<short, Short16>(b, start * n + tile.column, n), sums);
    for (int r = 0; r < VALUES; r++)
        c[(tile.first + r * (LANES / 16)) * n + tile.column] = sums[r];
}

// Sums in half precision, in the upper half of each register.
extern "C" __global__ void wmma_f16_sums(const _Float16 *a, const _Float16 *b, _Float16 *c, int n, int k)
{
    Tile tile;
    if (tile.left >= n)
        return;
    HalfSums sums = {};
    for (int start = 0; start < k; start += 16)
        sums = WMMA(f16_16x16x16_f16)(row_of<_Float16, Half16>(a, tile.row * k + start),
                                      column_of<_Float16, Half16>(b, start * n + tile.column, n), sums, true);
    for (int r = 0; r < VALUES; r++)
        c[(tile.first + r * (LANES / 16)) * n + tile.column] = sums[2 * r + 1];
}

// Bytes; B is given transposed, and k counts words of four. Unsigned activations, signed weights.
extern "C" __global__ void wmma_iu8(const int *a, const int *bt, int *c, int n, int k)
{
    Tile tile;
    if (tile.left >= n)
        return;
    Counts sums = {};
    for (int start = 0; start < k; start += 4) {
        Int4 as, bs;
        for (int i = 0; i < 4; i++) {
            as[i] = a[tile.row * k + start + i];
            bs[i] = bt[tile.column * k + start + i];
        }
        sums = WMMA(i32_16x16x16_iu8)(false, as, true, bs, sums, false);
    }
    for (int r = 0; r < VALUES; r++)
        c[(tile.first + r * (LANES / 16)) * n + tile.column] = sums[r];
}

// Half bytes, both signed; k counts words of eight.
extern "C" __global__ void wmma_iu4(const int *a, const int *bt, int *c, int n, int k)
{
    Tile tile;
    if (tile.left >= n)
        return;
    Counts sums = {};
    for (int start = 0; start < k; start += 2) {
        Int2 as, bs;
        for (int i = 0; i < 2; i++) {
            as[i] = a[tile.row * k + start + i];
            bs[i] = bt[tile.column * k + start + i];
        }
        sums = WMMA(i32_16x16x16_iu4)(true, as, true, bs, sums, false);
    }
    for (int r = 0; r < VALUES; r++)
        c[(tile.first + r * (LANES / 16)) * n + tile.column] = sums[r];
}
