// An array of 3 GiB, of which only a little is touched: at its start, beyond 2 GiB, and at its end.
#include <hip/hip_runtime.h>

#include <cstdint>

#include "verdict.h"

constexpr size_t BYTES = 3ull << 30;

__global__ void mark(uint64_t *words, size_t first, int count) {
    size_t at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < (size_t)count) words[first + at] = (first + at) * 3;
}

static void check(uint64_t *words, size_t first) {
    uint64_t seen[100] = {};
    mark<<<2, 64>>>(words, first, 100);
    HIP(hipMemcpy(seen, words + first, sizeof(seen), hipMemcpyDeviceToHost));
    for (size_t i = 0; i < 100; ++i) CHECK(seen[i] == (first + i) * 3);
}

int main() {
    uint64_t *words, *copy, seen = 0;
    HIP(hipMalloc(&words, BYTES));
    HIP(hipMalloc(&copy, BYTES));
    check(words, 0);
    check(words, (2147483648ull - 400) / 8);
    check(words, (2147483648ull + 4096) / 8);
    check(words, BYTES / 8 - 100);
    HIP(hipMemset((char *)words + 2200000000ull, 0x7f, 1 << 20));
    HIP(hipMemcpy(copy + 300000000, words + 2200000000ull / 8, 1 << 20, hipMemcpyDeviceToDevice));
    HIP(hipMemcpy(&seen, copy + 300000000, 8, hipMemcpyDeviceToHost));
    CHECK(seen == 0x7f7f7f7f7f7f7f7full);
    HIP(hipFree(words));
    HIP(hipFree(copy));
    return verdict_close("large_array");
}
