/* librocblas: rocBLAS over blas.h. What is not here is exported and says that it is not served. */
#include <stddef.h>
#include <string.h>

#include "blas.h"

#define VERSION_TEXT "4.0.0.rocverify"

static int STATUS(enum rv_blas_status status) {
    switch (status) {
    case BLAS_OK: return 0;
    case BLAS_NO_HANDLE: return 1;
    case BLAS_NOT_SUPPORTED: return 2;
    case BLAS_POINTER: return 3;
    case BLAS_SIZE: return 4;
    case BLAS_MEMORY: return 5;
    case BLAS_FAILED: return 6;
    case BLAS_ENUM: return 11;
    }
    return 6;
}

#include "blas_ex.h"
#include "blas_forms.h"

#define FAMILY(FORM, NAME, ...) \
    WITH_64(FORM, NAME, __VA_ARGS__) \
    WITH_64(FORM##_BATCHED, NAME##_batched, __VA_ARGS__) \
    WITH_64(FORM##_STRIDED, NAME##_strided_batched, __VA_ARGS__)

FAMILY(GEMM, rocblas_hgemm, R_16F)
FAMILY(GEMM, rocblas_sgemm, R_32F)
FAMILY(GEMM, rocblas_dgemm, R_64F)
FAMILY(GEMM, rocblas_cgemm, C_32F)
FAMILY(GEMM, rocblas_zgemm, C_64F)
FAMILY(GEMV, rocblas_sgemv, R_32F)
FAMILY(GEMV, rocblas_dgemv, R_64F)
FAMILY(GEMV, rocblas_cgemv, C_32F)
FAMILY(GEMV, rocblas_zgemv, C_64F)
FAMILY(AXPY, rocblas_haxpy, R_16F)
FAMILY(AXPY, rocblas_saxpy, R_32F)
FAMILY(AXPY, rocblas_daxpy, R_64F)
FAMILY(AXPY, rocblas_caxpy, C_32F)
FAMILY(AXPY, rocblas_zaxpy, C_64F)
FAMILY(SCAL, rocblas_sscal, R_32F, R_32F)
FAMILY(SCAL, rocblas_dscal, R_64F, R_64F)
FAMILY(SCAL, rocblas_cscal, C_32F, C_32F)
FAMILY(SCAL, rocblas_zscal, C_64F, C_64F)
FAMILY(SCAL, rocblas_csscal, C_32F, R_32F)
FAMILY(SCAL, rocblas_zdscal, C_64F, R_64F)
FAMILY(DOT, rocblas_hdot, R_16F, 0)
FAMILY(DOT, rocblas_bfdot, R_16BF, 0)
FAMILY(DOT, rocblas_sdot, R_32F, 0)
FAMILY(DOT, rocblas_ddot, R_64F, 0)
FAMILY(DOT, rocblas_cdotu, C_32F, 0)
FAMILY(DOT, rocblas_cdotc, C_32F, 1)
FAMILY(DOT, rocblas_zdotu, C_64F, 0)
FAMILY(DOT, rocblas_zdotc, C_64F, 1)
FAMILY(NRM2, rocblas_snrm2, R_32F, R_32F)
FAMILY(NRM2, rocblas_dnrm2, R_64F, R_64F)
FAMILY(NRM2, rocblas_scnrm2, C_32F, R_32F)
FAMILY(NRM2, rocblas_dznrm2, C_64F, R_64F)
FAMILY(ASUM, rocblas_sasum, R_32F, R_32F)
FAMILY(ASUM, rocblas_dasum, R_64F, R_64F)
FAMILY(ASUM, rocblas_scasum, C_32F, R_32F)
FAMILY(ASUM, rocblas_dzasum, C_64F, R_64F)
FAMILY(COPY, rocblas_scopy, R_32F)
FAMILY(COPY, rocblas_dcopy, R_64F)
FAMILY(COPY, rocblas_ccopy, C_32F)
FAMILY(COPY, rocblas_zcopy, C_64F)
FAMILY(SWAP, rocblas_sswap, R_32F)
FAMILY(SWAP, rocblas_dswap, R_64F)
FAMILY(SWAP, rocblas_cswap, C_32F)
FAMILY(SWAP, rocblas_zswap, C_64F)

/* ---- functions of several types: rocblas_datatype's numbers; D is a matrix of its own */

static int ex_gemm(const char *name, void *h, enum rv_blas_batching batching, int64_t batch, int ta, int tb, int64_t m,
                   int64_t n, int64_t k, const void *alpha, struct rv_operand a, struct rv_operand b, const void *beta,
                   struct rv_operand c, struct rv_operand d, int compute) {
    int computed = rv_blas_type_of(compute);
    a.type = rv_blas_type_of(a.type), b.type = rv_blas_type_of(b.type);
    c.type = rv_blas_type_of(c.type), d.type = rv_blas_type_of(d.type);
    return STATUS(rv_blas_run(h, (struct rv_blas_job){name, BLAS_GEMM, batching, batch, computed, ta, tb, 0, m, n, k, a,
                                                      b, c, d, alpha, beta, computed, NULL, 0}));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* algorithm, solution and flags choose among AMD's kernels */
#define GEMM_EX(NAME, INT) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, int a_type, \
                    INT lda, const void *b, int b_type, INT ldb, const void *beta, const void *c, int c_type, INT ldc, \
                    void *d, int d_type, INT ldd, int compute, int algorithm, int32_t solution, uint32_t flags) { \
        return ex_gemm(#NAME, h, SINGLE, 1, ta, tb, m, n, k, alpha, MATRIX(a, a_type, lda, 0), \
                       MATRIX(b, b_type, ldb, 0), beta, MATRIX(c, c_type, ldc, 0), MATRIX(d, d_type, ldd, 0), \
                       compute); \
    }
#define GEMM_EX_BATCHED(NAME, INT) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, int a_type, \
                    INT lda, const void *b, int b_type, INT ldb, const void *beta, const void *c, int c_type, INT ldc, \
                    void *d, int d_type, INT ldd, INT batch, int compute, int algorithm, int32_t solution, \
                    uint32_t flags) { \
        return ex_gemm(#NAME, h, BATCHED, batch, ta, tb, m, n, k, alpha, MATRIX(a, a_type, lda, 0), \
                       MATRIX(b, b_type, ldb, 0), beta, MATRIX(c, c_type, ldc, 0), MATRIX(d, d_type, ldd, 0), \
                       compute); \
    }
#define GEMM_EX_STRIDED(NAME, INT) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, int a_type, \
                    INT lda, int64_t sa, const void *b, int b_type, INT ldb, int64_t sb, const void *beta, \
                    const void *c, int c_type, INT ldc, int64_t sc, void *d, int d_type, INT ldd, int64_t sd, \
                    INT batch, int compute, int algorithm, int32_t solution, uint32_t flags) { \
        return ex_gemm(#NAME, h, STRIDED, batch, ta, tb, m, n, k, alpha, MATRIX(a, a_type, lda, sa), \
                       MATRIX(b, b_type, ldb, sb), beta, MATRIX(c, c_type, ldc, sc), MATRIX(d, d_type, ldd, sd), \
                       compute); \
    }
