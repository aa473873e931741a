// The host reads through a pointer to device memory.
#include <hip/hip_runtime.h>

#include "planted.h"

__global__ void fill(int *values) { values[threadIdx.x] = threadIdx.x + 5; }

int main() {
    int *values, seen = 0;
    HIP(hipMalloc(&values, 256));
    fill<<<1, 64>>>(values);
    HIP(hipDeviceSynchronize());
#ifdef TWIN
    HIP(hipMemcpy(&seen, values + 3, sizeof(int), hipMemcpyDeviceToHost));
#else
    seen = ((volatile int *)values)[3]; // BUG
#endif
    CHECK(seen == 8);
    HIP(hipFree(values));
    PLANTED_CLOSE("host_reads_device");
}
