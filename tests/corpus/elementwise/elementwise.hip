// Kernels that treat every element alone.
#include <hip/hip_runtime.h>

extern "C" __global__ void vector_add(const float *a, const float *b, float *c, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        c[i] = a[i] + b[i];
}

// Any grid: every workitem takes each gridDim * blockDim-th element.
extern "C" __global__ void saxpy(float alpha, const float *__restrict__ x, float *__restrict__ y, int n)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        y[i] = alpha * x[i] + y[i];
}

// Four elements a workitem in one access of 16 bytes; what is left over goes one by one.
extern "C" __global__ void scale_vec4(const float *__restrict__ in, float *__restrict__ out, float factor, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n / 4) {
        float4 v = reinterpret_cast<const float4 *>(in)[i];
        v.x *= factor, v.y *= factor, v.z *= factor, v.w *= factor;
        reinterpret_cast<float4 *>(out)[i] = v;
    }
    int rest = n / 4 * 4 + i;
    if (i < 4 && rest < n)
        out[rest] = in[rest] * factor;
}

extern "C" __global__ void swiglu(const float *gate, const float *up, float *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    float g = gate[i];
    out[i] = g / (1.0f + expf(-g)) * up[i];
}

// Half precision in memory, single precision in registers.
extern "C" __global__ void swiglu_f16(const _Float16 *gate, const _Float16 *up, _Float16 *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    float g = gate[i];
    out[i] = (_Float16)(g / (1.0f + expf(-g)) * (float)up[i]);
}
