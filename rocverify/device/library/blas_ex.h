/* Functions on vectors of several types (_ex, Ex), for both BLAS libraries; to be included where STATUS is defined. */
#ifndef ROCVERIFY_BLAS_EX_H
#define ROCVERIFY_BLAS_EX_H

#include "blas.h"

static int ex_vector(const char *name, void *h, enum rv_blas_operation operation, enum rv_blas_batching batching,
                     int64_t batch, int64_t n, struct rv_operand x, struct rv_operand y, const void *alpha,
                     int alpha_type, int conjugate, void *result, int result_type, int execution) {
    x.type = rv_blas_type_of(x.type), y.type = rv_blas_type_of(y.type);
    return STATUS(rv_blas_run(h, (struct rv_blas_job){
        name, operation, batching, batch, rv_blas_type_of(execution), OP_N, OP_N, conjugate, 0, n, 0, NOTHING, x, y, y,
        alpha, NULL, rv_blas_type_of(alpha_type), result, rv_blas_type_of(result_type)}));
}

#define AXPY_EX(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *alpha, int alpha_type, const void *x, int x_type, INT incx, \
                    void *y, int y_type, INT incy, int execution) { \
        return ex_vector(#NAME, h, BLAS_AXPY, SINGLE, 1, n, MATRIX(x, x_type, incx, 0), \
                         MATRIX(y, y_type, incy, 0), alpha, alpha_type, 0, NULL, y_type, execution); \
    }
#define SCAL_EX(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *alpha, int alpha_type, void *x, int x_type, INT incx, \
                    int execution) { \
        return ex_vector(#NAME, h, BLAS_SCAL, SINGLE, 1, n, NOTHING, MATRIX(x, x_type, incx, 0), alpha, \
                         alpha_type, 0, NULL, x_type, execution); \
    }
#define DOT_EX(NAME, INT, CONJUGATE) \
    RV_API int NAME(void *h, INT n, const void *x, int x_type, INT incx, const void *y, int y_type, INT incy, \
                    void *result, int result_type, int execution) { \
        return ex_vector(#NAME, h, BLAS_DOT, SINGLE, 1, n, MATRIX(x, x_type, incx, 0), \
                         MATRIX(y, y_type, incy, 0), NULL, execution, CONJUGATE, result, result_type, execution); \
    }
#define NRM2_EX(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *x, int x_type, INT incx, void *result, int result_type, \
                    int execution) { \
        return ex_vector(#NAME, h, BLAS_NRM2, SINGLE, 1, n, MATRIX(x, x_type, incx, 0), NOTHING, NULL, \
                         execution, 0, result, result_type, execution); \
    }
#define AXPY_EX_BATCHED(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *alpha, int alpha_type, const void *x, int x_type, INT incx, \
                    void *y, int y_type, INT incy, INT batch, int execution) { \
        return ex_vector(#NAME, h, BLAS_AXPY, BATCHED, batch, n, MATRIX(x, x_type, incx, 0), \
                         MATRIX(y, y_type, incy, 0), alpha, alpha_type, 0, NULL, y_type, execution); \
    }
#define SCAL_EX_BATCHED(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *alpha, int alpha_type, void *x, int x_type, INT incx, INT batch, \
                    int execution) { \
        return ex_vector(#NAME, h, BLAS_SCAL, BATCHED, batch, n, NOTHING, MATRIX(x, x_type, incx, 0), alpha, \
                         alpha_type, 0, NULL, x_type, execution); \
    }
#define DOT_EX_BATCHED(NAME, INT, CONJUGATE) \
    RV_API int NAME(void *h, INT n, const void *x, int x_type, INT incx, const void *y, int y_type, INT incy, \
                    INT batch, \
                    void *result, int result_type, int execution) { \
        return ex_vector(#NAME, h, BLAS_DOT, BATCHED, batch, n, MATRIX(x, x_type, incx, 0), \
                         MATRIX(y, y_type, incy, 0), NULL, execution, CONJUGATE, result, result_type, execution); \
    }
#define NRM2_EX_BATCHED(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *x, int x_type, INT incx, INT batch, void *result, int result_type, \
                    int execution) { \
        return ex_vector(#NAME, h, BLAS_NRM2, BATCHED, batch, n, MATRIX(x, x_type, incx, 0), NOTHING, NULL, \
                         execution, 0, result, result_type, execution); \
    }
#define AXPY_EX_STRIDED(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *alpha, int alpha_type, const void *x, int x_type, INT incx, \
                    int64_t sx, \
                    void *y, int y_type, INT incy, int64_t sy, INT batch, int execution) { \
        return ex_vector(#NAME, h, BLAS_AXPY, STRIDED, batch, n, MATRIX(x, x_type, incx, sx), \
                         MATRIX(y, y_type, incy, sy), alpha, alpha_type, 0, NULL, y_type, execution); \
    }
#define SCAL_EX_STRIDED(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *alpha, int alpha_type, void *x, int x_type, INT incx, \
                    int64_t sx, INT batch, \
                    int execution) { \
        return ex_vector(#NAME, h, BLAS_SCAL, STRIDED, batch, n, NOTHING, MATRIX(x, x_type, incx, sx), alpha, \
                         alpha_type, 0, NULL, x_type, execution); \
    }
#define DOT_EX_STRIDED(NAME, INT, CONJUGATE) \
    RV_API int NAME(void *h, INT n, const void *x, int x_type, INT incx, int64_t sx, const void *y, int y_type, \
                    INT incy, int64_t sy, INT batch, \
                    void *result, int result_type, int execution) { \
        return ex_vector(#NAME, h, BLAS_DOT, STRIDED, batch, n, MATRIX(x, x_type, incx, sx), \
                         MATRIX(y, y_type, incy, sy), NULL, execution, CONJUGATE, result, result_type, execution); \
    }
#define NRM2_EX_STRIDED(NAME, INT) \
    RV_API int NAME(void *h, INT n, const void *x, int x_type, INT incx, int64_t sx, INT batch, void *result, \
                    int result_type, \
                    int execution) { \
        return ex_vector(#NAME, h, BLAS_NRM2, STRIDED, batch, n, MATRIX(x, x_type, incx, sx), NOTHING, NULL, \
                         execution, 0, result, result_type, execution); \
    }

#endif
