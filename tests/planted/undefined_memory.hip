// Values that nothing has written, read from global memory and LDS (`out` arrays hold such).
#include <hip/hip_fp16.h>
#include <hip/hip_runtime.h>

// launch adds_to_unwritten_output: --grid 1 --block 64 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void adds_to_unwritten_output(const float *x, float *y)
{
    y[threadIdx.x] += x[threadIdx.x]; // FINDS uninitialized store
}

extern "C" __global__ void adds_to_unwritten_output_fixed(const float *x, float *y)
{
    y[threadIdx.x] = x[threadIdx.x];
}

// launch unwritten_index: --grid 1 --block 64 --arg i32[64]:out --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void unwritten_index(const int *order, const float *x, float *y)
{
    int from = order[threadIdx.x] & 63;
    y[threadIdx.x] = x[from]; // FINDS uninitialized address
}

extern "C" __global__ void unwritten_index_fixed(const int *order, const float *x, float *y)
{
    int from = threadIdx.x ^ 1;
    y[threadIdx.x] = x[from];
}

// launch unwritten_target: --grid 1 --block 64 --arg i32[64]:out --arg f32[64]:random --arg f32[64]:zeros
extern "C" __global__ void unwritten_target(const int *order, const float *x, float *y)
{
    int to = order[threadIdx.x] & 63;
    y[to] = x[threadIdx.x]; // FINDS uninitialized address, ALSO race WAW
}

extern "C" __global__ void unwritten_target_fixed(const int *order, const float *x, float *y)
{
    int to = threadIdx.x ^ 3;
    y[to] = x[threadIdx.x];
}

// launch unwritten_flags: --grid 1 --block 64 --arg u8[64]:out --arg u32[1]:zeros
extern "C" __global__ void unwritten_flags(const unsigned char *flags, unsigned *y)
{
    if (flags[threadIdx.x]) // FINDS uninitialized branch
        atomicAdd(y, 1u);
}

extern "C" __global__ void unwritten_flags_fixed(unsigned char *flags, unsigned *y)
{
    flags[threadIdx.x] = threadIdx.x & 1;
    if (flags[threadIdx.x])
        atomicAdd(y, 1u);
}

// launch unwritten_count: --grid 1 --block 32 --arg i32[1]:out --arg f32[1]:zeros
extern "C" __global__ void unwritten_count(const int *count, float *y)
{
    if (count[0] > 0) // FINDS uninitialized branch
        y[0] = 1;
}

extern "C" __global__ void unwritten_count_fixed(const int *count, float *y)
{
    if (gridDim.x > 0)
        y[0] = 1;
}

// launch unwritten_offset: --grid 1 --block 32 --arg i32[2]:out --arg f32[64]:random --arg f32[32]:out
extern "C" __global__ void unwritten_offset(const int *starts, const float *x, float *y)
{
    const float *row = x + (starts[blockIdx.x] & 31);
    y[threadIdx.x] = row[threadIdx.x]; // FINDS uninitialized address
}

extern "C" __global__ void unwritten_offset_fixed(const int *starts, const float *x, float *y)
{
    const float *row = x + (gridDim.x & 31);
    y[threadIdx.x] = row[threadIdx.x];
}

// launch unwritten_scalar_offset: --grid 1 --block 32 --arg i32[2]:out --arg f32[64]:random --arg f32[32]:out
extern "C" __global__ void unwritten_scalar_offset(const int *starts, const float *x, float *y)
{
    float scale = x[starts[blockIdx.x] & 31]; // FINDS uninitialized address
    y[threadIdx.x] = scale * threadIdx.x;
}

extern "C" __global__ void unwritten_scalar_offset_fixed(const int *starts, const float *x, float *y)
{
    float scale = x[gridDim.x & 31];
    y[threadIdx.x] = scale * threadIdx.x;
}

// launch unwritten_maximum: --grid 1 --block 64 --arg u32[64]:range --arg u32[1]:out
extern "C" __global__ void unwritten_maximum(const unsigned *x, unsigned *most)
{
    atomicMax(most, x[threadIdx.x]); // FINDS uninitialized store
}

extern "C" __global__ void unwritten_maximum_fixed(const unsigned *x, unsigned *most)
{
    if (threadIdx.x == 0)
        *most = 0;
    __syncthreads();
    atomicMax(most, x[threadIdx.x]);
}

// ---- LDS

