/* What libhipblas and librocblas share: one record for every operation, and the functions' forms as macros. Their
 * functions differ in names and status codes only. Computed in the device process (rocverify/device/hip/blas.py). */
#ifndef ROCVERIFY_BLAS_H
#define ROCVERIFY_BLAS_H

#include "client.h"

/* What happened, before each library puts it into its own codes. */
enum rv_blas_status {
    BLAS_OK,
    BLAS_NO_HANDLE,
    BLAS_POINTER,
    BLAS_SIZE,
    BLAS_ENUM,
    BLAS_NOT_SUPPORTED,
    BLAS_MEMORY,
    BLAS_FAILED,
};

/* Element types, in the numbering of hipDataType. */
enum rv_blas_type {
    R_32F = 0,
    R_64F = 1,
    R_16F = 2,
    R_8I = 3,
    C_32F = 4,
    C_64F = 5,
    R_32I = 10,
    R_16BF = 14,
    NO_TYPE = -1
};

enum rv_blas_operation {
    BLAS_GEMM,
    BLAS_GEMV,
    BLAS_AXPY,
    BLAS_SCAL,
    BLAS_DOT,
    BLAS_NRM2,
    BLAS_COPY,
    BLAS_SWAP,
    BLAS_ASUM
};
enum rv_blas_batching { SINGLE, BATCHED, STRIDED };
enum { BLAS_HOST, BLAS_DEVICE };
enum { OP_N = 111, OP_T = 112, OP_C = 113 };

typedef struct rv_blas_handle {
    unsigned magic;
    int pointer_mode, atomics, math, metric, numerics;
    void *stream;
} rv_blas_handle;

/* A matrix, or a vector (`step` is then its increment); `stride` in elements between those of a strided batch. */
struct rv_operand {
    const void *at;
    int type;
    int64_t step, stride;
};

struct rv_blas_job {
    const char *name;
    enum rv_blas_operation operation;
    enum rv_blas_batching batching;
    int64_t batch;
    int compute, transpose_a, transpose_b, conjugate;
    int64_t m, n, k;
    struct rv_operand a, b, c, d;
    const void *alpha, *beta;
    int alpha_type;
    void *result;
    int result_type;
};

bool rv_blas_alive(const void *handle);
enum rv_blas_status rv_blas_create(void **handle);
enum rv_blas_status rv_blas_destroy(void *handle);
enum rv_blas_status rv_blas_run(void *handle, struct rv_blas_job job);
/* A copy of `columns` columns of `rows` elements between host and device; `kind` 1 to the device, 2 from it. */
enum rv_blas_status rv_blas_copy(int64_t rows, int64_t columns, int64_t element, const void *from, int64_t from_step,
                                 void *to, int64_t to_step, int kind, bool async, void *stream);
int rv_blas_type_of(int type);              /* of hipDataType's or the older numbering (150...); NO_TYPE */
int rv_blas_computed(int compute, int a_type); /* of hipblasComputeType_t or the older numbering */

#define MATRIX(pointer, type, leading, stride) ((struct rv_operand){pointer, type, leading, stride})

/* Each form: the function's name, its integer type, element types. STATUS is the library's translation. */
#define GEMM(NAME, INT, T) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, INT lda, \
                    const void *b, INT ldb, const void *beta, void *c, INT ldc) { \
        return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
            #NAME, BLAS_GEMM, SINGLE, 1, T, ta, tb, 0, m, n, k, MATRIX(a, T, lda, 0), MATRIX(b, T, ldb, 0), \
            MATRIX(c, T, ldc, 0), MATRIX(c, T, ldc, 0), alpha, beta, T, NULL, 0})); \
    }
#define GEMM_BATCHED(NAME, INT, T) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, INT lda, \
                    const void *b, INT ldb, const void *beta, void *c, INT ldc, INT batch) { \
        return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
            #NAME, BLAS_GEMM, BATCHED, batch, T, ta, tb, 0, m, n, k, MATRIX(a, T, lda, 0), MATRIX(b, T, ldb, 0), \
            MATRIX(c, T, ldc, 0), MATRIX(c, T, ldc, 0), alpha, beta, T, NULL, 0})); \
    }
