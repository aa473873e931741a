// More bytes are copied to a constant than it has.
#include <hip/hip_runtime.h>

#include "planted.h"

constexpr int COUNT = 16;
#ifdef TWIN
constexpr size_t BYTES = COUNT * sizeof(float);
#else
constexpr size_t BYTES = COUNT * sizeof(double);
#endif

__constant__ float table[COUNT];

__global__ void sum(float *out) {
    float total = 0.0f;
    for (int i = 0; i < COUNT; ++i) total += table[i];
    *out = total;
}

int main() {
    float host[2 * COUNT], *out, seen = 0.0f;
    for (float &value : host) value = 0.5f;
    HIP(hipMalloc(&out, sizeof(float)));
    (void)hipMemcpyToSymbol(HIP_SYMBOL(table), host, BYTES, 0, hipMemcpyHostToDevice); // BUG
    sum<<<1, 1>>>(out);
    HIP(hipMemcpy(&seen, out, sizeof(float), hipMemcpyDeviceToHost));
    CHECK(seen == 8.0f);
    HIP(hipFree(out));
    PLANTED_CLOSE("wrong_symbol_size");
}
