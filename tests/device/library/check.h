/* For the C programs of these tests: what is not as expected is named, and the program fails. */
#ifndef CHECK_H
#define CHECK_H

#define __HIP_PLATFORM_AMD__
#include <hip/hip_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong;

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            wrong++; \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        } \
    } while (0)

#define RETURNS(expected, call) \
    do { \
        int got_ = (int)(call), expected_ = (int)(expected); \
        if (got_ != expected_) { \
            wrong++; \
            printf("%s:%d: %s returned %d, not %d\n", __FILE__, __LINE__, #call, got_, expected_); \
        } \
    } while (0)

#define GOOD(call) RETURNS(hipSuccess, call)

#endif
