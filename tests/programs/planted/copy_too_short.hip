// A copy of elements where bytes are counted: the rest of the memory was never written.
#include <hip/hip_runtime.h>

#include <vector>

#include "planted.h"

constexpr int COUNT = 256;
#ifdef TWIN
constexpr size_t BYTES = COUNT * sizeof(int);
#else
constexpr size_t BYTES = COUNT;
#endif

__global__ void square(const int *in, int *out) { out[threadIdx.x] = in[threadIdx.x] * in[threadIdx.x]; } // ALSO

int main() {
    int *in, *out;
    std::vector<int> host(COUNT, 3);
    HIP(hipMalloc(&in, COUNT * sizeof(int))); // BUG
    HIP(hipMalloc(&out, COUNT * sizeof(int)));
    HIP(hipMemcpy(in, host.data(), BYTES, hipMemcpyHostToDevice));
    square<<<1, COUNT>>>(in, out);
    HIP(hipMemcpy(host.data(), out, COUNT * sizeof(int), hipMemcpyDeviceToHost));
    for (int value : host) CHECK(value == 9);
    HIP(hipFree(in));
    HIP(hipFree(out));
    PLANTED_CLOSE("copy_too_short");
}
