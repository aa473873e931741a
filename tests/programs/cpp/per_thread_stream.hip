// options: flags=-fgpu-default-stream=per-thread
// The default stream of each thread: the compiler's flag, the header's names with _spt, and hipStreamPerThread.
#include <hip/hip_runtime.h>

#include <atomic>
#include <thread>
#include <vector>

#include "verdict.h"

constexpr int COUNT = 512;

__global__ void accumulate(int *values, int amount) {
    values[blockIdx.x * blockDim.x + threadIdx.x] += amount;
}

static int work(int mine) {
    int *block, wrong = 0;
    std::vector<int> seen(COUNT, -1);
    HIP(hipMalloc(&block, COUNT * 4));
    HIP(hipMemsetAsync(block, 0, COUNT * 4, hipStreamPerThread));
    for (int i = 0; i < 10; ++i) accumulate<<<COUNT / 64, 64>>>(block, mine); // goes to hipStreamPerThread
    accumulate<<<COUNT / 64, 64, 0, hipStreamPerThread>>>(block, 1);
    HIP(hipMemcpyAsync(seen.data(), block, COUNT * 4, hipMemcpyDeviceToHost, hipStreamPerThread));
    HIP(hipStreamSynchronize(hipStreamPerThread));
    for (int value : seen) wrong += value != 10 * mine + 1;
    HIP(hipMemset(block, 0, COUNT * 4));
    accumulate<<<COUNT / 64, 64>>>(block, 5);
    HIP(hipMemcpy(seen.data(), block, COUNT * 4, hipMemcpyDeviceToHost)); // hipMemcpy_spt: waits for this thread's stream
    for (int value : seen) wrong += value != 5;
    HIP(hipFree(block));
    return wrong;
}

int main() {
    CHECK(work(3) == 0);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([i, &wrong] { wrong += work(i + 10); });
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
    return verdict_close("per_thread_stream");
}
