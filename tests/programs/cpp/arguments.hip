// Arguments of kernels: small, large, odd, by value, and grids and blocks of three dimensions.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

struct Large {
    double values[100];
    char tag;
    int count;
};

struct Empty {};

__global__ void odd(char a, double b, short c, float d, bool e, long long f, Empty, unsigned char g, double *out) {
    out[0] = a, out[1] = b, out[2] = c, out[3] = d, out[4] = e, out[5] = (double)f, out[6] = g;
}

__global__ void large(Large in, int scale, double *out) {
    int at = threadIdx.x;
    if (at < in.count) out[at] = in.values[at] * scale + in.tag;
}

__global__ void vectors(float4 a, int3 b, double2 c, double *out) {
    out[0] = a.x + a.y + a.z + a.w;
    out[1] = b.x * b.y * b.z;
    out[2] = c.x - c.y;
}

template <typename T, int N>
__global__ void generic(T *out, T step) {
    for (int i = 0; i < N; ++i) out[i] = step * (T)i;
}

__global__ void geometry(unsigned *out) {
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 1000 + thread;
}

static void check_geometry() {
    const dim3 grid(3, 4, 2), block(5, 3, 7);
    const unsigned blocks = 24, threads = 105;
    unsigned *out;
    std::vector<unsigned> seen(blocks * threads);
    HIP(hipMalloc(&out, seen.size() * 4));
    geometry<<<grid, block>>>(out);
    HIP(hipMemcpy(seen.data(), out, seen.size() * 4, hipMemcpyDeviceToHost));
    for (unsigned b = 0; b < blocks; ++b)
        for (unsigned t = 0; t < threads; ++t) CHECK(seen[b * threads + t] == b * 1000 + t);
    HIP(hipFree(out));
}

int main() {
    double *out, seen[128];
    HIP(hipMalloc(&out, sizeof(seen)));
    odd<<<1, 1>>>(-7, 2.125, -1000, 0.5f, true, 1ll << 40, Empty(), 200, out);
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    const double wanted[] = {-7, 2.125, -1000, 0.5, 1, (double)(1ll << 40), 200};
    for (int i = 0; i < 7; ++i) CHECK(seen[i] == wanted[i]);

    Large in;
    for (int i = 0; i < 100; ++i) in.values[i] = i / 8.0;
    in.tag = 3;
    in.count = 100;
    large<<<1, 128>>>(in, 4, out);
    in.count = 0; // arguments were copied when the kernel was launched
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 100; ++i) CHECK(seen[i] == i / 2.0 + 3);

    vectors<<<1, 1>>>(make_float4(1, 2, 3, 4.5f), make_int3(2, 3, 7), make_double2(1.5, 0.25), out);
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    CHECK(seen[0] == 10.5 && seen[1] == 42 && seen[2] == 1.25);

    generic<double, 9><<<1, 1>>>(out, 0.5);
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 9; ++i) CHECK(seen[i] == 0.5 * i);
    generic<short, 20><<<1, 1>>>((short *)out, (short)-3);
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    for (int i = 0; i < 20; ++i) CHECK(((short *)seen)[i] == -3 * i);
    HIP(hipFree(out));
    check_geometry();
    return verdict_close("arguments");
}
