// Accesses of LDS past what the launch has, to the byte; of scratch past the frame; and misaligned atomics.
#include <hip/hip_runtime.h>

extern __shared__ float dynamic_floats[];
extern __shared__ unsigned char dynamic_bytes[];

// launch static_past_the_end: --grid 1 --block 64 --arg i32[64]:range --arg i32[64]:out
extern "C" __global__ void static_past_the_end(const int *x, int *y)
{
    __shared__ int t[64];
    int l = threadIdx.x;
    t[x[l] + 1] = l; // FAULTS lds
    __syncthreads();
    y[l] = t[x[l]];
}

extern "C" __global__ void static_past_the_end_fixed(const int *x, int *y)
{
    __shared__ int t[64];
    int l = threadIdx.x;
    t[(x[l] + 1) % 64] = l;
    __syncthreads();
    y[l] = t[x[l]];
}

// launch one_byte_past_odd_size: --grid 1 --block 96 --shared 65 --arg u8[96]:range --arg u32[96]:out
extern "C" __global__ void one_byte_past_odd_size(const unsigned char *x, unsigned *y)
{
    int l = threadIdx.x;
    if (l <= 65)
        dynamic_bytes[l] = x[l]; // FAULTS lds
    __syncthreads();
    if (l < 65)
        y[l] = dynamic_bytes[64 - l];
}

extern "C" __global__ void one_byte_past_odd_size_fixed(const unsigned char *x, unsigned *y)
{
    int l = threadIdx.x;
    if (l < 65)
        dynamic_bytes[l] = x[l];
    __syncthreads();
    if (l < 65)
        y[l] = dynamic_bytes[64 - l];
}

// launch short_across_the_end: --grid 1 --block 32 --shared 63 --arg u32[1]:out --arg i32:31
extern "C" __global__ void short_across_the_end(unsigned *y, int last)
{
    unsigned short *t = (unsigned short *)dynamic_bytes;
    if (threadIdx.x <= last)
        t[threadIdx.x] = 7; // FAULTS lds
    __syncthreads();
    if (threadIdx.x == 0)
        y[0] = t[last - 1];
}

extern "C" __global__ void short_across_the_end_fixed(unsigned *y, int last)
{
    unsigned short *t = (unsigned short *)dynamic_bytes;
    if (threadIdx.x < last)
        t[threadIdx.x] = 7;
    __syncthreads();
    if (threadIdx.x == 0)
        y[0] = t[last - 1];
}

// launch two_arrays_too_long: --grid 1 --block 64 --shared 384 --arg f32[64]:random --arg f32[64]:out --arg i32:64
extern "C" __global__ void two_arrays_too_long(const float *x, float *y, int n)
{
    float *a = dynamic_floats, *b = a + n;
    int l = threadIdx.x;
    a[l] = x[l];
    b[l] = x[l] * 2; // FAULTS lds
    __syncthreads();
    y[l] = a[63 - l] + b[63 - l];
}

extern "C" __global__ void two_arrays_too_long_fixed(const float *x, float *y, int n)
{
    float *a = dynamic_floats, *b = a + n / 2;
    int l = threadIdx.x;
    if (l < n / 2) {
        a[l] = x[l];
        b[l] = x[l] * 2;
    }
    __syncthreads();
    y[l] = a[l % 32] + b[l % 32];
}

// launch no_room_for_halo: --grid 1 --block 64 --shared 264 --arg f32[64]:random --arg f32[64]:out --arg i32:2
extern "C" __global__ void no_room_for_halo(const float *x, float *y, int radius)
{
    int l = threadIdx.x;
    dynamic_floats[l + radius] = x[l];
    if (l < radius) {
        dynamic_floats[l] = 0;
        dynamic_floats[64 + radius + l] = 0; // FAULTS lds
    }
    __syncthreads();
    y[l] = dynamic_floats[l] + dynamic_floats[l + 2 * radius];
}

extern "C" __global__ void no_room_for_halo_fixed(const float *x, float *y, int radius)
{
    int l = threadIdx.x;
    dynamic_floats[l] = x[l];
    __syncthreads();
    float left = l >= radius ? dynamic_floats[l - radius] : 0.0f;
    float right = l + radius < 64 ? dynamic_floats[l + radius] : 0.0f;
    y[l] = left + right;
}

// launch negative_lds_index: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out
extern "C" __global__ void negative_lds_index(const int *x, int *y)
{
    __shared__ int t[32];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    y[l] = t[x[l] - 1]; // FAULTS lds
}

extern "C" __global__ void negative_lds_index_fixed(const int *x, int *y)
{
    __shared__ int t[32];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    y[l] = t[max(x[l] - 1, 0)];
}

// launch padded_rows: --grid 1 --block 16,16 --shared 1024 --arg f32[256]:random --arg f32[256]:out
extern "C" __global__ void padded_rows(const float *x, float *y)
{
    int r = threadIdx.y, c = threadIdx.x;
    dynamic_floats[r * 17 + c] = x[r * 16 + c]; // FAULTS lds
    __syncthreads();
    y[r * 16 + c] = dynamic_floats[c * 17 + r];
}

extern "C" __global__ void padded_rows_fixed(const float *x, float *y)
{
    int r = threadIdx.y, c = threadIdx.x;
    dynamic_floats[r * 16 + (c + r) % 16] = x[r * 16 + c];
    __syncthreads();
    y[r * 16 + c] = dynamic_floats[c * 16 + (r + c) % 16];
}

