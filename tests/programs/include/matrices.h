// Host computations for the programs that call BLAS: column-major, in double, straight from the definition.
#pragma once
#include <cmath>
#include <vector>

// One of the small whole numbers from -4 to 4: sums of their products are exact in every type used here.
inline double small_number(int at, int seed) { return (at * 7 + seed * 5 + at / 9) % 9 - 4; }

template <typename T>
std::vector<T> numbers(int count, int seed) {
    std::vector<T> values(count);
    for (int i = 0; i < count; ++i) values[i] = (T)small_number(i, seed);
    return values;
}

// c = alpha op(a) op(b) + beta c; op(a) is m x k, op(b) k x n.
template <typename T>
std::vector<double> expected_gemm(bool ta, bool tb, int m, int n, int k, double alpha, const T *a, int lda, const T *b,
                                  int ldb, double beta, const T *c, int ldc) {
    std::vector<double> out(m * n);
    for (int j = 0; j < n; ++j)
        for (int i = 0; i < m; ++i) {
            double sum = 0;
            for (int l = 0; l < k; ++l)
                sum += (double)(ta ? a[i * lda + l] : a[l * lda + i]) * (double)(tb ? b[l * ldb + j] : b[j * ldb + l]);
            out[j * m + i] = alpha * sum + beta * (double)c[j * ldc + i];
        }
    return out;
}
