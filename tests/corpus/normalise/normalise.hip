// Rows made to have a sum, a mean or a size: softmax, layer norm, RMS norm.
#include <hip/hip_runtime.h>

#define THREADS 128

// Lanes that shuffle with one another. In waves of 64 the hardware's permutes stay within each half.
#define LANES 32

struct Add {
    __device__ float operator()(float a, float b) const { return a + b; }
};

struct Max {
    __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

template <typename Op> __device__ float wave_reduce(float value, Op op)
{
    for (int offset = LANES / 2; offset > 0; offset /= 2)
        value = op(value, __shfl_xor(value, offset, LANES));
    return value;
}

// The values of a workgroup combined, in every workitem. `waves` has a place for each wave.
template <typename Op> __device__ float block_reduce(float value, float *waves, Op op)
{
    value = wave_reduce(value, op);
    __syncthreads();
    if (threadIdx.x % LANES == 0)
        waves[threadIdx.x / LANES] = value;
    __syncthreads();
    value = waves[0];
    for (int w = 1; w < THREADS / LANES; w++)
        value = op(value, waves[w]);
    return value;
}

// One row a workgroup, three passes: largest, sum of exponentials, quotients.
extern "C" __global__ void softmax(const float *in, float *out, int cols)
{
    __shared__ float waves[THREADS / LANES];
    const float *row = in + (size_t)blockIdx.x * cols;
    float largest = -INFINITY, sum = 0.0f;
    for (int i = threadIdx.x; i < cols; i += THREADS)
        largest = fmaxf(largest, row[i]);
    largest = block_reduce(largest, waves, Max());
    for (int i = threadIdx.x; i < cols; i += THREADS)
        sum += expf(row[i] - largest);
    sum = block_reduce(sum, waves, Add());
    for (int i = threadIdx.x; i < cols; i += THREADS)
        out[(size_t)blockIdx.x * cols + i] = expf(row[i] - largest) / sum;
}

// One row for LANES lanes, one pass: each keeps its largest value and its sum below it, then lanes merge.
// A wave of 64 has two rows.
extern "C" __global__ void softmax_online(const float *in, float *out, int rows, int cols)
{
    int lane = threadIdx.x, index = blockIdx.x * blockDim.y + threadIdx.y;
    if (index >= rows)
        return;
    const float *row = in + (size_t)index * cols;
    float largest = -INFINITY, sum = 0.0f;
    for (int i = lane; i < cols; i += LANES) {
        float value = row[i], before = largest;
        largest = fmaxf(largest, value);
        sum = sum * __expf(before - largest) + __expf(value - largest);
    }
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
        float other = __shfl_xor(largest, offset, LANES), others = __shfl_xor(sum, offset, LANES);
        float both = fmaxf(largest, other);
        // Lanes beyond a short row have seen nothing.
        sum = (largest == both ? sum : sum * __expf(largest - both)) +
              (other == both ? others : others * __expf(other - both));
        largest = both;
    }
    for (int i = lane; i < cols; i += LANES)
        out[(size_t)index * cols + i] = __expf(row[i] - largest) / sum;
}

extern "C" __global__ void layer_norm(const float *in, const float *gamma, const float *beta, float *out, int cols,
                                      float epsilon)
{
    __shared__ float waves[THREADS / LANES];
    const float *row = in + (size_t)blockIdx.x * cols;
    float sum = 0.0f, squares = 0.0f;
    for (int i = threadIdx.x; i < cols; i += THREADS)
        sum += row[i];
    float mean = block_reduce(sum, waves, Add()) / cols;
    for (int i = threadIdx.x; i < cols; i += THREADS)
        squares += (row[i] - mean) * (row[i] - mean);
    float scale = rsqrtf(block_reduce(squares, waves, Add()) / cols + epsilon);
    for (int i = threadIdx.x; i < cols; i += THREADS)
        out[(size_t)blockIdx.x * cols + i] = (row[i] - mean) * scale * gamma[i] + beta[i];
}

template <typename T>
__device__ void rms_norm_row(const T *row, const T *weight, T *out, int cols, float epsilon)
{
    __shared__ float waves[THREADS / LANES];
    float squares = 0.0f;
    for (int i = threadIdx.x; i < cols; i += THREADS)
        squares += (float)row[i] * (float)row[i];
    float scale = 1.0f / sqrtf(block_reduce(squares, waves, Add()) / cols + epsilon);
    for (int i = threadIdx.x; i < cols; i += THREADS)
        out[i] = (T)((float)row[i] * scale * (float)weight[i]);
}

extern "C" __global__ void rms_norm(const float *in, const float *weight, float *out, int cols, float epsilon)
{
    rms_norm_row(in + (size_t)blockIdx.x * cols, weight, out + (size_t)blockIdx.x * cols, cols, epsilon);
}

extern "C" __global__ void rms_norm_f16(const _Float16 *in, const _Float16 *weight, _Float16 *out, int cols,
                                        float epsilon)
{
    rms_norm_row(in + (size_t)blockIdx.x * cols, weight, out + (size_t)blockIdx.x * cols, cols, epsilon);
}
