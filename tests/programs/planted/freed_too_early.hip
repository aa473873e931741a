// A kernel is given memory that was freed.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 512;

__global__ void add(const float *a, const float *b, float *sum) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    sum[at] = a[at] + b[at];
}

int main() {
    std::vector<float> host(COUNT, 1.5f), seen(COUNT);
    float *a, *b, *sum;
    for (float **block : {&a, &b, &sum}) HIP(hipMalloc(block, COUNT * 4));
    HIP(hipMemcpy(a, host.data(), COUNT * 4, hipMemcpyHostToDevice));
    HIP(hipMemcpy(b, host.data(), COUNT * 4, hipMemcpyHostToDevice));
#ifndef TWIN
    HIP(hipFree(b)); // BUG
#endif
    add<<<COUNT / 128, 128>>>(a, b, sum);
    (void)hipMemcpy(seen.data(), sum, COUNT * 4, hipMemcpyDeviceToHost);
    for (float value : seen) CHECK(value == 3.0f);
#ifdef TWIN
    HIP(hipFree(b));
#endif
    (void)hipFree(a);
    (void)hipFree(sum);
    PLANTED_CLOSE("freed_too_early");
}
