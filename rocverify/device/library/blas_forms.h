/* What hipblas.c and rocblas.c define alike, behind their STATUS: more forms, what is kept with a handle, copies
 * between host and device. Status 1 is in both that there is no such handle, 3 that a pointer is null. */
#ifndef ROCVERIFY_BLAS_FORMS_H
#define ROCVERIFY_BLAS_FORMS_H

#include "blas.h"

#define NRM2(NAME, INT, T, R) NORM(NAME, BLAS_NRM2, INT, T, R)
#define NRM2_BATCHED(NAME, INT, T, R) NORM_BATCHED(NAME, BLAS_NRM2, INT, T, R)
#define NRM2_STRIDED(NAME, INT, T, R) NORM_STRIDED(NAME, BLAS_NRM2, INT, T, R)
#define ASUM(NAME, INT, T, R) NORM(NAME, BLAS_ASUM, INT, T, R)
#define ASUM_BATCHED(NAME, INT, T, R) NORM_BATCHED(NAME, BLAS_ASUM, INT, T, R)
#define ASUM_STRIDED(NAME, INT, T, R) NORM_STRIDED(NAME, BLAS_ASUM, INT, T, R)
#define COPY(NAME, INT, T) PAIR(NAME, BLAS_COPY, INT, T)
#define COPY_BATCHED(NAME, INT, T) PAIR_BATCHED(NAME, BLAS_COPY, INT, T)
#define COPY_STRIDED(NAME, INT, T) PAIR_STRIDED(NAME, BLAS_COPY, INT, T)
#define SWAP(NAME, INT, T) PAIR(NAME, BLAS_SWAP, INT, T)
#define SWAP_BATCHED(NAME, INT, T) PAIR_BATCHED(NAME, BLAS_SWAP, INT, T)
#define SWAP_STRIDED(NAME, INT, T) PAIR_STRIDED(NAME, BLAS_SWAP, INT, T)

#define SETTER(NAME, MEMBER, TYPE) \
    RV_API int NAME(void *handle, TYPE value) { \
        if (!rv_blas_alive(handle)) return 1; \
        ((rv_blas_handle *)handle)->MEMBER = value; \
        return 0; \
    }
#define GETTER(NAME, MEMBER, TYPE) \
    RV_API int NAME(void *handle, TYPE *value) { \
        if (!rv_blas_alive(handle)) return 1; \
        if (!value) return 3; \
        *value = ((rv_blas_handle *)handle)->MEMBER; \
        return 0; \
    }

#define VECTOR_COPY(NAME, INT, KIND) \
    RV_API int NAME(INT n, INT element, const void *x, INT incx, void *y, INT incy) { \
        return STATUS(rv_blas_copy(1, n, element, x, incx, y, incy, KIND, false, NULL)); \
    }
#define VECTOR_COPY_ASYNC(NAME, INT, KIND) \
    RV_API int NAME(INT n, INT element, const void *x, INT incx, void *y, INT incy, void *stream) { \
        return STATUS(rv_blas_copy(1, n, element, x, incx, y, incy, KIND, true, stream)); \
    }
#define MATRIX_COPY(NAME, INT, KIND) \
    RV_API int NAME(INT rows, INT columns, INT element, const void *a, INT lda, void *b, INT ldb) { \
        return STATUS(rv_blas_copy(rows, columns, element, a, lda, b, ldb, KIND, false, NULL)); \
    }
#define MATRIX_COPY_ASYNC(NAME, INT, KIND) \
    RV_API int NAME(INT rows, INT columns, INT element, const void *a, INT lda, void *b, INT ldb, void *stream) { \
        return STATUS(rv_blas_copy(rows, columns, element, a, lda, b, ldb, KIND, true, stream)); \
    }

#endif
