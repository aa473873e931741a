// Arithmetic beyond 32-bit floats: wide integers, division, double precision, functions, bits.
#include <hip/hip_runtime.h>

typedef unsigned long long u64;
typedef long long i64;

// 64-bit integers: products and their upper halves, quotients, remainders, shifts, comparisons.
extern "C" __global__ void integers_64(const i64 *x, const i64 *y, i64 *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    i64 a = x[i], b = y[i];
    u64 ua = a, ub = b;
    i64 *row = out + 14 * i;
    row[0] = ua * ub;
    row[1] = __mul64hi(a, b);
    row[2] = __umul64hi(ua, ub);
    row[3] = a / b;
    row[4] = a % b;
    row[5] = ua / ub;
    row[6] = ua % ub;
    row[7] = ua << (b & 63);
    row[8] = a >> (b & 63);
    row[9] = ua >> (b & 63);
    row[10] = a < b ? a : b;
    row[11] = (ua < ub) + 2 * (a < b) + 4 * (a == b);
    row[12] = a / 1000000007;
    row[13] = ua % 10;
}

// 32-bit integers: division by variables and constants, saturation, 24-bit products, narrow types.
extern "C" __global__ void integers_32(const int *x, const int *y, int *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    int a = x[i], b = y[i];
    unsigned ua = a, ub = b;
    int *row = out + 16 * i;
    row[0] = a / b;
    row[1] = a % b;
    row[2] = ua / ub;
    row[3] = ua % ub;
    row[4] = a / 7;
    row[5] = ua % 10u;
    row[6] = a / -16;
    row[7] = __mulhi(a, b);
    row[8] = __umulhi(ua, ub);
    row[9] = __mul24(a, b);
    row[10] = __umul24(ua, ub);
    row[11] = (signed char)a * (short)b + (unsigned char)b * (unsigned short)a;
    row[12] = (a >> 1) + (b >> 1) + (a & b & 1);
    row[13] = __usad(ua, ub, 5u);
    row[14] = max(-100, min(a, 100)) + abs(b);
    row[15] = (short)(a >> 3) >> (b & 15);
}

// Double precision: what IEEE 754 defines to the last bit, and conversions.
extern "C" __global__ void double_basics(const double *x, const double *y, double *out, i64 *whole, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    double a = x[i], b = y[i], *row = out + 14 * i;
    row[0] = a + b;
    row[1] = a - b;
    row[2] = __dmul_rn(a, b);
    row[3] = a / b;
    row[4] = sqrt(fabs(a));
    row[5] = fma(a, b, a);
    row[6] = floor(a);
    row[7] = ceil(b);
    row[8] = rint(a);
    row[9] = trunc(b);
    row[10] = fmod(a, b);
    row[11] = ldexp(a, (int)(i % 9) - 4);
    row[12] = (float)a;
    row[13] = fmin(a, b) + copysign(1.0, b);
    i64 *w = whole + 4 * i;
    w[0] = (i64)(a * 1048576.0);
    w[1] = (u64)fabs(b * 1048576.0);
    w[2] = (int)b;
    w[3] = (a < b) + 2 * (a <= b) + 4 * (a != b) + 8 * isnan(a) + 16 * signbit(b);
}

// Elementary functions in double precision; the sine's argument needs more bits of pi than a double has.
extern "C" __global__ void double_functions(const double *x, double *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    double a = x[i], positive = fabs(a) + 0.0625, *row = out + 6 * i;
    row[0] = exp(a);
    row[1] = log(positive);
    row[2] = sin(a * 1125899906842624.0);
    row[3] = pow(positive, a);
    row[4] = cbrt(a);
    row[5] = rsqrt(positive);
}

// And in single precision.
extern "C" __global__ void float_functions(const float *x, float *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    float a = x[i], positive = fabsf(a) + 0.0625f, *row = out + 9 * i;
    row[0] = expf(a);
    row[1] = logf(positive);
    row[2] = cosf(a * 1048576.0f);
    row[3] = powf(positive, a);
    row[4] = tanhf(a);
    row[5] = atan2f(a, positive);
    row[6] = erff(a);
    row[7] = a / positive;
    row[8] = sqrtf(positive);
}

// Counting, finding, reversing, extracting, inserting, permuting and rotating bits.
extern "C" __global__ void bit_tricks(const u64 *x, const u64 *y, unsigned *out, u64 *wide, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    u64 a = x[i], b = y[i];
    unsigned u = (unsigned)a, v = (unsigned)b;
    unsigned *row = out + 14 * i;
    row[0] = __popc(u) + 100 * __popcll(a);
    row[1] = __clz(u) + 100 * __clzll(a);
    row[2] = __ffs(u) + 100 * __ffsll(a);
    row[3] = __brev(u);
    row[4] = __builtin_amdgcn_ubfe(u, v & 31, v >> 5 & 15);
    row[5] = __bitinsert_u32(u, v, v & 15, v >> 4 & 15);
    row[6] = __builtin_amdgcn_perm(u, v, (unsigned)(b >> 32) & 0x07070707u);
    row[7] = __builtin_amdgcn_alignbit(u, v, (unsigned)(b >> 32) & 31);
    row[8] = __builtin_amdgcn_alignbyte(u, v, (unsigned)(b >> 32) & 3);
    row[9] = __builtin_rotateleft32(u, v & 31);
    row[10] = __builtin_amdgcn_sad_u8(u, v, 3u);
    row[11] = __builtin_bswap32(u);
    row[12] = (u & v) | (~u & (unsigned)(a >> 32));
    row[13] = __builtin_amdgcn_sbfe((int)u, v & 31, 5u);
    u64 *w = wide + 5 * i;
    w[0] = __brevll(a);
    w[1] = __builtin_bswap64(b);
    w[2] = __builtin_rotateleft64(a, (unsigned)(b & 63));
    w[3] = a & -a ^ b & (b - 1);
    w[4] = a >> (v & 63) & ((1ull << (v >> 6 & 31)) - 1);
}
