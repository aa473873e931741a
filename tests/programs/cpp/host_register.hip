// Memory that the host had already, registered for the device.
#include <hip/hip_runtime.h>

#include <cstdlib>
#include <vector>

#include "verdict.h"

__global__ void negate(int *values, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] = -values[at];
}

static void use(int *values, int count) {
    for (int i = 0; i < count; ++i) values[i] = i + 1;
    HIP(hipHostRegister(values, count * sizeof(int), hipHostRegisterMapped));
    for (int i = 0; i < count; ++i) CHECK(values[i] == i + 1); // what was there stays
    int *device = nullptr;
    HIP(hipHostGetDevicePointer((void **)&device, values, 0));
    negate<<<(count + 127) / 128, 128>>>(device, count);
    HIP(hipDeviceSynchronize());
    for (int i = 0; i < count; ++i) CHECK(values[i] == -(i + 1));
    values[0] = 77; // and the other way
    negate<<<1, 1>>>(device, 1);
    HIP(hipDeviceSynchronize());
    CHECK(values[0] == -77);
    HIP(hipHostUnregister(values));
    for (int i = 1; i < count; ++i) CHECK(values[i] == -(i + 1)); // and stays the host's own afterwards
}

int main() {
    int *aligned = (int *)aligned_alloc(4096, 3 * 4096);
    use(aligned, 3 * 1024);
    use(aligned, 3 * 1024); // again, after it was unregistered
    std::vector<int> anywhere(5000);
    use(anywhere.data() + 3, 4990); // neither start nor size are those of pages
    HIP_GIVES(hipErrorHostMemoryNotRegistered, hipHostUnregister(aligned));
    (void)hipGetLastError();
    HIP(hipHostRegister(aligned, 4096, hipHostRegisterDefault));
    HIP_GIVES(hipErrorHostMemoryAlreadyRegistered, hipHostRegister(aligned, 4096, hipHostRegisterDefault));
    (void)hipGetLastError();
    HIP(hipHostUnregister(aligned));
    free(aligned);
    return verdict_close("host_register");
}
