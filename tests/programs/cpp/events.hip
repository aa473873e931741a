// Events: order, queries, waits between streams, and times that are plausible.
#include <hip/hip_runtime.h>

#include <chrono>
#include <vector>

#include "verdict.h"

constexpr int COUNT = 4096;

__global__ void work(float *values, int rounds) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    float x = values[at];
    for (int i = 0; i < rounds; ++i) x = x * 0.5f + 1.0f;
    values[at] = x;
}

__global__ void copy(const float *from, float *to) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    to[at] = from[at] + 1.0f;
}

static float elapsed(float *values, int rounds) {
    hipEvent_t start, stop;
    float ms = -1.0f;
    HIP(hipEventCreate(&start));
    HIP(hipEventCreate(&stop));
    HIP(hipEventRecord(start, nullptr));
    work<<<COUNT / 256, 256>>>(values, rounds);
    HIP(hipEventRecord(stop, nullptr));
    HIP(hipEventSynchronize(stop));
    HIP(hipEventQuery(start));
    HIP(hipEventElapsedTime(&ms, start, stop));
    HIP_GIVES(hipErrorInvalidHandle, hipEventElapsedTime(&ms, nullptr, stop));
    (void)hipGetLastError();
    HIP(hipEventDestroy(start));
    HIP(hipEventDestroy(stop));
    return ms;
}

static void check_times(float *values) {
    (void)elapsed(values, 1); // the first launch of a kernel may take longer
    auto began = std::chrono::steady_clock::now();
    float little = elapsed(values, 1), much = elapsed(values, 3000);
    float host = std::chrono::duration<float, std::milli>(std::chrono::steady_clock::now() - began).count();
    CHECK(little > 0.0f && much > 0.0f);
    CHECK(little + much <= host); // no longer than the host waited
    CHECK(much > little / 10.0f); // 3000 times the work
}

static void check_errors() {
    hipEvent_t quiet, recorded, never;
    float ms;
    HIP(hipEventCreateWithFlags(&quiet, hipEventDisableTiming));
    HIP(hipEventCreate(&recorded));
    HIP(hipEventCreate(&never));
    HIP(hipEventQuery(never)); // what was never recorded has nothing to wait for
    HIP(hipEventSynchronize(never));
    HIP(hipEventRecord(quiet, nullptr));
    HIP(hipEventRecord(recorded, nullptr));
    HIP(hipDeviceSynchronize());
    HIP_GIVES(hipErrorInvalidHandle, hipEventElapsedTime(&ms, quiet, recorded));
    HIP_GIVES(hipErrorInvalidHandle, hipEventElapsedTime(&ms, recorded, never));
    (void)hipGetLastError();
    for (hipEvent_t event : {quiet, recorded, never}) HIP(hipEventDestroy(event));
}

int main() {
    float *a, *b;
    HIP(hipMalloc(&a, COUNT * 4));
    HIP(hipMalloc(&b, COUNT * 4));
    HIP(hipMemset(a, 0, COUNT * 4));
    check_times(a);

    hipStream_t first, second;
    hipEvent_t done;
    HIP(hipStreamCreateWithFlags(&first, hipStreamNonBlocking));
    HIP(hipStreamCreateWithFlags(&second, hipStreamNonBlocking));
    HIP(hipEventCreateWithFlags(&done, hipEventDisableTiming));
    std::vector<float> seen(COUNT);
    HIP(hipMemset(a, 0, COUNT * 4));
    HIP(hipDeviceSynchronize());
    work<<<COUNT / 256, 256, 0, first>>>(a, 60); // to 2
    HIP(hipEventRecord(done, first));
    HIP(hipStreamWaitEvent(second, done, 0));
    copy<<<COUNT / 256, 256, 0, second>>>(a, b);
    HIP(hipMemcpyAsync(seen.data(), b, COUNT * 4, hipMemcpyDeviceToHost, second));
    HIP(hipStreamSynchronize(second));
    HIP(hipEventQuery(done));
    for (float value : seen) CHECK(value == 3.0f);
    check_errors();
    HIP(hipEventDestroy(done));
    HIP(hipStreamDestroy(first));
    HIP(hipStreamDestroy(second));
    HIP(hipFree(a));
    HIP(hipFree(b));
    return verdict_close("events");
}
