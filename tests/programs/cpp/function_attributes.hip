// options: modules
// What a kernel needs: its attributes, by symbol and by function of a module, and setting them.
#include <hip/hip_runtime.h>

#include <string>

#include "verdict.h"

__global__ void __launch_bounds__(128) fixed_lds(int *out) {
    __shared__ int staged[96];
    if (threadIdx.x < 96) staged[threadIdx.x] = threadIdx.x * 2;
    __syncthreads();
    if (threadIdx.x < 96) out[threadIdx.x] = staged[95 - threadIdx.x];
}

__global__ void no_lds(int *out) { out[threadIdx.x] = 7; }

__global__ void dynamic_lds(int *out, int words) {
    extern __shared__ int staged[];
    for (int at = threadIdx.x; at < words; at += blockDim.x) staged[at] = at;
    __syncthreads();
    if (threadIdx.x == 0) *out = staged[words - 1];
}

static void check_module(const std::string &path) {
    hipModule_t module;
    hipFunction_t function;
    int lds = -1, threads = -1, registers = -1;
    HIP(hipModuleLoad(&module, path.c_str()));
    HIP(hipModuleGetFunction(&function, module, "row_softmax"));
    HIP(hipFuncGetAttribute(&lds, HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function));
    HIP(hipFuncGetAttribute(&threads, HIP_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, function));
    HIP(hipFuncGetAttribute(&registers, HIP_FUNC_ATTRIBUTE_NUM_REGS, function));
    CHECK(lds == 256 * 4);
    CHECK(threads == 1024);
    CHECK(registers > 0 && registers <= 512);
    HIP(hipModuleUnload(module));
}

int main(int, char **argv) {
    hipFuncAttributes of_fixed = {}, of_none = {};
    HIP(hipFuncGetAttributes(&of_fixed, (const void *)fixed_lds));
    HIP(hipFuncGetAttributes(&of_none, (const void *)no_lds));
    CHECK(of_fixed.sharedSizeBytes == 96 * 4);
    CHECK(of_none.sharedSizeBytes == 0);
    CHECK(of_fixed.maxThreadsPerBlock == 128);
    CHECK(of_none.maxThreadsPerBlock == 1024);
    CHECK(of_fixed.numRegs > 0 && of_none.localSizeBytes == 0);
    HIP_GIVES(hipErrorInvalidDeviceFunction, hipFuncGetAttributes(&of_none, (const void *)&of_none));
    (void)hipGetLastError();
    HIP(hipFuncSetCacheConfig((const void *)no_lds, hipFuncCachePreferL1));
    HIP(hipFuncSetSharedMemConfig((const void *)no_lds, hipSharedMemBankSizeFourByte));
    HIP(hipFuncSetAttribute((const void *)dynamic_lds, hipFuncAttributeMaxDynamicSharedMemorySize, 60000));

    int *out, seen[96] = {};
    HIP(hipMalloc(&out, sizeof(seen)));
    fixed_lds<<<1, 128>>>(out);
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 96; ++i) CHECK(seen[i] == 2 * (95 - i));
    dynamic_lds<<<1, 64, 60000>>>(out, 15000);
    HIP(hipMemcpy(seen, out, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen[0] == 14999);
    dynamic_lds<<<1, 64, 100000>>>(out, 10); // more than a workgroup can have
    CHECK(hipGetLastError() != hipSuccess);
    fixed_lds<<<1, 256>>>(out); // more than its launch bounds
    CHECK(hipGetLastError() != hipSuccess);
    HIP(hipFree(out));
    check_module(std::string(argv[1]) + "/kernels.co");
    return verdict_close("function_attributes");
}
