// Memory that is freed twice.
#include <hip/hip_runtime.h>

#include "planted.h"

__global__ void put(int *value) { *value = 4; }

int main() {
    int *value, seen = 0;
    HIP(hipMalloc(&value, sizeof(int)));
    put<<<1, 1>>>(value);
    HIP(hipMemcpy(&seen, value, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 4);
    HIP(hipFree(value)); // ALSO
#ifndef TWIN
    (void)hipFree(value); // BUG
#endif
    PLANTED_CLOSE("double_free");
}