WITH_64(GEMM_EX, rocblas_gemm_ex)
WITH_64(GEMM_EX_BATCHED, rocblas_gemm_batched_ex)
WITH_64(GEMM_EX_STRIDED, rocblas_gemm_strided_batched_ex)
#pragma GCC diagnostic pop

WITH_64(AXPY_EX, rocblas_axpy_ex)
WITH_64(AXPY_EX_BATCHED, rocblas_axpy_batched_ex)
WITH_64(AXPY_EX_STRIDED, rocblas_axpy_strided_batched_ex)
WITH_64(SCAL_EX, rocblas_scal_ex)
WITH_64(SCAL_EX_BATCHED, rocblas_scal_batched_ex)
WITH_64(SCAL_EX_STRIDED, rocblas_scal_strided_batched_ex)
WITH_64(DOT_EX, rocblas_dot_ex, 0)
WITH_64(DOT_EX_BATCHED, rocblas_dot_batched_ex, 0)
WITH_64(DOT_EX_STRIDED, rocblas_dot_strided_batched_ex, 0)
WITH_64(DOT_EX, rocblas_dotc_ex, 1)
WITH_64(DOT_EX_BATCHED, rocblas_dotc_batched_ex, 1)
WITH_64(DOT_EX_STRIDED, rocblas_dotc_strided_batched_ex, 1)
WITH_64(NRM2_EX, rocblas_nrm2_ex)
WITH_64(NRM2_EX_BATCHED, rocblas_nrm2_batched_ex)
WITH_64(NRM2_EX_STRIDED, rocblas_nrm2_strided_batched_ex)

