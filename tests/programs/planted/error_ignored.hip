// An allocation fails, nobody looks, and the result is what was in the host's memory before.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 64;
#ifdef TWIN
constexpr size_t BYTES = COUNT * sizeof(int);
#else
constexpr size_t BYTES = COUNT * sizeof(int) << 44;
#endif

__global__ void fill(int *values) { values[threadIdx.x] = threadIdx.x; }

int main() {
    int *values = nullptr;
    std::vector<int> seen(COUNT, 0);
    (void)hipMalloc(&values, BYTES); // BUG
    if (values != nullptr) {
        fill<<<1, COUNT>>>(values);
        (void)hipMemcpy(seen.data(), values, COUNT * sizeof(int), hipMemcpyDeviceToHost);
    }
    for (int i = 0; i < COUNT; ++i) CHECK(seen[i] == i);
    (void)hipFree(values);
    PLANTED_CLOSE("error_ignored");
}
