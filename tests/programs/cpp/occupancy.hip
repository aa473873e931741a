// options: modules
// Occupancy: how many workgroups fit, in what sizes, by symbol and by module; and a grid of that size runs.
#include <hip/hip_runtime.h>

#include <string>

#include "verdict.h"

__global__ void light(int *count) { atomicAdd(count, 1); }

__global__ void heavy(int *count) {
    __shared__ int staged[12 * 1024];
    staged[threadIdx.x] = 1;
    __syncthreads();
    atomicAdd(count, staged[(threadIdx.x + 1) % blockDim.x]);
}

static int resident(const void *kernel, int threads, size_t lds) {
    int blocks = -1, with_flags = -2;
    HIP(hipOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, lds));
    HIP(hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(&with_flags, kernel, threads, lds, hipOccupancyDefault));
    CHECK(blocks == with_flags);
    return blocks;
}

static void check_module(const std::string &path) {
    hipModule_t module;
    hipFunction_t function;
    int blocks = 0, grid = 0, block = 0;
    HIP(hipModuleLoad(&module, path.c_str()));
    HIP(hipModuleGetFunction(&function, module, "saxpy"));
    HIP(hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, 256, 0));
    CHECK(blocks >= 2);
    HIP(hipModuleOccupancyMaxPotentialBlockSize(&grid, &block, function, 0, 0));
    CHECK(grid > 0 && block > 0 && block <= 1024);
    HIP(hipModuleUnload(module));
}

int main(int, char **argv) {
    hipDeviceProp_t props;
    HIP(hipGetDeviceProperties(&props, 0));
    const int small = resident((const void *)light, 64, 0), large = resident((const void *)light, 1024, 0);
    CHECK(small >= large && large >= 1);
    CHECK(large * 1024 <= props.maxThreadsPerMultiProcessor);
    const int pressed = resident((const void *)light, 64, 32 * 1024), full = resident((const void *)heavy, 64, 0);
    CHECK(pressed < small && pressed >= 1);
    CHECK(full < small && full >= 1);

    int grid = 0, block = 0;
    HIP(hipOccupancyMaxPotentialBlockSize(&grid, &block, light, 0, 0));
    CHECK(block > 0 && block <= props.maxThreadsPerBlock && block % props.warpSize == 0);
    CHECK(grid >= 1);
    int limited_grid = 0, limited = 0;
    HIP(hipOccupancyMaxPotentialBlockSize(&limited_grid, &limited, light, 0, 128));
    CHECK(limited > 0 && limited <= 128);

    int *count, seen = 0;
    HIP(hipMalloc(&count, sizeof(int)));
    HIP(hipMemset(count, 0, sizeof(int)));
    light<<<grid < 8 ? grid : 8, block>>>(count);
    heavy<<<2, 64>>>(count);
    HIP(hipMemcpy(&seen, count, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == (grid < 8 ? grid : 8) * block + 128);
    HIP(hipFree(count));
    check_module(std::string(argv[1]) + "/kernels.co");
    return verdict_close("occupancy");
}
