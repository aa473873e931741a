// HIP's arrays as memory: made, copied in and out by element, by box and by row.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int W = 24, H = 9;

__global__ void scale(float *values, int count, float by) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] *= by;
}

static void check_description(hipArray *array) {
    hipChannelFormatDesc desc = {};
    HIP(hipGetChannelDesc(&desc, array));
    CHECK(desc.x == 32 && desc.y == 0 && desc.z == 0 && desc.w == 0 && desc.f == hipChannelFormatKindFloat);
}

static void check_rows(hipArray *array, const std::vector<float> &image) {
    std::vector<float> box(5 * 3, -1.0f);
    HIP(hipMemcpy2DFromArray(box.data(), 5 * 4, array, 2 * 4, 4, 5 * 4, 3, hipMemcpyDeviceToHost));
    for (int y = 0; y < 3; ++y)
        for (int x = 0; x < 5; ++x) CHECK(box[y * 5 + x] == image[(y + 4) * W + x + 2]);
    for (float &value : box) value = -value;
    HIP(hipMemcpy2DToArray(array, 2 * 4, 4, box.data(), 5 * 4, 5 * 4, 3, hipMemcpyHostToDevice));
    std::vector<float> all(W * H);
    HIP(hipMemcpy2DFromArray(all.data(), W * 4, array, 0, 0, W * 4, H, hipMemcpyDeviceToHost));
    for (int y = 0; y < H; ++y)
        for (int x = 0; x < W; ++x) {
            bool inside = x >= 2 && x < 7 && y >= 4 && y < 7;
            CHECK(all[y * W + x] == (inside ? -image[y * W + x] : image[y * W + x]));
        }
}

static void check_line() {
    hipArray *line;
    hipChannelFormatDesc desc = hipCreateChannelDesc<unsigned char>();
    HIP(hipMallocArray(&line, &desc, 256, 1, hipArrayDefault));
    unsigned char in[256], out[256] = {};
    for (int i = 0; i < 256; ++i) in[i] = (unsigned char)(255 - i);
    HIP(hipMemcpyHtoA(line, 0, in, 256));
    HIP(hipMemcpyAtoH(out, line, 16, 100));
    for (int i = 0; i < 100; ++i) CHECK(out[i] == in[i + 16]);
    HIP(hipFreeArray(line));
}

static void check_volume() {
    hipArray *volume;
    hipChannelFormatDesc desc = hipCreateChannelDesc<int>();
    hipExtent extent = make_hipExtent(6, 4, 3);
    HIP(hipMalloc3DArray(&volume, &desc, extent, hipArrayDefault));
    std::vector<int> in(6 * 4 * 3), out(6 * 4 * 3, -1);
    for (size_t i = 0; i < in.size(); ++i) in[i] = (int)(i * i);
    hipMemcpy3DParms up = {};
    up.srcPtr = make_hipPitchedPtr(in.data(), 6 * 4, 6, 4);
    up.dstArray = volume;
    up.extent = extent; // in elements where an array is involved
    up.kind = hipMemcpyHostToDevice;
    HIP(hipMemcpy3D(&up));
    hipMemcpy3DParms down = {};
    down.srcArray = volume;
    down.dstPtr = make_hipPitchedPtr(out.data(), 6 * 4, 6, 4);
    down.extent = extent;
    down.kind = hipMemcpyDeviceToHost;
    HIP(hipMemcpy3D(&down));
    CHECK(in == out);
    HIP(hipFreeArray(volume));
}

int main() {
    std::vector<float> image(W * H);
    for (int i = 0; i < W * H; ++i) image[i] = 0.5f * i;
    float *on_device;
    HIP(hipMalloc(&on_device, W * H * 4));
    HIP(hipMemcpy(on_device, image.data(), W * H * 4, hipMemcpyHostToDevice));
    scale<<<1, 256>>>(on_device, W * H, 3.0f);
    for (float &value : image) value *= 3.0f;

    hipArray *array;
    hipChannelFormatDesc desc = hipCreateChannelDesc<float>();
    HIP(hipMallocArray(&array, &desc, W, H, hipArrayDefault));
    check_description(array);
    HIP(hipMemcpy2DToArray(array, 0, 0, on_device, W * 4, W * 4, H, hipMemcpyDeviceToDevice));
    check_rows(array, image);
    HIP(hipFreeArray(array));
    HIP(hipFree(on_device));
    check_line();
    check_volume();

    HIP_ARRAY_DESCRIPTOR descriptor = {};
    descriptor.Width = 8;
    descriptor.Height = 2;
    descriptor.Format = HIP_AD_FORMAT_SIGNED_INT32;
    descriptor.NumChannels = 4;
    hipArray *vectors;
    HIP(hipArrayCreate(&vectors, &descriptor));
    HIP(hipArrayDestroy(vectors));
    return verdict_close("arrays");
}
