// The mathematical functions as the device libraries make them of hardware's.
#include <hip/hip_runtime.h>

extern "C" __global__ void transcendental(const float *x, float *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    float v = x[i];
    out[0 * n + i] = expf(v);
    out[1 * n + i] = logf(fabsf(v));
    out[2 * n + i] = sinf(v);
    out[3 * n + i] = cosf(v);
    out[4 * n + i] = tanhf(v);
    out[5 * n + i] = sqrtf(fabsf(v));
    out[6 * n + i] = rsqrtf(fabsf(v));
    out[7 * n + i] = exp2f(v);
    out[8 * n + i] = powf(fabsf(v), 1.5f);
    out[9 * n + i] = __expf(v);
}
