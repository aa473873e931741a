// A stream is told to wait for an event that was destroyed: it waits for nothing.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 1024;

__global__ void fill(int *values) { values[blockIdx.x * blockDim.x + threadIdx.x] = 6; }

int main() {
    int *values;
    hipStream_t first, second;
    hipEvent_t done;
    std::vector<int> seen(COUNT);
    HIP(hipMalloc(&values, COUNT * 4));
    HIP(hipStreamCreateWithFlags(&first, hipStreamNonBlocking));
    HIP(hipStreamCreateWithFlags(&second, hipStreamNonBlocking));
    HIP(hipEventCreateWithFlags(&done, hipEventDisableTiming));
    fill<<<COUNT / 256, 256, 0, first>>>(values);
    HIP(hipEventRecord(done, first));
#ifndef TWIN
    HIP(hipEventDestroy(done));
#endif
    (void)hipStreamWaitEvent(second, done, 0); // BUG
    HIP(hipMemcpyAsync(seen.data(), values, COUNT * 4, hipMemcpyDeviceToHost, second));
    HIP(hipStreamSynchronize(second));
    for (int value : seen) CHECK(value == 6);
#ifdef TWIN
    HIP(hipEventDestroy(done));
#endif
    HIP(hipStreamDestroy(first));
    HIP(hipStreamDestroy(second));
    HIP(hipFree(values));
    PLANTED_CLOSE("destroyed_event");
}
