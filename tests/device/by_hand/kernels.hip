#include <hip/hip_bfloat16.h>
#include <hip/hip_fp16.h>
#include <hip/hip_runtime.h>

struct Point {
  int a;
  float b;
};

namespace ns {
template <class T>
__global__ void scale(T* x, T s, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = x[i] * s;
}
template __global__ void scale<float>(float*, float, int);
template __global__ void scale<double>(double*, double, int);
template __global__ void scale<_Float16>(_Float16*, _Float16, int);
}  // namespace ns

// An extern "C" kernel: its name tells no types, the source does.
extern "C" __global__ void plain(const float* __restrict__ x, float s /* a factor */, float* y, unsigned int n) {
  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * s;
}

extern "C" __global__ void unguarded(float* x) { x[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f; }

extern "C" __global__ void values(long long* out, signed char a, bool b, unsigned short c, long long d,
                                  Point p, double e) {
  out[0] = a, out[1] = b, out[2] = c, out[3] = d, out[4] = p.a, out[5] = (long long)(p.b * 4);
  out[6] = (long long)(e * 4);
}

extern "C" __global__ void reversed(int* x) {
  extern __shared__ int tile[];
  tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void unsynchronised(int* x) {
  extern __shared__ int tile[];
  tile[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void nothing() {}
