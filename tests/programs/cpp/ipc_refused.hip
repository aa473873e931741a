// What the library does not serve says so, and leaves everything else in order.
#include <hip/hip_runtime.h>

#include "verdict.h"

__global__ void put(int *value) { *value = 12; }

int main() {
    int *block, seen = 0;
    HIP(hipMalloc(&block, 4096));
    hipIpcMemHandle_t handle = {};
    HIP_GIVES(hipErrorNotSupported, hipIpcGetMemHandle(&handle, block));
    void *opened = nullptr;
    HIP_GIVES(hipErrorNotSupported, hipIpcOpenMemHandle(&opened, handle, hipIpcMemLazyEnablePeerAccess));
    CHECK(opened == nullptr);
    hipEvent_t event;
    HIP(hipEventCreateWithFlags(&event, hipEventDisableTiming));
    hipIpcEventHandle_t of_event = {};
    HIP_GIVES(hipErrorNotSupported, hipIpcGetEventHandle(&of_event, event));
    HIP_GIVES(hipErrorNotSupported, hipGetLastError()); // as any other error
    HIP_GIVES(hipSuccess, hipGetLastError());
    put<<<1, 1>>>(block);
    HIP(hipMemcpy(&seen, block, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 12);
    HIP(hipEventDestroy(event));
    HIP(hipFree(block));
    return verdict_close("ipc_refused");
}
