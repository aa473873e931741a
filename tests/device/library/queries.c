/* Devices, contexts, limits, errors, pools, arrays: what the library answers, and what it refuses. */
#include "check.h"

static void devices(void) {
    int count = -1, device = -1, value = -1, least = -1, greatest = -1;
    char name[256], bus[32], short_name[5];
    GOOD(hipInit(0));
    GOOD(hipGetDeviceCount(&count));
    EXPECT(count == 1);
    RETURNS(hipErrorInvalidValue, hipGetDeviceCount(NULL));
    GOOD(hipSetDevice(0));
    RETURNS(hipErrorInvalidDevice, hipSetDevice(1));
    RETURNS(hipErrorInvalidDevice, hipSetDevice(-1));
    GOOD(hipGetDevice(&device));
    EXPECT(device == 0);
    GOOD(hipDeviceGet(&device, 0));
    RETURNS(hipErrorInvalidDevice, hipDeviceGet(&device, 7));
    GOOD(hipDeviceGetName(name, sizeof name, 0));
    EXPECT(strlen(name) > 3);
    GOOD(hipDeviceGetName(short_name, sizeof short_name, 0));
    EXPECT(strlen(short_name) == 4 && !strncmp(name, short_name, 4));
    RETURNS(hipErrorInvalidValue, hipDeviceGetName(NULL, 10, 0));
    GOOD(hipDeviceGetPCIBusId(bus, sizeof bus, 0));
    device = 5;
    GOOD(hipDeviceGetByPCIBusId(&device, bus));
    EXPECT(device == 0);
    RETURNS(hipErrorInvalidValue, hipDeviceGetByPCIBusId(&device, "nonsense"));
    GOOD(hipDriverGetVersion(&value));
    EXPECT(value > 0);
    GOOD(hipRuntimeGetVersion(&value));
    EXPECT(value > 0);
    GOOD(hipDeviceGetStreamPriorityRange(&least, &greatest));
    EXPECT(greatest <= least);
}

static void properties(void) {
    hipDeviceProp_t prop;
    hipUUID uuid;
    int value = -1, major = -1, minor = -1;
    size_t total = 0, available = 0, whole = 0;
    memset(&prop, 0xee, sizeof prop);
    GOOD(hipGetDeviceProperties(&prop, 0));
    EXPECT(!strncmp(prop.gcnArchName, "gfx1100", 7));
    EXPECT(prop.warpSize == 32 && prop.maxThreadsPerBlock == 1024);
    RETURNS(hipErrorInvalidDevice, hipGetDeviceProperties(&prop, 3));
    RETURNS(hipErrorInvalidValue, hipGetDeviceProperties(NULL, 0));
    for (int twice = 0; twice < 2; twice++) {
        GOOD(hipDeviceGetAttribute(&value, hipDeviceAttributeWarpSize, 0));
        EXPECT(value == prop.warpSize);
        GOOD(hipDeviceGetAttribute(&value, hipDeviceAttributeMultiprocessorCount, 0));
        EXPECT(value == prop.multiProcessorCount);
        GOOD(hipDeviceGetAttribute(&value, hipDeviceAttributeMaxSharedMemoryPerBlock, 0));
        EXPECT((size_t)value == prop.sharedMemPerBlock);
    }
    RETURNS(hipErrorInvalidValue, hipDeviceGetAttribute(&value, (hipDeviceAttribute_t)5000, 0));
    GOOD(hipDeviceComputeCapability(&major, &minor, 0));
    EXPECT(major == prop.major && minor == prop.minor);
    GOOD(hipDeviceGetUuid(&uuid, 0));
    GOOD(hipDeviceTotalMem(&total, 0));
    EXPECT(total == prop.totalGlobalMem);
    GOOD(hipMemGetInfo(&available, &whole));
    EXPECT(whole == total && available <= whole);
}

