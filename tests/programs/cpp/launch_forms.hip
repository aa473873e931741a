// options: modules
// Every way to launch a kernel that C++ has: the same result from each.
#include <hip/hip_runtime.h>
#include <hip/hip_ext.h>

#include <string>

#include "later.h"
#include "verdict.h"

constexpr int COUNT = 777;

__global__ void mix(int *out, int factor, int offset) {
    extern __shared__ int staged[];
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    staged[threadIdx.x] = at * factor;
    __syncthreads();
    if (at < COUNT) out[at] = staged[threadIdx.x] + offset;
}

// As ROCm 6.2 and later declare them.
struct LaunchAttribute {
    int id;
    char pad[4];
    union {
        char bytes[64];
        int cooperative;
    } value;
};
struct LaunchConfig {
    dim3 gridDim, blockDim;
    size_t dynamicSmemBytes;
    hipStream_t stream;
    LaunchAttribute *attrs;
    unsigned numAttrs;
};

static int *out;

static void check(int factor, int offset, const char *form) {
    int seen[COUNT];
    HIP(hipGetLastError());
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < COUNT; ++i) wrong += seen[i] != i * factor + offset;
    if (wrong) fprintf(stderr, "%s: %d of %d are wrong\n", form, wrong, COUNT);
    CHECK(wrong == 0);
    HIP(hipMemset(out, 0, sizeof(seen)));
}

static void check_later_forms(dim3 grid, dim3 block, size_t lds) {
    int factor = 6, offset = 60;
    void *arguments[] = {&out, &factor, &offset};
    LaunchConfig config = {grid, block, lds, nullptr, nullptr, 0};
    auto launch = later<hipError_t(const LaunchConfig *, const void *, void **)>("hipLaunchKernelExC");
    HIP(launch(&config, (const void *)mix, arguments));
    check(6, 60, "hipLaunchKernelExC");
    LaunchAttribute cooperative = {};
    cooperative.id = 2; // hipLaunchAttributeCooperative
    cooperative.value.cooperative = 1;
    config.attrs = &cooperative;
    config.numAttrs = 1;
    offset = 61;
    HIP(launch(&config, (const void *)mix, arguments));
    check(6, 61, "hipLaunchKernelExC, cooperative");
}

static void check_events(dim3 grid, dim3 block, size_t lds) {
    hipEvent_t start, stop;
    int factor = 4, offset = 40;
    void *arguments[] = {&out, &factor, &offset};
    HIP(hipEventCreate(&start));
    HIP(hipEventCreate(&stop));
    HIP(hipExtLaunchKernel((const void *)mix, grid, block, arguments, lds, nullptr, start, stop, 0));
    HIP(hipEventSynchronize(stop));
    float ms = -1.0f;
    HIP(hipEventElapsedTime(&ms, start, stop));
    CHECK(ms >= 0.0f);
    check(4, 40, "hipExtLaunchKernel");
    HIP(hipEventDestroy(start));
    HIP(hipEventDestroy(stop));
}

// hipExtModuleLaunchKernel counts its grid in work-items, not in workgroups.
static void check_ext_module(const std::string &path) {
    hipModule_t module;
    hipFunction_t saxpy;
    float *x, *y, a = 2.0f, seen[100], ones[100];
    int n = 100;
    for (float &value : ones) value = 1.0f;
    HIP(hipMalloc(&x, sizeof(seen)));
    HIP(hipMalloc(&y, sizeof(seen)));
    HIP(hipMemcpy(x, ones, sizeof(ones), hipMemcpyHostToDevice));
    HIP(hipMemcpy(y, ones, sizeof(ones), hipMemcpyHostToDevice));
    HIP(hipModuleLoad(&module, path.c_str()));
    HIP(hipModuleGetFunction(&saxpy, module, "saxpy"));
    void *arguments[] = {&a, &x, &y, &n};
    HIP(hipExtModuleLaunchKernel(saxpy, 64, 1, 1, 32, 1, 1, 0, nullptr, arguments, nullptr, nullptr, nullptr, 0));
    HIP(hipMemcpy(seen, y, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 100; ++i) CHECK(seen[i] == (i < 64 ? 3.0f : 1.0f));
    // A workgroup that is larger than the grid becomes as small; one that is not full is refused.
    HIP(hipExtModuleLaunchKernel(saxpy, 20, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr, nullptr, nullptr, 0));
    HIP(hipMemcpy(seen, y, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 100; ++i) CHECK(seen[i] == (i < 20 ? 5.0f : i < 64 ? 3.0f : 1.0f));
    CHECK(hipExtModuleLaunchKernel(saxpy, 100, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr, nullptr, nullptr, 0) ==
          hipErrorInvalidValue);
    (void)hipGetLastError();
    HIP(hipModuleUnload(module));
    HIP(hipFree(x));
    HIP(hipFree(y));
}

int main(int, char **argv) {
    const dim3 block(64), grid((COUNT + 63) / 64);
    const size_t lds = 64 * sizeof(int);
    HIP(hipMalloc(&out, COUNT * sizeof(int)));
    HIP(hipMemset(out, 0, COUNT * sizeof(int)));
    mix<<<grid, block, lds>>>(out, 1, 10);
    check(1, 10, "triple chevron");
    hipLaunchKernelGGL(mix, grid, block, lds, 0, out, 2, 20);
    check(2, 20, "hipLaunchKernelGGL");
    int factor = 3, offset = 30;
    void *arguments[] = {&out, &factor, &offset};
    HIP(hipLaunchKernel((const void *)mix, grid, block, arguments, lds, nullptr));
    check(3, 30, "hipLaunchKernel");
    check_events(grid, block, lds);
    factor = 5, offset = 50;
    HIP(hipLaunchCooperativeKernel((const void *)mix, grid, block, arguments, lds, nullptr));
    check(5, 50, "hipLaunchCooperativeKernel");
    check_later_forms(grid, block, lds);
    check_ext_module(std::string(argv[1]) + "/kernels.co");
    HIP(hipFree(out));
    return verdict_close("launch_forms");
}
