// Memory in three dimensions: made, filled, boxes of it copied.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int W = 10, H = 7, D = 5;

__global__ void mark(char *base, size_t pitch) {
    int x = threadIdx.x, y = blockIdx.x, z = blockIdx.y;
    int *row = (int *)(base + (z * H + y) * pitch);
    row[x] += 10000 * z + 100 * y + x;
}

static hipMemcpy3DParms whole(hipPitchedPtr to, hipPitchedPtr from, hipMemcpyKind kind) {
    hipMemcpy3DParms parms = {};
    parms.srcPtr = from;
    parms.dstPtr = to;
    parms.extent = make_hipExtent(W * sizeof(int), H, D);
    parms.kind = kind;
    return parms;
}

static void check_box(hipPitchedPtr device) {
    std::vector<int> box(3 * 2 * 2, -1);
    hipMemcpy3DParms parms = {};
    parms.srcPtr = device;
    parms.srcPos = make_hipPos(4 * sizeof(int), 3, 1);
    parms.dstPtr = make_hipPitchedPtr(box.data(), 3 * sizeof(int), 3 * sizeof(int), 2);
    parms.extent = make_hipExtent(3 * sizeof(int), 2, 2);
    parms.kind = hipMemcpyDeviceToHost;
    HIP(hipMemcpy3DAsync(&parms, nullptr));
    HIP(hipStreamSynchronize(nullptr));
    for (int z = 0; z < 2; ++z)
        for (int y = 0; y < 2; ++y)
            for (int x = 0; x < 3; ++x)
                CHECK(box[(z * 2 + y) * 3 + x] == 1 + 10000 * (z + 1) + 100 * (y + 3) + x + 4);
}

static void check_driver_copy(hipPitchedPtr device, const std::vector<int> &expected) {
    std::vector<int> out(W * H * D, -1);
    HIP_MEMCPY3D parms = {};
    parms.srcMemoryType = hipMemoryTypeDevice;
    parms.srcDevice = device.ptr;
    parms.srcPitch = device.pitch;
    parms.srcHeight = H;
    parms.dstMemoryType = hipMemoryTypeHost;
    parms.dstHost = out.data();
    parms.dstPitch = W * sizeof(int);
    parms.dstHeight = H;
    parms.WidthInBytes = W * sizeof(int);
    parms.Height = H;
    parms.Depth = D;
    HIP(hipDrvMemcpy3D(&parms));
    CHECK(out == expected);
}

int main() {
    hipPitchedPtr device, other;
    hipExtent extent = make_hipExtent(W * sizeof(int), H, D);
    HIP(hipMalloc3D(&device, extent));
    HIP(hipMalloc3D(&other, extent));
    CHECK(device.pitch >= W * sizeof(int));
    std::vector<int> in(W * H * D, 1), out(W * H * D, -1), expected(W * H * D);
    for (int z = 0; z < D; ++z)
        for (int y = 0; y < H; ++y)
            for (int x = 0; x < W; ++x) expected[(z * H + y) * W + x] = 1 + 10000 * z + 100 * y + x;
    auto host = [](std::vector<int> &v) { return make_hipPitchedPtr(v.data(), W * sizeof(int), W * sizeof(int), H); };

    hipMemcpy3DParms up = whole(device, host(in), hipMemcpyHostToDevice);
    HIP(hipMemcpy3D(&up));
    mark<<<dim3(H, D), W>>>((char *)device.ptr, device.pitch);
    hipMemcpy3DParms across = whole(other, device, hipMemcpyDeviceToDevice);
    HIP(hipMemcpy3D(&across));
    hipMemcpy3DParms down = whole(host(out), other, hipMemcpyDeviceToHost);
    HIP(hipMemcpy3D(&down));
    CHECK(out == expected);
    check_box(device);
    check_driver_copy(device, expected);

    HIP(hipMemset3D(device, 0x33, extent));
    HIP(hipMemset3DAsync(device, 0x44, make_hipExtent(8, 2, 1), nullptr));
    hipMemcpy3DParms filled = whole(host(out), device, hipMemcpyDeviceToHost);
    HIP(hipMemcpy3D(&filled));
    for (int z = 0; z < D; ++z)
        for (int y = 0; y < H; ++y)
            for (int x = 0; x < W; ++x)
                CHECK(out[(z * H + y) * W + x] == (z < 1 && y < 2 && x < 2 ? 0x44444444 : 0x33333333));
    HIP(hipFree(device.ptr));
    HIP(hipFree(other.ptr));
    return verdict_close("volumes");
}
