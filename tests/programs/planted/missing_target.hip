// options: targets=gfx90a,gfx1030 twin_targets=gfx90a,gfx1100
// Compiled for other devices only.
#include <hip/hip_runtime.h>

#include "planted.h"

__global__ void put(int *value) { *value = 31; }

int main() {
    int *value, seen = 0;
    HIP(hipMalloc(&value, sizeof(int)));
    HIP(hipMemset(value, 0, sizeof(int)));
    put<<<1, 1>>>(value); // BUG
    (void)hipMemcpy(&seen, value, sizeof(int), hipMemcpyDeviceToHost);
    CHECK(seen == 31);
    HIP(hipFree(value));
    PLANTED_CLOSE("missing_target");
}
