// Rows with a pitch: made, filled, copied in all directions, on the host's side with a pitch of its own.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int WIDTH = 37, HEIGHT = 11, HOST_PITCH = 50;

__global__ void mark(int *rows, size_t pitch, int width, int height) {
    int x = threadIdx.x, y = blockIdx.x;
    if (x < width && y < height) {
        int *row = (int *)((char *)rows + y * pitch);
        row[x] = row[x] * 2 + 1000 * y + x;
    }
}

static void check_rows(const std::vector<int> &rows, int fill) {
    for (int y = 0; y < HEIGHT; ++y) {
        for (int x = 0; x < WIDTH; ++x) CHECK(rows[y * HOST_PITCH + x] == 2 * fill + 1000 * y + x);
        for (int x = WIDTH; x < HOST_PITCH; ++x) CHECK(rows[y * HOST_PITCH + x] == -7);
    }
}

static void check_memset(int *rows, size_t pitch) {
    std::vector<int> seen(WIDTH * HEIGHT);
    HIP(hipMemset2D(rows, pitch, 0x11, WIDTH * 4, HEIGHT));
    HIP(hipMemset2DAsync(rows, pitch, 0x22, 8, 3, nullptr));
    HIP(hipMemcpy2D(seen.data(), WIDTH * 4, rows, pitch, WIDTH * 4, HEIGHT, hipMemcpyDeviceToHost));
    for (int y = 0; y < HEIGHT; ++y)
        for (int x = 0; x < WIDTH; ++x) CHECK(seen[y * WIDTH + x] == (y < 3 && x < 2 ? 0x22222222 : 0x11111111));
}

static void check_params(int *rows, size_t pitch) {
    std::vector<int> in(HOST_PITCH * HEIGHT), out(HOST_PITCH * HEIGHT, -7);
    for (size_t i = 0; i < in.size(); ++i) in[i] = (int)i;
    hip_Memcpy2D up = {};
    up.srcMemoryType = hipMemoryTypeHost;
    up.srcHost = in.data();
    up.srcPitch = HOST_PITCH * 4;
    up.srcXInBytes = 8;
    up.srcY = 1;
    up.dstMemoryType = hipMemoryTypeDevice;
    up.dstDevice = rows;
    up.dstPitch = pitch;
    up.WidthInBytes = 20;
    up.Height = 4;
    HIP(hipMemcpyParam2D(&up));
    hip_Memcpy2D down = {};
    down.srcMemoryType = hipMemoryTypeDevice;
    down.srcDevice = rows;
    down.srcPitch = pitch;
    down.dstMemoryType = hipMemoryTypeHost;
    down.dstHost = out.data();
    down.dstPitch = HOST_PITCH * 4;
    down.WidthInBytes = 20;
    down.Height = 4;
    HIP(hipMemcpyParam2DAsync(&down, nullptr));
    HIP(hipStreamSynchronize(nullptr));
    for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 5; ++x) CHECK(out[y * HOST_PITCH + x] == in[(y + 1) * HOST_PITCH + x + 2]);
}

int main() {
    int *rows, *others;
    size_t pitch = 0, other_pitch = 0;
    HIP(hipMallocPitch((void **)&rows, &pitch, WIDTH * sizeof(int), HEIGHT));
    CHECK(pitch >= WIDTH * sizeof(int));
    HIP(hipMemAllocPitch((hipDeviceptr_t *)&others, &other_pitch, WIDTH * sizeof(int), HEIGHT, 4));
    std::vector<int> host(HOST_PITCH * HEIGHT, 5), back(HOST_PITCH * HEIGHT, -7);
    HIP(hipMemcpy2D(rows, pitch, host.data(), HOST_PITCH * 4, WIDTH * 4, HEIGHT, hipMemcpyHostToDevice));
    mark<<<HEIGHT, 64>>>(rows, pitch, WIDTH, HEIGHT);
    HIP(hipMemcpy2D(others, other_pitch, rows, pitch, WIDTH * 4, HEIGHT, hipMemcpyDeviceToDevice));
    HIP(hipMemcpy2D(back.data(), HOST_PITCH * 4, others, other_pitch, WIDTH * 4, HEIGHT, hipMemcpyDeviceToHost));
    check_rows(back, 5);

    std::vector<int> moved(HOST_PITCH * HEIGHT, -7);
    HIP(hipMemcpy2D(moved.data(), HOST_PITCH * 4, back.data(), HOST_PITCH * 4, WIDTH * 4, HEIGHT, hipMemcpyHostToHost));
    check_rows(moved, 5);
    hipStream_t stream;
    HIP(hipStreamCreate(&stream));
    std::vector<int> later(HOST_PITCH * HEIGHT, -7);
    HIP(hipMemcpy2DAsync(rows, pitch, host.data(), HOST_PITCH * 4, WIDTH * 4, HEIGHT, hipMemcpyDefault, stream));
    mark<<<HEIGHT, 64, 0, stream>>>(rows, pitch, WIDTH, HEIGHT);
    HIP(hipMemcpy2DAsync(later.data(), HOST_PITCH * 4, rows, pitch, WIDTH * 4, HEIGHT, hipMemcpyDefault, stream));
    HIP(hipStreamSynchronize(stream));
    check_rows(later, 5);
    HIP_GIVES(hipErrorInvalidPitchValue,
              hipMemcpy2D(rows, 8, host.data(), HOST_PITCH * 4, WIDTH * 4, HEIGHT, hipMemcpyHostToDevice));
    (void)hipGetLastError();
    check_memset(rows, pitch);
    check_params(rows, pitch);
    HIP(hipStreamDestroy(stream));
    HIP(hipFree(rows));
    HIP(hipFree(others));
    return verdict_close("pitched");
}
