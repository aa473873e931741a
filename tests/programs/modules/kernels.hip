// Kernels for the programs that load modules; clang makes plain code objects and bundles of it.
#include <hip/hip_runtime.h>

#if defined(__gfx1100__)
#define TARGET 1100
#elif defined(__gfx1030__)
#define TARGET 1030
#elif defined(__gfx90a__)
#define TARGET 9010
#elif defined(__gfx942__)
#define TARGET 9402
#else
#define TARGET 1
#endif

extern "C" {
__constant__ float coefficients[4] = {1.0f, 0.5f, 0.25f, 0.125f};
__device__ int launches = 0;

__global__ void saxpy(float a, const float *x, float *y, int n) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < n) y[at] = a * x[at] + y[at];
    if (at == 0) launches += 1;
}

// One char, a double, a short: arguments that only alignment puts in their places.
__global__ void odd_arguments(char c, double d, short s, int *out, long long wide) {
    out[0] = c;
    out[1] = (int)(d * 1000.0);
    out[2] = s;
    out[3] = (int)(wide >> 32);
    out[4] = (int)wide;
}

__global__ void polynomial(const float *x, float *y, int n) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= n) return;
    y[at] = coefficients[0] + x[at] * (coefficients[1] + x[at] * (coefficients[2] + x[at] * coefficients[3]));
}

__global__ void which_target(int *out) { *out = TARGET; }

// One row a workgroup; the sum by way of dynamic LDS.
__global__ void row_sums(const float *in, float *out, int width) {
    extern __shared__ float partial[];
    float sum = 0.0f;
    for (int x = threadIdx.x; x < width; x += blockDim.x) sum += in[blockIdx.x * width + x];
    partial[threadIdx.x] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = partial[0];
}

__global__ void row_softmax(const float *in, float *out, int width) {
    __shared__ float shared[256];
    const float *row = in + blockIdx.x * width;
    float largest = -INFINITY;
    for (int x = threadIdx.x; x < width; x += 256) largest = fmaxf(largest, row[x]);
    shared[threadIdx.x] = largest;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (threadIdx.x < half) shared[threadIdx.x] = fmaxf(shared[threadIdx.x], shared[threadIdx.x + half]);
        __syncthreads();
    }
    largest = shared[0];
    __syncthreads();
    float sum = 0.0f;
    for (int x = threadIdx.x; x < width; x += 256) sum += expf(row[x] - largest);
    shared[threadIdx.x] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
        __syncthreads();
    }
    for (int x = threadIdx.x; x < width; x += 256) out[blockIdx.x * width + x] = expf(row[x] - largest) / shared[0];
}

__global__ void matvec(const float *matrix, size_t pitch, const float *x, float *y, int rows, int columns) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    const float *line = (const float *)((const char *)matrix + row * pitch);
    float sum = 0.0f;
    for (int column = 0; column < columns; ++column) sum += line[column] * x[column];
    y[row] = sum;
}
}
