// The driver's contexts, as far as HIP has them: current, pushed, popped, primary.
#include <hip/hip_runtime.h>

#include "verdict.h"

__global__ void store(int *at, int value) { *at = value; }

int main() {
    HIP(hipInit(0));
    hipDevice_t device;
    HIP(hipDeviceGet(&device, 0));

    unsigned flags = 99;
    int active = -1;
    hipCtx_t primary = nullptr, current = nullptr, made = nullptr, popped = nullptr;
    HIP(hipDevicePrimaryCtxRetain(&primary, device));
    CHECK(primary != nullptr);
    HIP(hipDevicePrimaryCtxGetState(device, &flags, &active));
    CHECK(active == 1);

    HIP(hipCtxCreate(&made, 0, device));
    HIP(hipCtxGetCurrent(&current));
    CHECK(current == made);
    hipDevice_t of_context = -1;
    HIP(hipCtxGetDevice(&of_context));
    CHECK(of_context == device);
    int version = 0;
    HIP(hipCtxGetApiVersion(made, &version));
    CHECK(version > 0);
    unsigned of_flags = 99;
    HIP(hipCtxGetFlags(&of_flags));
    hipFuncCache_t preferred;
    HIP(hipCtxGetCacheConfig(&preferred));
    hipSharedMemConfig banks;
    HIP(hipCtxGetSharedMemConfig(&banks));

    int *value, seen = 0;
    HIP(hipMalloc(&value, sizeof(int)));
    store<<<1, 1>>>(value, 41);
    HIP(hipCtxSynchronize());
    HIP(hipMemcpy(&seen, value, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 41);

    HIP(hipCtxPopCurrent(&popped));
    CHECK(popped == made);
    HIP(hipCtxPushCurrent(made));
    HIP(hipCtxGetCurrent(&current));
    CHECK(current == made);
    HIP(hipCtxSetCurrent(made));
    store<<<1, 1>>>(value, 42);
    HIP(hipMemcpy(&seen, value, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 42);
    HIP(hipFree(value));
    HIP(hipCtxDestroy(made));
    HIP_GIVES(hipErrorInvalidValue, hipCtxCreate(nullptr, 0, device));
    (void)hipGetLastError();
    HIP(hipDevicePrimaryCtxRelease(device));
    return verdict_close("contexts");
}
