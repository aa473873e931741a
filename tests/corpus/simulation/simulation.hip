// Simulations: all-pairs n-body, Mandelbrot, an FFT in LDS, pi from Philox.
#include <hip/hip_runtime.h>

#define BODIES 64
#define FFT_MAX 256

// Accelerations by gravity (softened), bodies of the other side staged through LDS a tile at a time.
extern "C" __global__ void n_body(const float4 *body, float *acceleration, int n, float softening)
{
    __shared__ float4 tile[BODIES];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float4 me = body[min(i, n - 1)];
    float ax = 0.0f, ay = 0.0f, az = 0.0f;
    for (int base = 0; base < n; base += BODIES) {
        int j = base + threadIdx.x;
        tile[threadIdx.x] = j < n ? body[j] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        __syncthreads();
        for (int k = 0; k < BODIES; k++) {
            float dx = tile[k].x - me.x, dy = tile[k].y - me.y, dz = tile[k].z - me.z;
            float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + softening);
            float pull = tile[k].w * inverse * inverse * inverse;
            ax += pull * dx;
            ay += pull * dy;
            az += pull * dz;
        }
        __syncthreads();
    }
    if (i >= n)
        return;
    acceleration[3 * i] = ax;
    acceleration[3 * i + 1] = ay;
    acceleration[3 * i + 2] = az;
}

// Escape times in 20.12 fixed point (exact on every machine), and in double precision beside it.
extern "C" __global__ void mandelbrot(int *fixed, int *real, int width, int height, int limit)
{
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height)
        return;
    int cx = 12288 * x / width - 8192, cy = 10240 * y / height - 5120, steps = 0;
    for (int zx = 0, zy = 0; steps < limit; steps++) {
        int xx = zx * zx >> 12, yy = zy * zy >> 12;
        if (xx + yy > 4 << 12)
            break;
        zy = (zx * zy >> 11) + cy;
        zx = xx - yy + cx;
    }
    fixed[y * width + x] = steps;
    // Powers of two scale the plane and no product is fused: each operation rounds once, as IEEE 754 says.
    double dx = cx / 4096.0, dy = cy / 4096.0, u = 0.0, v = 0.0;
    for (steps = 0; steps < limit; steps++) {
        double uu = __dmul_rn(u, u), vv = __dmul_rn(v, v);
        if (__dadd_rn(uu, vv) > 4.0)
            break;
        v = __dadd_rn(__dmul_rn(2.0 * u, v), dy);
        u = __dadd_rn(__dadd_rn(uu, -vv), dx);
    }
    real[y * width + x] = steps;
}

// A complex FFT of 2^k points a block: bit reversal into LDS, then radix-2 butterflies in place.
extern "C" __global__ void fft_radix2(const float2 *in, float2 *out, int log2_points, float sign)
{
    __shared__ float2 data[FFT_MAX];
    int points = 1 << log2_points, t = threadIdx.x;
    size_t base = (size_t)blockIdx.x << log2_points;
    for (int i = t; i < points; i += blockDim.x)
        data[__brev(i) >> (32 - log2_points)] = in[base + i];
    for (int half = 1; half < points; half *= 2) {
        __syncthreads();
        for (int b = t; b < points / 2; b += blockDim.x) {
            int place = b & (half - 1), low = 2 * (b - place) + place, high = low + half;
            float s, c;
            sincosf(sign * 3.14159265358979f * place / half, &s, &c);
            float2 p = data[low], q = data[high];
            float re = q.x * c - q.y * s, im = q.x * s + q.y * c;
            data[low] = make_float2(p.x + re, p.y + im);
            data[high] = make_float2(p.x - re, p.y - im);
        }
    }
    __syncthreads();
    for (int i = t; i < points; i += blockDim.x)
        out[base + i] = data[i];
}

// Philox 4x32-10, the counter-based generator of Salmon et al. (2011).
__device__ static uint4 philox(uint4 counter, uint2 key)
{
    for (int round = 0; round < 10; round++) {
        unsigned long long a = (unsigned long long)0xD2511F53u * counter.x;
        unsigned long long b = (unsigned long long)0xCD9E8D57u * counter.z;
        counter = make_uint4((unsigned)(b >> 32) ^ counter.y ^ key.x, (unsigned)b,
                             (unsigned)(a >> 32) ^ counter.w ^ key.y, (unsigned)a);
        key.x += 0x9E3779B9u;
        key.y += 0xBB67AE85u;
    }
    return counter;
}

// The generator's words themselves; the counter is 128 bits wide and carries.
extern "C" __global__ void philox_words(const unsigned *start, uint4 *out, int n, unsigned long long seed)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned long long low = start[0] | (unsigned long long)start[1] << 32;
    unsigned long long high = start[2] | (unsigned long long)start[3] << 32, sum = low + i;
    high += sum < low;
    uint4 counter = make_uint4((unsigned)sum, (unsigned)(sum >> 32), (unsigned)high, (unsigned)(high >> 32));
    out[i] = philox(counter, make_uint2((unsigned)seed, (unsigned)(seed >> 32)));
}

// Points of the unit square within the quarter circle, decided in integers; a block adds up in LDS.
extern "C" __global__ void philox_pi(unsigned *inside, int draws, unsigned seed)
{
    __shared__ unsigned sum;
    if (threadIdx.x == 0)
        sum = 0;
    __syncthreads();
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x, mine = 0;
    for (int d = 0; d < draws; d++) {
        uint4 r = philox(make_uint4(i, d, 0, 0), make_uint2(seed, 0));
        unsigned long long x = r.x >> 1, y = r.y >> 1, u = r.z >> 1, v = r.w >> 1;
        mine += (x * x + y * y < 1ull << 62) + (u * u + v * v < 1ull << 62);
    }
    atomicAdd(&sum, mine);
    __syncthreads();
    if (threadIdx.x == 0)
        atomicAdd(inside, sum);
}
