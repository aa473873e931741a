// Initialisation, device numbers, names, attributes: and all of them say the same.
#include <hip/hip_runtime.h>

#include <string>

#include "verdict.h"

__global__ void measure(int *seen) {
    if (threadIdx.x == 0) {
        seen[0] = warpSize;
        seen[1] = blockDim.x;
        seen[2] = gridDim.x;
    }
}

static int attribute(hipDeviceAttribute_t which) {
    int value = -1;
    HIP(hipDeviceGetAttribute(&value, which, 0));
    return value;
}

static void check_attributes(const hipDeviceProp_t &props) {
    CHECK(attribute(hipDeviceAttributeWarpSize) == props.warpSize);
    CHECK(attribute(hipDeviceAttributeMaxThreadsPerBlock) == props.maxThreadsPerBlock);
    CHECK(attribute(hipDeviceAttributeMultiprocessorCount) == props.multiProcessorCount);
    CHECK(attribute(hipDeviceAttributeComputeCapabilityMajor) == props.major);
    CHECK(attribute(hipDeviceAttributeComputeCapabilityMinor) == props.minor);
    CHECK(attribute(hipDeviceAttributeMaxBlockDimX) == props.maxThreadsDim[0]);
    CHECK(attribute(hipDeviceAttributeMaxBlockDimY) == props.maxThreadsDim[1]);
    CHECK(attribute(hipDeviceAttributeMaxBlockDimZ) == props.maxThreadsDim[2]);
    CHECK(attribute(hipDeviceAttributeMaxGridDimX) == props.maxGridSize[0]);
    CHECK(attribute(hipDeviceAttributeMaxGridDimY) == props.maxGridSize[1]);
    CHECK(attribute(hipDeviceAttributeMaxGridDimZ) == props.maxGridSize[2]);
    CHECK(attribute(hipDeviceAttributeMaxSharedMemoryPerBlock) == (int)props.sharedMemPerBlock);
    CHECK(attribute(hipDeviceAttributeMaxRegistersPerBlock) == props.regsPerBlock);
    CHECK(attribute(hipDeviceAttributeClockRate) == props.clockRate);
    CHECK(attribute(hipDeviceAttributeMemoryClockRate) == props.memoryClockRate);
    CHECK(attribute(hipDeviceAttributeL2CacheSize) == props.l2CacheSize);
    CHECK(attribute(hipDeviceAttributePciBusId) == props.pciBusID);
    CHECK(attribute(hipDeviceAttributeCooperativeLaunch) == props.cooperativeLaunch);
    CHECK(attribute(hipDeviceAttributeManagedMemory) == props.managedMemory);
    int value;
    HIP_GIVES(hipErrorInvalidDevice, hipDeviceGetAttribute(&value, hipDeviceAttributeWarpSize, 99));
}

static void check_identity(const hipDeviceProp_t &props) {
    char name[256] = "", bus[64] = "";
    hipDevice_t device = -1, same = -1;
    HIP(hipDeviceGet(&device, 0));
    HIP(hipDeviceGetName(name, sizeof(name), device));
    CHECK(std::string(name) == props.name);
    size_t total = 0;
    HIP(hipDeviceTotalMem(&total, device));
    CHECK(total == props.totalGlobalMem);
    int major = 0, minor = 0;
    HIP(hipDeviceComputeCapability(&major, &minor, device));
    CHECK(major == props.major && minor == props.minor);
    HIP(hipDeviceGetPCIBusId(bus, sizeof(bus), device));
    HIP(hipDeviceGetByPCIBusId(&same, bus));
    CHECK(same == device);
    hipUUID first, second;
    HIP(hipDeviceGetUuid(&first, device));
    HIP(hipDeviceGetUuid(&second, device));
    CHECK(memcmp(&first, &second, sizeof(first)) == 0);
    int chosen = -1;
    HIP(hipChooseDevice(&chosen, &props));
    CHECK(chosen == 0);
}

int main() {
    HIP(hipInit(0));
    int runtime = 0, driver = 0, count = 0, current = -1;
    HIP(hipRuntimeGetVersion(&runtime));
    HIP(hipDriverGetVersion(&driver));
    CHECK(runtime >= 40200000 && driver >= 40200000);
    HIP(hipGetDeviceCount(&count));
    CHECK(count >= 1);
    HIP(hipSetDevice(0));
    HIP(hipGetDevice(&current));
    CHECK(current == 0);
    HIP_GIVES(hipErrorInvalidDevice, hipSetDevice(count));
    HIP_GIVES(hipErrorInvalidDevice, hipSetDevice(-1));

    hipDeviceProp_t props;
    memset(&props, 0x5a, sizeof(props));
    HIP(hipGetDeviceProperties(&props, 0));
    CHECK(strncmp(props.gcnArchName, "gfx", 3) == 0);
    CHECK(props.totalGlobalMem >= (1ull << 30));
    CHECK(props.maxThreadsPerBlock >= 256 && props.multiProcessorCount >= 1);
    HIP_GIVES(hipErrorInvalidDevice, hipGetDeviceProperties(&props, count));
    HIP_GIVES(hipErrorInvalidValue, hipGetDeviceProperties(nullptr, 0));
    (void)hipGetLastError();
    check_attributes(props);
    check_identity(props);

    int *seen, host[3] = {0, 0, 0};
    HIP(hipMalloc(&seen, sizeof(host)));
    measure<<<3, 96>>>(seen);
    HIP(hipMemcpy(host, seen, sizeof(host), hipMemcpyDeviceToHost));
    CHECK(host[0] == props.warpSize);
    CHECK(host[1] == 96 && host[2] == 3);
    HIP(hipFree(seen));
    return verdict_close("device_query");
}
