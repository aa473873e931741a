// Fills of bytes, halves and words, at once and in stream order.
#include <hip/hip_runtime.h>

#include <cstdint>
#include <vector>

#include "verdict.h"

constexpr int BYTES = 4096;

__global__ void sum(const unsigned char *bytes, int count, unsigned *total) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) atomicAdd(total, bytes[at]);
}

static unsigned total_on_device(const unsigned char *bytes) {
    unsigned *total, seen;
    HIP(hipMalloc(&total, sizeof(unsigned)));
    HIP(hipMemset(total, 0, sizeof(unsigned)));
    sum<<<BYTES / 256, 256>>>(bytes, BYTES, total);
    HIP(hipMemcpy(&seen, total, sizeof(seen), hipMemcpyDeviceToHost));
    HIP(hipFree(total));
    return seen;
}

int main() {
    unsigned char *block;
    std::vector<unsigned char> seen(BYTES);
    hipStream_t stream;
    HIP(hipStreamCreate(&stream));
    HIP(hipMalloc(&block, BYTES));
    HIP(hipMemset(block, 0x101, BYTES)); // only the low byte counts
    CHECK(total_on_device(block) == BYTES);
    HIP(hipMemset(block + 5, 3, 10));
    CHECK(total_on_device(block) == BYTES + 20);
    HIP(hipMemsetD8(block, 2, BYTES));
    CHECK(total_on_device(block) == 2 * BYTES);
    HIP(hipMemsetD16(block, 0x0102, BYTES / 2));
    CHECK(total_on_device(block) == 3 * BYTES / 2);
    HIP(hipMemsetD32(block, 0x01020304, BYTES / 4));
    CHECK(total_on_device(block) == 10 * BYTES / 4);
    HIP(hipMemcpy(seen.data(), block, BYTES, hipMemcpyDeviceToHost));
    for (int i = 0; i < BYTES; ++i) CHECK(seen[i] == 4 - i % 4);

    HIP(hipMemsetAsync(block, 9, BYTES, stream));
    HIP(hipMemsetD8Async(block, 8, BYTES / 2, stream));
    HIP(hipMemsetD16Async(block, 0x0706, 4, stream));
    HIP(hipMemsetD32Async(block + 16, 0x05050505, 2, stream));
    HIP(hipMemcpyAsync(seen.data(), block, BYTES, hipMemcpyDeviceToHost, stream));
    HIP(hipStreamSynchronize(stream));
    for (int i = 0; i < BYTES; ++i) {
        int wanted = i < 8 ? 6 + i % 2 : i < 16 ? 8 : i < 24 ? 5 : i < BYTES / 2 ? 8 : 9;
        CHECK(seen[i] == wanted);
    }
    HIP(hipMemset(block, 1, 0));
    HIP_GIVES(hipErrorInvalidValue, hipMemset(nullptr, 1, 4));
    HIP_GIVES(hipErrorInvalidValue, hipMemset(block, 1, BYTES + 1));
    (void)hipGetLastError();
    HIP(hipFree(block));
    HIP(hipStreamDestroy(stream));
    return verdict_close("memsets");
}