static void contexts(void) {
    hipCtx_t context = NULL, other = NULL;
    unsigned flags = 7;
    int active = 0, device = 3, can = 5, config = -1;
    GOOD(hipDevicePrimaryCtxRetain(&context, 0));
    GOOD(hipDevicePrimaryCtxGetState(0, &flags, &active));
    EXPECT(active == 1);
    GOOD(hipCtxCreate(&other, 0, 0));
    EXPECT(other == context);
    GOOD(hipCtxGetCurrent(&other));
    EXPECT(other == context);
    GOOD(hipCtxPopCurrent(&other));
    RETURNS(hipErrorInvalidContext, hipCtxPopCurrent(&other));
    GOOD(hipCtxSetCurrent(context));
    GOOD(hipCtxGetDevice(&device));
    EXPECT(device == 0);
    GOOD(hipCtxSynchronize());
    GOOD(hipDevicePrimaryCtxRelease(0));
    GOOD(hipDeviceCanAccessPeer(&can, 0, 0));
    EXPECT(can == 0);
    RETURNS(hipErrorInvalidDevice, hipDeviceCanAccessPeer(&can, 0, 1));
    RETURNS(hipErrorInvalidDevice, hipDeviceEnablePeerAccess(1, 0));
    RETURNS(hipErrorInvalidValue, hipDeviceEnablePeerAccess(1, 1));
    GOOD(hipDeviceSetCacheConfig(hipFuncCachePreferL1));
    GOOD(hipDeviceGetSharedMemConfig((hipSharedMemConfig *)&config));
    EXPECT(config == hipSharedMemBankSizeFourByte);
    GOOD(hipSetDeviceFlags(hipDeviceScheduleSpin));
    GOOD(hipGetDeviceFlags(&flags));
    EXPECT(flags == hipDeviceScheduleSpin);
}

static void errors(void) {
    (void)hipGetLastError();
    GOOD(hipGetLastError());
    RETURNS(hipErrorInvalidDevice, hipSetDevice(9));
    RETURNS(hipErrorInvalidDevice, hipPeekAtLastError());
    RETURNS(hipErrorInvalidDevice, hipGetLastError());
    GOOD(hipGetLastError());
    EXPECT(!strcmp(hipGetErrorName(hipErrorInvalidValue), "hipErrorInvalidValue"));
    EXPECT(!strcmp(hipGetErrorString(hipErrorNoBinaryForGpu),
                   "no kernel image is available for execution on the device"));
    EXPECT(!strcmp(hipGetErrorString(hipSuccess), "no error"));
    EXPECT(!strcmp(hipGetErrorString((hipError_t)12345), "unknown error"));
}

static void pools(void) {
    hipMemPool_t pool = NULL, other = NULL;
    hipStream_t stream;
    uint64_t value = 1;
    int flag = 0;
    void *memory = NULL;
    hipMemPoolProps wanted = {.allocType = hipMemAllocationTypePinned, .location = {hipMemLocationTypeDevice, 0}};
    hipMemLocation location = {hipMemLocationTypeDevice, 0};
    hipMemAccessFlags access = hipMemAccessFlagsProtNone;
    GOOD(hipStreamCreate(&stream));
    GOOD(hipDeviceGetDefaultMemPool(&pool, 0));
    GOOD(hipMemPoolSetAttribute(pool, hipMemPoolAttrReleaseThreshold, &(uint64_t){1 << 20}));
    GOOD(hipMemPoolGetAttribute(pool, hipMemPoolAttrReleaseThreshold, &value));
    EXPECT(value == 1 << 20);
    GOOD(hipMemPoolGetAttribute(pool, hipMemPoolReuseAllowOpportunistic, &flag));
    EXPECT(flag == 1);
    GOOD(hipMallocAsync(&memory, 4096, stream));
    EXPECT(memory != NULL);
    GOOD(hipMemPoolGetAttribute(pool, hipMemPoolAttrUsedMemCurrent, &value));
    EXPECT(value >= 4096);
    GOOD(hipFreeAsync(memory, stream));
    GOOD(hipStreamSynchronize(stream));
    GOOD(hipMemPoolCreate(&other, &wanted));
    GOOD(hipMallocFromPoolAsync(&memory, 64, other, stream));
    GOOD(hipFreeAsync(memory, stream));
    GOOD(hipMemPoolGetAccess(&access, other, &location));
    EXPECT(access == hipMemAccessFlagsProtReadWrite);
    GOOD(hipMemPoolTrimTo(other, 0));
    GOOD(hipStreamSynchronize(stream));
    GOOD(hipMemPoolDestroy(other));
    RETURNS(hipErrorInvalidValue, hipMallocAsync(NULL, 4, stream));
    RETURNS(hipErrorInvalidValue, hipFreeAsync(NULL, stream));
    GOOD(hipStreamDestroy(stream));
}

