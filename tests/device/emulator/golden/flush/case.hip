// Compiled to flush f32 denormals: operands and results become zeros of their sign; f64 keeps them.
// A correctly rounded division turns denormals on for its inner steps, and off again.
#include <hip/hip_runtime.h>

extern "C" __global__ void flush(const float *a, const float *b, float *sum, float *product, float *quotient,
                                 int *compared, const double *x, double *halved, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    sum[i] = a[i] + b[i];
    product[i] = a[i] * b[i];
    if (i % 3)
        quotient[i] = a[i] / b[i];
    compared[i] = (a[i] == 0.0f) + 2 * (a[i] < b[i]) + 4 * (fmaxf(a[i], 0.0f) > 0.0f);
    halved[i] = x[i] * 0.5;
}
