/* libhipblas: hipBLAS over blas.h. What is not here is exported and says that it is not served. */
#include <stddef.h>

#include "blas.h"

enum { LIBRARY_VERSION = 2 * 100000 + 4 * 100 };

static int STATUS(enum rv_blas_status status) {
    switch (status) {
    case BLAS_OK: return 0;
    case BLAS_NO_HANDLE: return 1; /* NOT_INITIALIZED */
    case BLAS_MEMORY: return 2;
    case BLAS_POINTER: case BLAS_SIZE: return 3;
    case BLAS_FAILED: return 5;
    case BLAS_NOT_SUPPORTED: return 7;
    case BLAS_ENUM: return 10;
    }
    return 11;
}

#include "blas_ex.h"
#include "blas_forms.h"

#define FAMILY(FORM, NAME, ...) \
    WITH_64(FORM, NAME, __VA_ARGS__) \
    WITH_64(FORM##_BATCHED, NAME##Batched, __VA_ARGS__) \
    WITH_64(FORM##_STRIDED, NAME##StridedBatched, __VA_ARGS__)
/* Complex functions have a second name in hipBLAS 2, which differs in the types of pointers only. */
#define FAMILY_C(FORM, NAME, ...) \
    FAMILY(FORM, NAME, __VA_ARGS__) \
    WITH_64(FORM, NAME##_v2, __VA_ARGS__) \
    WITH_64(FORM##_BATCHED, NAME##Batched_v2, __VA_ARGS__) \
    WITH_64(FORM##_STRIDED, NAME##StridedBatched_v2, __VA_ARGS__)

FAMILY(GEMM, hipblasHgemm, R_16F)
FAMILY(GEMM, hipblasSgemm, R_32F)
FAMILY(GEMM, hipblasDgemm, R_64F)
FAMILY_C(GEMM, hipblasCgemm, C_32F)
FAMILY_C(GEMM, hipblasZgemm, C_64F)

FAMILY(GEMV, hipblasSgemv, R_32F)
FAMILY(GEMV, hipblasDgemv, R_64F)
FAMILY_C(GEMV, hipblasCgemv, C_32F)
FAMILY_C(GEMV, hipblasZgemv, C_64F)

FAMILY(AXPY, hipblasHaxpy, R_16F)
FAMILY(AXPY, hipblasSaxpy, R_32F)
FAMILY(AXPY, hipblasDaxpy, R_64F)
FAMILY_C(AXPY, hipblasCaxpy, C_32F)
FAMILY_C(AXPY, hipblasZaxpy, C_64F)

FAMILY(SCAL, hipblasSscal, R_32F, R_32F)
FAMILY(SCAL, hipblasDscal, R_64F, R_64F)
FAMILY_C(SCAL, hipblasCscal, C_32F, C_32F)
FAMILY_C(SCAL, hipblasZscal, C_64F, C_64F)
FAMILY_C(SCAL, hipblasCsscal, C_32F, R_32F)
FAMILY_C(SCAL, hipblasZdscal, C_64F, R_64F)

FAMILY(DOT, hipblasHdot, R_16F, 0)
FAMILY(DOT, hipblasBfdot, R_16BF, 0)
FAMILY(DOT, hipblasSdot, R_32F, 0)
FAMILY(DOT, hipblasDdot, R_64F, 0)
FAMILY_C(DOT, hipblasCdotu, C_32F, 0)
FAMILY_C(DOT, hipblasCdotc, C_32F, 1)
FAMILY_C(DOT, hipblasZdotu, C_64F, 0)
FAMILY_C(DOT, hipblasZdotc, C_64F, 1)

FAMILY(NRM2, hipblasSnrm2, R_32F, R_32F)
FAMILY(NRM2, hipblasDnrm2, R_64F, R_64F)
FAMILY_C(NRM2, hipblasScnrm2, C_32F, R_32F)
FAMILY_C(NRM2, hipblasDznrm2, C_64F, R_64F)

FAMILY(ASUM, hipblasSasum, R_32F, R_32F)
FAMILY(ASUM, hipblasDasum, R_64F, R_64F)
FAMILY_C(ASUM, hipblasScasum, C_32F, R_32F)
FAMILY_C(ASUM, hipblasDzasum, C_64F, R_64F)

FAMILY(COPY, hipblasScopy, R_32F)
FAMILY(COPY, hipblasDcopy, R_64F)
FAMILY_C(COPY, hipblasCcopy, C_32F)
FAMILY_C(COPY, hipblasZcopy, C_64F)
FAMILY(SWAP, hipblasSswap, R_32F)
FAMILY(SWAP, hipblasDswap, R_64F)
FAMILY_C(SWAP, hipblasCswap, C_32F)
FAMILY_C(SWAP, hipblasZswap, C_64F)

/* ---- functions of several types: of hipDataType's numbers (_v2, hipBLAS 3) or hipBLAS's own (150 ...) */

static int ex_gemm(const char *name, void *h, enum rv_blas_batching batching, int64_t batch, int ta, int tb, int64_t m,
                   int64_t n, int64_t k, const void *alpha, struct rv_operand a, struct rv_operand b, const void *beta,
                   struct rv_operand c, int compute) {
    int computed = rv_blas_computed(compute, rv_blas_type_of(a.type));
    a.type = rv_blas_type_of(a.type), b.type = rv_blas_type_of(b.type), c.type = rv_blas_type_of(c.type);
    return STATUS(rv_blas_run(h, (struct rv_blas_job){name, BLAS_GEMM, batching, batch, computed, ta, tb, 0, m, n, k, a,
                                                      b, c, c, alpha, beta, computed, NULL, 0}));
}

#define FLAGS_NO
#define FLAGS_YES , int flags
#define GEMM_EX(NAME, INT, FLAGS) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, int a_type, \
                    INT lda, const void *b, int b_type, INT ldb, const void *beta, void *c, int c_type, INT ldc, \
                    int compute, int algorithm FLAGS_##FLAGS) { \
        return ex_gemm(#NAME, h, SINGLE, 1, ta, tb, m, n, k, alpha, MATRIX(a, a_type, lda, 0), \
                       MATRIX(b, b_type, ldb, 0), beta, MATRIX(c, c_type, ldc, 0), compute); \
    }
#define GEMM_EX_BATCHED(NAME, INT, FLAGS) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, int a_type, \
                    INT lda, const void *b, int b_type, INT ldb, const void *beta, void *c, int c_type, INT ldc, \
                    INT batch, int compute, int algorithm FLAGS_##FLAGS) { \
        return ex_gemm(#NAME, h, BATCHED, batch, ta, tb, m, n, k, alpha, MATRIX(a, a_type, lda, 0), \
                       MATRIX(b, b_type, ldb, 0), beta, MATRIX(c, c_type, ldc, 0), compute); \
    }
#define GEMM_EX_STRIDED(NAME, INT, FLAGS) \
    RV_API int NAME(void *h, int ta, int tb, INT m, INT n, INT k, const void *alpha, const void *a, int a_type, \
                    INT lda, int64_t sa, const void *b, int b_type, INT ldb, int64_t sb, const void *beta, void *c, \
                    int c_type, INT ldc, int64_t sc, INT batch, int compute, int algorithm FLAGS_##FLAGS) { \
        return ex_gemm(#NAME, h, STRIDED, batch, ta, tb, m, n, k, alpha, MATRIX(a, a_type, lda, sa), \
                       MATRIX(b, b_type, ldb, sb), beta, MATRIX(c, c_type, ldc, sc), compute); \
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* algorithm and flags choose among AMD's kernels */
#define BOTH(FORM, NAME, ...) WITH_64(FORM, NAME, ##__VA_ARGS__) WITH_64(FORM, NAME##_v2, ##__VA_ARGS__)
BOTH(GEMM_EX, hipblasGemmEx, NO)
BOTH(GEMM_EX, hipblasGemmExWithFlags, YES)
BOTH(GEMM_EX_BATCHED, hipblasGemmBatchedEx, NO)
BOTH(GEMM_EX_BATCHED, hipblasGemmBatchedExWithFlags, YES)
BOTH(GEMM_EX_STRIDED, hipblasGemmStridedBatchedEx, NO)
BOTH(GEMM_EX_STRIDED, hipblasGemmStridedBatchedExWithFlags, YES)
#pragma GCC diagnostic pop

BOTH(AXPY_EX, hipblasAxpyEx)
BOTH(AXPY_EX_BATCHED, hipblasAxpyBatchedEx)
BOTH(AXPY_EX_STRIDED, hipblasAxpyStridedBatchedEx)
BOTH(SCAL_EX, hipblasScalEx)
BOTH(SCAL_EX_BATCHED, hipblasScalBatchedEx)
BOTH(SCAL_EX_STRIDED, hipblasScalStridedBatchedEx)
BOTH(DOT_EX, hipblasDotEx, 0)
BOTH(DOT_EX_BATCHED, hipblasDotBatchedEx, 0)
BOTH(DOT_EX_STRIDED, hipblasDotStridedBatchedEx, 0)
BOTH(DOT_EX, hipblasDotcEx, 1)
BOTH(DOT_EX_BATCHED, hipblasDotcBatchedEx, 1)
BOTH(DOT_EX_STRIDED, hipblasDotcStridedBatchedEx, 1)
BOTH(NRM2_EX, hipblasNrm2Ex)
BOTH(NRM2_EX_BATCHED, hipblasNrm2BatchedEx)
BOTH(NRM2_EX_STRIDED, hipblasNrm2StridedBatchedEx)

/* ---- handles and modes */

RV_API int hipblasCreate(void **handle) { return STATUS(rv_blas_create(handle)); }
RV_API int hipblasDestroy(void *handle) { return STATUS(rv_blas_destroy(handle)); }

SETTER(hipblasSetStream, stream, void *)
GETTER(hipblasGetStream, stream, void *)
GETTER(hipblasGetPointerMode, pointer_mode, int)
SETTER(hipblasSetAtomicsMode, atomics, int)
GETTER(hipblasGetAtomicsMode, atomics, int)
SETTER(hipblasSetMathMode, math, int)
GETTER(hipblasGetMathMode, math, int)

RV_API int hipblasSetPointerMode(void *handle, int mode) {
    if (!rv_blas_alive(handle)) return 1;
    if (mode != BLAS_HOST && mode != BLAS_DEVICE) return 10;
    ((rv_blas_handle *)handle)->pointer_mode = mode;
    return 0;
}

/* Nothing here needs room to work in, so that what is offered is accepted and left alone. */
RV_API int hipblasSetWorkspace(void *handle, void *workspace, size_t bytes) {
    (void)workspace, (void)bytes;
    return rv_blas_alive(handle) ? 0 : 1;
}

RV_API int hipblasGetVersion(void *handle, int *version) {
    if (!rv_blas_alive(handle)) return 1;
    if (!version) return 3;
    *version = LIBRARY_VERSION;
    return 0;
}

RV_API const char *hipblasStatusToString(int status) {
    static const char *const names[] = {
        "HIPBLAS_STATUS_SUCCESS", "HIPBLAS_STATUS_NOT_INITIALIZED", "HIPBLAS_STATUS_ALLOC_FAILED",
        "HIPBLAS_STATUS_INVALID_VALUE", "HIPBLAS_STATUS_MAPPING_ERROR", "HIPBLAS_STATUS_EXECUTION_FAILED",
        "HIPBLAS_STATUS_INTERNAL_ERROR", "HIPBLAS_STATUS_NOT_SUPPORTED", "HIPBLAS_STATUS_ARCH_MISMATCH",
        "HIPBLAS_STATUS_HANDLE_IS_NULLPTR", "HIPBLAS_STATUS_INVALID_ENUM", "HIPBLAS_STATUS_UNKNOWN"};
    return status >= 0 && status < 12 ? names[status] : "<undefined hipblasStatus_t value>";
}

/* ---- copies between host and device */

VECTOR_COPY(hipblasSetVector, int, 1)
VECTOR_COPY(hipblasGetVector, int, 2)
VECTOR_COPY_ASYNC(hipblasSetVectorAsync, int, 1)
VECTOR_COPY_ASYNC(hipblasGetVectorAsync, int, 2)
MATRIX_COPY(hipblasSetMatrix, int, 1)
MATRIX_COPY(hipblasGetMatrix, int, 2)
MATRIX_COPY_ASYNC(hipblasSetMatrixAsync, int, 1)
MATRIX_COPY_ASYNC(hipblasGetMatrixAsync, int, 2)
