// The second kernel reads what the first writes, in another stream.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 4096;

__global__ void produce(int *values) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    values[at] = at + 1;
}

__global__ void consume(const int *values, int *out) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    out[at] = values[COUNT - 1 - at];
}

int main() {
    int *values, *out;
    hipStream_t stream, other;
    std::vector<int> seen(COUNT, -1);
    HIP(hipMalloc(&values, COUNT * 4));
    HIP(hipMalloc(&out, COUNT * 4));
    HIP(hipMemset(values, 0, COUNT * 4));
    HIP(hipDeviceSynchronize());
    HIP(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    HIP(hipStreamCreateWithFlags(&other, hipStreamNonBlocking));
#ifdef TWIN
    hipStream_t chosen = stream;
#else
    hipStream_t chosen = other;
#endif
    produce<<<COUNT / 256, 256, 0, stream>>>(values); // ALSO
    consume<<<COUNT / 256, 256, 0, chosen>>>(values, out); // BUG
    HIP(hipDeviceSynchronize());
    HIP(hipMemcpy(seen.data(), out, COUNT * 4, hipMemcpyDeviceToHost));
    for (int i = 0; i < COUNT; ++i) CHECK(seen[i] == COUNT - i);
    HIP(hipStreamDestroy(stream));
    HIP(hipStreamDestroy(other));
    HIP(hipFree(values));
    HIP(hipFree(out));
    PLANTED_CLOSE("wrong_stream");
}
