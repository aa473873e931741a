// Errors: their names and strings, the last one, launches that cannot be.
#include <hip/hip_runtime.h>

#include <set>
#include <string>

#include "verdict.h"

__global__ void put(int *value, int what) { *value = what; }

static void check_strings() {
    CHECK(std::string(hipGetErrorName(hipSuccess)) == "hipSuccess");
    CHECK(std::string(hipGetErrorName(hipErrorOutOfMemory)) == "hipErrorOutOfMemory");
    CHECK(std::string(hipGetErrorName(hipErrorInvalidValue)) == "hipErrorInvalidValue");
    CHECK(std::string(hipGetErrorString(hipSuccess)) == "no error");
    CHECK(std::string(hipGetErrorString(hipErrorInvalidValue)) == "invalid argument");
    CHECK(std::string(hipGetErrorString(hipErrorOutOfMemory)) == "out of memory");
    std::set<std::string> names;
    for (hipError_t error : {hipErrorNotInitialized, hipErrorInvalidDevice, hipErrorNoBinaryForGpu, hipErrorNotFound,
                             hipErrorNotReady, hipErrorIllegalAddress, hipErrorLaunchFailure, hipErrorNotSupported,
                             hipErrorInvalidConfiguration, hipErrorInvalidSymbol, hipErrorUnknown}) {
        CHECK(std::string(hipGetErrorString(error)).size() > 3);
        names.insert(hipGetErrorName(error));
    }
    CHECK(names.size() == 11);
    CHECK(hipGetErrorName((hipError_t)123456) != nullptr);
}

static void refused(hipError_t wanted, dim3 grid, dim3 block, size_t lds, int *value) {
    put<<<grid, block, lds>>>(value, 666);
    HIP_GIVES(wanted, hipGetLastError());
}

int main() {
    check_strings();
    HIP_GIVES(hipErrorInvalidValue, hipMalloc((void **)nullptr, 4));
    HIP_GIVES(hipErrorInvalidValue, hipPeekAtLastError());
    HIP_GIVES(hipErrorInvalidValue, hipPeekAtLastError()); // looking does not clear it
    HIP_GIVES(hipErrorInvalidValue, hipGetLastError());
    HIP_GIVES(hipSuccess, hipGetLastError()); // taking it does

    int *value, seen = 0;
    HIP(hipMalloc(&value, sizeof(int)));
    put<<<1, 1>>>(value, 1);
    HIP(hipGetLastError());
    refused(hipErrorInvalidConfiguration, dim3(1), dim3(0), 0, value);
    refused(hipErrorInvalidConfiguration, dim3(0), dim3(1), 0, value);
    refused(hipErrorInvalidConfiguration, dim3(1), dim3(2048), 0, value);
    refused(hipErrorInvalidConfiguration, dim3(1), dim3(64, 64), 0, value);
    put<<<1, 1, 1 << 20>>>(value, 666);
    CHECK(hipGetLastError() != hipSuccess);
    HIP(hipMemcpy(&seen, value, sizeof(int), hipMemcpyDeviceToHost)); // none is sticky, none has run
    CHECK(seen == 1);
    put<<<1, 1>>>(value, 2);
    HIP(hipMemcpy(&seen, value, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 2);
    HIP_GIVES(hipErrorInvalidDeviceFunction, hipLaunchKernel((const void *)&seen, dim3(1), dim3(1), nullptr, 0, nullptr));
    (void)hipGetLastError();
    HIP(hipFree(value));
    return verdict_close("errors");
}