// launch tail_of_a_tile: --grid 2 --block 64 --arg f32[100]:random --arg f32[2]:out --arg i32:100
extern "C" __global__ void tail_of_a_tile(const float *x, float *y, int n)
{
    __shared__ float tile[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    if (i < n)
        tile[threadIdx.x] = x[i];
    __syncthreads();
    float sum = 0;
    for (int k = 0; k < 64; k++)
        sum += tile[k];
    if (threadIdx.x == 0)
        y[blockIdx.x] = sum; // FINDS uninitialized store
}

extern "C" __global__ void tail_of_a_tile_fixed(const float *x, float *y, int n)
{
    __shared__ float tile[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    tile[threadIdx.x] = i < n ? x[i] : 0.0f;
    __syncthreads();
    float sum = 0;
    for (int k = 0; k < 64; k++)
        sum += tile[k];
    if (threadIdx.x == 0)
        y[blockIdx.x] = sum;
}

// launch accumulator_not_zeroed: --grid 1 --block 64 --arg u32[64]:range --arg u32[1]:out
extern "C" __global__ void accumulator_not_zeroed(const unsigned *x, unsigned *y)
{
    __shared__ unsigned sum;
    atomicAdd(&sum, x[threadIdx.x]);
    __syncthreads();
    if (threadIdx.x == 0)
        y[0] = sum; // FINDS uninitialized store
}

extern "C" __global__ void accumulator_not_zeroed_fixed(const unsigned *x, unsigned *y)
{
    __shared__ unsigned sum;
    if (threadIdx.x == 0)
        sum = 0;
    __syncthreads();
    atomicAdd(&sum, x[threadIdx.x]);
    __syncthreads();
    if (threadIdx.x == 0)
        y[0] = sum;
}

// launch half_of_the_bins_cleared: --grid 1 --block 64 --arg u8[64]:range --arg u32[128]:out
extern "C" __global__ void half_of_the_bins_cleared(const unsigned char *x, unsigned *y)
{
    __shared__ unsigned bins[128];
    int l = threadIdx.x;
    bins[l] = 0;
    __syncthreads();
    atomicAdd(&bins[2 * x[l]], 1u);
    __syncthreads();
    for (int i = l; i < 128; i += 64)
        y[i] = bins[i]; // FINDS uninitialized store
}

extern "C" __global__ void half_of_the_bins_cleared_fixed(const unsigned char *x, unsigned *y)
{
    __shared__ unsigned bins[128];
    int l = threadIdx.x;
    for (int i = l; i < 128; i += 64)
        bins[i] = 0;
    __syncthreads();
    atomicAdd(&bins[2 * x[l]], 1u);
    __syncthreads();
    for (int i = l; i < 128; i += 64)
        y[i] = bins[i];
}

// launch found_flag_not_cleared: --grid 1 --block 64 --arg u32[64]:range --arg u32[1]:zeros --arg u32:77
extern "C" __global__ void found_flag_not_cleared(const unsigned *x, unsigned *y, unsigned wanted)
{
    __shared__ int found;
    if (x[threadIdx.x] == wanted)
        found = 1;
    __syncthreads();
    if (found) // FINDS uninitialized branch
        atomicAdd(y, 1u);
}

extern "C" __global__ void found_flag_not_cleared_fixed(const unsigned *x, unsigned *y, unsigned wanted)
{
    __shared__ int found;
    if (threadIdx.x == 0)
        found = 0;
    __syncthreads();
    if (x[threadIdx.x] == wanted)
        found = 1;
    __syncthreads();
    if (found)
        atomicAdd(y, 1u);
}

// launch permutation_with_holes: --grid 1 --block 32 --arg f32[32]:random --arg f32[32]:out
extern "C" __global__ void permutation_with_holes(const float *x, float *y)
{
    __shared__ int order[32];
    int l = threadIdx.x;
    order[l & ~1] = l;
    __syncthreads();
    y[l] = x[order[l]]; // FINDS uninitialized address, FAULTS global
}

extern "C" __global__ void permutation_with_holes_fixed(const float *x, float *y)
{
    __shared__ int order[32];
    int l = threadIdx.x;
    order[l ^ 1] = l;
    __syncthreads();
    y[l] = x[order[l]];
}

// launch three_bytes_of_four: --grid 1 --block 32 --arg u8[96]:random --arg u32[32]:out
extern "C" __global__ void three_bytes_of_four(const unsigned char *x, unsigned *y)
{
    __shared__ unsigned char pixels[32][4];
    int l = threadIdx.x;
    for (int k = 0; k < 3; k++)
        pixels[l][k] = x[3 * l + k];
    __syncthreads();
    y[l] = *(unsigned *)pixels[31 - l]; // FINDS uninitialized store
}

extern "C" __global__ void three_bytes_of_four_fixed(const unsigned char *x, unsigned *y)
{
    __shared__ unsigned char pixels[32][4];
    int l = threadIdx.x;
    for (int k = 0; k < 3; k++)
        pixels[l][k] = x[3 * l + k];
    __syncthreads();
    y[l] = *(unsigned *)pixels[31 - l] & 0xffffff;
}

// launch one_half_of_a_pair: --grid 1 --block 32 --arg f16[32]:random --arg f16[64]:out
extern "C" __global__ void one_half_of_a_pair(const __half *x, __half2 *y)
{
    __shared__ __half pairs[64];
    int l = threadIdx.x;
    pairs[2 * l] = x[l];
    __syncthreads();
    y[l] = __hadd2(((__half2 *)pairs)[31 - l], __half2(x[l], x[l])); // FINDS uninitialized store
}

extern "C" __global__ void one_half_of_a_pair_fixed(const __half *x, __half2 *y)
{
    __shared__ __half pairs[64];
    int l = threadIdx.x;
    pairs[2 * l] = x[l];
    pairs[2 * l + 1] = x[31 - l];
    __syncthreads();
    y[l] = __hadd2(((__half2 *)pairs)[31 - l], __half2(x[l], x[l]));
}

struct Hit {
    unsigned char kind;
    int index;
    float distance;
};

// launch a_field_not_set: --grid 1 --block 32 --arg f32[32]:random --arg i32[32]:out
extern "C" __global__ void a_field_not_set(const float *x, int *y)
{
    __shared__ Hit hits[32];
    int l = threadIdx.x;
    hits[l].kind = 1;
    hits[l].distance = x[l];
    if (x[l] > 0)
        hits[l].index = l;
    __syncthreads();
    y[l] = hits[31 - l].index + hits[31 - l].kind; // FINDS uninitialized store
}

extern "C" __global__ void a_field_not_set_fixed(const float *x, int *y)
{
    __shared__ Hit hits[32], copies[32];
    int l = threadIdx.x;
    hits[l].kind = 1;
    hits[l].distance = x[l];
    hits[l].index = x[l] > 0 ? l : -1;
    copies[l] = hits[l];
    __syncthreads();
    y[l] = copies[31 - l].index + copies[31 - l].kind;
}

// launch halo_not_loaded: --grid 2 --block 32 --arg f32[64]:random --arg f32[64]:out
extern "C" __global__ void halo_not_loaded(const float *x, float *y)
{
    __shared__ float t[34];
    int l = threadIdx.x, i = blockIdx.x * 32 + l;
    t[l + 1] = x[i];
    if (l == 0)
        t[0] = i > 0 ? x[i - 1] : 0.0f;
    __syncthreads();
    y[i] = t[l] + t[l + 2]; // FINDS uninitialized store
}

extern "C" __global__ void halo_not_loaded_fixed(const float *x, float *y)
{
    __shared__ float t[34];
    int l = threadIdx.x, i = blockIdx.x * 32 + l;
    t[l + 1] = x[i];
    if (l == 0)
        t[0] = i > 0 ? x[i - 1] : 0.0f;
    if (l == 31)
        t[33] = i < 63 ? x[i + 1] : 0.0f;
    __syncthreads();
    y[i] = t[l] + t[l + 2];
}

// launch queue_longer_than_filled: --grid 1 --block 32 --arg i32[32]:range --arg f32[32]:random --arg f32[32]:zeros
extern "C" __global__ void queue_longer_than_filled(const int *x, const float *weight, float *y)
{
    __shared__ int queue[32], length;
    int l = threadIdx.x;
    if (l == 0)
        length = 1;
    __syncthreads();
    if (x[l] % 3 == 0)
        queue[atomicAdd(&length, 1)] = x[l];
    __syncthreads();
    if (l < length)
        y[l] = weight[queue[l]]; // FINDS uninitialized address, FAULTS global
}

extern "C" __global__ void queue_longer_than_filled_fixed(const int *x, const float *weight, float *y)
{
    __shared__ int queue[32], length;
    int l = threadIdx.x;
    if (l == 0)
        length = 0;
    __syncthreads();
    if (x[l] % 3 == 0)
        queue[atomicAdd(&length, 1)] = x[l];
    __syncthreads();
    if (l < length)
        y[l] = weight[queue[l]];
}

// launch double_sum_not_zeroed: --grid 1 --block 32 --arg f64[32]:random --arg f64[32]:out
extern "C" __global__ void double_sum_not_zeroed(const double *x, double *y)
{
    __shared__ double sums[32];
    int l = threadIdx.x;
    if (l > 0)
        sums[l] = 0;
    __syncthreads();
    sums[l] += x[l];
    __syncthreads();
    y[l] = sums[l ^ 1]; // FINDS uninitialized store
}

extern "C" __global__ void double_sum_not_zeroed_fixed(const double *x, double *y)
{
    __shared__ double sums[32];
    int l = threadIdx.x;
    sums[l] = 0;
    __syncthreads();
    sums[l] += x[l];
    __syncthreads();
    y[l] = sums[l ^ 1];
}
