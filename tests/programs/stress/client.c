// options: modules
// One client of many: argv is the folder of modules, a seed, and how many rounds. Each round allocates, copies,
// launches, waits and compares; what it has at its end, it leaves behind.
#include "verdict.h"

enum { MOST = 20000 };

static float x[MOST], y[MOST], seen[MOST];

static unsigned drawn(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void one_round(hipFunction_t saxpy, hipStream_t stream, unsigned *state) {
    int n = 1 + (int)(drawn(state) % MOST);
    float a = (float)(drawn(state) % 16);
    for (int i = 0; i < n; ++i) x[i] = (float)(drawn(state) % 64), y[i] = (float)(i % 64);
    hipDeviceptr_t on_x, on_y, left;
    HIP(hipMalloc(&on_x, n * sizeof(float)));
    HIP(hipMalloc(&on_y, n * sizeof(float)));
    HIP(hipMalloc(&left, 100 + n)); // never freed: the end of the client frees it
    HIP(hipMemcpyAsync(on_x, x, n * sizeof(float), hipMemcpyHostToDevice, stream));
    HIP(hipMemcpyAsync(on_y, y, n * sizeof(float), hipMemcpyHostToDevice, stream));
    void *arguments[] = {&a, &on_x, &on_y, &n};
    HIP(hipModuleLaunchKernel(saxpy, (n + 127) / 128, 1, 1, 128, 1, 1, 0, stream, arguments, NULL));
    HIP(hipMemcpyAsync(seen, on_y, n * sizeof(float), hipMemcpyDeviceToHost, stream));
    HIP(hipStreamSynchronize(stream));
    int wrong = 0;
    for (int i = 0; i < n; ++i) wrong += seen[i] != a * x[i] + y[i];
    CHECK(wrong == 0);
    HIP(hipFree(on_x));
    HIP(hipFree(on_y));
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    char path[4096];
    snprintf(path, sizeof(path), "%s/kernels.co", argv[1]);
    unsigned state = (unsigned)atoi(argv[2]) * 2654435761u + 1u;
    hipModule_t module;
    hipFunction_t saxpy;
    hipStream_t stream;
    void *pinned;
    HIP(hipModuleLoad(&module, path));
    HIP(hipModuleGetFunction(&saxpy, module, "saxpy"));
    HIP(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    HIP(hipHostMalloc(&pinned, 1 << 16, hipHostMallocDefault));
    for (int round = atoi(argv[3]); round > 0; --round) one_round(saxpy, stream, &state);
    return verdict_close("client");
}
