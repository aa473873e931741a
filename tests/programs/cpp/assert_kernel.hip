// options: exit=1
// An assertion that holds changes nothing; one that fails ends the program, with its words on standard error.
#include <hip/hip_runtime.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <string>

#include "verdict.h"

extern char **environ;

__global__ void positive(const int *values, int count, int *sum) {
    for (int i = 0; i < count; ++i) {
        assert(values[i] > 0);
        *sum += values[i];
    }
}

static int run(int third) {
    int host[4] = {1, 2, third, 4}, *values, *sum, seen = 0;
    HIP(hipMalloc(&values, sizeof(host)));
    HIP(hipMalloc(&sum, sizeof(int)));
    HIP(hipMemset(sum, 0, sizeof(int)));
    HIP(hipMemcpy(values, host, sizeof(host), hipMemcpyHostToDevice));
    positive<<<1, 1>>>(values, 4, sum);
    hipError_t waited = hipDeviceSynchronize();
    if (waited != hipSuccess) return -1;
    HIP(hipMemcpy(&seen, sum, sizeof(int), hipMemcpyDeviceToHost));
    HIP(hipFree(values));
    HIP(hipFree(sum));
    return seen;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        int sum = run(-3);
        return sum == -1 ? 3 : 0; // real devices abort the process before this
    }
    CHECK(run(3) == 10);

    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) return 1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    char failing[] = "failing", *arguments[] = {argv[0], failing, nullptr};
    pid_t child;
    if (posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ) != 0) return 1;
    close(ends[1]);
    std::string words;
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) words.append(buffer, got);
    waitpid(child, &status, 0);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
    CHECK(words.find("values[i] > 0") != std::string::npos);
    CHECK(words.find("assert_kernel.hip") != std::string::npos);
    CHECK(run(5) == 12); // this process is as well as before
    return verdict_close("assert_kernel");
}
