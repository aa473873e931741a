// Cooperative launches: a grid that synchronises, by cooperative groups and by hand, and grids too large for it.
#include <hip/hip_runtime.h>
#include <hip/hip_cooperative_groups.h>

#include <vector>

#include "verdict.h"

namespace cg = cooperative_groups;

// Prefix sums by doubling: every step needs all of the step before.
__global__ void prefix_sums(int *a, int *b, int count) {
    cg::grid_group grid = cg::this_grid();
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    for (int step = 1; step < count; step *= 2) {
        if (at < count) b[at] = a[at] + (at >= step ? a[at - step] : 0);
        grid.sync();
        int *other = a;
        a = b;
        b = other;
    }
}

// The same meeting point, out of two counters: everyone waits for everyone.
__global__ void rounds(int *arrived, int *sums, int count) {
    for (int round = 0; round < count; ++round) {
        __syncthreads();
        if (threadIdx.x == 0) {
            atomicAdd(&sums[round], (int)blockIdx.x + 1);
            __threadfence();
            atomicAdd(arrived, 1);
            while (atomicAdd(arrived, 0) < (round + 1) * (int)gridDim.x) __builtin_amdgcn_s_sleep(1);
            if (atomicAdd(&sums[round], 0) != (int)(gridDim.x * (gridDim.x + 1) / 2)) atomicAdd(&sums[count], 1);
        }
        __syncthreads();
    }
}

static void check_prefix_sums() {
    int count = 500;
    std::vector<int> in(count), seen(count);
    for (int i = 0; i < count; ++i) in[i] = i % 11 - 3;
    int *a, *b;
    HIP(hipMalloc(&a, count * 4));
    HIP(hipMalloc(&b, count * 4));
    HIP(hipMemcpy(a, in.data(), count * 4, hipMemcpyHostToDevice));
    void *arguments[] = {&a, &b, &count};
    HIP(hipLaunchCooperativeKernel((const void *)prefix_sums, dim3(4), dim3(128), arguments, 0, nullptr));
    HIP(hipMemcpy(seen.data(), b, count * 4, hipMemcpyDeviceToHost)); // nine steps: the last wrote b
    int sum = 0;
    for (int i = 0; i < count; ++i) CHECK(seen[i] == (sum += in[i]));
    HIP(hipFree(a));
    HIP(hipFree(b));
}

static void check_rounds() {
    int *arrived, *sums, count = 5, seen[6];
    HIP(hipMalloc(&arrived, 4));
    HIP(hipMalloc(&sums, sizeof(seen)));
    HIP(hipMemset(arrived, 0, 4));
    HIP(hipMemset(sums, 0, sizeof(seen)));
    void *arguments[] = {&arrived, &sums, &count};
    HIP(hipLaunchCooperativeKernel((const void *)rounds, dim3(6), dim3(64), arguments, 0, nullptr));
    HIP(hipMemcpy(seen, sums, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 5; ++i) CHECK(seen[i] == 21);
    CHECK(seen[5] == 0);
    HIP(hipFree(arrived));
    HIP(hipFree(sums));
}

int main() {
    int supported = 0;
    HIP(hipDeviceGetAttribute(&supported, hipDeviceAttributeCooperativeLaunch, 0));
    CHECK(supported == 1);
    check_rounds();
    check_prefix_sums();
    int *none = nullptr, count = 0;
    void *arguments[] = {&none, &none, &count};
    HIP_GIVES(hipErrorCooperativeLaunchTooLarge,
              hipLaunchCooperativeKernel((const void *)rounds, dim3(1000000), dim3(1024), arguments, 0, nullptr));
    (void)hipGetLastError();
    return verdict_close("cooperative");
}
