// Accesses of global memory outside of every allocation, or of one that is no more.
#include <hip/hip_runtime.h>

// launch no_guard: --grid 2 --block 64 --arg f32[100]:random --arg f32[100]:out --arg i32:100
extern "C" __global__ void no_guard(const float *x, float *y, int n)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    y[i] = x[i] * n; // FAULTS global
}

extern "C" __global__ void no_guard_fixed(const float *x, float *y, int n)
{
    int i = blockIdx.x * 64 + threadIdx.x;
    if (i < n)
        y[i] = x[i] * n;
}

// launch guard_off_by_one: --grid 1 --block 128 --arg f32[100]:random --arg f32[128]:out --arg i32:100
extern "C" __global__ void guard_off_by_one(const float *x, float *y, int n)
{
    int i = threadIdx.x;
    if (i <= n)
        y[i] = x[i] + 1; // FAULTS global
}

extern "C" __global__ void guard_off_by_one_fixed(const float *x, float *y, int n)
{
    int i = threadIdx.x;
    if (i < n)
        y[i] = x[i] + 1;
}

// launch before_the_start: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void before_the_start(const float *x, float *y)
{
    int i = threadIdx.x;
    float left = x[i - 1]; // FAULTS global
    y[i] = left + x[i];
}

extern "C" __global__ void before_the_start_fixed(const float *x, float *y)
{
    int i = threadIdx.x;
    float left = i > 0 ? x[i - 1] : 0.0f;
    y[i] = left + x[i];
}

// launch wrong_stride: --grid 4 --block 32 --arg f32[96]:random --arg f32[128]:out --arg i32:24
extern "C" __global__ void wrong_stride(const float *x, float *y, int columns)
{
    int row = blockIdx.x, c = threadIdx.x;
    if (c < columns)
        y[row * 32 + c] = x[row * 32 + c]; // FAULTS global
}

extern "C" __global__ void wrong_stride_fixed(const float *x, float *y, int columns)
{
    int row = blockIdx.x, c = threadIdx.x;
    if (c < columns)
        y[row * 32 + c] = x[row * columns + c];
}

// launch rows_by_columns: --grid 2 --block 8,8 --arg f32[128]:random --arg f32[128]:out --arg i32:8 --arg i32:16
extern "C" __global__ void rows_by_columns(const float *x, float *y, int rows, int columns)
{
    int c = blockIdx.x * 8 + threadIdx.x, r = threadIdx.y;
    if (r < columns && c < columns)
        y[c * columns + r] = x[r * columns + c]; // FAULTS global
}

extern "C" __global__ void rows_by_columns_fixed(const float *x, float *y, int rows, int columns)
{
    int c = blockIdx.x * 8 + threadIdx.x, r = threadIdx.y;
    if (r < rows && c < columns)
        y[c * rows + r] = x[r * columns + c];
}

// launch wrong_grid: --grid 3 --block 64 --arg f32[128]:random --arg f32[128]:zeros --arg i32:2
extern "C" __global__ void wrong_grid(const float *x, float *y, int tiles)
{
    int tile = blockIdx.x;
    y[tile * 64 + threadIdx.x] = x[(tile % tiles) * 64 + threadIdx.x]; // FAULTS global
}

extern "C" __global__ void wrong_grid_fixed(const float *x, float *y, int tiles)
{
    for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x)
        y[tile * 64 + threadIdx.x] = x[(tile % tiles) * 64 + threadIdx.x];
}

// launch vector_tail: --grid 1 --block 32 --arg f32[102]:random --arg f32[128]:out --arg i32:102
extern "C" __global__ void vector_tail(const float4 *x, float4 *y, int n)
{
    int i = threadIdx.x;
    if (4 * i < n) {
        float4 v = x[i]; // FAULTS global
        y[i] = make_float4(v.w, v.z, v.y, v.x);
    }
}

extern "C" __global__ void vector_tail_fixed(const float4 *x, float4 *y, int n)
{
    int i = threadIdx.x;
    if (4 * i + 3 < n) {
        float4 v = x[i];
        y[i] = make_float4(v.w, v.z, v.y, v.x);
    } else {
        const float *from = (const float *)x;
        float *to = (float *)y;
        for (int k = 4 * i; k < n; k++)
            to[k] = from[k];
    }
}

struct Image {
    int width, height, pitch;
    float *pixels;
};

// launch through_a_struct: --grid 8 --block 32 --arg bytes:18000000080000001c00000000000000 --arg f32[220]:random --arg f32[256]:out
extern "C" __global__ void through_a_struct(int4 shape, float *pixels, float *y)
{
    __shared__ Image image;
    if (threadIdx.x == 0)
        image = {shape.x, shape.y, shape.z, pixels};
    __syncthreads();
    int r = blockIdx.x, c = threadIdx.x;
    if (c < image.pitch)
        y[r * 32 + c] = image.pixels[r * image.pitch + c]; // FAULTS global
}

