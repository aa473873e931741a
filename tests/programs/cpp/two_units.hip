// options: with=units/two_units_other.hip
// Two translation units, each with a fat binary of its own and a kernel and a variable of the same name.
#include <hip/hip_runtime.h>

#include "verdict.h"

static __device__ int factor = 3;

static __global__ void apply(int *values) { values[threadIdx.x] = factor * threadIdx.x; }

void apply_other(int *values, int count); // in the other unit
void set_other_factor(int factor);

static void check(const int *values, int by) {
    int seen[64] = {};
    HIP(hipMemcpy(seen, values, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 64; ++i) CHECK(seen[i] == by * i);
}

int main() {
    int *values;
    HIP(hipMalloc(&values, 64 * sizeof(int)));
    apply<<<1, 64>>>(values);
    check(values, 3);
    apply_other(values, 64);
    check(values, 100);
    set_other_factor(50);
    apply_other(values, 64);
    check(values, 50);
    apply<<<1, 64>>>(values); // this unit's variable is as it was
    check(values, 3);
    HIP(hipFree(values));
    return verdict_close("two_units");
}
