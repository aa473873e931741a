// Pinned memory of all names; kernels read and write it where the host has it.
#include <hip/hip_runtime.h>

#include "verdict.h"

__global__ void transform(const float *in, float *out, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) out[at] = 2.0f * in[at] + 1.0f;
}

static void run(float *in, float *out, int count) {
    for (int i = 0; i < count; ++i) in[i] = 0.25f * i, out[i] = -1.0f;
    float *device_in, *device_out;
    HIP(hipHostGetDevicePointer((void **)&device_in, in, 0));
    HIP(hipHostGetDevicePointer((void **)&device_out, out, 0));
    transform<<<(count + 63) / 64, 64>>>(device_in, device_out, count);
    HIP(hipDeviceSynchronize());
    for (int i = 0; i < count; ++i) CHECK(out[i] == 0.5f * i + 1.0f);
}

int main() {
    const int count = 700;
    const size_t bytes = count * sizeof(float);
    float *a, *b, *c, *d, *e;
    HIP(hipHostMalloc((void **)&a, bytes, hipHostMallocDefault));
    HIP(hipHostMalloc((void **)&b, bytes, hipHostMallocMapped | hipHostMallocPortable));
    unsigned flags = 0;
    HIP(hipHostGetFlags(&flags, b));
    CHECK(flags & hipHostMallocMapped);
    run(a, b, count);
    HIP(hipHostMalloc((void **)&c, bytes, hipHostMallocWriteCombined));
    HIP(hipHostMalloc((void **)&d, bytes, hipHostMallocCoherent));
    run(c, d, count);
    HIP(hipHostMalloc((void **)&e, bytes, hipHostMallocNonCoherent));
    transform<<<(count + 63) / 64, 64>>>(a, e, count); // the plain pointer serves as well
    HIP(hipDeviceSynchronize());
    for (int i = 0; i < count; ++i) CHECK(e[i] == 0.5f * i + 1.0f);

    float *on_device;
    HIP(hipMalloc(&on_device, bytes));
    HIP(hipMemcpy(on_device, a, bytes, hipMemcpyDefault));
    HIP(hipMemset(b, 0, bytes));
    HIP(hipMemcpy(b, on_device, bytes, hipMemcpyDefault));
    for (int i = 0; i < count; ++i) CHECK(b[i] == 0.25f * i);
    HIP(hipFree(on_device));
    for (float *block : {a, b, c, d, e}) HIP(hipHostFree(block));
    HIP_GIVES(hipErrorInvalidValue, hipHostFree(a));
    (void)hipGetLastError();

    int *older;
    HIP(hipMallocHost((void **)&older, 64));
    older[3] = 3;
    HIP(hipFreeHost(older));
    HIP(hipMemAllocHost((void **)&older, 64));
    older[3] = 3;
    HIP(hipHostFree(older));
    return verdict_close("pinned");
}
