// options: link=hipblas
// hipBLAS: gemm plain, batched, strided; gemv, axpy, scal, dot, nrm2; in stream order with kernels around them.
#include <hip/hip_runtime.h>

#include "matrices.h"
#include "verdict.h"

// As hipblas.h declares them; Debian has no hipBLAS.
extern "C" {
typedef void *Handle;
int hipblasCreate(Handle *);
int hipblasDestroy(Handle);
int hipblasSetStream(Handle, hipStream_t);
int hipblasSetPointerMode(Handle, int);
int hipblasSgemm(Handle, int, int, int, int, int, const float *, const float *, int, const float *, int, const float *,
                 float *, int);
int hipblasDgemm(Handle, int, int, int, int, int, const double *, const double *, int, const double *, int,
                 const double *, double *, int);
int hipblasSgemmBatched(Handle, int, int, int, int, int, const float *, const float *const *, int, const float *const *,
                        int, const float *, float *const *, int, int);
int hipblasSgemmStridedBatched(Handle, int, int, int, int, int, const float *, const float *, int, long long,
                               const float *, int, long long, const float *, float *, int, long long, int);
int hipblasSgemv(Handle, int, int, int, const float *, const float *, int, const float *, int, const float *, float *,
                 int);
int hipblasSaxpy(Handle, int, const float *, const float *, int, float *, int);
int hipblasDscal(Handle, int, const double *, double *, int);
int hipblasSdot(Handle, int, const float *, int, const float *, int, float *);
int hipblasDnrm2(Handle, int, const double *, int, double *);
}
constexpr int OP_N = 111, OP_T = 112;

#define BLAS(call)                                                                                             \
    do {                                                                                                       \
        int got = (call);                                                                                      \
        if (got != 0) fprintf(stderr, "%s:%d: %s gave %d\n", __FILE__, __LINE__, #call, got), exit(1);         \
    } while (0)

__global__ void doubled(float *values, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] *= 2.0f;
}

template <typename T>
static T *on_device(const std::vector<T> &host) {
    T *device;
    HIP(hipMalloc(&device, host.size() * sizeof(T)));
    HIP(hipMemcpy(device, host.data(), host.size() * sizeof(T), hipMemcpyHostToDevice));
    return device;
}

template <typename T>
static std::vector<T> on_host(const T *device, size_t count) {
    std::vector<T> host(count);
    HIP(hipMemcpy(host.data(), device, count * sizeof(T), hipMemcpyDeviceToHost));
    return host;
}

template <typename T>
static void check_gemm(Handle handle, bool ta, bool tb,
                       int (*gemm)(Handle, int, int, int, int, int, const T *, const T *, int, const T *, int,
                                   const T *, T *, int)) {
    const int m = 13, n = 7, k = 10, lda = 15, ldb = 12, ldc = 14;
    std::vector<T> a = numbers<T>(lda * 15, 1), b = numbers<T>(ldb * 12, 2), c = numbers<T>(ldc * n, 3);
    T alpha = (T)0.5, beta = (T)-2, *da = on_device(a), *db = on_device(b), *dc = on_device(c);
    BLAS(gemm(handle, ta ? OP_T : OP_N, tb ? OP_T : OP_N, m, n, k, &alpha, da, lda, db, ldb, &beta, dc, ldc));
    std::vector<T> seen = on_host(dc, c.size());
    std::vector<double> wanted = expected_gemm(ta, tb, m, n, k, 0.5, a.data(), lda, b.data(), ldb, -2.0, c.data(), ldc);
    for (int j = 0; j < n; ++j)
        for (int i = 0; i < ldc; ++i) CHECK(seen[j * ldc + i] == (i < m ? (T)wanted[j * m + i] : c[j * ldc + i]));
    for (T *block : {da, db, dc}) HIP(hipFree(block));
}

