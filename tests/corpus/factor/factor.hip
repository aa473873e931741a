// Small dense factorisations, one matrix a block, in LDS; and a triangular solve in double precision.
#include <hip/hip_runtime.h>

#define N 12

// LU with partial pivoting in place; pivots[k] is the row that was swapped with row k.
extern "C" __global__ void lu_decompose(const float *in, float *out, int *pivots)
{
    __shared__ float a[N][N + 1];
    __shared__ int pivot;
    int t = threadIdx.x;
    for (int i = t; i < N * N; i += blockDim.x)
        a[i / N][i % N] = in[blockIdx.x * N * N + i];
    __syncthreads();
    for (int k = 0; k < N; k++) {
        if (t == 0) {
            pivot = k;
            for (int r = k + 1; r < N; r++)
                if (fabsf(a[r][k]) > fabsf(a[pivot][k]))
                    pivot = r;
            pivots[blockIdx.x * N + k] = pivot;
        }
        __syncthreads();
        if (t < N && pivot != k) {
            float swap = a[k][t];
            a[k][t] = a[pivot][t];
            a[pivot][t] = swap;
        }
        __syncthreads();
        if (t > k && t < N)
            a[t][k] /= a[k][k];
        __syncthreads();
        for (int i = t; i < N * N; i += blockDim.x) {
            int row = i / N, column = i % N;
            if (row > k && column > k)
                a[row][column] -= a[row][k] * a[k][column];
        }
        __syncthreads();
    }
    for (int i = t; i < N * N; i += blockDim.x)
        out[blockIdx.x * N * N + i] = a[i / N][i % N];
}

// The lower Cholesky factor of a symmetric positive definite matrix, zeros above the diagonal.
extern "C" __global__ void cholesky(const double *in, double *out)
{
    __shared__ double a[N][N];
    int row = threadIdx.x, column = threadIdx.y;
    a[row][column] = in[blockIdx.x * N * N + row * N + column];
    __syncthreads();
    for (int k = 0; k < N; k++) {
        if (row == k && column == k)
            a[k][k] = sqrt(a[k][k]);
        __syncthreads();
        if (column == k && row > k)
            a[row][k] /= a[k][k];
        __syncthreads();
        if (column > k && row >= column)
            a[row][column] -= a[row][k] * a[column][k];
        __syncthreads();
    }
    out[blockIdx.x * N * N + row * N + column] = column <= row ? a[row][column] : 0.0;
}

// Solves L x = b by forward substitution, a right-hand side a thread, x in private memory.
extern "C" __global__ void triangular_solve(const double *lower, const double *b, double *x, int sides)
{
    int side = blockIdx.x * blockDim.x + threadIdx.x;
    if (side >= sides)
        return;
    double solved[N];
    for (int row = 0; row < N; row++) {
        double sum = b[row * sides + side];
        for (int column = 0; column < row; column++)
            sum -= lower[row * N + column] * solved[column];
        solved[row] = sum / lower[row * N + row];
    }
    for (int row = 0; row < N; row++)
        x[row * sides + side] = solved[row];
}
