// options: targets=gfx1030,gfx1100,gfx90a
// A fat binary of three targets: what runs is the device's own.
#include <hip/hip_runtime.h>

#include <string>

#include "verdict.h"

__global__ void which_target(int *out) {
#if defined(__gfx1100__)
    *out = 1100;
#elif defined(__gfx1030__)
    *out = 1030;
#elif defined(__gfx90a__)
    *out = 9010;
#endif
}

int main() {
    hipDeviceProp_t props;
    HIP(hipGetDeviceProperties(&props, 0));
    const std::string name = props.gcnArchName;
    int wanted = name.rfind("gfx1100", 0) == 0 ? 1100 : name.rfind("gfx1030", 0) == 0 ? 1030 : 9010;
    int *out, seen = 0;
    HIP(hipMalloc(&out, sizeof(int)));
    which_target<<<1, 1>>>(out);
    HIP(hipGetLastError());
    HIP(hipMemcpy(&seen, out, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == wanted);
    HIP(hipFree(out));
    return verdict_close("fat_targets");
}
