// Races in LDS between waves of a workgroup.
#include <hip/hip_runtime.h>

// launch no_barrier: --grid 2 --block 128 --arg f32[256]:random --arg f32[256]:out
extern "C" __global__ void no_barrier(const float *x, float *y)
{
    __shared__ float t[128];
    int l = threadIdx.x, i = blockIdx.x * 128 + l;
    t[l] = x[i]; // FINDS race WAR
    y[i] = t[127 - l]; // FINDS uninitialized store, FINDS race RAW
}

extern "C" __global__ void no_barrier_fixed(const float *x, float *y)
{
    __shared__ float t[128];
    int l = threadIdx.x, i = blockIdx.x * 128 + l;
    t[l] = x[i];
    __syncthreads();
    y[i] = t[127 - l];
}

// launch loop_without_second_barrier: --grid 1 --block 64 --arg f32[256]:random --arg f32[64]:out --arg i32:4
extern "C" __global__ void loop_without_second_barrier(const float *x, float *y, int n)
{
    __shared__ float t[64];
    float sum = 0;
    for (int k = 0; k < n; k++) {
        t[threadIdx.x] = x[k * 64 + threadIdx.x]; // FINDS race WAR
        __syncthreads();
        sum += t[63 - threadIdx.x]; // FINDS race RAW
    }
    y[threadIdx.x] = sum;
}

extern "C" __global__ void loop_without_second_barrier_fixed(const float *x, float *y, int n)
{
    __shared__ float t[64];
    float sum = 0;
    for (int k = 0; k < n; k++) {
        t[threadIdx.x] = x[k * 64 + threadIdx.x];
        __syncthreads();
        sum += t[63 - threadIdx.x];
        __syncthreads();
    }
    y[threadIdx.x] = sum;
}

// launch tree_without_barrier: --grid 1 --block 256 --arg f32[256]:random --arg f32[1]:out
extern "C" __global__ void tree_without_barrier(const float *x, float *y)
{
    __shared__ float t[256];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    for (int s = 128; s > 0; s >>= 1)
        if (l < s)
            t[l] += t[l + s]; // FINDS race RAW/WAR
    if (l == 0)
        y[0] = t[0];
}

extern "C" __global__ void tree_without_barrier_fixed(const float *x, float *y)
{
    __shared__ float t[256];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    for (int s = 128; s > 0; s >>= 1) {
        if (l < s)
            t[l] += t[l + s];
        __syncthreads();
    }
    if (l == 0)
        y[0] = t[0];
}

// launch same_slot: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void same_slot(const float *x, float *y)
{
    __shared__ float t[32];
    int l = threadIdx.x;
    t[l & 31] = x[l]; // FINDS race WAW
    __syncthreads();
    y[l] = t[l & 31];
}

extern "C" __global__ void same_slot_fixed(const float *x, float *y)
{
    __shared__ float t[64];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    y[l] = t[l & 31];
}

