// A copy back to the host is called a copy to the device.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 128;
#ifdef TWIN
constexpr hipMemcpyKind KIND = hipMemcpyDeviceToHost;
#else
constexpr hipMemcpyKind KIND = hipMemcpyHostToDevice;
#endif

__global__ void fill(int *values) { values[threadIdx.x] = 7 * threadIdx.x; }

int main() {
    int *values;
    std::vector<int> seen(COUNT, -1);
    HIP(hipMalloc(&values, COUNT * 4));
    fill<<<1, COUNT>>>(values);
    (void)hipMemcpy(seen.data(), values, COUNT * 4, KIND); // BUG
    for (int i = 0; i < COUNT; ++i) CHECK(seen[i] == 7 * i);
    HIP(hipFree(values));
    PLANTED_CLOSE("copy_wrong_direction");
}
