// options: modules
// A host in C with two streams, events, pinned memory, and constants of a module that it changes.
#include "verdict.h"

enum { ROWS = 33, WIDTH = 250, COUNT = 512 };

static hipFunction_t function_of(hipModule_t module, const char *name) {
    hipFunction_t function;
    HIP(hipModuleGetFunction(&function, module, name));
    return function;
}

static void check_sums(hipModule_t module, hipStream_t stream) {
    float *in, *sums;
    hipDeviceptr_t on_in, on_sums;
    int width = WIDTH;
    HIP(hipHostMalloc((void **)&in, ROWS * WIDTH * sizeof(float), hipHostMallocDefault));
    HIP(hipHostMalloc((void **)&sums, ROWS * sizeof(float), hipHostMallocDefault));
    for (int i = 0; i < ROWS * WIDTH; ++i) in[i] = (float)(i % 16);
    HIP(hipMalloc(&on_in, ROWS * WIDTH * sizeof(float)));
    HIP(hipMalloc(&on_sums, ROWS * sizeof(float)));
    HIP(hipMemcpyHtoDAsync(on_in, in, ROWS * WIDTH * sizeof(float), stream));
    void *arguments[] = {&on_in, &on_sums, &width};
    HIP(hipModuleLaunchKernel(function_of(module, "row_sums"), ROWS, 1, 1, 128, 1, 1, 128 * 4, stream, arguments, NULL));
    HIP(hipMemcpyDtoHAsync(sums, on_sums, ROWS * sizeof(float), stream));
    HIP(hipStreamSynchronize(stream));
    for (int row = 0; row < ROWS; ++row) {
        float wanted = 0.0f;
        for (int i = 0; i < WIDTH; ++i) wanted += in[row * WIDTH + i];
        CHECK(sums[row] == wanted);
    }
    HIP(hipFree(on_in));
    HIP(hipFree(on_sums));
    HIP(hipHostFree(in));
    HIP(hipHostFree(sums));
}

static void check_polynomial(hipModule_t module, hipStream_t stream, hipEvent_t ready) {
    float x[COUNT], seen[COUNT], coefficients[4] = {-1.0f, 2.0f, 0.5f, 0.25f};
    hipDeviceptr_t on_x, on_y, constants;
    size_t bytes;
    int n = COUNT;
    for (int i = 0; i < COUNT; ++i) x[i] = (float)(i % 20) - 10.0f;
    HIP(hipModuleGetGlobal(&constants, &bytes, module, "coefficients"));
    CHECK(bytes == sizeof(coefficients));
    HIP(hipMemcpyHtoD(constants, coefficients, sizeof(coefficients)));
    HIP(hipMalloc(&on_x, sizeof(x)));
    HIP(hipMalloc(&on_y, sizeof(x)));
    HIP(hipMemcpyHtoD(on_x, x, sizeof(x)));
    HIP(hipEventRecord(ready, NULL));
    HIP(hipStreamWaitEvent(stream, ready, 0));
    void *arguments[] = {&on_x, &on_y, &n};
    HIP(hipModuleLaunchKernel(function_of(module, "polynomial"), 2, 1, 1, 256, 1, 1, 0, stream, arguments, NULL));
    HIP(hipStreamSynchronize(stream));
    HIP(hipMemcpyDtoH(seen, on_y, sizeof(seen)));
    int wrong = 0;
    for (int i = 0; i < COUNT; ++i) wrong += seen[i] != -1.0f + x[i] * (2.0f + x[i] * (0.5f + x[i] * 0.25f));
    CHECK(wrong == 0);
    HIP(hipFree(on_x));
    HIP(hipFree(on_y));
}

int main(int argc, char **argv) {
    char path[4096];
    if (argc < 2) return 2;
    snprintf(path, sizeof(path), "%s/bundle.hipfb", argv[1]);
    hipModule_t module;
    hipStream_t stream;
    hipEvent_t ready;
    HIP(hipModuleLoad(&module, path));
    HIP(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    HIP(hipEventCreateWithFlags(&ready, hipEventDisableTiming));
    check_sums(module, stream);
    check_polynomial(module, stream, ready);
    HIP(hipEventDestroy(ready));
    HIP(hipStreamDestroy(stream));
    HIP(hipModuleUnload(module));
    return verdict_close("reduce_async");
}
