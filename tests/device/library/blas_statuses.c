/* What the BLAS libraries answer to calls that cannot be, and where results go. Prints one line for each. */
#include <stddef.h>
#include <stdio.h>

int hipMalloc(void **, size_t);
int hipMemcpy(void *, const void *, size_t, int);
int hipFree(void *);
int hipblasCreate(void **);
int hipblasDestroy(void *);
int hipblasSetPointerMode(void *, int);
int hipblasGetPointerMode(void *, int *);
int hipblasSetVector(int, int, const void *, int, void *, int);
int hipblasGetMatrix(int, int, int, const void *, int, void *, int);
int hipblasSgemm(void *, int, int, int, int, int, const float *, const float *, int, const float *, int, const float *,
                 float *, int);
int hipblasSdot(void *, int, const float *, int, const float *, int, float *);
int hipblasStrsm(void *);
int rocblas_create_handle(void **);
int rocblas_destroy_handle(void *);
int rocblas_sgemm(void *, int, int, int, int, int, const float *, const float *, int, const float *, int,
                  const float *, float *, int);
int rocblas_strsm(void *);
const char *rocblas_status_to_string(int);

#define SAY(call) printf("%s %d\n", #call, call)

int main(void) {
    float one = 1, zero = 0, host[4] = {1, 2, 3, 4}, back[4] = {0}, result = 0;
    float *a, *c, *r;
    void *h = NULL, *rh = NULL;
    int mode = 9;
    hipMalloc((void **)&a, 16), hipMalloc((void **)&c, 16), hipMalloc((void **)&r, 4);
    SAY(hipblasSgemm(NULL, 111, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2));
    SAY(hipblasCreate(&h));
    SAY(hipblasSetVector(4, 4, host, 1, a, 1));
    SAY(hipblasSgemm(h, 111, 112, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2));
    SAY(hipblasGetMatrix(2, 2, 4, c, 2, back, 2));
    printf("%g %g %g %g\n", back[0], back[1], back[2], back[3]);
    SAY(hipblasSgemm(h, 111, 111, 2, 2, 2, &one, a, 1, a, 2, &zero, c, 2));
    SAY(hipblasSgemm(h, 111, 111, -1, 2, 2, &one, a, 2, a, 2, &zero, c, 2));
    SAY(hipblasSgemm(h, 5, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2));
    SAY(hipblasSgemm(h, 111, 111, 2, 2, 2, &one, NULL, 2, a, 2, &zero, c, 2));
    SAY(hipblasSgemm(h, 111, 111, 0, 2, 2, NULL, NULL, 2, NULL, 2, NULL, NULL, 2));
    SAY(hipblasSdot(h, 4, a, 1, a, 1, &result));
    SAY(hipblasSetPointerMode(h, 7));
    SAY(hipblasSetPointerMode(h, 1));
    SAY(hipblasGetPointerMode(h, &mode));
    SAY(hipblasSdot(h, 2, a, 2, a, 2, r));
    hipMemcpy(back, r, 4, 2);
    printf("%d %g %g\n", mode, result, back[0]);
    SAY(hipblasStrsm(h));
    SAY(hipblasDestroy(h));
    SAY(hipblasDestroy(NULL));
    SAY(rocblas_create_handle(&rh));
    SAY(rocblas_sgemm(rh, 111, 111, 2, 2, 2, &one, a, 1, a, 2, &zero, c, 2));
    SAY(rocblas_sgemm(rh, 5, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2));
    SAY(rocblas_sgemm(rh, 111, 111, 2, 2, 2, NULL, a, 2, a, 2, &zero, c, 2));
    SAY(rocblas_sgemm(rh, 111, 111, 2, 2, 2, &one, a, 2, a, 2, &zero, c, 2));
    SAY(rocblas_strsm(rh));
    printf("%s\n", rocblas_status_to_string(4));
    SAY(rocblas_destroy_handle(rh));
    hipFree(a), hipFree(c), hipFree(r);
    return 0;
}