#define GEMM_STRIDED(NAME, INT, T) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, INT lda, \
                    int64_t sa, const void *b, INT ldb, int64_t sb, const void *beta, void *c, INT ldc, int64_t sc, \
                    INT batch) { \
        return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
            #NAME, BLAS_GEMM, STRIDED, batch, T, ta, tb, 0, m, n, k, MATRIX(a, T, lda, sa), MATRIX(b, T, ldb, sb), \
            MATRIX(c, T, ldc, sc), MATRIX(c, T, ldc, sc), alpha, beta, T, NULL, 0})); \
    }

#define GEMV(NAME, INT, T) \
    RV_API int NAME(void *h, int ta, INT m, INT n, const void *alpha, const void *a, INT lda, const void *x, \
                    INT incx, const void *beta, void *y, INT incy) { \
        return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
            #NAME, BLAS_GEMV, SINGLE, 1, T, ta, OP_N, 0, m, n, 0, MATRIX(a, T, lda, 0), MATRIX(x, T, incx, 0), \
            MATRIX(y, T, incy, 0), MATRIX(y, T, incy, 0), alpha, beta, T, NULL, 0})); \
    }
#define GEMV_BATCHED(NAME, INT, T) \
    RV_API int NAME(void *h, int ta, INT m, INT n, const void *alpha, const void *a, INT lda, const void *x, \
                    INT incx, const void *beta, void *y, INT incy, INT batch) { \
        return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
            #NAME, BLAS_GEMV, BATCHED, batch, T, ta, OP_N, 0, m, n, 0, MATRIX(a, T, lda, 0), MATRIX(x, T, incx, 0), \
            MATRIX(y, T, incy, 0), MATRIX(y, T, incy, 0), alpha, beta, T, NULL, 0})); \
    }
#define GEMV_STRIDED(NAME, INT, T) \
    RV_API int NAME(void *h, int ta, INT m, INT n, const void *alpha, const void *a, INT lda, int64_t sa, \
                    const void *x, INT incx, int64_t sx, const void *beta, void *y, INT incy, int64_t sy, \
                    INT batch) { \
        return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
            #NAME, BLAS_GEMV, STRIDED, batch, T, ta, OP_N, 0, m, n, 0, MATRIX(a, T, lda, sa), MATRIX(x, T, incx, sx), \
            MATRIX(y, T, incy, sy), MATRIX(y, T, incy, sy), alpha, beta, T, NULL, 0})); \
    }

/* Vectors: x is read as `b`, y is read and written as `c`; of scal x is `c`. */
#define VECTOR(NAME, OPERATION, BATCHING, BATCH, T, X, Y, ALPHA, ALPHA_T, CONJUGATE, RESULT, RESULT_T) \
    return STATUS(rv_blas_run(h, (struct rv_blas_job){ \
        NAME, OPERATION, BATCHING, BATCH, T, OP_N, OP_N, CONJUGATE, 0, n, 0, MATRIX(NULL, T, 1, 0), X, Y, Y, ALPHA, \
        NULL, ALPHA_T, RESULT, RESULT_T}))
#define NOTHING MATRIX(NULL, R_32F, 1, 0)

