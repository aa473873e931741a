// More work-items than a grid can have; the launch is refused and nobody looks.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 1000;
#ifdef TWIN
constexpr unsigned BLOCKS = 4;
#else
constexpr unsigned BLOCKS = 1u << 24;
#endif

__global__ void fill(int *values) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= 0 && at < COUNT) values[at] = 2;
}

int main() {
    int *values;
    std::vector<int> seen(COUNT);
    HIP(hipMalloc(&values, COUNT * 4));
    HIP(hipMemset(values, 0, COUNT * 4));
    fill<<<BLOCKS, 1024>>>(values); // BUG
    HIP(hipMemcpy(seen.data(), values, COUNT * 4, hipMemcpyDeviceToHost));
    for (int value : seen) CHECK(value == 2);
    HIP(hipFree(values));
    PLANTED_CLOSE("grid_too_large");
}
