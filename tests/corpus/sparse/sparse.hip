// Irregular data: sparse matrix times vector, segmented sums, one level of a graph search.
#include <hip/hip_runtime.h>

// One thread a row of a CSR matrix.
extern "C" __global__ void csr_scalar(const int *starts, const int *columns, const float *values, const float *x,
                                      float *y, int rows)
{
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows)
        return;
    float sum = 0.0f;
    for (int i = starts[row]; i < starts[row + 1]; i++)
        sum += values[i] * x[columns[i]];
    y[row] = sum;
}

// 32 lanes a row, the partial sums reduced by butterflies.
extern "C" __global__ void csr_vector(const int *starts, const int *columns, const float *values, const float *x,
                                      float *y, int rows)
{
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows)
        return;
    float sum = 0.0f;
    for (int i = starts[row] + lane; i < starts[row + 1]; i += 32)
        sum += values[i] * x[columns[i]];
    for (int step = 16; step; step /= 2)
        sum += __shfl_xor(sum, step);
    if (lane == 0)
        y[row] = sum;
}

#define SEGMENT_THREADS 128

// Sums of runs with the same segment number: a segmented scan in LDS, block ends added atomically.
extern "C" __global__ void segmented_sum(const int *segment, const int *value, int *sums, int n)
{
    __shared__ int sum[2][SEGMENT_THREADS], head[2][SEGMENT_THREADS];
    int t = threadIdx.x, i = blockIdx.x * SEGMENT_THREADS + t, from = 0;
    sum[0][t] = i < n ? value[i] : 0;
    head[0][t] = t == 0 || i >= n || segment[i] != segment[i - 1];
    __syncthreads();
    for (int distance = 1; distance < SEGMENT_THREADS; distance *= 2) {
        int to = 1 - from, here = sum[from][t], started = head[from][t];
        if (t >= distance && !started) {
            here += sum[from][t - distance];
            started = head[from][t - distance];
        }
        sum[to][t] = here;
        head[to][t] = started;
        from = to;
        __syncthreads();
    }
    if (i < n && (t == SEGMENT_THREADS - 1 || i == n - 1 || segment[i] != segment[i + 1]))
        atomicAdd(&sums[segment[i]], sum[from][t]);
}

// One level of a breadth-first search: who is first at a vertex appends it to the next frontier.
extern "C" __global__ void bfs_level(const int *starts, const int *targets, const int *frontier, int *level,
                                     int *next, int *next_size, int frontier_size, int depth)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= frontier_size)
        return;
    int vertex = frontier[i];
    for (int edge = starts[vertex]; edge < starts[vertex + 1]; edge++) {
        int target = targets[edge];
        if (atomicCAS(&level[target], -1, depth) == -1)
            next[atomicAdd(next_size, 1)] = target;
    }
}
