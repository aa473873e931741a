// A buffer of the stack is written again while a copy from it may still be waiting.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 1024;

__global__ void add_one(int *values) { values[blockIdx.x * blockDim.x + threadIdx.x] += 1; }

int main() {
    int host[COUNT], *values;
    hipStream_t stream;
    std::vector<int> seen(COUNT);
    HIP(hipStreamCreate(&stream));
    HIP(hipMalloc(&values, COUNT * 4));
    for (int i = 0; i < COUNT; ++i) host[i] = i;
    HIP(hipMemcpyAsync(values, host, COUNT * 4, hipMemcpyHostToDevice, stream)); // BUG
    add_one<<<COUNT / 128, 128, 0, stream>>>(values);
#ifdef TWIN
    HIP(hipStreamSynchronize(stream));
#endif
    for (int i = 0; i < COUNT; ++i) host[i] = -1; // for the next round
    HIP(hipStreamSynchronize(stream));
    HIP(hipMemcpy(seen.data(), values, COUNT * 4, hipMemcpyDeviceToHost));
    for (int i = 0; i < COUNT; ++i) CHECK(seen[i] == i + 1);
    HIP(hipFree(values));
    HIP(hipStreamDestroy(stream));
    PLANTED_CLOSE("overwritten_pageable");
}