extern "C" __global__ void through_a_struct_fixed(int4 shape, float *pixels, float *y)
{
    __shared__ Image image;
    if (threadIdx.x == 0)
        image = {shape.x, shape.y, shape.z, pixels};
    __syncthreads();
    int r = blockIdx.x, c = threadIdx.x;
    if (c < image.width)
        y[r * 32 + c] = image.pixels[r * image.pitch + c];
}

// launch bytes_for_elements: --grid 1 --block 64 --arg u8[64]:random --arg u32[64]:out
extern "C" __global__ void bytes_for_elements(const unsigned char *x, unsigned *y)
{
    int i = threadIdx.x;
    y[i] = ((const unsigned short *)x)[i]; // FAULTS global
}

extern "C" __global__ void bytes_for_elements_fixed(const unsigned char *x, unsigned *y)
{
    int i = threadIdx.x;
    y[i] = x[i];
}

// launch reversed_without_minus_one: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out --arg i32:64
extern "C" __global__ void reversed_without_minus_one(const float *x, float *y, int n)
{
    int i = threadIdx.x;
    y[n - i] = x[i]; // FAULTS global
}

extern "C" __global__ void reversed_without_minus_one_fixed(const float *x, float *y, int n)
{
    int i = threadIdx.x;
    y[n - 1 - i] = x[i];
}

// launch bin_past_the_end: --grid 1 --block 64 --arg f32[1]:=1 --arg u32[10]:zeros
extern "C" __global__ void bin_past_the_end(const float *x, unsigned *bins)
{
    int bin = (int)(x[0] * 10);
    atomicAdd(&bins[bin], 1u); // FAULTS global
}

extern "C" __global__ void bin_past_the_end_fixed(const float *x, unsigned *bins)
{
    int bin = min((int)(x[0] * 10), 9);
    atomicAdd(&bins[bin], 1u);
}

// launch scalar_past_the_end: --grid 5 --block 32 --arg i32[4]:range --arg i32[160]:out
extern "C" __global__ void scalar_past_the_end(const int *starts, int *y)
{
    y[blockIdx.x * 32 + threadIdx.x] = starts[blockIdx.x]; // FAULTS global
}

extern "C" __global__ void scalar_past_the_end_fixed(const int *starts, int *y)
{
    y[blockIdx.x * 32 + threadIdx.x] = blockIdx.x < 4 ? starts[blockIdx.x] : 4;
}

// launch null_output: --grid 1 --block 32 --arg f32[32]:random --arg null
extern "C" __global__ void null_output(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x]; // FAULTS global
}

extern "C" __global__ void null_output_fixed(const float *x, float *y)
{
    if (y)
        y[threadIdx.x] = x[threadIdx.x];
}

// launch reads_what_is_freed: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:random --arg f32[64]:out --free 0
extern "C" __global__ void reads_what_is_freed(const float *gone, const float *x, float *y)
{
    y[threadIdx.x] = gone[threadIdx.x] + x[threadIdx.x]; // FAULTS global
}

extern "C" __global__ void reads_what_is_freed_fixed(const float *gone, const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x] + x[threadIdx.x];
}

// launch writes_what_is_freed: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out --arg f32[64]:out --free 1
extern "C" __global__ void writes_what_is_freed(const float *x, float *gone, float *y)
{
    gone[threadIdx.x] = x[threadIdx.x]; // FAULTS global
    y[threadIdx.x] = x[threadIdx.x];
}

extern "C" __global__ void writes_what_is_freed_fixed(const float *x, float *gone, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
}

// launch counts_in_what_is_freed: --grid 1 --block 64 --arg u32[1]:zeros --arg u32[1]:zeros --free 0
extern "C" __global__ void counts_in_what_is_freed(unsigned *gone, unsigned *count)
{
    atomicAdd(gone, 1u); // FAULTS global
}

extern "C" __global__ void counts_in_what_is_freed_fixed(unsigned *gone, unsigned *count)
{
    atomicAdd(count, 1u);
}

// launch list_of_freed_nodes: --grid 1 --block 1 --arg u64[2]:zeros --arg u64[2]:=7,0 --arg u64[1]:out --free 1
extern "C" __global__ void list_of_freed_nodes(unsigned long long *head, unsigned long long *node, unsigned long long *y)
{
    head[0] = (unsigned long long)node;
    const volatile unsigned long long *next = (const volatile unsigned long long *)head[0];
    y[0] = next[0]; // FAULTS global
}

extern "C" __global__ void list_of_freed_nodes_fixed(unsigned long long *head, unsigned long long *node, unsigned long long *y)
{
    const volatile unsigned long long *next = (const volatile unsigned long long *)head[1];
    y[0] = next ? next[0] : 0;
}
