// A copy of more bytes than the memory has.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 300;
#ifdef TWIN
constexpr size_t BYTES = COUNT * sizeof(float);
#else
constexpr size_t BYTES = COUNT * sizeof(double);
#endif

__global__ void halve(float *values) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < COUNT) values[at] *= 0.5f;
}

int main() {
    float *values;
    std::vector<float> host(2 * COUNT, 8.0f);
    HIP(hipMalloc(&values, COUNT * sizeof(float)));
    HIP(hipMemset(values, 0, COUNT * sizeof(float)));
    (void)hipMemcpy(values, host.data(), BYTES, hipMemcpyHostToDevice); // BUG
    halve<<<2, 256>>>(values);
    HIP(hipMemcpy(host.data(), values, COUNT * sizeof(float), hipMemcpyDeviceToHost));
    for (int i = 0; i < COUNT; ++i) CHECK(host[i] == 4.0f);
    HIP(hipFree(values));
    PLANTED_CLOSE("copy_too_long");
}
