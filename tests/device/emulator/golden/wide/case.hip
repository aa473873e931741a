// 64-bit integers and doubles.
#include <hip/hip_runtime.h>

extern "C" __global__ void wide(const long long *a, const long long *b, const double *x, const double *y,
                                long long *out, double *real, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    long long *o = out + 8 * i;
    o[0] = a[i] + b[i];
    o[1] = a[i] * b[i];
    o[2] = a[i] >> (b[i] & 63);
    o[3] = (unsigned long long)a[i] >> (b[i] & 63);
    o[4] = a[i] < b[i] ? a[i] : b[i];
    o[5] = b[i] ? a[i] / b[i] : 0;
    o[6] = __popcll(a[i]) + __clzll(b[i]);
    o[7] = (long long)x[i];
    double *r = real + 6 * i;
    r[0] = x[i] + y[i];
    r[1] = x[i] * y[i] - 1.0;
    r[2] = fma(x[i], y[i], 0.5);
    r[3] = x[i] / y[i];
    r[4] = sqrt(fabs(x[i]));
    r[5] = floor(x[i]) + (double)a[i];
}
