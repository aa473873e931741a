#include <hip/hip_runtime.h>
/// Sum of each row.
extern "C" __global__ __launch_bounds__(64) void row_sum(const float* in, float* out, unsigned rows,
                                                         unsigned columns) {
  unsigned row = blockIdx.x;
  __shared__ float part[64];
  float sum = 0;
  for (unsigned c = threadIdx.x; c < columns; c += 64) sum += in[row * columns + c];
  part[threadIdx.x] = sum;
  for (unsigned width = 32; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) part[threadIdx.x] += part[threadIdx.x + width];
  }
  if (threadIdx.x == 0) out[row] = part[0];
}