static void check_batches(Handle handle) {
    const int m = 5, n = 4, k = 6, batches = 3;
    std::vector<float> a = numbers<float>(m * k * batches, 4), b = numbers<float>(k * n * batches, 5);
    std::vector<float> c(m * n * batches, 0.0f);
    float one = 1.0f, zero = 0.0f, *da = on_device(a), *db = on_device(b), *dc = on_device(c), *dd = on_device(c);
    BLAS(hipblasSgemmStridedBatched(handle, OP_N, OP_N, m, n, k, &one, da, m, m * k, db, k, k * n, &zero, dc, m, m * n,
                                    batches));
    std::vector<float *> pa, pb, pd;
    for (int i = 0; i < batches; ++i) pa.push_back(da + i * m * k), pb.push_back(db + i * k * n), pd.push_back(dd + i * m * n);
    float **dpa = on_device(pa), **dpb = on_device(pb), **dpd = on_device(pd);
    BLAS(hipblasSgemmBatched(handle, OP_N, OP_N, m, n, k, &one, dpa, m, dpb, k, &zero, dpd, m, batches));
    std::vector<float> strided = on_host(dc, c.size()), listed = on_host(dd, c.size());
    for (int batch = 0; batch < batches; ++batch) {
        std::vector<double> wanted = expected_gemm(false, false, m, n, k, 1.0, &a[batch * m * k], m, &b[batch * k * n], k,
                                                   0.0, &c[0], m);
        for (int i = 0; i < m * n; ++i) {
            CHECK(strided[batch * m * n + i] == (float)wanted[i]);
            CHECK(listed[batch * m * n + i] == (float)wanted[i]);
        }
    }
    for (float *block : {da, db, dc, dd}) HIP(hipFree(block));
    for (float **block : {dpa, dpb, dpd}) HIP(hipFree(block));
}

static void check_vectors(Handle handle, hipStream_t stream) {
    const int m = 9, n = 6;
    std::vector<float> a = numbers<float>(m * n, 6), x = numbers<float>(2 * n, 7), y = numbers<float>(m, 8);
    float alpha = 2.0f, beta = 1.0f, three = 3.0f, *da = on_device(a), *dx = on_device(x), *dy = on_device(y);
    doubled<<<1, 64, 0, stream>>>(dy, m); // before the call, in its stream
    BLAS(hipblasSgemv(handle, OP_N, m, n, &alpha, da, m, dx, 2, &beta, dy, 1));
    doubled<<<1, 64, 0, stream>>>(dy, m); // and after it
    BLAS(hipblasSaxpy(handle, m, &three, da, 1, dy, 1));
    HIP(hipStreamSynchronize(stream));
    std::vector<float> seen = on_host(dy, m);
    for (int i = 0; i < m; ++i) {
        double sum = 2.0 * y[i];
        for (int j = 0; j < n; ++j) sum += 2.0 * a[j * m + i] * x[2 * j];
        CHECK(seen[i] == (float)(2.0 * sum + 3.0 * a[i]));
    }
    float dot = -1.0f, wanted = 0.0f, *on_dot = on_device(std::vector<float>{-1.0f});
    for (int i = 0; i < n; ++i) wanted += a[i] * x[i];
    BLAS(hipblasSdot(handle, n, da, 1, dx, 1, &dot));
    CHECK(dot == wanted);
    BLAS(hipblasSetPointerMode(handle, 1)); // results to the device
    BLAS(hipblasSdot(handle, n, da, 1, dx, 1, on_dot));
    BLAS(hipblasSetPointerMode(handle, 0));
    HIP(hipStreamSynchronize(stream));
    CHECK(on_host(on_dot, 1)[0] == wanted);
    for (float *block : {da, dx, dy, on_dot}) HIP(hipFree(block));

    std::vector<double> v = {3, -4, 12};
    double scale = 2.0, norm = 0.0, *dv = on_device(v);
    BLAS(hipblasDscal(handle, 3, &scale, dv, 1));
    BLAS(hipblasDnrm2(handle, 3, dv, 1, &norm));
    CHECK(norm == 26.0);
    HIP(hipFree(dv));
}

int main() {
    Handle handle;
    hipStream_t stream;
    BLAS(hipblasCreate(&handle));
    HIP(hipStreamCreate(&stream));
    BLAS(hipblasSetStream(handle, stream));
    for (int form = 0; form < 4; ++form) {
        check_gemm<float>(handle, form & 1, form & 2, hipblasSgemm);
        check_gemm<double>(handle, form & 1, form & 2, hipblasDgemm);
    }
    check_batches(handle);
    check_vectors(handle, stream);
    BLAS(hipblasDestroy(handle));
    HIP(hipStreamDestroy(stream));
    return verdict_close("hipblas_calls");
}
