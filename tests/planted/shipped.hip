// In miniature, what HIP projects shipped as verified.
#include <hip/hip_runtime.h>

extern __shared__ float scores[];

// launch attention_with_256_bytes: --grid 2 --block 32 --shared 256 --arg f32[96]:random --arg f32[96]:random --arg f32[2]:out --arg i32:48
extern "C" __global__ void attention_with_256_bytes(const float *q, const float *k, float *y, int seq_k)
{
    float *reduced = scores + seq_k;
    int l = threadIdx.x;
    for (int j = l; j < seq_k; j += 32)
        scores[j] = q[blockIdx.x] * k[j];
    __syncthreads();
    float most = -INFINITY;
    for (int j = l; j < seq_k; j += 32)
        most = fmaxf(most, scores[j]);
    reduced[l] = most; // FAULTS lds
    __syncthreads();
    if (l == 0)
        y[blockIdx.x] = reduced[0] + reduced[31];
}

extern "C" __global__ void attention_with_256_bytes_fixed(const float *q, const float *k, float *y, int seq_k)
{
    float *reduced = scores;
    int l = threadIdx.x;
    float most = -INFINITY;
    for (int j = l; j < seq_k; j += 32)
        most = fmaxf(most, q[blockIdx.x] * k[j]);
    reduced[l] = most;
    __syncthreads();
    if (l == 0)
        y[blockIdx.x] = reduced[0] + reduced[31];
}

// launch scores_and_sums_overlap: --grid 1 --block 64 --shared 512 --arg f32[64]:random --arg f32[64]:out --arg i32:64
extern "C" __global__ void scores_and_sums_overlap(const float *x, float *y, int seq_k)
{
    volatile float *t = scores, *sums = scores + 32;
    int l = threadIdx.x;
    if (l < seq_k)
        t[l] = x[l]; // FINDS race WAW
    sums[l] = x[l] * x[l];
    __syncthreads();
    y[l] = t[l] / sums[63 - l];
}

extern "C" __global__ void scores_and_sums_overlap_fixed(const float *x, float *y, int seq_k)
{
    volatile float *t = scores, *sums = scores + seq_k;
    int l = threadIdx.x;
    if (l < seq_k)
        t[l] = x[l];
    sums[l] = x[l] * x[l];
    __syncthreads();
    y[l] = t[l] / sums[63 - l];
}

// launch softmax_of_32_threads: --grid 2 --block 128 --arg f32[256]:random --arg f32[256]:out --arg i32:128
extern "C" __global__ void softmax_of_32_threads(const float *x, float *y, int columns)
{
    __shared__ volatile float part[128];
    int l = threadIdx.x, i = blockIdx.x * columns + l;
    float e = expf(x[i]);
    if (l < 32)
        part[l] = e;
    __syncthreads();
    for (int s = 64; s > 0; s >>= 1) {
        if (l < s)
            part[l] = part[l] + part[l + s];
        __syncthreads();
    }
    y[i] = e / part[0]; // FINDS uninitialized store
}

extern "C" __global__ void softmax_of_32_threads_fixed(const float *x, float *y, int columns)
{
    __shared__ volatile float part[128];
    int l = threadIdx.x, i = blockIdx.x * columns + l;
    float e = expf(x[i]);
    part[l] = e;
    __syncthreads();
    for (int s = 64; s > 0; s >>= 1) {
        if (l < s)
            part[l] = part[l] + part[l + s];
        __syncthreads();
    }
    y[i] = e / part[0];
}

// launch waves_of_64_assumed: --grid 1 --block 64 --arg f32[64]:random --arg f32[1]:out
extern "C" __global__ void waves_of_64_assumed(const float *x, float *y)
{
    __shared__ volatile float t[64];
    int l = threadIdx.x;
    t[l] = x[l]; // FINDS race WAR
    if (l < 32)
        t[l] = t[l] + t[l + 32]; // ALSO race RAW
    __syncthreads();
    if (l == 0)
        y[0] = t[0] + t[31]; // ALSO uninitialized store
}

