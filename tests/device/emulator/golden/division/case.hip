// Division over the whole range: denormals, overflow, specials, in both precisions.
#include <hip/hip_runtime.h>

extern "C" __global__ void division(const float *a, const float *b, float *q, const double *x, const double *y,
                                    double *r, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    q[i] = a[i] / b[i];
    r[i] = x[i] / y[i];
}