#define AXPY(NAME, INT, T) \
    RV_API int NAME(void *h, INT n, const void *alpha, const void *x, INT incx, void *y, INT incy) { \
        VECTOR(#NAME, BLAS_AXPY, SINGLE, 1, T, MATRIX(x, T, incx, 0), MATRIX(y, T, incy, 0), alpha, T, 0, NULL, T); \
    }
#define AXPY_BATCHED(NAME, INT, T) \
    RV_API int NAME(void *h, INT n, const void *alpha, const void *x, INT incx, void *y, INT incy, INT batch) { \
        VECTOR(#NAME, BLAS_AXPY, BATCHED, batch, T, MATRIX(x, T, incx, 0), MATRIX(y, T, incy, 0), alpha, T, 0, NULL, \
               T); \
    }
#define AXPY_STRIDED(NAME, INT, T) \
    RV_API int NAME(void *h, INT n, const void *alpha, const void *x, INT incx, int64_t sx, void *y, INT incy, \
                    int64_t sy, INT batch) { \
        VECTOR(#NAME, BLAS_AXPY, STRIDED, batch, T, MATRIX(x, T, incx, sx), MATRIX(y, T, incy, sy), alpha, T, 0, \
               NULL, T); \
    }

#define SCAL(NAME, INT, T, ALPHA_T) \
    RV_API int NAME(void *h, INT n, const void *alpha, void *x, INT incx) { \
        VECTOR(#NAME, BLAS_SCAL, SINGLE, 1, T, NOTHING, MATRIX(x, T, incx, 0), alpha, ALPHA_T, 0, NULL, T); \
    }
#define SCAL_BATCHED(NAME, INT, T, ALPHA_T) \
    RV_API int NAME(void *h, INT n, const void *alpha, void *x, INT incx, INT batch) { \
        VECTOR(#NAME, BLAS_SCAL, BATCHED, batch, T, NOTHING, MATRIX(x, T, incx, 0), alpha, ALPHA_T, 0, NULL, T); \
    }
#define SCAL_STRIDED(NAME, INT, T, ALPHA_T) \
    RV_API int NAME(void *h, INT n, const void *alpha, void *x, INT incx, int64_t sx, INT batch) { \
        VECTOR(#NAME, BLAS_SCAL, STRIDED, batch, T, NOTHING, MATRIX(x, T, incx, sx), alpha, ALPHA_T, 0, NULL, T); \
    }

#define DOT(NAME, INT, T, CONJUGATE) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, const void *y, INT incy, void *result) { \
        VECTOR(#NAME, BLAS_DOT, SINGLE, 1, T, MATRIX(x, T, incx, 0), MATRIX(y, T, incy, 0), NULL, T, CONJUGATE, \
               result, T); \
    }
#define DOT_BATCHED(NAME, INT, T, CONJUGATE) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, const void *y, INT incy, INT batch, void *result) { \
        VECTOR(#NAME, BLAS_DOT, BATCHED, batch, T, MATRIX(x, T, incx, 0), MATRIX(y, T, incy, 0), NULL, T, CONJUGATE, \
               result, T); \
    }
#define DOT_STRIDED(NAME, INT, T, CONJUGATE) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, int64_t sx, const void *y, INT incy, int64_t sy, \
                    INT batch, void *result) { \
        VECTOR(#NAME, BLAS_DOT, STRIDED, batch, T, MATRIX(x, T, incx, sx), MATRIX(y, T, incy, sy), NULL, T, \
               CONJUGATE, result, T); \
    }

/* nrm2 and asum: a real number of one vector. */
#define NORM(NAME, OPERATION, INT, T, RESULT_T) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, void *result) { \
        VECTOR(#NAME, OPERATION, SINGLE, 1, T, MATRIX(x, T, incx, 0), NOTHING, NULL, T, 0, result, RESULT_T); \
    }
#define NORM_BATCHED(NAME, OPERATION, INT, T, RESULT_T) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, INT batch, void *result) { \
        VECTOR(#NAME, OPERATION, BATCHED, batch, T, MATRIX(x, T, incx, 0), NOTHING, NULL, T, 0, result, RESULT_T); \
    }
#define NORM_STRIDED(NAME, OPERATION, INT, T, RESULT_T) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, int64_t sx, INT batch, void *result) { \
        VECTOR(#NAME, OPERATION, STRIDED, batch, T, MATRIX(x, T, incx, sx), NOTHING, NULL, T, 0, result, RESULT_T); \
    }

/* copy and swap of two vectors */
#define PAIR(NAME, OPERATION, INT, T) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, void *y, INT incy) { \
        VECTOR(#NAME, OPERATION, SINGLE, 1, T, MATRIX(x, T, incx, 0), MATRIX(y, T, incy, 0), NULL, T, 0, NULL, T); \
    }

#define PAIR_BATCHED(NAME, OPERATION, INT, T) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, void *y, INT incy, INT batch) { \
        VECTOR(#NAME, OPERATION, BATCHED, batch, T, MATRIX(x, T, incx, 0), MATRIX(y, T, incy, 0), NULL, T, 0, NULL, \
               T); \
    }
#define PAIR_STRIDED(NAME, OPERATION, INT, T) \
    RV_API int NAME(void *h, INT n, const void *x, INT incx, int64_t sx, void *y, INT incy, int64_t sy, INT batch) { \
        VECTOR(#NAME, OPERATION, STRIDED, batch, T, MATRIX(x, T, incx, sx), MATRIX(y, T, incy, sy), NULL, T, 0, NULL, \
               T); \
    }

#define WITH_64(FORM, NAME, ...) FORM(NAME, int, ##__VA_ARGS__) FORM(NAME##_64, int64_t, ##__VA_ARGS__)

#endif
