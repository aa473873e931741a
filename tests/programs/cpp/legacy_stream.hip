// The legacy default stream waits for all blocking streams, and they for it.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int COUNT = 1024;

__global__ void put(int *values, int value) { values[blockIdx.x * blockDim.x + threadIdx.x] = value; }

__global__ void combine(const int *a, const int *b, int *out) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    out[at] = a[at] * 100 + b[at];
}

static void expect(const int *block, int wanted) {
    std::vector<int> seen(COUNT);
    HIP(hipMemcpy(seen.data(), block, COUNT * 4, hipMemcpyDeviceToHost)); // on the legacy stream too
    int wrong = 0;
    for (int value : seen) wrong += value != wanted;
    CHECK(wrong == 0);
}

int main() {
    hipStream_t left, right;
    int *a, *b, *out;
    HIP(hipStreamCreate(&left));
    HIP(hipStreamCreate(&right));
    for (int **block : {&a, &b, &out}) HIP(hipMalloc(block, COUNT * 4));
    for (int round = 1; round < 5; ++round) {
        put<<<COUNT / 128, 128, 0, left>>>(a, round);
        put<<<COUNT / 128, 128, 0, right>>>(b, round + 10);
        combine<<<COUNT / 128, 128>>>(a, b, out); // after both
        put<<<COUNT / 128, 128, 0, left>>>(a, -1); // after the default stream's
        put<<<COUNT / 128, 128, 0, right>>>(b, -1);
        expect(out, round * 100 + round + 10);
    }
    put<<<COUNT / 128, 128, 0, left>>>(a, 5);
    expect(a, 5); // a plain copy waits for blocking streams
    HIP(hipMemset(b, 0, COUNT * 4));
    combine<<<COUNT / 128, 128, 0, right>>>(a, b, out); // and they wait for the fill
    HIP(hipStreamSynchronize(right));
    expect(out, 500);

    // A non-blocking stream has to be waited for; that is enough.
    hipStream_t apart;
    HIP(hipStreamCreateWithFlags(&apart, hipStreamNonBlocking));
    put<<<COUNT / 128, 128, 0, apart>>>(a, 77);
    HIP(hipStreamSynchronize(apart));
    expect(a, 77);
    for (hipStream_t stream : {left, right, apart}) HIP(hipStreamDestroy(stream));
    for (int *block : {a, b, out}) HIP(hipFree(block));
    return verdict_close("legacy_stream");
}
