// Sorting: a bitonic network in LDS, and one pass of a radix sort in its three kernels.
#include <hip/hip_runtime.h>

#define BITONIC_WIDTH 256
#define DIGITS 16
#define RADIX_THREADS 128

// One block a segment of at most 256 keys; half as many threads, each compares one pair a step.
extern "C" __global__ void bitonic_sort(const int *keys, const int *payload, int *sorted, int *carried, int length)
{
    __shared__ int key[BITONIC_WIDTH], value[BITONIC_WIDTH];
    size_t base = (size_t)blockIdx.x * length;
    for (int i = threadIdx.x; i < BITONIC_WIDTH; i += blockDim.x) {
        key[i] = i < length ? keys[base + i] : 0x7fffffff;
        value[i] = i < length ? payload[base + i] : 0x7fffffff;
    }
    for (int size = 2; size <= BITONIC_WIDTH; size *= 2)
        for (int distance = size / 2; distance; distance /= 2) {
            __syncthreads();
            int t = threadIdx.x;
            int low = 2 * t - (t & (distance - 1)), high = low + distance;
            bool up = (low & size) == 0;
            bool greater = key[low] > key[high] || (key[low] == key[high] && value[low] > value[high]);
            if (greater == up) {
                int k = key[low], v = value[low];
                key[low] = key[high];
                value[low] = value[high];
                key[high] = k;
                value[high] = v;
            }
        }
    __syncthreads();
    for (int i = threadIdx.x; i < length; i += blockDim.x) {
        sorted[base + i] = key[i];
        carried[base + i] = value[i];
    }
}

// How often each digit occurs in each block's keys: counts[digit * blocks + block].
extern "C" __global__ void radix_count(const unsigned *keys, unsigned *counts, int n, int shift)
{
    __shared__ unsigned local[DIGITS];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (threadIdx.x < DIGITS)
        local[threadIdx.x] = 0;
    __syncthreads();
    if (i < n)
        atomicAdd(&local[keys[i] >> shift & (DIGITS - 1)], 1u);
    __syncthreads();
    if (threadIdx.x < DIGITS)
        counts[threadIdx.x * gridDim.x + blockIdx.x] = local[threadIdx.x];
}

// Exclusive prefix sum in place, one block: up-sweep and down-sweep over tiles, a running total between.
extern "C" __global__ void radix_scan(unsigned *counts, int n)
{
    __shared__ unsigned tree[RADIX_THREADS];
    unsigned total = 0;
    int t = threadIdx.x;
    for (int base = 0; base < n; base += RADIX_THREADS) {
        unsigned mine = base + t < n ? counts[base + t] : 0;
        tree[t] = mine;
        int offset = 1;
        for (int d = RADIX_THREADS / 2; d; d /= 2, offset *= 2) {
            __syncthreads();
            if (t < d)
                tree[offset * (2 * t + 2) - 1] += tree[offset * (2 * t + 1) - 1];
        }
        __syncthreads();
        unsigned sum = tree[RADIX_THREADS - 1];
        __syncthreads();
        if (t == 0)
            tree[RADIX_THREADS - 1] = 0;
        for (int d = 1; d < RADIX_THREADS; d *= 2) {
            offset /= 2;
            __syncthreads();
            if (t < d) {
                unsigned left = tree[offset * (2 * t + 1) - 1];
                tree[offset * (2 * t + 1) - 1] = tree[offset * (2 * t + 2) - 1];
                tree[offset * (2 * t + 2) - 1] += left;
            }
        }
        __syncthreads();
        if (base + t < n)
            counts[base + t] = total + tree[t];
        total += sum;
        __syncthreads();
    }
}

// Stable scatter: a key's rank among equal digits from ballots in its wave and the waves before it.
extern "C" __global__ void radix_scatter(const unsigned *keys, const unsigned *offsets, unsigned *out, int n, int shift)
{
    __shared__ unsigned seen[RADIX_THREADS / 32][DIGITS];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int wave = threadIdx.x / warpSize, lane = threadIdx.x % warpSize;
    for (int c = threadIdx.x; c < RADIX_THREADS / 32 * DIGITS; c += blockDim.x)
        seen[c / DIGITS][c % DIGITS] = 0;
    __syncthreads();
    bool valid = i < n;
    unsigned key = valid ? keys[i] : 0, digit = key >> shift & (DIGITS - 1);
    unsigned long long peers = __ballot(valid);
    for (int bit = 1; bit < DIGITS; bit *= 2) {
        unsigned long long set = __ballot((digit & bit) != 0);
        peers &= digit & bit ? set : ~set;
    }
    unsigned rank = __popcll(peers & ((1ull << lane) - 1));
    if (valid && rank == 0)
        seen[wave][digit] = __popcll(peers);
    __syncthreads();
    if (!valid)
        return;
    for (int w = 0; w < wave; w++)
        rank += seen[w][digit];
    out[offsets[digit * gridDim.x + blockIdx.x] + rank] = key;
}
