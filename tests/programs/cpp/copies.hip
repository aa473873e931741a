// Copies of all kinds and directions, whole and in odd pieces, at once and later.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int COUNT = 5001;

__global__ void invert(unsigned char *bytes, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) bytes[at] = ~bytes[at];
}

static std::vector<unsigned char> pattern(int seed) {
    std::vector<unsigned char> bytes(COUNT);
    for (int i = 0; i < COUNT; ++i) bytes[i] = (unsigned char)(i * 31 + (i >> 8) * 7 + seed);
    return bytes;
}

static void check_pieces(unsigned char *a) {
    std::vector<unsigned char> in = pattern(3), out(COUNT, 0);
    for (int at = 0, size = 1; at < COUNT; at += size, size = size * 2 + 1) {
        int bytes = size < COUNT - at ? size : COUNT - at;
        HIP(hipMemcpy(a + at, in.data() + at, bytes, hipMemcpyHostToDevice));
    }
    for (int at = 0; at < COUNT; at += 333) {
        int bytes = 333 < COUNT - at ? 333 : COUNT - at;
        HIP(hipMemcpy(out.data() + at, a + at, bytes, hipMemcpyDeviceToHost));
    }
    CHECK(in == out);
    HIP(hipMemcpy(out.data(), a, 0, hipMemcpyDeviceToHost)); // nothing
}

static void check_driver_names(unsigned char *a, unsigned char *b, hipStream_t stream) {
    std::vector<unsigned char> in = pattern(9), out(COUNT, 0);
    HIP(hipMemcpyHtoD(a, in.data(), COUNT));
    HIP(hipMemcpyDtoD(b, a, COUNT));
    HIP(hipMemcpyDtoH(out.data(), b, COUNT));
    CHECK(in == out);
    in = pattern(10);
    HIP(hipMemcpyHtoDAsync(a, in.data(), COUNT, stream));
    HIP(hipMemcpyDtoDAsync(b, a, COUNT, stream));
    HIP(hipMemcpyDtoHAsync(out.data(), b, COUNT, stream));
    HIP(hipStreamSynchronize(stream));
    CHECK(in == out);
}

static void check_peer(unsigned char *a, unsigned char *b, hipStream_t stream) {
    std::vector<unsigned char> in = pattern(20), out(COUNT, 0);
    int can = -1;
    HIP(hipDeviceCanAccessPeer(&can, 0, 0));
    CHECK(can == 0); // a device is no peer of itself
    HIP(hipMemcpy(a, in.data(), COUNT, hipMemcpyDefault));
    HIP(hipMemcpyPeer(b, 0, a, 0, COUNT));
    HIP(hipMemset(a, 0, COUNT));
    HIP(hipMemcpyPeerAsync(a, 0, b, 0, COUNT, stream));
    HIP(hipStreamSynchronize(stream));
    HIP(hipMemcpy(out.data(), a, COUNT, hipMemcpyDefault));
    CHECK(in == out);
}

int main() {
    unsigned char *a, *b;
    hipStream_t stream;
    HIP(hipStreamCreate(&stream));
    HIP(hipMalloc(&a, COUNT));
    HIP(hipMalloc(&b, COUNT));
    std::vector<unsigned char> in = pattern(1), out(COUNT, 0), copy(COUNT, 0);
    HIP(hipMemcpy(a, in.data(), COUNT, hipMemcpyHostToDevice));
    invert<<<(COUNT + 255) / 256, 256>>>(a, COUNT);
    HIP(hipMemcpy(b, a, COUNT, hipMemcpyDeviceToDevice));
    HIP(hipMemcpy(out.data(), b, COUNT, hipMemcpyDeviceToHost));
    HIP(hipMemcpy(copy.data(), out.data(), COUNT, hipMemcpyHostToHost));
    for (int i = 0; i < COUNT; ++i) CHECK(copy[i] == (unsigned char)~in[i]);

    HIP(hipMemcpyAsync(a, in.data(), COUNT, hipMemcpyHostToDevice, stream));
    invert<<<(COUNT + 255) / 256, 256, 0, stream>>>(a, COUNT);
    invert<<<(COUNT + 255) / 256, 256, 0, stream>>>(a, COUNT);
    HIP(hipMemcpyAsync(b, a, COUNT, hipMemcpyDeviceToDevice, stream));
    HIP(hipMemcpyAsync(out.data(), b, COUNT, hipMemcpyDefault, stream));
    HIP(hipStreamSynchronize(stream));
    CHECK(out == in);
    in = pattern(2);
    HIP(hipMemcpyWithStream(a, in.data(), COUNT, hipMemcpyHostToDevice, stream));
    HIP(hipMemcpyWithStream(out.data(), a, COUNT, hipMemcpyDeviceToHost, stream)); // has happened when it returns
    CHECK(out == in);
    check_pieces(a);
    check_driver_names(a, b, stream);
    check_peer(a, b, stream);

    HIP_GIVES(hipErrorInvalidValue, hipMemcpy(nullptr, a, COUNT, hipMemcpyDeviceToHost));
    HIP_GIVES(hipErrorInvalidValue, hipMemcpy(a, in.data(), COUNT + 1, hipMemcpyHostToDevice));
    HIP_GIVES(hipErrorInvalidMemcpyDirection, hipMemcpy(a, b, COUNT, (hipMemcpyKind)17));
    (void)hipGetLastError();
    HIP(hipFree(a));
    HIP(hipFree(b));
    HIP(hipStreamDestroy(stream));
    return verdict_close("copies");
}
