// Every work-item of every workgroup but the first lanes leaves the array: two by a store, two by a load.
#include <hip/hip_runtime.h>
extern "C" __global__ void strays(float* y, int n) {
  const int i = blockIdx.x * 64 + threadIdx.x;
  if (blockIdx.x < 2) {
    y[i + n] = 1.f;
  } else {
    y[i] = y[i + n];
  }
}