// launch plain_histogram: --grid 1 --block 128 --arg u32[128]:range --arg u32[16]:out
extern "C" __global__ void plain_histogram(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[16];
    int l = threadIdx.x;
    if (l < 16)
        bins[l] = 0;
    __syncthreads();
    bins[x[l] / 2 % 16] += 1; // FINDS race RAW/WAR/WAW
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

extern "C" __global__ void plain_histogram_fixed(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[16];
    int l = threadIdx.x;
    if (l < 16)
        bins[l] = 0;
    __syncthreads();
    atomicAdd(&bins[x[l] / 2 % 16], 1u);
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

// launch cleared_late: --grid 1 --block 64 --arg u32[64]:range --arg u32[16]:out
extern "C" __global__ void cleared_late(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[64];
    int l = threadIdx.x;
    bins[63 - l] = 0; // FINDS race WAW
    atomicAdd(&bins[x[l] % 16], 1u); // ALSO race WAW
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

extern "C" __global__ void cleared_late_fixed(const unsigned *x, unsigned *y)
{
    __shared__ unsigned bins[64];
    int l = threadIdx.x;
    bins[63 - l] = 0;
    __syncthreads();
    atomicAdd(&bins[x[l] % 16], 1u);
    __syncthreads();
    if (l < 16)
        y[l] = bins[l];
}

// launch one_buffer_for_two: --grid 1 --block 64 --arg f32[256]:random --arg f32[64]:out --arg i32:4
extern "C" __global__ void one_buffer_for_two(const float *x, float *y, int n)
{
    __shared__ volatile float t[2][64];
    float sum = 0;
    for (int k = 0; k < n; k++) {
        t[0][threadIdx.x] = x[k * 64 + threadIdx.x]; // FINDS race WAR
        __syncthreads();
        sum += t[0][63 - threadIdx.x]; // ALSO race RAW
    }
    y[threadIdx.x] = sum;
}

extern "C" __global__ void one_buffer_for_two_fixed(const float *x, float *y, int n)
{
    __shared__ volatile float t[2][64];
    float sum = 0;
    for (int k = 0; k < n; k++) {
        t[k & 1][threadIdx.x] = x[k * 64 + threadIdx.x];
        __syncthreads();
        sum += t[k & 1][63 - threadIdx.x];
    }
    y[threadIdx.x] = sum;
}

// launch flag_without_fence: --grid 1 --block 64 --arg f32[32]:random --arg f32[32]:zeros
extern "C" __global__ void flag_without_fence(const float *x, float *y)
{
    __shared__ volatile float t[32];
    __shared__ int ready;
    int l = threadIdx.x;
    if (l == 0)
        ready = 0;
    __syncthreads();
    if (l < 32) {
        t[l] = x[l];
        if (l == 0)
            atomicExch(&ready, 1);
    } else {
        while (atomicCAS(&ready, 1, 1) == 0)
            ;
        y[l - 32] = t[63 - l]; // FINDS race RAW
    }
}

extern "C" __global__ void flag_without_fence_fixed(const float *x, float *y)
{
    __shared__ volatile float t[32];
    __shared__ int ready;
    int l = threadIdx.x;
    if (l == 0)
        ready = 0;
    __syncthreads();
    if (l < 32) {
        t[l] = x[l];
        __threadfence_block();
        if (l == 0)
            atomicExch(&ready, 1);
    } else {
        while (atomicCAS(&ready, 1, 1) == 0)
            ;
        __threadfence_block();
        y[l - 32] = t[63 - l];
    }
}

// launch scan_in_place: --grid 1 --block 128 --arg u32[128]:range --arg u32[128]:out
extern "C" __global__ void scan_in_place(const unsigned *x, unsigned *y)
{
    __shared__ volatile unsigned t[128];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    for (int d = 1; d < 128; d *= 2) {
        unsigned left = l >= d ? t[l - d] : 0; // FINDS race RAW
        t[l] = t[l] + left; // ALSO race WAR
        __syncthreads();
    }
    y[l] = t[l];
}

extern "C" __global__ void scan_in_place_fixed(const unsigned *x, unsigned *y)
{
    __shared__ volatile unsigned t[128];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    for (int d = 1; d < 128; d *= 2) {
        unsigned left = l >= d ? t[l - d] : 0;
        __syncthreads();
        t[l] = t[l] + left;
        __syncthreads();
    }
    y[l] = t[l];
}

// launch broadcast_without_barrier: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void broadcast_without_barrier(const float *x, float *y)
{
    __shared__ volatile float scale;
    if (threadIdx.x == 0)
        scale = x[0];
    y[threadIdx.x] = x[threadIdx.x] * scale; // FINDS race RAW
}

extern "C" __global__ void broadcast_without_barrier_fixed(const float *x, float *y)
{
    __shared__ volatile float scale;
    if (threadIdx.x == 0)
        scale = x[0];
    __syncthreads();
    y[threadIdx.x] = x[threadIdx.x] * scale;
}

__device__ __attribute__((noinline)) float wave_total(float v)
{
    for (int d = 16; d > 0; d /= 2)
        v += __shfl_xor(v, d);
    return v;
}

// launch parts_reused_too_soon: --grid 1 --block 128 --arg f32[128]:random --arg f32[2]:out
extern "C" __global__ void parts_reused_too_soon(const float *x, float *y)
{
    __shared__ volatile float parts[4];
    int l = threadIdx.x;
    float sum = 0, squares = 0, wave = wave_total(x[l]);
    if (l % 32 == 0)
        parts[l / 32] = wave;
    __syncthreads();
    if (l == 0)
        for (int k = 0; k < 4; k++)
            sum += parts[k];
    wave = wave_total(x[l] * x[l]);
    if (l % 32 == 0)
        parts[l / 32] = wave; // FINDS race WAR
    __syncthreads();
    if (l == 0) {
        for (int k = 0; k < 4; k++)
            squares += parts[k];
        y[0] = sum;
        y[1] = squares;
    }
}

extern "C" __global__ void parts_reused_too_soon_fixed(const float *x, float *y)
{
    __shared__ volatile float parts[4];
    int l = threadIdx.x;
    float sum = 0, squares = 0, wave = wave_total(x[l]);
    if (l % 32 == 0)
        parts[l / 32] = wave;
    __syncthreads();
    if (l == 0)
        for (int k = 0; k < 4; k++)
            sum += parts[k];
    wave = wave_total(x[l] * x[l]);
    __syncthreads();
    if (l % 32 == 0)
        parts[l / 32] = wave;
    __syncthreads();
    if (l == 0) {
        for (int k = 0; k < 4; k++)
            squares += parts[k];
        y[0] = sum;
        y[1] = squares;
    }
}

// launch bytes_across_waves: --grid 1 --block 64 --arg u8[64]:random --arg u8[64]:out
extern "C" __global__ void bytes_across_waves(const unsigned char *x, unsigned char *y)
{
    __shared__ volatile unsigned char t[66];
    int l = threadIdx.x;
    t[l] = x[l]; // FINDS race WAW
    t[l + 2] = x[l];
    __syncthreads();
    y[l] = t[l];
}

extern "C" __global__ void bytes_across_waves_fixed(const unsigned char *x, unsigned char *y)
{
    __shared__ volatile unsigned char t[66];
    int l = threadIdx.x;
    t[l ^ 33] = x[l];
    if (l < 2)
        t[l + 64] = x[l];
    __syncthreads();
    y[l] = t[l + 1];
}

// launch slots_of_a_compaction: --grid 1 --block 64 --arg i32[64]:range --arg i32[64]:zeros --arg i32[1]:out
extern "C" __global__ void slots_of_a_compaction(const int *x, int *y, int *count)
{
    __shared__ volatile int next;
    int l = threadIdx.x;
    if (l == 0)
        next = 0;
    __syncthreads();
    unsigned keep = __ballot(x[l] % 3 == 0);
    int base = next; // FINDS race RAW
    if (l % 32 == 0)
        next = base + __popc(keep); // ALSO race WAR, ALSO race WAW
    __syncthreads();
    if (l == 0)
        count[0] = next;
}

extern "C" __global__ void slots_of_a_compaction_fixed(const int *x, int *y, int *count)
{
    __shared__ int next;
    int l = threadIdx.x, lane = l % 32;
    if (l == 0)
        next = 0;
    __syncthreads();
    bool wanted = x[l] % 3 == 0;
    unsigned keep = __ballot(wanted);
    int base = 0;
    if (lane == 0)
        base = atomicAdd(&next, __popc(keep));
    base = __shfl(base, 0);
    if (wanted)
        y[base + __popc(keep & ((1u << lane) - 1))] = x[l];
    __syncthreads();
    if (l == 0)
        count[0] = next;
}