/* ---- handles and modes */

RV_API void rocblas_initialize(void) {} /* loads AMD's kernels ahead of time; there are none */
RV_API int rocblas_create_handle(void **handle) { return STATUS(rv_blas_create(handle)); }
RV_API int rocblas_destroy_handle(void *handle) { return STATUS(rv_blas_destroy(handle)); }

SETTER(rocblas_set_stream, stream, void *)
GETTER(rocblas_get_stream, stream, void *)
GETTER(rocblas_get_pointer_mode, pointer_mode, int)
SETTER(rocblas_set_atomics_mode, atomics, int)
GETTER(rocblas_get_atomics_mode, atomics, int)
SETTER(rocblas_set_math_mode, math, int)
GETTER(rocblas_get_math_mode, math, int)
SETTER(rocblas_set_performance_metric, metric, int)
GETTER(rocblas_get_performance_metric, metric, int)

RV_API int rocblas_set_pointer_mode(void *handle, int mode) {
    if (!rv_blas_alive(handle)) return 1;
    if (mode != BLAS_HOST && mode != BLAS_DEVICE) return 11;
    ((rv_blas_handle *)handle)->pointer_mode = mode;
    return 0;
}

/* Nothing here needs room to work in, so that what is offered is accepted and left alone. */
RV_API int rocblas_set_workspace(void *handle, void *workspace, size_t bytes) {
    (void)workspace, (void)bytes;
    return rv_blas_alive(handle) ? 0 : 1;
}

RV_API int rocblas_set_device_memory_size(void *handle, size_t bytes) {
    (void)bytes;
    return rv_blas_alive(handle) ? 0 : 1;
}

RV_API int rocblas_get_device_memory_size(void *handle, size_t *bytes) {
    if (!rv_blas_alive(handle)) return 1;
    if (!bytes) return 3;
    *bytes = 0;
    return 0;
}

RV_API int rocblas_get_version_string_size(size_t *length) {
    if (!length) return 3;
    *length = sizeof VERSION_TEXT;
    return 0;
}

RV_API int rocblas_get_version_string(char *text, size_t length) {
    if (!text) return 3;
    if (length < sizeof VERSION_TEXT) return 4;
    memcpy(text, VERSION_TEXT, sizeof VERSION_TEXT);
    return 0;
}

RV_API const char *rocblas_status_to_string(int status) {
    static const char *const names[] = {
        "rocblas_status_success", "rocblas_status_invalid_handle", "rocblas_status_not_implemented",
        "rocblas_status_invalid_pointer", "rocblas_status_invalid_size", "rocblas_status_memory_error",
        "rocblas_status_internal_error", "rocblas_status_perf_degraded", "rocblas_status_size_query_mismatch",
        "rocblas_status_size_increased", "rocblas_status_size_unchanged", "rocblas_status_invalid_value",
        "rocblas_status_continue", "rocblas_status_check_numerics_fail"};
    return status >= 0 && status < 14 ? names[status] : "<undefined rocblas_status value>";
}

/* ---- copies between host and device */

VECTOR_COPY(rocblas_set_vector, int, 1)
VECTOR_COPY(rocblas_get_vector, int, 2)
VECTOR_COPY_ASYNC(rocblas_set_vector_async, int, 1)
VECTOR_COPY_ASYNC(rocblas_get_vector_async, int, 2)
MATRIX_COPY(rocblas_set_matrix, int, 1)
MATRIX_COPY(rocblas_get_matrix, int, 2)
MATRIX_COPY_ASYNC(rocblas_set_matrix_async, int, 1)
MATRIX_COPY_ASYNC(rocblas_get_matrix_async, int, 2)
