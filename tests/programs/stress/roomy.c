// More pinned memory, and larger copies, than a container's /dev/shm holds; an array of 3 GiB on the device.
#include <string.h>

#include "verdict.h"

static const size_t PINNED = 200u << 20, LARGE = 3ull << 30;

int main(void) {
    unsigned char *pinned, *plain = malloc(PINNED);
    hipDeviceptr_t large;
    if (!plain) return 2;
    HIP(hipHostMalloc((void **)&pinned, PINNED, hipHostMallocDefault));
    HIP(hipMalloc(&large, LARGE));
    for (size_t i = 0; i < PINNED; ++i) pinned[i] = (unsigned char)(i * 7 + (i >> 12));
    hipDeviceptr_t end = (char *)large + LARGE - PINNED;
    HIP(hipMemcpy(end, pinned, PINNED, hipMemcpyHostToDevice));
    HIP(hipMemcpy(plain, end, PINNED, hipMemcpyDeviceToHost));
    CHECK(memcmp(plain, pinned, PINNED) == 0);
    HIP(hipMemset(end, 9, PINNED));
    HIP(hipMemcpy(pinned, end, PINNED, hipMemcpyDeviceToHost));
    CHECK(pinned[0] == 9 && pinned[PINNED - 1] == 9 && memcmp(pinned, pinned + 1, PINNED - 1) == 0);
    HIP(hipHostFree(pinned));
    HIP(hipFree(large));
    free(plain);
    return verdict_close("roomy");
}
