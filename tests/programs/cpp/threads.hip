// Many host threads: streams and memory of their own, one shared counter, and the last error of each.
#include <hip/hip_runtime.h>

#include <atomic>
#include <thread>
#include <vector>

#include "verdict.h"

constexpr int THREADS = 8, ROUNDS = 12, COUNT = 640;

__global__ void work(int *values, int seed, int *total) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    values[at] = values[at] * 3 + seed;
    if (at == 0) atomicAdd(total, 1);
}

static std::atomic<int> wrong{0};

static void one_thread(int mine, int *total) {
    hipStream_t stream;
    std::vector<int> host(COUNT), expected(COUNT);
    HIP(hipSetDevice(0));
    HIP(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    for (int round = 0; round < ROUNDS; ++round) {
        int *block;
        HIP(hipMalloc(&block, COUNT * 4));
        for (int i = 0; i < COUNT; ++i) host[i] = i * mine + round, expected[i] = host[i] * 3 + mine;
        HIP(hipMemcpyAsync(block, host.data(), COUNT * 4, hipMemcpyHostToDevice, stream));
        work<<<COUNT / 64, 64, 0, stream>>>(block, mine, total);
        HIP(hipMemcpyAsync(host.data(), block, COUNT * 4, hipMemcpyDeviceToHost, stream));
        HIP(hipStreamSynchronize(stream));
        if (host != expected) ++wrong;
        if (mine % 2) { // half of the threads make mistakes; the others must not hear of them
            if (hipMalloc((void **)nullptr, 4) != hipErrorInvalidValue) ++wrong;
            if (hipGetLastError() != hipErrorInvalidValue) ++wrong;
        } else if (hipGetLastError() != hipSuccess) {
            ++wrong;
        }
        HIP(hipFree(block));
    }
    HIP(hipStreamDestroy(stream));
}

int main() {
    int *total, seen = 0;
    HIP(hipMalloc(&total, sizeof(int)));
    HIP(hipMemset(total, 0, sizeof(int)));
    HIP(hipDeviceSynchronize());
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; ++i) threads.emplace_back(one_thread, i + 1, total);
    for (std::thread &thread : threads) thread.join();
    HIP(hipMemcpy(&seen, total, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == THREADS * ROUNDS);
    CHECK(wrong == 0);
    HIP(hipFree(total));
    return verdict_close("threads");
}