extern "C" __global__ void waves_of_64_assumed_fixed(const float *x, float *y)
{
    __shared__ volatile float t[64];
    int l = threadIdx.x;
    t[l] = x[l];
    __syncthreads();
    if (l < 32)
        t[l] = t[l] + t[l + 32];
    __syncthreads();
    if (l == 0)
        y[0] = t[0] + t[31];
}

// launch gemm_tail_of_k: --grid 1 --block 16,16 --arg f32[320]:random --arg f32[320]:random --arg f32[256]:out --arg i32:20
extern "C" __global__ void gemm_tail_of_k(const float *a, const float *b, float *c, int k)
{
    __shared__ volatile float at[16][17], bt[16][17];
    int r = threadIdx.y, n = threadIdx.x;
    float sum = 0;
    for (int first = 0; first < k; first += 16) {
        if (first + n < k)
            at[r][n] = a[r * k + first + n]; // ALSO race WAR
        if (first + r < k)
            bt[r][n] = b[(first + r) * 16 + n]; // ALSO race WAR
        __syncthreads();
        for (int j = 0; j < 16; j++)
            sum += at[r][j] * bt[j][n]; // FINDS race RAW
    }
    c[r * 16 + n] = sum;
}

extern "C" __global__ void gemm_tail_of_k_fixed(const float *a, const float *b, float *c, int k)
{
    __shared__ volatile float at[16][17], bt[16][17];
    int r = threadIdx.y, n = threadIdx.x;
    float sum = 0;
    for (int first = 0; first < k; first += 16) {
        at[r][n] = first + n < k ? a[r * k + first + n] : 0.0f;
        bt[r][n] = first + r < k ? b[(first + r) * 16 + n] : 0.0f;
        __syncthreads();
        for (int j = 0; j < 16; j++)
            sum += at[r][j] * bt[j][n];
        __syncthreads();
    }
    c[r * 16 + n] = sum;
}

// launch layer_norm_of_a_short_row: --grid 1 --block 64 --arg f32[40]:random --arg f32[40]:out --arg i32:40
extern "C" __global__ void layer_norm_of_a_short_row(const float *x, float *y, int n)
{
    __shared__ volatile float t[64];
    int l = threadIdx.x;
    if (l < n)
        t[l] = x[l];
    __syncthreads();
    for (int s = 32; s > 0; s /= 2) {
        if (l < s)
            t[l] = t[l] + t[l + s];
        __syncthreads();
    }
    if (l < n)
        y[l] = x[l] - t[0] / n; // FINDS uninitialized store
}

extern "C" __global__ void layer_norm_of_a_short_row_fixed(const float *x, float *y, int n)
{
    __shared__ volatile float t[64];
    int l = threadIdx.x;
    t[l] = l < n ? x[l] : 0.0f;
    __syncthreads();
    for (int s = 32; s > 0; s /= 2) {
        if (l < s)
            t[l] = t[l] + t[l + s];
        __syncthreads();
    }
    if (l < n)
        y[l] = x[l] - t[0] / n;
}

struct Block {
    unsigned short scale;
    unsigned char quants[16];
};

// launch quantised_rows_misread: --grid 1 --block 32 --arg u8[576]:zeros --arg u32[32]:out --arg i32:20
extern "C" __global__ void quantised_rows_misread(const unsigned char *blocks, unsigned *y, int stride)
{
    const unsigned char *mine = blocks + threadIdx.x * stride;
    y[threadIdx.x] = mine[2] + mine[17]; // FAULTS global
}

extern "C" __global__ void quantised_rows_misread_fixed(const unsigned char *blocks, unsigned *y, int stride)
{
    const Block *mine = (const Block *)blocks + threadIdx.x;
    y[threadIdx.x] = mine->quants[0] + mine->quants[15];
}
