// The first program of every tutorial: copy in, add, copy out.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

__global__ void add(const float *a, const float *b, float *sum, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) sum[at] = a[at] + b[at];
}

int main(int argc, char **argv) {
    const int count = argc > 1 ? atoi(argv[1]) : 100003;
    const size_t bytes = count * sizeof(float);
    std::vector<float> a(count), b(count), sum(count, -1.0f);
    for (int i = 0; i < count; ++i) a[i] = 0.5f * i, b[i] = 7.0f - i % 13;
    float *on_a, *on_b, *on_sum;
    HIP(hipMalloc(&on_a, bytes));
    HIP(hipMalloc(&on_b, bytes));
    HIP(hipMalloc(&on_sum, bytes));
    HIP(hipMemcpy(on_a, a.data(), bytes, hipMemcpyHostToDevice));
    HIP(hipMemcpy(on_b, b.data(), bytes, hipMemcpyHostToDevice));
    add<<<(count + 255) / 256, 256>>>(on_a, on_b, on_sum, count);
    HIP(hipGetLastError());
    HIP(hipMemcpy(sum.data(), on_sum, bytes, hipMemcpyDeviceToHost));
    int wrong = 0;
    for (int i = 0; i < count; ++i) wrong += sum[i] != a[i] + b[i];
    CHECK(wrong == 0);
    HIP(hipFree(on_a));
    HIP(hipFree(on_b));
    HIP(hipFree(on_sum));
    return verdict_close("vector_add");
}
