// Memory in stream order, and pools.
#include <hip/hip_runtime.h>

#include <cstdint>
#include <vector>

#include "verdict.h"

__global__ void fill(int *out, int count, int value) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) out[at] = value + at;
}

__global__ void add(const int *a, int *b, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) b[at] += a[at];
}

static void check_own_pool(hipStream_t stream) {
    hipMemPoolProps props = {};
    props.allocType = hipMemAllocationTypePinned;
    props.location.type = hipMemLocationTypeDevice;
    props.location.id = 0;
    hipMemPool_t pool;
    HIP(hipMemPoolCreate(&pool, &props));
    uint64_t threshold = 1 << 20, got = 0;
    HIP(hipMemPoolSetAttribute(pool, hipMemPoolAttrReleaseThreshold, &threshold));
    HIP(hipMemPoolGetAttribute(pool, hipMemPoolAttrReleaseThreshold, &got));
    CHECK(got == threshold);
    int *block, seen[100];
    HIP(hipMallocFromPoolAsync((void **)&block, sizeof(seen), pool, stream));
    uint64_t used = 0;
    HIP(hipMemPoolGetAttribute(pool, hipMemPoolAttrUsedMemCurrent, &used));
    CHECK(used >= sizeof(seen));
    fill<<<1, 128, 0, stream>>>(block, 100, 5);
    HIP(hipMemcpyAsync(seen, block, sizeof(seen), hipMemcpyDeviceToHost, stream));
    HIP(hipFreeAsync(block, stream));
    HIP(hipStreamSynchronize(stream));
    for (int i = 0; i < 100; ++i) CHECK(seen[i] == 5 + i);
    HIP(hipMemPoolTrimTo(pool, 0));
    HIP(hipMemPoolDestroy(pool));
}

int main() {
    const int count = 4096;
    hipStream_t stream;
    HIP(hipStreamCreate(&stream));
    std::vector<int> seen(count);
    int *a, *b;
    HIP(hipMallocAsync((void **)&a, count * sizeof(int), stream));
    HIP(hipMallocAsync((void **)&b, count * sizeof(int), stream));
    CHECK(a != b);
    fill<<<count / 256, 256, 0, stream>>>(a, count, 10);
    fill<<<count / 256, 256, 0, stream>>>(b, count, 20);
    add<<<count / 256, 256, 0, stream>>>(a, b, count);
    HIP(hipFreeAsync(a, stream)); // after the kernel that reads it, in stream order
    HIP(hipMemcpyAsync(seen.data(), b, count * sizeof(int), hipMemcpyDeviceToHost, stream));
    HIP(hipFreeAsync(b, stream));
    HIP(hipStreamSynchronize(stream));
    for (int i = 0; i < count; ++i) CHECK(seen[i] == 30 + 2 * i);

    hipMemPool_t standard = nullptr, current = nullptr;
    HIP(hipDeviceGetDefaultMemPool(&standard, 0));
    HIP(hipDeviceGetMemPool(&current, 0));
    CHECK(standard != nullptr && current == standard);
    HIP(hipDeviceSetMemPool(0, standard));
    check_own_pool(stream);
    HIP(hipStreamDestroy(stream));
    return verdict_close("pools");
}
