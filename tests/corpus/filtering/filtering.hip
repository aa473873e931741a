// Filters: ordered and appending compaction by ballot and prefix, stable partition, run-length starts.
#include <hip/hip_runtime.h>

#define FILTER_THREADS 128

// How many threads before this one in the block raise the flag; `total` gets how many do at all.
__device__ static int block_rank(bool flag, int *waves, int *total)
{
    int lane = threadIdx.x % warpSize, wave = threadIdx.x / warpSize;
    unsigned long long raised = __ballot(flag);
    if (lane == 0)
        waves[wave] = __popcll(raised);
    __syncthreads();
    int rank = __popcll(raised & ((1ull << lane) - 1)), sum = 0;
    for (int w = 0; w < FILTER_THREADS / warpSize; w++) {
        rank += w < wave ? waves[w] : 0;
        sum += waves[w];
    }
    *total = sum;
    __syncthreads();
    return rank;
}

// Keeps the values above the threshold in order; one block walks over the input.
extern "C" __global__ void compact_ordered(const int *in, int *out, int *count, int n, int threshold)
{
    __shared__ int waves[FILTER_THREADS / 32];
    int kept = 0;
    for (int base = 0; base < n; base += FILTER_THREADS) {
        int i = base + threadIdx.x, total;
        int value = i < n ? in[i] : threshold;
        bool keep = i < n && value > threshold;
        int rank = block_rank(keep, waves, &total);
        if (keep)
            out[kept + rank] = value;
        kept += total;
    }
    if (threadIdx.x == 0)
        *count = kept;
}

// Keeps the values above the threshold in any order: one atomic a wave reserves the room for its lanes.
extern "C" __global__ void compact_append(const int *in, int *out, unsigned *count, int n, int threshold)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % warpSize;
    bool keep = i < n && in[i] > threshold;
    unsigned long long kept = __ballot(keep);
    unsigned base = 0;
    if (lane == 0 && kept)
        base = atomicAdd(count, (unsigned)__popcll(kept));
    base = __builtin_amdgcn_readfirstlane(base);
    if (keep)
        out[base + __popcll(kept & ((1ull << lane) - 1))] = in[i];
}

// Even values first, odd ones after them, both in order; one block, two walks over the input.
extern "C" __global__ void partition_stable(const int *in, int *out, int *evens, int n)
{
    __shared__ int waves[FILTER_THREADS / 32];
    int first = 0;
    for (int base = 0; base < n; base += FILTER_THREADS) {
        int i = base + threadIdx.x, total;
        block_rank(i < n && in[i] % 2 == 0, waves, &total);
        first += total;
    }
    if (threadIdx.x == 0)
        *evens = first;
    int even = 0, odd = first;
    for (int base = 0; base < n; base += FILTER_THREADS) {
        int i = base + threadIdx.x, total;
        bool valid = i < n, is_even = valid && in[i] % 2 == 0;
        int rank = block_rank(is_even, waves, &total);
        int odd_rank = (int)threadIdx.x - rank;
        if (valid)
            out[is_even ? even + rank : odd + odd_rank] = in[i];
        even += total;
        odd += min(FILTER_THREADS, n - base) - total;
    }
}

// The prefix sum of one block by double buffering in LDS, blocks being independent segments.
extern "C" __global__ void scan_double_buffered(const int *in, int *out, int n)
{
    __shared__ int buffer[2][FILTER_THREADS];
    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t, from = 0;
    buffer[0][t] = i < n ? in[i] : 0;
    __syncthreads();
    for (int distance = 1; distance < FILTER_THREADS; distance <<= 1) {
        int sum = buffer[from][t];
        if (t >= distance)
            sum += buffer[from][t - distance];
        from ^= 1;
        buffer[from][t] = sum;
        __syncthreads();
    }
    if (i < n)
        out[i] = buffer[from][t];
}
