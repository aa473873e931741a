// Half precision, scalar and packed, and single precision with conversions.
#include <hip/hip_runtime.h>
#include <hip/hip_fp16.h>

extern "C" __global__ void halves(const _Float16 *a, const _Float16 *b, _Float16 *out, float *single, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    out[4 * i] = a[i] + b[i];
    out[4 * i + 1] = a[i] * b[i];
    out[4 * i + 2] = a[i] < b[i] ? a[i] : b[i];
    out[4 * i + 3] = (_Float16)((float)a[i] / 3.0f);
    single[3 * i] = (float)a[i] * (float)b[i];
    single[3 * i + 1] = (float)a[i] / (float)b[i];
    single[3 * i + 2] = (float)(int)a[i];
}
