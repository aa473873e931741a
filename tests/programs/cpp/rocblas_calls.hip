// options: link=rocblas
// rocBLAS: gemm in single, double, half and mixed types, gemv, axpy, scal, dot, nrm2.
#include <hip/hip_runtime.h>
#include <hip/hip_fp16.h>

#include "matrices.h"
#include "verdict.h"

// As rocblas.h declares them; Debian has no rocBLAS.
extern "C" {
typedef void *Handle;
int rocblas_create_handle(Handle *);
int rocblas_destroy_handle(Handle);
int rocblas_set_stream(Handle, hipStream_t);
int rocblas_sgemm(Handle, int, int, int, int, int, const float *, const float *, int, const float *, int, const float *,
                  float *, int);
int rocblas_hgemm(Handle, int, int, int, int, int, const void *, const void *, int, const void *, int, const void *,
                  void *, int);
int rocblas_gemm_ex(Handle, int, int, int, int, int, const void *, const void *, int, int, const void *, int, int,
                    const void *, const void *, int, int, void *, int, int, int, int, int, unsigned);
int rocblas_dgemv(Handle, int, int, int, const double *, const double *, int, const double *, int, const double *,
                  double *, int);
int rocblas_daxpy(Handle, int, const double *, const double *, int, double *, int);
int rocblas_sscal(Handle, int, const float *, float *, int);
int rocblas_ddot(Handle, int, const double *, int, const double *, int, double *);
int rocblas_snrm2(Handle, int, const float *, int, float *);
}
constexpr int OP_N = 111, OP_T = 112, F16 = 150, F32 = 151;
constexpr int M = 8, N = 5, K = 11;

#define BLAS(call)                                                                                             \
    do {                                                                                                       \
        int got = (call);                                                                                      \
        if (got != 0) fprintf(stderr, "%s:%d: %s gave %d\n", __FILE__, __LINE__, #call, got), exit(1);         \
    } while (0)

template <typename T>
__global__ void fill(T *values, int count, int seed) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] = (T)(float)((at * 7 + seed * 5 + at / 9) % 9 - 4);
}

// The same numbers as matrices.h gives the host, made by a kernel.
template <typename T>
static T *filled(int count, int seed) {
    T *device;
    HIP(hipMalloc(&device, count * sizeof(T)));
    fill<<<(count + 63) / 64, 64>>>(device, count, seed);
    return device;
}

template <typename T>
static std::vector<T> on_host(const T *device, size_t count) {
    std::vector<T> host(count);
    HIP(hipMemcpy(host.data(), device, count * sizeof(T), hipMemcpyDeviceToHost));
    return host;
}

static std::vector<double> wanted_gemm(double alpha, double beta) {
    std::vector<float> a = numbers<float>(M * K, 1), b = numbers<float>(N * K, 2), c = numbers<float>(M * N, 3);
    return expected_gemm(false, true, M, N, K, alpha, a.data(), M, b.data(), N, beta, c.data(), M);
}

static void check_single(Handle handle) {
    float alpha = 2.0f, beta = 3.0f, *a = filled<float>(M * K, 1), *b = filled<float>(N * K, 2), *c = filled<float>(M * N, 3);
    BLAS(rocblas_sgemm(handle, OP_N, OP_T, M, N, K, &alpha, a, M, b, N, &beta, c, M));
    std::vector<double> wanted = wanted_gemm(2.0, 3.0);
    std::vector<float> seen = on_host(c, M * N);
    for (int i = 0; i < M * N; ++i) CHECK(seen[i] == (float)wanted[i]);
    for (float *block : {a, b, c}) HIP(hipFree(block));
}

static void check_half(Handle handle) {
    __half alpha = (__half)1.0f, beta = (__half)0.5f;
    __half *a = filled<__half>(M * K, 1), *b = filled<__half>(N * K, 2), *c = filled<__half>(M * N, 3);
    BLAS(rocblas_hgemm(handle, OP_N, OP_T, M, N, K, &alpha, a, M, b, N, &beta, c, M));
    std::vector<double> wanted = wanted_gemm(1.0, 0.5);
    std::vector<__half> seen = on_host(c, M * N);
    for (int i = 0; i < M * N; ++i) CHECK((double)(float)seen[i] == wanted[i]);
    float one = 1.0f, zero = 0.0f, *out = filled<float>(M * N, 3);
    BLAS(rocblas_gemm_ex(handle, OP_N, OP_T, M, N, K, &one, a, F16, M, b, F16, N, &zero, out, F32, M, out, F32, M, F32, 0,
                         0, 0));
    wanted = wanted_gemm(1.0, 0.0);
    std::vector<float> mixed = on_host(out, M * N);
    for (int i = 0; i < M * N; ++i) CHECK(mixed[i] == (float)wanted[i]);
    for (__half *block : {a, b, c}) HIP(hipFree(block));
    HIP(hipFree(out));
}

static void check_vectors(Handle handle) {
    double alpha = 1.0, beta = 0.0, minus = -1.0, dot = 0.0, wanted_dot = 0.0;
    double *a = filled<double>(M * N, 1), *x = filled<double>(M, 2), *y = filled<double>(N, 3);
    std::vector<double> ha = numbers<double>(M * N, 1), hx = numbers<double>(M, 2);
    BLAS(rocblas_dgemv(handle, OP_T, M, N, &alpha, a, M, x, 1, &beta, y, 1));
    BLAS(rocblas_daxpy(handle, N, &minus, x, 1, y, 1));
    BLAS(rocblas_ddot(handle, N, x, 1, y, 1, &dot));
    std::vector<double> seen = on_host(y, N);
    for (int j = 0; j < N; ++j) {
        double sum = -hx[j];
        for (int i = 0; i < M; ++i) sum += ha[j * M + i] * hx[i];
        CHECK(seen[j] == sum);
        wanted_dot += hx[j] * sum;
    }
    CHECK(dot == wanted_dot);
    for (double *block : {a, x, y}) HIP(hipFree(block));

    float *v = filled<float>(50, 4), scale = -3.0f, norm = 0.0f;
    BLAS(rocblas_sscal(handle, 25, &scale, v, 2));
    BLAS(rocblas_snrm2(handle, 50, v, 1, &norm));
    double squares = 0.0;
    for (int i = 0; i < 50; ++i) squares += pow(small_number(i, 4) * (i % 2 ? 1.0 : -3.0), 2);
    CHECK(fabs(norm - sqrt(squares)) < 1e-5 * norm);
    HIP(hipFree(v));
}

int main() {
    Handle handle;
    BLAS(rocblas_create_handle(&handle));
    BLAS(rocblas_set_stream(handle, nullptr));
    check_single(handle);
    check_half(handle);
    check_vectors(handle);
    BLAS(rocblas_destroy_handle(handle));
    return verdict_close("rocblas_calls");
}
