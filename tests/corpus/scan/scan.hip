// Running sums of integers: within a workgroup, over any length, with and without the element itself.
#include <hip/hip_runtime.h>

#define THREADS 256
#define TILE 256

// Lanes that shuffle with one another. In waves of 64 the hardware's permutes stay within each half.
#define LANES 32

// Inclusive, one row of at most THREADS a workgroup: log(n) steps between two halves of LDS.
extern "C" __global__ void scan_hillis_steele(const int *in, int *out, int cols)
{
    __shared__ int buffer[2][THREADS];
    int t = threadIdx.x, from = 0;
    buffer[0][t] = t < cols ? in[blockIdx.x * cols + t] : 0;
    __syncthreads();
    for (int step = 1; step < THREADS; step *= 2) {
        int value = buffer[from][t];
        if (t >= step)
            value += buffer[from][t - step];
        buffer[1 - from][t] = value;
        from = 1 - from;
        __syncthreads();
    }
    if (t < cols)
        out[blockIdx.x * cols + t] = buffer[from][t];
}

// A gap after every 32 words keeps the two sweeps free of bank conflicts.
__device__ int spread(int index)
{
    return index + index / 32;
}

// Exclusive, one row of at most 2 * THREADS a workgroup: a sweep up the tree, a sweep down.
extern "C" __global__ void scan_blelloch(const int *in, int *out, int cols)
{
    __shared__ int tree[2 * THREADS + 2 * THREADS / LANES];
    const int *row = in + blockIdx.x * cols;
    int t = threadIdx.x, step = 1;
    tree[spread(t)] = t < cols ? row[t] : 0;
    tree[spread(t + THREADS)] = t + THREADS < cols ? row[t + THREADS] : 0;
    for (int pairs = THREADS; pairs > 0; pairs /= 2, step *= 2) {
        __syncthreads();
        if (t < pairs)
            tree[spread(step * (2 * t + 2) - 1)] += tree[spread(step * (2 * t + 1) - 1)];
    }
    if (t == 0)
        tree[spread(2 * THREADS - 1)] = 0;
    for (int pairs = 1; pairs <= THREADS; pairs *= 2) {
        step /= 2;
        __syncthreads();
        if (t < pairs) {
            int left = spread(step * (2 * t + 1) - 1), right = spread(step * (2 * t + 2) - 1);
            int sum = tree[left];
            tree[left] = tree[right];
            tree[right] += sum;
        }
    }
    __syncthreads();
    if (t < cols)
        out[blockIdx.x * cols + t] = tree[spread(t)];
    if (t + THREADS < cols)
        out[blockIdx.x * cols + t + THREADS] = tree[spread(t + THREADS)];
}

__device__ int wave_scan(int value)
{
    int lane = threadIdx.x % LANES;
    for (int step = 1; step < LANES; step *= 2) {
        int before = __shfl_up(value, step, LANES);
        if (lane >= step)
            value += before;
    }
    return value;
}

// Inclusive over a workgroup; `waves` has a place for each wave, *total is the sum of all.
__device__ int block_scan(int value, int *waves, int *total)
{
    int lane = threadIdx.x % LANES, wave = threadIdx.x / LANES, count = blockDim.x / LANES;
    value = wave_scan(value);
    if (lane == LANES - 1)
        waves[wave] = value;
    __syncthreads();
    int before = 0, sum = 0;
    for (int w = 0; w < count; w++) {
        before += w < wave ? waves[w] : 0;
        sum += waves[w];
    }
    __syncthreads();
    *total = sum;
    return value + before;
}

// Inclusive, one row of any length a workgroup: shuffles within waves, a carry from piece to piece.
extern "C" __global__ void scan_shuffle(const int *in, int *out, int cols)
{
    __shared__ int waves[THREADS / LANES];
    const int *row = in + blockIdx.x * cols;
    int carry = 0;
    for (int start = 0; start < cols; start += blockDim.x) {
        int i = start + threadIdx.x, total;
        int value = block_scan(i < cols ? row[i] : 0, waves, &total);
        if (i < cols)
            out[blockIdx.x * cols + i] = carry + value;
        carry += total;
    }
}

// Three launches: tiles, the sums of tiles, and the sums added back.
extern "C" __global__ void scan_tiles(const int *in, int *out, int *sums, int n)
{
    __shared__ int waves[TILE / LANES];
    int i = blockIdx.x * TILE + threadIdx.x, total;
    int value = block_scan(i < n ? in[i] : 0, waves, &total);
    if (i < n)
        out[i] = value;
    if (threadIdx.x == 0)
        sums[blockIdx.x] = total;
}

extern "C" __global__ void scan_sums(int *sums, int count)
{
    __shared__ int waves[TILE / LANES];
    int t = threadIdx.x, total, own = t < count ? sums[t] : 0;
    int value = block_scan(own, waves, &total);
    if (t < count)
        sums[t] = value - own;
}

extern "C" __global__ void scan_add(int *out, const int *sums, int n)
{
    int i = blockIdx.x * TILE + threadIdx.x;
    if (i < n)
        out[i] += sums[blockIdx.x];
}

enum { EMPTY, OWN, WHOLE };

// One launch over any length (decoupled look-back): a workgroup takes the next tile by a ticket, publishes
// the tile's own sum, and looks back over the tiles before it until one has published its whole prefix.
// States are a flag above a sum in one 64-bit word; they start as zero.
extern "C" __global__ void scan_lookback(const int *in, int *out, unsigned long long *states, unsigned *ticket, int n)
{
    __shared__ int waves[TILE / LANES];
    __shared__ int tile, before;
    if (threadIdx.x == 0)
        tile = atomicAdd(ticket, 1u);
    __syncthreads();
    int i = tile * TILE + threadIdx.x, total;
    int value = block_scan(i < n ? in[i] : 0, waves, &total);
    if (threadIdx.x == 0) {
        unsigned long long own = (unsigned)total;
        atomicExch(&states[tile], own | (unsigned long long)(tile ? OWN : WHOLE) << 32);
        int prefix = 0;
        for (int t = tile - 1; t >= 0;) {
            unsigned long long state = atomicAdd(&states[t], 0ull);
            if (state >> 32 == EMPTY) {
                __builtin_amdgcn_s_sleep(1);
                continue;
            }
            prefix += (int)(unsigned)state;
            if (state >> 32 == WHOLE)
                break;
            t--;
        }
        if (tile)
            atomicExch(&states[tile], (unsigned)(prefix + total) | (unsigned long long)WHOLE << 32);
        before = prefix;
    }
    __syncthreads();
    if (i < n)
        out[i] = before + value;
}

// Inclusive sums that start anew wherever a head is set: pairs (value, head) under an associative operator.
extern "C" __global__ void scan_segmented(const int *in, const unsigned char *heads, int *out, int cols)
{
    __shared__ int values[THREADS];
    __shared__ unsigned char flags[THREADS];
    int t = threadIdx.x, at = blockIdx.x * cols + t;
    int value = t < cols ? in[at] : 0;
    unsigned char flag = t < cols ? heads[at] : 1;
    for (int step = 1; step < THREADS; step *= 2) {
        values[t] = value;
        flags[t] = flag;
        __syncthreads();
        if (t >= step && !flag) {
            value += values[t - step];
            flag = flags[t - step];
        }
        __syncthreads();
    }
    if (t < cols)
        out[at] = value;
}