// launch histogram_bin_too_high: --grid 1 --block 64 --shared 1020 --arg u8[1]:=255 --arg u32[256]:out
extern "C" __global__ void histogram_bin_too_high(const unsigned char *x, unsigned *y)
{
    unsigned *bins = (unsigned *)dynamic_bytes;
    for (int i = threadIdx.x; i < 255; i += 64)
        bins[i] = 0;
    __syncthreads();
    atomicAdd(&bins[x[0]], 1u); // FAULTS lds
    __syncthreads();
    for (int i = threadIdx.x; i < 255; i += 64)
        y[i] = bins[i];
}

extern "C" __global__ void histogram_bin_too_high_fixed(const unsigned char *x, unsigned *y)
{
    unsigned *bins = (unsigned *)dynamic_bytes;
    for (int i = threadIdx.x; i < 255; i += 64)
        bins[i] = 0;
    __syncthreads();
    atomicAdd(&bins[x[0] < 254 ? x[0] : 254], 1u);
    __syncthreads();
    for (int i = threadIdx.x; i < 255; i += 64)
        y[i] = bins[i];
}

// ---- scratch

// launch private_array_too_short: --grid 1 --block 32 --arg i32[32]:=40,400,1,2,3,4,5,6,7,8,9,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1 --arg i32[32]:out
extern "C" __global__ void private_array_too_short(const int *x, int *y)
{
    volatile int kept[64];
    int l = threadIdx.x;
    for (int i = 0; i < 64; i++)
        kept[i] = i;
    kept[x[l]] = 1; // FAULTS scratch
    y[l] = kept[x[31 - l] & 63];
}

extern "C" __global__ void private_array_too_short_fixed(const int *x, int *y)
{
    volatile int kept[512];
    int l = threadIdx.x;
    for (int i = 0; i < 512; i++)
        kept[i] = i;
    kept[x[l]] = 1;
    y[l] = kept[x[31 - l] & 63];
}

// launch stack_overflows: --grid 1 --block 32 --arg i32[64]:range --arg i32[32]:out --arg i32:100
extern "C" __global__ void stack_overflows(const int *x, int *y, int n)
{
    volatile int stack[32];
    int top = 0;
    for (int i = 0; i < n; i++)
        stack[top++] = x[i & 63]; // FAULTS scratch
    y[threadIdx.x] = stack[(top - 1) & 31];
}

extern "C" __global__ void stack_overflows_fixed(const int *x, int *y, int n)
{
    volatile int stack[32];
    int top = 0;
    for (int i = 0; i < n; i++)
        if (top < 32)
            stack[top++] = x[i & 63];
    y[threadIdx.x] = stack[(top - 1) & 31];
}

// launch before_the_private_array: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out
extern "C" __global__ void before_the_private_array(const int *x, int *y)
{
    volatile int kept[64];
    int l = threadIdx.x;
    for (int i = 0; i < 64; i++)
        kept[i] = i;
    y[l] = kept[x[l] - 64]; // FAULTS scratch
}

extern "C" __global__ void before_the_private_array_fixed(const int *x, int *y)
{
    volatile int kept[64];
    int l = threadIdx.x;
    for (int i = 0; i < 64; i++)
        kept[i] = i;
    y[l] = kept[(x[l] - 64) & 63];
}

// ---- alignment

// launch misaligned_atomic: --grid 1 --block 32 --arg u32[8]:zeros --arg i32:2
extern "C" __global__ void misaligned_atomic(unsigned *counts, int offset)
{
    unsigned *count = (unsigned *)((char *)counts + offset);
    atomicAdd(count, 1u); // FAULTS unaligned
}

extern "C" __global__ void misaligned_atomic_fixed(unsigned *counts, int offset)
{
    unsigned *count = (unsigned *)((char *)counts + offset * 2);
    atomicAdd(count, 1u);
}

// launch misaligned_wide_atomic: --grid 1 --block 32 --arg u32[8]:zeros --arg i32:3
extern "C" __global__ void misaligned_wide_atomic(unsigned *packed, int header)
{
    unsigned long long *sum = (unsigned long long *)(packed + header);
    atomicAdd(sum, 1ull); // FAULTS unaligned
}

extern "C" __global__ void misaligned_wide_atomic_fixed(unsigned *packed, int header)
{
    unsigned long long *sum = (unsigned long long *)(packed + ((header + 1) & ~1));
    atomicAdd(sum, 1ull);
}

// launch misaligned_lds_atomic: --grid 1 --block 32 --shared 64 --arg u32[1]:out --arg i32:6
extern "C" __global__ void misaligned_lds_atomic(unsigned *y, int header)
{
    unsigned *count = (unsigned *)(dynamic_bytes + header);
    if (threadIdx.x < 16)
        ((unsigned *)dynamic_bytes)[threadIdx.x] = 0;
    __syncthreads();
    atomicAdd(count, 1u); // FAULTS unaligned
    __syncthreads();
    if (threadIdx.x == 0)
        y[0] = *count;
}

extern "C" __global__ void misaligned_lds_atomic_fixed(unsigned *y, int header)
{
    unsigned *count = (unsigned *)(dynamic_bytes + (header + 3) / 4 * 4);
    if (threadIdx.x < 16)
        ((unsigned *)dynamic_bytes)[threadIdx.x] = 0;
    __syncthreads();
    atomicAdd(count, 1u);
    __syncthreads();
    if (threadIdx.x == 0)
        y[0] = *count;
}
