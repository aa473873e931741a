// options: link=hiprtc
// Kernels compiled while the program runs: names of templates, options, logs of errors. No device code here.
#include <hip/hip_runtime_api.h>
#include <hip/hiprtc.h>

#include <string>
#include <vector>

#include "verdict.h"

#define RTC(call)                                                                                              \
    do {                                                                                                       \
        hiprtcResult got = (call);                                                                             \
        if (got != HIPRTC_SUCCESS) {                                                                           \
            fprintf(stderr, "%s:%d: %s gave %s\n", __FILE__, __LINE__, #call, hiprtcGetErrorString(got));      \
            exit(1);                                                                                           \
        }                                                                                                      \
    } while (0)

static const char *SOURCE = R"(
#include "scale.h"
template <typename T, int N>
__global__ void power(T *values, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= count) return;
    T x = SCALE * values[at], result = 1;
    for (int i = 0; i < N; ++i) result *= x;
    values[at] = result + OFFSET;
}
extern "C" __global__ void plain(float *values) { values[threadIdx.x] = threadIdx.x * 0.5f; }
__constant__ int table[4] = {3, 1, 4, 1};
)";

static std::string log_of(hiprtcProgram program) {
    size_t size = 0;
    RTC(hiprtcGetProgramLogSize(program, &size));
    std::string log(size, '\0');
    if (size > 0) RTC(hiprtcGetProgramLog(program, log.data()));
    return log;
}

static std::vector<char> code_of(hiprtcProgram program) {
    size_t size = 0;
    RTC(hiprtcGetCodeSize(program, &size));
    std::vector<char> code(size);
    RTC(hiprtcGetCode(program, code.data()));
    return code;
}

static void run(hipModule_t module, const char *cubes) {
    const int count = 200;
    double host[count], *values;
    float floats[64], *on_floats;
    hipFunction_t function;
    int n = count;
    for (int i = 0; i < count; ++i) host[i] = i;
    HIP(hipMalloc(&values, sizeof(host)));
    HIP(hipMalloc(&on_floats, sizeof(floats)));
    HIP(hipMemcpyHtoD(values, host, sizeof(host)));
    HIP(hipModuleGetFunction(&function, module, cubes));
    void *arguments[] = {&values, &n};
    HIP(hipModuleLaunchKernel(function, 4, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr));
    HIP(hipMemcpyDtoH(host, values, sizeof(host)));
    for (int i = 0; i < count; ++i) CHECK(host[i] == 8.0 * i * i * i + 7);
    HIP(hipModuleGetFunction(&function, module, "plain"));
    void *of_plain[] = {&on_floats};
    HIP(hipModuleLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, nullptr, of_plain, nullptr));
    HIP(hipMemcpyDtoH(floats, on_floats, sizeof(floats)));
    for (int i = 0; i < 64; ++i) CHECK(floats[i] == 0.5f * i);
    HIP(hipFree(values));
    HIP(hipFree(on_floats));
}

static void check_failure() {
    hiprtcProgram program;
    RTC(hiprtcCreateProgram(&program, "__global__ void k() { undeclared_name = 1; }", "bad.hip", 0, nullptr, nullptr));
    CHECK(hiprtcCompileProgram(program, 0, nullptr) == HIPRTC_ERROR_COMPILATION);
    CHECK(log_of(program).find("undeclared_name") != std::string::npos);
    RTC(hiprtcDestroyProgram(&program));
}

int main() {
    int major = 0, minor = 0;
    RTC(hiprtcVersion(&major, &minor));
    CHECK(major >= 1);
    hipDeviceProp_t props;
    HIP(hipGetDeviceProperties(&props, 0));
    const std::string arch = std::string("--offload-arch=") + props.gcnArchName;
    const char *header = "#define SCALE 2\n", *header_name = "scale.h";
    hiprtcProgram program;
    RTC(hiprtcCreateProgram(&program, SOURCE, "power.hip", 1, &header, &header_name));
    RTC(hiprtcAddNameExpression(program, "power<double, 3>"));
    RTC(hiprtcAddNameExpression(program, "&table"));
    const char *options[] = {arch.c_str(), "-DOFFSET=7", "-O2"};
    if (hiprtcCompileProgram(program, 3, options) != HIPRTC_SUCCESS) {
        fprintf(stderr, "%s\n", log_of(program).c_str());
        return 1;
    }
    const char *cubes = nullptr, *table = nullptr;
    RTC(hiprtcGetLoweredName(program, "power<double, 3>", &cubes));
    RTC(hiprtcGetLoweredName(program, "&table", &table));
    std::vector<char> code = code_of(program);
    hipModule_t module;
    HIP(hipModuleLoadData(&module, code.data()));
    hipDeviceptr_t on_table;
    size_t bytes = 0;
    int seen[4] = {};
    HIP(hipModuleGetGlobal(&on_table, &bytes, module, table));
    HIP(hipMemcpyDtoH(seen, on_table, sizeof(seen)));
    CHECK(bytes == 16 && seen[0] == 3 && seen[2] == 4);
    run(module, cubes);
    RTC(hiprtcDestroyProgram(&program));
    HIP(hipModuleUnload(module));
    check_failure();
    return verdict_close("hiprtc_compile");
}
