// The other unit of two_units.hip.
#include <hip/hip_runtime.h>

#include "verdict.h"

static __device__ int factor = 100;

static __global__ void apply(int *values) { values[threadIdx.x] = factor * threadIdx.x; }

void apply_other(int *values, int count) { apply<<<1, count>>>(values); }

void set_other_factor(int value) {
    HIP(hipMemcpyToSymbol(HIP_SYMBOL(factor), &value, sizeof(value), 0, hipMemcpyHostToDevice));
}
