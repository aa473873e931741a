// options: modules
// Bundles of several targets as modules: the device's own part is taken, compressed or not.
#include <hip/hip_runtime.h>

#include <string>

#include "verdict.h"

static int target_in(const std::string &path) {
    hipModule_t module;
    hipFunction_t function;
    int *out, seen = 0;
    HIP(hipModuleLoad(&module, path.c_str()));
    HIP(hipModuleGetFunction(&function, module, "which_target"));
    HIP(hipMalloc(&out, sizeof(int)));
    void *arguments[] = {&out};
    HIP(hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr));
    HIP(hipMemcpy(&seen, out, sizeof(int), hipMemcpyDeviceToHost));
    HIP(hipFree(out));
    HIP(hipModuleUnload(module));
    return seen;
}

int main(int, char **argv) {
    const std::string folder = argv[1];
    CHECK(target_in(folder + "/kernels.co") == 1100);
    CHECK(target_in(folder + "/bundle.hipfb") == 1100);
    CHECK(target_in(folder + "/compressed.hipfb") == 1100);
    hipModule_t module;
    HIP_GIVES(hipErrorNoBinaryForGpu, hipModuleLoad(&module, (folder + "/others.hipfb").c_str()));
    HIP_GIVES(hipErrorNoBinaryForGpu, hipModuleLoad(&module, (folder + "/gfx90a.co").c_str()));
    (void)hipGetLastError();
    return verdict_close("module_bundles");
}
