// Workgroups that wait for one another by flags: a prefix sum in one pass, with no launch in between.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int BLOCK = 128, BLOCKS = 24, COUNT = BLOCK * BLOCKS;

__global__ void scan(const int *in, int *out, int *ticket, int *sums, int *ready) {
    __shared__ int values[BLOCK], before, mine;
    if (threadIdx.x == 0) mine = atomicAdd(ticket, 1); // in the order in which workgroups start
    __syncthreads();
    int at = mine * BLOCK + threadIdx.x;
    values[threadIdx.x] = in[at];
    __syncthreads();
    for (int step = 1; step < BLOCK; step *= 2) {
        int left = (int)threadIdx.x >= step ? values[threadIdx.x - step] : 0;
        __syncthreads();
        values[threadIdx.x] += left;
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        before = 0;
        if (mine > 0) {
            while (__hip_atomic_load(&ready[mine - 1], __ATOMIC_ACQUIRE, __HIP_MEMORY_SCOPE_AGENT) == 0) {
                __builtin_amdgcn_s_sleep(2);
            }
            before = sums[mine - 1];
        }
        sums[mine] = before + values[BLOCK - 1];
        __hip_atomic_store(&ready[mine], 1, __ATOMIC_RELEASE, __HIP_MEMORY_SCOPE_AGENT);
    }
    __syncthreads();
    out[at] = before + values[threadIdx.x];
}

int main() {
    std::vector<int> in(COUNT), seen(COUNT);
    for (int i = 0; i < COUNT; ++i) in[i] = i % 17 - 5;
    int *on_in, *on_out, *state;
    HIP(hipMalloc(&on_in, COUNT * 4));
    HIP(hipMalloc(&on_out, COUNT * 4));
    HIP(hipMalloc(&state, (1 + 2 * BLOCKS) * 4));
    HIP(hipMemcpy(on_in, in.data(), COUNT * 4, hipMemcpyHostToDevice));
    for (int round = 0; round < 3; ++round) {
        HIP(hipMemset(state, 0, (1 + 2 * BLOCKS) * 4));
        scan<<<BLOCKS, BLOCK>>>(on_in, on_out, state, state + 1, state + 1 + BLOCKS);
        HIP(hipMemcpy(seen.data(), on_out, COUNT * 4, hipMemcpyDeviceToHost));
        int sum = 0, wrong = 0;
        for (int i = 0; i < COUNT; ++i) wrong += seen[i] != (sum += in[i]);
        CHECK(wrong == 0);
    }
    for (int *block : {on_in, on_out, state}) HIP(hipFree(block));
    return verdict_close("look_back");
}
