// Kernels that tests of `inspect` and `emulate` run by hand. Tests name these lines by their marks.
#include <hip/hip_runtime.h>

extern "C" __global__ void vector_add(float* out, const float* a, const float* b, unsigned n) {
  unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = a[i] + b[i];  // mark: add
}

extern "C" __global__ __launch_bounds__(256) void reduce(float* out, const float* in) {
  __shared__ float tile[256];
  tile[threadIdx.x] = in[blockIdx.x * 256 + threadIdx.x];
  __syncthreads();
  for (unsigned step = 128; step; step /= 2) {
    if (threadIdx.x < step) tile[threadIdx.x] += tile[threadIdx.x + step];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = tile[0];
}

extern "C" __global__ void dynamic(unsigned* out, unsigned count) {
  extern __shared__ unsigned shared[];
  shared[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = shared[count - 1 - threadIdx.x];
}

extern "C" __global__ void past_end(int* out, int n) {
  out[threadIdx.x + n] = 1;  // mark: past
}

extern "C" __global__ void endless(volatile int* flag) {
  while (*flag == 0) {
  }
}

extern "C" __global__ void place(unsigned* out) {
  unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  unsigned z = blockIdx.z * blockDim.z + threadIdx.z;
  out[(z * gridDim.y * blockDim.y + y) * gridDim.x * blockDim.x + x] = x | y << 8 | z << 16;
}

struct Pair {
  float a;
  double b;
};

extern "C" __global__ void takes(double* out, Pair pair, signed char small, unsigned long long big,
                                 unsigned short half, const float* none) {
  out[0] = pair.a;
  out[1] = pair.b;
  out[2] = small;
  out[3] = static_cast<double>(big);
  out[4] = half;
  out[5] = none == nullptr;
}

template <typename T>
__device__ void doubled(T* out, const T* in) {
  out[threadIdx.x] = in[threadIdx.x] + in[threadIdx.x];
}
extern "C" __global__ void doubled_i8(signed char* out, const signed char* in) { doubled(out, in); }
extern "C" __global__ void doubled_u64(unsigned long long* out, const unsigned long long* in) { doubled(out, in); }
extern "C" __global__ void doubled_f16(_Float16* out, const _Float16* in) { doubled(out, in); }
extern "C" __global__ void doubled_f64(double* out, const double* in) { doubled(out, in); }
extern "C" __global__ void copied(unsigned short* out, const unsigned short* in) { out[threadIdx.x] = in[threadIdx.x]; }

extern "C" __global__ void trap_state(unsigned long long* out) {
  out[0] = __builtin_amdgcn_s_getreg(3 | 31 << 11);  // refused: the emulator runs no trap handlers
}

extern "C" __global__ void nothing() {}
