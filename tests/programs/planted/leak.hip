// Memory that is never freed.
#include <hip/hip_runtime.h>

#include "planted.h"

__global__ void add(int *total, const int *part) { *total += *part; }

int main() {
    int *total, seen = 0;
    HIP(hipMalloc(&total, sizeof(int)));
    HIP(hipMemset(total, 0, sizeof(int)));
    for (int i = 1; i <= 3; ++i) {
        int *part;
        HIP(hipMalloc(&part, sizeof(int))); // BUG
        HIP(hipMemcpy(part, &i, sizeof(int), hipMemcpyHostToDevice));
        add<<<1, 1>>>(total, part);
#ifdef TWIN
        HIP(hipFree(part));
#endif
    }
    HIP(hipMemcpy(&seen, total, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 6);
    HIP(hipFree(total));
    PLANTED_CLOSE("leak");
}
