// Choosing from rows of scores: argmax, top-k, nucleus sampling; and binary search.
#include <hip/hip_runtime.h>

#define ARGMAX_THREADS 128
#define NUCLEUS_WIDTH 128

// Whether (value, index) comes before (other, at): the larger value, of equal ones the smaller index.
__device__ static inline bool before(float value, int index, float other, int at)
{
    return value > other || (value == other && index < at);
}

// One block a row: lanes stride over the row, 32 at a time reduce by shuffles (which on RDNA reach no farther,
// also in waves of 64), the first lane combines.
extern "C" __global__ void argmax_rows(const float *scores, int *best, int columns)
{
    __shared__ float values[ARGMAX_THREADS / 32];
    __shared__ int indices[ARGMAX_THREADS / 32];
    const float *row = scores + (size_t)blockIdx.x * columns;
    float value = -INFINITY;
    int index = columns;
    for (int c = threadIdx.x; c < columns; c += blockDim.x)
        if (before(row[c], c, value, index)) {
            value = row[c];
            index = c;
        }
    for (int step = 16; step; step /= 2) {
        float other = __shfl_down(value, step, 32);
        int at = __shfl_down(index, step, 32);
        if (before(other, at, value, index)) {
            value = other;
            index = at;
        }
    }
    if (threadIdx.x % 32 == 0) {
        values[threadIdx.x / 32] = value;
        indices[threadIdx.x / 32] = index;
    }
    __syncthreads();
    if (threadIdx.x)
        return;
    for (int w = 1; w < (int)blockDim.x / 32; w++)
        if (before(values[w], indices[w], value, index)) {
            value = values[w];
            index = indices[w];
        }
    best[blockIdx.x] = index;
}

// One block a row; each round takes the best score that is left out of a copy in dynamic LDS.
extern "C" __global__ void top_k(const float *scores, float *values, int *indices, int columns, int k)
{
    extern __shared__ float left[];
    __shared__ float best[64];
    __shared__ int where[64];
    int t = threadIdx.x;
    for (int c = t; c < columns; c += blockDim.x)
        left[c] = scores[(size_t)blockIdx.x * columns + c];
    __syncthreads();
    for (int round = 0; round < k; round++) {
        best[t] = -INFINITY;
        where[t] = columns;
        for (int c = t; c < columns; c += blockDim.x)
            if (before(left[c], c, best[t], where[t])) {
                best[t] = left[c];
                where[t] = c;
            }
        __syncthreads();
        for (int half = blockDim.x / 2; half; half /= 2) {
            if (t < half && before(best[t + half], where[t + half], best[t], where[t])) {
                best[t] = best[t + half];
                where[t] = where[t + half];
            }
            __syncthreads();
        }
        if (t == 0) {
            values[(size_t)blockIdx.x * k + round] = best[0];
            indices[(size_t)blockIdx.x * k + round] = where[0];
            left[where[0]] = -INFINITY;
        }
        __syncthreads();
    }
}

// Nucleus sampling: sorts a row's probabilities, keeps the fewest that reach `mass`, draws one of them.
extern "C" __global__ void top_p(const float *probabilities, const float *mass, const float *uniform,
                                 int *kept, int *token, int columns)
{
    __shared__ float p[NUCLEUS_WIDTH];
    __shared__ int id[NUCLEUS_WIDTH];
    __shared__ float sum[2][NUCLEUS_WIDTH];
    __shared__ int nucleus, chosen;
    int t = threadIdx.x, row = blockIdx.x;
    p[t] = t < columns ? probabilities[(size_t)row * columns + t] : -1.0f;
    id[t] = t;
    for (int size = 2; size <= NUCLEUS_WIDTH; size *= 2)
        for (int distance = size / 2; distance; distance /= 2) {
            __syncthreads();
            int peer = t ^ distance;
            if (peer > t) {
                bool descending = (t & size) == 0;
                if (before(p[peer], id[peer], p[t], id[t]) == descending) {
                    float q = p[t];
                    p[t] = p[peer];
                    p[peer] = q;
                    int other = id[t];
                    id[t] = id[peer];
                    id[peer] = other;
                }
            }
        }
    __syncthreads();
    sum[0][t] = fmaxf(p[t], 0.0f);
    int from = 0;
    for (int distance = 1; distance < NUCLEUS_WIDTH; distance *= 2) {
        __syncthreads();
        sum[1 - from][t] = sum[from][t] + (t >= distance ? sum[from][t - distance] : 0.0f);
        from = 1 - from;
    }
    __syncthreads();
    if (sum[from][t] >= mass[row] && (t == 0 || sum[from][t - 1] < mass[row]))
        nucleus = t;
    __syncthreads();
    float drawn = uniform[row] * sum[from][nucleus];
    if (sum[from][t] > drawn && (t == 0 || sum[from][t - 1] <= drawn))
        chosen = id[t];
    __syncthreads();
    if (t == 0) {
        kept[row] = nucleus + 1;
        token[row] = chosen;
    }
}

// The first position in a sorted array that is not less than the key.
extern "C" __global__ void lower_bound(const int *sorted, const int *keys, int *position, int n, int queries)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= queries)
        return;
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (sorted[middle] < keys[i])
            low = middle + 1;
        else
            high = middle;
    }
    position[i] = low;
}
