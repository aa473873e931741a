// A copy to the host does not wait for a kernel in a non-blocking stream.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 4096;

__global__ void fill(int *values) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    values[at] = at * 2;
}

int main() {
    int *values;
    hipStream_t stream;
    std::vector<int> seen(COUNT, -1);
    HIP(hipMalloc(&values, COUNT * 4));
    HIP(hipMemset(values, 0, COUNT * 4));
    HIP(hipDeviceSynchronize());
    HIP(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    fill<<<COUNT / 256, 256, 0, stream>>>(values); // ALSO
#ifdef TWIN
    HIP(hipStreamSynchronize(stream));
#endif
    HIP(hipMemcpy(seen.data(), values, COUNT * 4, hipMemcpyDeviceToHost)); // BUG
    for (int i = 0; i < COUNT; ++i) CHECK(seen[i] == 2 * i);
    HIP(hipStreamSynchronize(stream));
    HIP(hipStreamDestroy(stream));
    HIP(hipFree(values));
    PLANTED_CLOSE("missing_synchronise");
}
