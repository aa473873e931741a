// options: modules
// Modules from a file and from memory, functions and variables of them, both ways to give arguments.
#include <hip/hip_runtime.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "verdict.h"

constexpr int COUNT = 1000;

static void check_saxpy(hipModule_t module, bool packed) {
    std::vector<float> x(COUNT), y(COUNT), seen(COUNT);
    for (int i = 0; i < COUNT; ++i) x[i] = 0.5f * i, y[i] = 1.0f * (i % 7);
    hipFunction_t saxpy;
    HIP(hipModuleGetFunction(&saxpy, module, "saxpy"));
    float *on_x, *on_y, a = 3.0f;
    int n = COUNT;
    HIP(hipMalloc(&on_x, COUNT * 4));
    HIP(hipMalloc(&on_y, COUNT * 4));
    HIP(hipMemcpyHtoD(on_x, x.data(), COUNT * 4));
    HIP(hipMemcpyHtoD(on_y, y.data(), COUNT * 4));
    if (packed) {
        struct {
            float a;
            float *x, *y;
            int n;
        } arguments = {a, on_x, on_y, n};
        size_t size = sizeof(arguments);
        void *extra[] = {HIP_LAUNCH_PARAM_BUFFER_POINTER, &arguments, HIP_LAUNCH_PARAM_BUFFER_SIZE, &size,
                         HIP_LAUNCH_PARAM_END};
        HIP(hipModuleLaunchKernel(saxpy, (COUNT + 127) / 128, 1, 1, 128, 1, 1, 0, nullptr, nullptr, extra));
    } else {
        void *arguments[] = {&a, &on_x, &on_y, &n};
        HIP(hipModuleLaunchKernel(saxpy, (COUNT + 127) / 128, 1, 1, 128, 1, 1, 0, nullptr, arguments, nullptr));
    }
    HIP(hipMemcpyDtoH(seen.data(), on_y, COUNT * 4));
    for (int i = 0; i < COUNT; ++i) CHECK(seen[i] == 3.0f * x[i] + y[i]);
    HIP(hipFree(on_x));
    HIP(hipFree(on_y));
}

static void check_odd_arguments(hipModule_t module) {
    hipFunction_t function;
    HIP(hipModuleGetFunction(&function, module, "odd_arguments"));
    char c = -5;
    double d = 2.5;
    short s = -300;
    int *out, seen[5] = {};
    long long wide = (3ll << 32) + 9;
    HIP(hipMalloc(&out, sizeof(seen)));
    void *arguments[] = {&c, &d, &s, &out, &wide};
    HIP(hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr));
    HIP(hipMemcpyDtoH(seen, out, sizeof(seen)));
    CHECK(seen[0] == -5 && seen[1] == 2500 && seen[2] == -300 && seen[3] == 3 && seen[4] == 9);
    HIP(hipFree(out));
}

static void check_globals(hipModule_t module, int launched) {
    hipDeviceptr_t address = nullptr;
    size_t bytes = 0;
    int launches = -1;
    HIP(hipModuleGetGlobal(&address, &bytes, module, "launches"));
    CHECK(bytes == sizeof(int));
    HIP(hipMemcpyDtoH(&launches, address, bytes));
    CHECK(launches == launched);
    HIP_GIVES(hipErrorNotFound, hipModuleGetGlobal(&address, &bytes, module, "absent"));
    hipFunction_t function;
    HIP_GIVES(hipErrorNotFound, hipModuleGetFunction(&function, module, "absent"));
    (void)hipGetLastError();
}

int main(int, char **argv) {
    const std::string path = std::string(argv[1]) + "/kernels.co";
    std::ifstream file(path, std::ios::binary);
    std::vector<char> image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    CHECK(!image.empty());
    hipModule_t from_file, from_memory, with_options;
    HIP(hipModuleLoad(&from_file, path.c_str()));
    HIP(hipModuleLoadData(&from_memory, image.data()));
    HIP(hipModuleLoadDataEx(&with_options, image.data(), 0, nullptr, nullptr));
    check_saxpy(from_file, false);
    check_saxpy(from_file, true);
    check_saxpy(from_memory, false);
    check_globals(from_file, 2); // each module has variables of its own
    check_globals(from_memory, 1);
    check_globals(with_options, 0);
    check_odd_arguments(with_options);
    for (hipModule_t module : {from_file, from_memory, with_options}) HIP(hipModuleUnload(module));
    HIP_GIVES(hipErrorFileNotFound, hipModuleLoad(&from_file, "/nowhere/at/all.co"));
    std::vector<char> damaged(image.begin(), image.begin() + 20);
    damaged.resize(4096);
    CHECK(hipModuleLoadData(&from_memory, damaged.data()) != hipSuccess);
    (void)hipGetLastError();
    return verdict_close("module_api");
}
