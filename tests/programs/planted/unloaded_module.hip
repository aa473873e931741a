// options: modules
// A kernel of a module that was unloaded.
#include <hip/hip_runtime.h>

#include <string>

#include "planted.h"

int main(int, char **argv) {
    hipModule_t module;
    hipFunction_t function;
    int *out, seen = 0;
    HIP(hipMalloc(&out, sizeof(int)));
    HIP(hipMemset(out, 0, sizeof(int)));
    HIP(hipModuleLoad(&module, (std::string(argv[1]) + "/kernels.co").c_str()));
    HIP(hipModuleGetFunction(&function, module, "which_target"));
    void *arguments[] = {&out};
#ifndef TWIN
    HIP(hipModuleUnload(module));
#endif
    (void)hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr); // BUG
    HIP(hipMemcpy(&seen, out, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen != 0);
#ifdef TWIN
    HIP(hipModuleUnload(module));
#endif
    HIP(hipFree(out));
    PLANTED_CLOSE("unloaded_module");
}
