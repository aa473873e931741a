// Directed rounding by writing MODE: constants, a mode from an argument, and a saved mode put back.
#include <hip/hip_runtime.h>

#define ROUND_MODE 0x1801 // hwreg(HW_REG_MODE, 0, 4)
#define PIN(x) asm volatile("" : "+v"(x))

template <int MODE> __device__ float add(float a, float b)
{
    __builtin_amdgcn_s_setreg(ROUND_MODE, MODE * 5);
    PIN(a);
    float sum = a + b;
    PIN(sum);
    __builtin_amdgcn_s_setreg(ROUND_MODE, 0);
    return sum;
}

// From a register: what MODE holds then, no translator can know.
__device__ void set_rounding(unsigned mode)
{
    asm volatile("v_readfirstlane_b32 s40, %0\n\ts_setreg_b32 hwreg(HW_REG_MODE, 0, 4), s40" : : "v"(mode) : "s40");
}

// Not inlined where the compiler may choose: the mode goes with the call.
__device__ __attribute__((noinline)) float multiply(float a, float b) { return a * b; }

extern "C" __global__ void rounding(const float *a, const float *b, float *sums, float *products, float *after,
                                    const double *x, float *narrow, int mode, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    sums[i] = add<1>(a[i], b[i]);
    sums[i + n] = add<2>(a[i], b[i]);
    sums[i + 2 * n] = add<3>(a[i], b[i]);
    float p = a[i], q = b[i];
    double d = x[i];
    unsigned saved;
    asm volatile("s_getreg_b32 %0, hwreg(HW_REG_MODE, 0, 4)" : "=s"(saved));
    set_rounding(mode * 5);
    PIN(p);
    PIN(d);
    float product = multiply(p, q), single = (float)d;
    PIN(product);
    PIN(single);
    set_rounding(saved);
    products[i] = product;
    narrow[i] = single;
    p = a[i];
    PIN(p);
    after[i] = p * q + 0.0f;
}
