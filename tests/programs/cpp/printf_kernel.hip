// printf from kernels goes to the program's own standard output, and comes when the device is waited for.
#include <hip/hip_runtime.h>

#include <unistd.h>

#include <string>

#include "verdict.h"

__global__ void say(const char *, int count, double value) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) printf("line %d of %d: %.3f %s %c%%\n", at, count, value * at, at % 2 ? "odd" : "even", 'a' + at);
}

__global__ void quiet(int *out) {
    int wanted = printf("%s", "");
    *out = wanted;
}

// What this program's standard output got while `work` ran.
template <typename Work>
static std::string captured(Work work) {
    fflush(stdout);
    int saved = dup(1), ends[2];
    if (pipe(ends) != 0) exit(1);
    dup2(ends[1], 1);
    close(ends[1]);
    work();
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) text.append(buffer, got);
    close(ends[0]);
    return text;
}

int main() {
    std::string text = captured([] {
        say<<<2, 8>>>(nullptr, 12, 0.25);
        HIP(hipDeviceSynchronize());
    });
    int lines = 0;
    for (char c : text) lines += c == '\n';
    CHECK(lines == 12);
    for (int at = 0; at < 12; ++at) {
        char wanted[100];
        snprintf(wanted, sizeof(wanted), "line %d of 12: %.3f %s %c%%\n", at, 0.25 * at, at % 2 ? "odd" : "even", 'a' + at);
        CHECK(text.find(wanted) != std::string::npos);
    }
    int *out, seen = -1;
    HIP(hipMalloc(&out, sizeof(int)));
    quiet<<<1, 1>>>(out);
    HIP(hipMemcpy(&seen, out, sizeof(int), hipMemcpyDeviceToHost));
    CHECK(seen == 0);
    HIP(hipFree(out));
    return verdict_close("printf_kernel");
}
