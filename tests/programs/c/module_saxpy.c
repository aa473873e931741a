// options: modules
// A host in C, by the driver's names: a module from memory, a global of it, arguments both ways.
#include "verdict.h"

enum { COUNT = 3000 };

static void *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    void *image = malloc(size);
    size_t got = fread(image, 1, size, file);
    fclose(file);
    return got == (size_t)size ? image : NULL;
}

static void launch_packed(hipFunction_t function, float a, hipDeviceptr_t x, hipDeviceptr_t y, int n) {
    struct {
        float a;
        hipDeviceptr_t x, y;
        int n;
    } packed = {a, x, y, n};
    size_t size = sizeof(packed);
    void *extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, &packed, HIP_LAUNCH_PARAM_BUFFER_SIZE, &size,
                     HIP_LAUNCH_PARAM_END};
    HIP(hipModuleLaunchKernel(function, (n + 63) / 64, 1, 1, 64, 1, 1, 0, NULL, NULL, extra));
}

int main(int argc, char **argv) {
    char path[4096];
    if (argc < 2) return 2;
    snprintf(path, sizeof(path), "%s/kernels.co", argv[1]);
    void *image = read_file(path);
    CHECK(image != NULL);
    HIP(hipInit(0));
    hipModule_t module;
    hipFunction_t saxpy;
    HIP(hipModuleLoadData(&module, image));
    free(image); // the module does not need it any longer
    HIP(hipModuleGetFunction(&saxpy, module, "saxpy"));

    float x[COUNT], y[COUNT], seen[COUNT], a = -1.5f;
    int n = COUNT;
    for (int i = 0; i < COUNT; ++i) x[i] = (float)(i % 100), y[i] = 0.25f * (float)i;
    hipDeviceptr_t on_x, on_y;
    HIP(hipMalloc(&on_x, sizeof(x)));
    HIP(hipMalloc(&on_y, sizeof(y)));
    HIP(hipMemcpyHtoD(on_x, x, sizeof(x)));
    HIP(hipMemcpyHtoD(on_y, y, sizeof(y)));
    void *arguments[] = {&a, &on_x, &on_y, &n};
    HIP(hipModuleLaunchKernel(saxpy, (COUNT + 63) / 64, 1, 1, 64, 1, 1, 0, NULL, arguments, NULL));
    launch_packed(saxpy, 2.0f, on_x, on_y, COUNT);
    HIP(hipMemcpyDtoH(seen, on_y, sizeof(seen)));
    int wrong = 0;
    for (int i = 0; i < COUNT; ++i) wrong += seen[i] != y[i] - 1.5f * x[i] + 2.0f * x[i];
    CHECK(wrong == 0);

    hipDeviceptr_t global;
    size_t bytes = 0;
    int launches = 0;
    HIP(hipModuleGetGlobal(&global, &bytes, module, "launches"));
    HIP(hipMemcpyDtoH(&launches, global, sizeof(launches)));
    CHECK(bytes == sizeof(int) && launches == 2);
    HIP(hipFree(on_x));
    HIP(hipFree(on_y));
    HIP(hipModuleUnload(module));
    return verdict_close("module_saxpy");
}
