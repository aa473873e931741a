// Many numbers into one: in LDS, by shuffles, by atomics, in two launches, by the last workgroup.
#include <hip/hip_runtime.h>

#define THREADS 256

// Lanes that shuffle with one another. In waves of 64 the hardware's permutes stay within each half.
#define LANES 32

__device__ float wave_sum(float value)
{
    for (int offset = LANES / 2; offset > 0; offset /= 2)
        value += __shfl_xor(value, offset, LANES);
    return value;
}

// The sum of a workgroup's values, in its first workitem. `waves` has a place for each wave.
__device__ float block_sum(float value, float *waves)
{
    int lane = threadIdx.x % LANES, wave = threadIdx.x / LANES;
    value = wave_sum(value);
    if (lane == 0)
        waves[wave] = value;
    __syncthreads();
    if (wave != 0)
        return 0.0f;
    return wave_sum(lane < blockDim.x / LANES ? waves[lane] : 0.0f);
}

// One row a workgroup, halving in LDS.
extern "C" __global__ void reduce_tree(const float *in, float *sums, int cols)
{
    __shared__ float part[THREADS];
    int t = threadIdx.x;
    float sum = 0.0f;
    for (int i = t; i < cols; i += THREADS)
        sum += in[(size_t)blockIdx.x * cols + i];
    part[t] = sum;
    __syncthreads();
    for (int step = THREADS / 2; step > 0; step /= 2) {
        if (t < step)
            part[t] += part[t + step];
        __syncthreads();
    }
    if (t == 0)
        sums[blockIdx.x] = part[0];
}

// One row a workgroup, shuffles within waves and LDS between them.
extern "C" __global__ void reduce_shuffle(const float *in, float *sums, int cols)
{
    __shared__ float waves[THREADS / LANES];
    float sum = 0.0f;
    for (int i = threadIdx.x; i < cols; i += blockDim.x)
        sum += in[(size_t)blockIdx.x * cols + i];
    sum = block_sum(sum, waves);
    if (threadIdx.x == 0)
        sums[blockIdx.x] = sum;
}

// Every workitem adds to the same place; integers, so that the order does not matter.
extern "C" __global__ void reduce_atomic(const int *in, int *total, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        atomicAdd(total, in[i]);
}

// One floating-point atomic a workgroup.
extern "C" __global__ void reduce_atomic_f32(const float *in, float *total, int n)
{
    __shared__ float waves[THREADS / LANES];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float sum = block_sum(i < n ? in[i] : 0.0f, waves);
    if (threadIdx.x == 0)
        atomicAdd(total, sum);
}

// The largest value and the first place that has it, as one 64-bit number: the value's bits, reordered so
// that they compare as unsigned numbers, above the complement of the index.
extern "C" __global__ void argmax_atomic(const float *in, unsigned long long *best, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned bits = __float_as_uint(in[i]);
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    atomicMax(best, (unsigned long long)bits << 32 | (unsigned)~i);
}

// First launch of two: one partial sum a workgroup, any number of them.
extern "C" __global__ void reduce_partials(const float *in, float *partials, int n)
{
    __shared__ float waves[THREADS / LANES];
    float sum = 0.0f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        sum += in[i];
    sum = block_sum(sum, waves);
    if (threadIdx.x == 0)
        partials[blockIdx.x] = sum;
}

// Second launch of two: a single wave adds the partial sums.
extern "C" __global__ void reduce_finish(const float *partials, float *total, int count)
{
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        sum += partials[i];
    sum = wave_sum(sum);
    if (threadIdx.x == 0)
        total[0] = sum;
}

// The workgroup that finishes last adds up what all have left; it leaves the counter as it found it.
extern "C" __global__ void reduce_last_block(const float *in, volatile float *partials, unsigned *finished,
                                             float *total, int n)
{
    __shared__ float waves[THREADS / LANES];
    __shared__ bool last;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float sum = block_sum(i < n ? in[i] : 0.0f, waves);
    if (threadIdx.x == 0) {
        partials[blockIdx.x] = sum;
        __threadfence();
        last = atomicAdd(finished, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (!last)
        return;
    __threadfence();
    sum = 0.0f;
    for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x)
        sum += partials[b];
    sum = block_sum(sum, waves);
    if (threadIdx.x == 0) {
        total[0] = sum;
        *finished = 0;
    }
}
