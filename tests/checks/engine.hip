// A host in C++: step() scales on the device. READBACK: it copies back. GROW: it allocates each time. WRONG: out of bounds.
#include <hip/hip_runtime.h>

#include <cstdio>
#include <vector>

#define HIP(call) \
    if ((call) != hipSuccess) return std::puts("FAIL"), 1

__global__ void scale(float *x, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
#ifdef WRONG
    if (at <= count) x[at] *= 2.0f;
#else
    if (at < count) x[at] *= 2.0f;
#endif
}

__attribute__((noinline)) int step(float *on_x, float *back, int count) {
#ifdef GROW
    float *more;
    HIP(hipMalloc((void **)&more, 4096));
    HIP(hipFree(more));
#endif
    scale<<<(count + 63) / 64, 64>>>(on_x, count);
    HIP(hipGetLastError());
#ifdef READBACK
    HIP(hipMemcpy(back, on_x, count * sizeof(float), hipMemcpyDeviceToHost));
#endif
    return 0;
}

int main() {
    const int count = 200;
    std::vector<float> x(count, 1.0f);
    float *on_x;
    HIP(hipMalloc((void **)&on_x, count * sizeof(float)));
    HIP(hipMemcpy(on_x, x.data(), count * sizeof(float), hipMemcpyHostToDevice));
    for (int i = 0; i < 3; ++i)
        if (step(on_x, x.data(), count)) return 1;
    HIP(hipMemcpy(x.data(), on_x, count * sizeof(float), hipMemcpyDeviceToHost));
    HIP(hipFree(on_x));
    return x[0] == 8.0f ? std::puts("PASS"), 0 : 1;
}
