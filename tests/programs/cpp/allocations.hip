// Plain device memory: sizes, ranges, what is free, and what cannot be had.
#include <hip/hip_runtime.h>

#include <cstdint>
#include <vector>

#include "verdict.h"

__global__ void squares(uint32_t *out, uint32_t count) {
    uint32_t at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) out[at] = at * at;
}

static void check_sizes() {
    size_t free_before = 0, free_with = 0, free_after = 0, total = 0;
    HIP(hipMemGetInfo(&free_before, &total));
    CHECK(free_before <= total && total > 0);
    void *block = nullptr;
    HIP(hipMalloc(&block, 64 << 20));
    CHECK((uintptr_t)block % 256 == 0);
    HIP(hipMemGetInfo(&free_with, &total));
    CHECK(free_with + (64 << 20) <= free_before);
    HIP(hipFree(block));
    HIP(hipMemGetInfo(&free_after, &total));
    CHECK(free_after == free_before);

    void *nothing = &total;
    HIP(hipMalloc(&nothing, 0));
    CHECK(nothing == nullptr);
    HIP(hipFree(nullptr));
    HIP_GIVES(hipErrorOutOfMemory, hipMalloc(&block, total * 4));
    HIP_GIVES(hipErrorInvalidValue, hipMalloc((void **)nullptr, 16));
    (void)hipGetLastError();
}

static void check_ranges() {
    char *block;
    hipDeviceptr_t base = nullptr;
    size_t size = 0;
    HIP(hipMalloc(&block, 5000));
    HIP(hipMemGetAddressRange(&base, &size, block + 1234));
    CHECK(base == block && size >= 5000);
    size = 0;
    HIP(hipMemPtrGetInfo(block, &size));
    CHECK(size >= 5000);
    HIP_GIVES(hipErrorInvalidValue, hipFree(block + 16)); // not the start of an allocation
    HIP(hipFree(block));
    HIP_GIVES(hipErrorInvalidValue, hipFree(block)); // no longer one
    (void)hipGetLastError();
}

int main() {
    check_sizes();
    check_ranges();
    uint32_t *fine = nullptr;
    HIP(hipExtMallocWithFlags((void **)&fine, 1000 * sizeof(uint32_t), hipDeviceMallocFinegrained));
    std::vector<uint32_t *> blocks;
    for (int i = 0; i < 40; ++i) {
        uint32_t *block;
        HIP(hipMalloc(&block, (i + 1) * 1000));
        for (uint32_t *other : blocks) CHECK(other != block);
        blocks.push_back(block);
    }
    std::vector<uint32_t> seen(1000);
    for (uint32_t *block : {fine, blocks[7], blocks[39]}) {
        squares<<<8, 128>>>(block, block == blocks[7] ? 500 : 1000);
        HIP(hipMemcpy(seen.data(), block, block == blocks[7] ? 2000 : 4000, hipMemcpyDeviceToHost));
        for (uint32_t i = 0; i < 500; ++i) CHECK(seen[i] == i * i);
    }
    for (uint32_t *block : blocks) HIP(hipFree(block));
    HIP(hipFree(fine));
    return verdict_close("allocations");
}
