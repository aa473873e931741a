// What the programs share: an unexpected error ends a program at once, wrong results are counted and named,
// one closing line says what came of it. For C and C++.
#pragma once
#include <hip/hip_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int verdict_checks = 0;
static int verdict_wrong = 0;

static inline void verdict_require(hipError_t got, const char *call, const char *file, int line) {
    if (got == hipSuccess) return;
    fprintf(stderr, "%s:%d: %s gave %s (%d)\n", file, line, call, hipGetErrorName(got), (int)got);
    exit(1);
}

static inline void verdict_check(int good, const char *what, const char *file, int line) {
    ++verdict_checks;
    if (good) return;
    ++verdict_wrong;
    if (verdict_wrong <= 20) fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
}

static inline void verdict_equal_error(hipError_t got, hipError_t wanted, const char *call, const char *file, int line) {
    ++verdict_checks;
    if (got == wanted) return;
    ++verdict_wrong;
    fprintf(stderr, "%s:%d: %s gave %s, not %s\n", file, line, call, hipGetErrorName(got), hipGetErrorName(wanted));
}

// The call must succeed, else the program ends here.
#define HIP(call) verdict_require((call), #call, __FILE__, __LINE__)
// The call must give just this error.
#define HIP_GIVES(wanted, call) verdict_equal_error((call), (wanted), #call, __FILE__, __LINE__)
// The condition must hold; the program goes on.
#define CHECK(condition) verdict_check(!!(condition), #condition, __FILE__, __LINE__)

static inline int verdict_close(const char *name) {
    if (verdict_checks == 0) ++verdict_wrong; // a program that checked nothing proves nothing
    printf("%s: %d checks, %d wrong: %s\n", name, verdict_checks, verdict_wrong, verdict_wrong ? "WRONG" : "RIGHT");
    return verdict_wrong ? 1 : 0;
}
