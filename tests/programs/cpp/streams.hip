// Streams: made in all ways, what they say of themselves, order within and independence between them.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int COUNT = 2048;

__global__ void step(int *values, int factor, int offset) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    values[at] = values[at] * factor + offset;
}

static void check_priorities() {
    int least = 99, greatest = 99, priority = 99;
    HIP(hipDeviceGetStreamPriorityRange(&least, &greatest));
    CHECK(greatest <= least);
    hipStream_t high;
    HIP(hipStreamCreateWithPriority(&high, hipStreamNonBlocking, greatest));
    HIP(hipStreamGetPriority(high, &priority));
    CHECK(priority == greatest);
    unsigned flags = 99;
    HIP(hipStreamGetFlags(high, &flags));
    CHECK(flags == hipStreamNonBlocking);
    HIP(hipStreamDestroy(high));
}

int main() {
    std::vector<hipStream_t> streams(5);
    std::vector<int *> blocks(5);
    std::vector<std::vector<int>> host(5, std::vector<int>(COUNT));
    for (size_t i = 0; i < streams.size(); ++i) {
        if (i % 2) HIP(hipStreamCreate(&streams[i]));
        else HIP(hipStreamCreateWithFlags(&streams[i], hipStreamNonBlocking));
        HIP(hipMalloc(&blocks[i], COUNT * sizeof(int)));
        for (int k = 0; k < COUNT; ++k) host[i][k] = k + (int)i;
    }
    for (size_t i = 0; i < streams.size(); ++i)
        HIP(hipMemcpyAsync(blocks[i], host[i].data(), COUNT * 4, hipMemcpyHostToDevice, streams[i]));
    for (int round = 0; round < 4; ++round)
        for (size_t i = 0; i < streams.size(); ++i)
            step<<<COUNT / 256, 256, 0, streams[i]>>>(blocks[i], 2, round + (int)i);
    for (size_t i = 0; i < streams.size(); ++i)
        HIP(hipMemcpyAsync(host[i].data(), blocks[i], COUNT * 4, hipMemcpyDeviceToHost, streams[i]));
    for (size_t i = 0; i < streams.size(); ++i) {
        HIP(hipStreamSynchronize(streams[i]));
        HIP(hipStreamQuery(streams[i]));
        for (int k = 0; k < COUNT; ++k) {
            int wanted = k + (int)i;
            for (int round = 0; round < 4; ++round) wanted = wanted * 2 + round + (int)i;
            CHECK(host[i][k] == wanted);
        }
    }
    // A free, and the destruction of a stream, wait for what was queued.
    step<<<COUNT / 256, 256, 0, streams[0]>>>(blocks[0], 0, 9);
    HIP(hipStreamDestroy(streams[0]));
    HIP(hipDeviceSynchronize());
    HIP(hipMemcpy(host[0].data(), blocks[0], COUNT * 4, hipMemcpyDeviceToHost));
    for (int k = 0; k < COUNT; ++k) CHECK(host[0][k] == 9);

    unsigned flags = 99;
    HIP(hipStreamGetFlags(streams[1], &flags));
    CHECK(flags == hipStreamDefault);
    hipDevice_t device = hipGetStreamDeviceId(streams[1]);
    CHECK(device == 0);
    check_priorities();
    for (size_t i = 1; i < streams.size(); ++i) HIP(hipStreamDestroy(streams[i]));
    for (int *block : blocks) HIP(hipFree(block));
    HIP_GIVES(hipErrorInvalidValue, hipStreamCreate(nullptr));
    (void)hipGetLastError();
    return verdict_close("streams");
}
