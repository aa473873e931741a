// What the library says of pointers: of which kind, where on the device, where on the host.
#include <hip/hip_runtime.h>

#include "verdict.h"

__global__ void touch(char *bytes, int count) {
    if ((int)threadIdx.x < count) bytes[threadIdx.x] = (char)(threadIdx.x + 1);
}

int main() {
    char *device, *pinned, *managed, *registered = (char *)aligned_alloc(4096, 4096), plain[16] = {};
    HIP(hipMalloc(&device, 1000));
    HIP(hipHostMalloc((void **)&pinned, 1000, hipHostMallocMapped));
    HIP(hipMallocManaged((void **)&managed, 1000));
    HIP(hipHostRegister(registered, 4096, hipHostRegisterDefault));

    hipPointerAttribute_t of = {};
    HIP(hipPointerGetAttributes(&of, device));
    CHECK(of.memoryType == hipMemoryTypeDevice && of.device == 0 && of.devicePointer == device && !of.isManaged);
    HIP(hipPointerGetAttributes(&of, device + 999)); // inside of an allocation
    CHECK(of.memoryType == hipMemoryTypeDevice && of.devicePointer == device + 999);
    HIP(hipPointerGetAttributes(&of, pinned + 8));
    CHECK(of.memoryType == hipMemoryTypeHost && of.hostPointer == pinned + 8);
    HIP(hipPointerGetAttributes(&of, managed));
    CHECK(of.isManaged);
    HIP(hipPointerGetAttributes(&of, registered));
    CHECK(of.memoryType == hipMemoryTypeHost);
    HIP_GIVES(hipErrorInvalidValue, hipPointerGetAttributes(&of, plain));
    HIP_GIVES(hipErrorInvalidValue, hipPointerGetAttributes(&of, device + 4096 * 4096));
    (void)hipGetLastError();

    hipDeviceptr_t start = nullptr;
    size_t size = 0;
    HIP(hipPointerGetAttribute(&start, HIP_POINTER_ATTRIBUTE_RANGE_START_ADDR, device + 10));
    HIP(hipPointerGetAttribute(&size, HIP_POINTER_ATTRIBUTE_RANGE_SIZE, device + 10));
    CHECK(start == device && size >= 1000);
    unsigned type = 0;
    HIP(hipPointerGetAttribute(&type, HIP_POINTER_ATTRIBUTE_MEMORY_TYPE, pinned));
    CHECK(type == hipMemoryTypeHost);

    char seen[64] = {};
    touch<<<1, 64>>>(device, 64);
    touch<<<1, 64>>>(pinned, 64);
    touch<<<1, 64>>>(managed, 64);
    HIP(hipMemcpy(seen, device, 64, hipMemcpyDefault)); // the kinds of both are known
    for (int i = 0; i < 64; ++i) CHECK(seen[i] == i + 1 && pinned[i] == i + 1 && managed[i] == i + 1);
    HIP(hipFree(device));
    HIP(hipHostFree(pinned));
    HIP(hipFree(managed));
    HIP(hipHostUnregister(registered));
    free(registered);
    HIP_GIVES(hipErrorInvalidValue, hipPointerGetAttributes(&of, device)); // no longer one
    (void)hipGetLastError();
    return verdict_close("pointer_attributes");
}
