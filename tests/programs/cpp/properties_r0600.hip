// The properties in the layout of ROCm 6 and 7, asked for by the symbol that programs built there use.
#include <hip/hip_runtime.h>

#include <cstddef>
#include <string>

#include "later.h"
#include "verdict.h"

// As hip_runtime_api.h of ROCm 6 has it.
struct PropertiesR0600 {
    char name[256];
    char uuid[16];
    char luid[8];
    unsigned luidDeviceNodeMask;
    size_t totalGlobalMem, sharedMemPerBlock;
    int regsPerBlock, warpSize;
    size_t memPitch;
    int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3], clockRate;
    size_t totalConstMem;
    int major, minor;
    size_t textureAlignment, texturePitchAlignment;
    int deviceOverlap, multiProcessorCount, kernelExecTimeoutEnabled, integrated, canMapHostMemory, computeMode;
    int maxTexture1D, maxTexture1DMipmap, maxTexture1DLinear, maxTexture2D[2], maxTexture2DMipmap[2];
    int maxTexture2DLinear[3], maxTexture2DGather[2], maxTexture3D[3], maxTexture3DAlt[3], maxTextureCubemap;
    int maxTexture1DLayered[2], maxTexture2DLayered[3], maxTextureCubemapLayered[2], maxSurface1D;
    int maxSurface2D[2], maxSurface3D[3], maxSurface1DLayered[2], maxSurface2DLayered[3], maxSurfaceCubemap;
    int maxSurfaceCubemapLayered[2];
    size_t surfaceAlignment;
    int concurrentKernels, ECCEnabled, pciBusID, pciDeviceID, pciDomainID, tccDriver, asyncEngineCount;
    int unifiedAddressing, memoryClockRate, memoryBusWidth, l2CacheSize, persistingL2CacheMaxSize;
    int maxThreadsPerMultiProcessor, streamPrioritiesSupported, globalL1CacheSupported, localL1CacheSupported;
    size_t sharedMemPerMultiprocessor;
    int regsPerMultiprocessor, managedMemory, isMultiGpuBoard, multiGpuBoardGroupID, hostNativeAtomicSupported;
    int singleToDoublePrecisionPerfRatio, pageableMemoryAccess, concurrentManagedAccess;
    int computePreemptionSupported, canUseHostPointerForRegisteredMem, cooperativeLaunch;
    int cooperativeMultiDeviceLaunch;
    size_t sharedMemPerBlockOptin;
    int pageableMemoryAccessUsesHostPageTables, directManagedMemAccessFromHost, maxBlocksPerMultiProcessor;
    int accessPolicyMaxWindowSize;
    size_t reservedSharedMemPerBlock;
    int hostRegisterSupported, sparseHipArraySupported, hostRegisterReadOnlySupported;
    int timelineSemaphoreInteropSupported, memoryPoolsSupported, gpuDirectRDMASupported;
    unsigned gpuDirectRDMAFlushWritesOptions;
    int gpuDirectRDMAWritesOrdering;
    unsigned memoryPoolSupportedHandleTypes;
    int deferredMappingHipArraySupported, ipcEventSupported, clusterLaunch, unifiedFunctionPointers;
    int reserved[63], hipReserved[32];
    char gcnArchName[256];
    size_t maxSharedMemoryPerMultiProcessor;
    int clockInstructionRate;
    unsigned arch;
    unsigned *hdpMemFlushCntl, *hdpRegFlushCntl;
    int cooperativeMultiDeviceUnmatched[4], isLargeBar, asicRevision;
};
static_assert(sizeof(PropertiesR0600) == 1472, "the layout of ROCm 6");
static_assert(offsetof(PropertiesR0600, gcnArchName) == 1160, "the layout of ROCm 6");

__global__ void count_threads(int *count) { atomicAdd(count, 1); }

int main() {
    auto properties = later<hipError_t(PropertiesR0600 *, int)>("hipGetDevicePropertiesR0600");
    struct {
        PropertiesR0600 props;
        unsigned char beyond[64];
    } held;
    memset(&held, 0x5a, sizeof(held));
    HIP(properties(&held.props, 0));
    const PropertiesR0600 &props = held.props;
    for (unsigned char byte : held.beyond) CHECK(byte == 0x5a); // nothing is written beyond the struct

    hipDeviceProp_t older;
    HIP(hipGetDeviceProperties(&older, 0));
    CHECK(std::string(props.name) == older.name);
    CHECK(std::string(props.gcnArchName) == older.gcnArchName);
    CHECK(props.totalGlobalMem == older.totalGlobalMem);
    CHECK(props.sharedMemPerBlock == older.sharedMemPerBlock);
    CHECK(props.warpSize == older.warpSize);
    CHECK(props.maxThreadsPerBlock == older.maxThreadsPerBlock);
    for (int axis = 0; axis < 3; ++axis) {
        CHECK(props.maxThreadsDim[axis] == older.maxThreadsDim[axis]);
        CHECK(props.maxGridSize[axis] == older.maxGridSize[axis]);
    }
    CHECK(props.major == older.major && props.minor == older.minor);
    CHECK(props.multiProcessorCount == older.multiProcessorCount);
    CHECK(props.l2CacheSize == older.l2CacheSize);
    CHECK(props.maxThreadsPerMultiProcessor == older.maxThreadsPerMultiProcessor);
    CHECK(props.cooperativeLaunch == older.cooperativeLaunch);
    CHECK(props.clockRate == older.clockRate);

    int *count, launched = 0;
    HIP(hipMalloc(&count, sizeof(int)));
    HIP(hipMemset(count, 0, sizeof(int)));
    count_threads<<<2, props.maxThreadsPerBlock>>>(count);
    HIP(hipMemcpy(&launched, count, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(launched == 2 * props.maxThreadsPerBlock);
    count_threads<<<1, props.maxThreadsPerBlock + 1>>>(count);
    CHECK(hipGetLastError() != hipSuccess);
    HIP(hipFree(count));
    return verdict_close("properties_r0600");
}