static void arrays(void) {
    enum { WIDTH = 5, HEIGHT = 3 };
    hipChannelFormatDesc desc = hipCreateChannelDesc(32, 0, 0, 0, hipChannelFormatKindFloat), found;
    hipArray *array = NULL;
    float rows[HEIGHT][WIDTH], back[HEIGHT][WIDTH];
    GOOD(hipMallocArray(&array, &desc, WIDTH, HEIGHT, 0));
    memset(&found, 0, sizeof found);
    GOOD(hipGetChannelDesc(&found, array));
    EXPECT(!memcmp(&found, &desc, sizeof desc));
    for (int i = 0; i < HEIGHT * WIDTH; i++) rows[0][i] = (float)i, back[0][i] = -1;
    GOOD(hipMemcpy2DToArray(array, 0, 0, rows, sizeof *rows, sizeof *rows, HEIGHT, hipMemcpyHostToDevice));
    GOOD(hipMemcpy2DFromArray(back, sizeof *back, array, 0, 0, sizeof *back, HEIGHT, hipMemcpyDeviceToHost));
    EXPECT(!memcmp(rows, back, sizeof rows));
    GOOD(hipFreeArray(array));
    RETURNS(hipErrorInvalidHandle, hipFreeArray(array));
    desc.x = 7;
    RETURNS(hipErrorInvalidValue, hipMallocArray(&array, &desc, WIDTH, HEIGHT, 0));
}

static void handles(void) {
    hipStream_t stream = NULL;
    hipEvent_t event = NULL;
    unsigned flags = 9;
    int priority = 9;
    float ms = -1;
    RETURNS(hipErrorInvalidValue, hipStreamCreate(NULL));
    RETURNS(hipErrorInvalidValue, hipStreamCreateWithFlags(&stream, 77));
    GOOD(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    GOOD(hipStreamGetFlags(stream, &flags));
    EXPECT(flags == hipStreamNonBlocking);
    GOOD(hipStreamGetPriority(stream, &priority));
    GOOD(hipEventCreate(&event));
    GOOD(hipEventRecord(event, stream));
    GOOD(hipStreamWaitEvent(NULL, event, 0));
    GOOD(hipEventSynchronize(event));
    GOOD(hipEventQuery(event));
    GOOD(hipEventElapsedTime(&ms, event, event));
    EXPECT(ms == 0);
    GOOD(hipEventDestroy(event));
    RETURNS(hipErrorInvalidHandle, hipEventRecord(event, stream));
    RETURNS(hipErrorInvalidHandle, hipEventRecord(NULL, stream));
    GOOD(hipStreamDestroy(stream));
    RETURNS(hipErrorInvalidHandle, hipStreamDestroy(stream));
    RETURNS(hipErrorInvalidHandle, hipStreamDestroy(NULL));
    RETURNS(hipErrorInvalidValue, hipEventCreateWithFlags(&event, 0x100));
    RETURNS(hipErrorFileNotFound, hipModuleLoad(&(hipModule_t){0}, "/nonexistent/kernel.hsaco"));
    RETURNS(hipErrorInvalidValue, hipModuleLoadData(&(hipModule_t){0}, NULL));
}

int main(void) {
    devices();
    properties();
    contexts();
    errors();
    pools();
    arrays();
    handles();
    GOOD(hipDeviceReset());
    return wrong != 0;
}
