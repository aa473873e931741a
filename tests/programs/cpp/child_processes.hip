// Processes that start others: each has a context of its own; a fork without exec has none.
#include <hip/hip_runtime.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "verdict.h"

extern char **environ;

constexpr int COUNT = 256;

__device__ int variable = 1;

__global__ void fill(int *values, int seed) { values[threadIdx.x] = seed * threadIdx.x + variable; }

__global__ void count_up() { variable += 1; }

// Right only if no other process has touched this one's memory or variables.
static int work(int seed) {
    int *block, wrong = 0;
    std::vector<int> seen(COUNT);
    HIP(hipMalloc(&block, COUNT * 4));
    for (int round = 1; round < 6; ++round) {
        fill<<<1, COUNT>>>(block, seed);
        count_up<<<1, 1>>>();
        HIP(hipMemcpy(seen.data(), block, COUNT * 4, hipMemcpyDeviceToHost));
        for (int i = 0; i < COUNT; ++i) wrong += seen[i] != seed * i + round;
    }
    HIP(hipFree(block));
    return wrong;
}

static int status_of(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv) {
    if (argc > 1) return work(atoi(argv[1])) == 0 ? 0 : 1;
    int *mine, seen[COUNT] = {};
    HIP(hipMalloc(&mine, sizeof(seen)));
    HIP(hipMemset(mine, 1, sizeof(seen)));
    std::vector<pid_t> children(4);
    for (size_t i = 0; i < children.size(); ++i) {
        std::string seed = std::to_string(i + 2);
        char *arguments[] = {argv[0], seed.data(), nullptr};
        if (posix_spawn(&children[i], "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0) return 1;
    }
    CHECK(work(9) == 0);
    for (pid_t child : children) CHECK(status_of(child) == 0);
    HIP(hipMemcpy(seen, mine, sizeof(seen), hipMemcpyDeviceToHost));
    for (int value : seen) CHECK(value == 0x01010101);

    pid_t forked = fork(); // HIP cannot be used there, and must say so instead of hanging
    if (forked == 0) _exit(hipMemset(mine, 0, sizeof(seen)) != hipSuccess && hipDeviceSynchronize() != hipSuccess ? 7 : 8);
    CHECK(status_of(forked) == 7);
    CHECK(work(10) != 0); // the variable goes on counting here: five rounds have passed
    HIP(hipMemcpy(seen, mine, sizeof(seen), hipMemcpyDeviceToHost));
    for (int value : seen) CHECK(value == 0x01010101);
    HIP(hipFree(mine));
    return verdict_close("child_processes");
}
