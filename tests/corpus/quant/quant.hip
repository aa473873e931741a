// Weights in blocks of few bits: q4_0, q8_0, q4_K and q6_K, taken apart, made, and multiplied in place.
#include <hip/hip_runtime.h>

#include "../signed_dots.h"

// 32 weights: a scale, then 4 bits each; low halves of the bytes are the first 16.
struct BlockQ4_0 {
    _Float16 d;
    unsigned char qs[16];
};

// 32 weights of 8 bits under one scale.
struct BlockQ8_0 {
    _Float16 d;
    signed char qs[32];
};

// 256 weights in 8 parts, each with a scale and a minimum of 6 bits under two scales for all.
struct BlockQ4K {
    _Float16 d, dmin;
    unsigned char scales[12];
    unsigned char qs[128];
};

// 256 weights of 6 bits, low 4 and high 2 apart, in 16 parts with scales of 8 bits under one for all.
struct BlockQ6K {
    unsigned char ql[128];
    unsigned char qh[64];
    signed char scales[16];
    _Float16 d;
};

// A pair of weights a workitem.
extern "C" __global__ void dequant_q4_0(const BlockQ4_0 *blocks, float *out, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count * 16)
        return;
    const BlockQ4_0 &block = blocks[i / 16];
    float d = block.d;
    int byte = block.qs[i % 16];
    float *to = out + i / 16 * 32 + i % 16;
    to[0] = ((byte & 15) - 8) * d;
    to[16] = ((byte >> 4) - 8) * d;
}

extern "C" __global__ void dequant_q8_0(const BlockQ8_0 *blocks, _Float16 *out, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count * 32)
        out[i] = (_Float16)(blocks[i / 32].qs[i % 32] * (float)blocks[i / 32].d);
}

// One block a workgroup of 32: each workitem takes 8 weights, four of either half of four bytes.
extern "C" __global__ void dequant_q4_k(const BlockQ4K *blocks, float *out)
{
    const BlockQ4K &block = blocks[blockIdx.x];
    int t = threadIdx.x, quarter = t / 8, at = t % 8 * 4;
    float d = block.d, dmin = block.dmin;
    for (int half = 0; half < 2; half++) {
        int part = 2 * quarter + half, scale, low;
        if (part < 4) {
            scale = block.scales[part] & 63;
            low = block.scales[part + 4] & 63;
        } else {
            scale = (block.scales[part + 4] & 15) | block.scales[part - 4] >> 6 << 4;
            low = block.scales[part + 4] >> 4 | block.scales[part] >> 6 << 4;
        }
        for (int j = 0; j < 4; j++) {
            int q = block.qs[quarter * 32 + at + j] >> 4 * half & 15;
            out[blockIdx.x * 256 + part * 32 + at + j] = d * scale * q - dmin * low;
        }
    }
}

// One block a workgroup of 64: each workitem takes one of 32 columns of either half, four weights deep.
extern "C" __global__ void dequant_q6_k(const BlockQ6K *blocks, float *out)
{
    const BlockQ6K &block = blocks[blockIdx.x];
    int t = threadIdx.x, half = t / 32, l = t % 32;
    const unsigned char *ql = block.ql + 64 * half + l;
    const signed char *scales = block.scales + 8 * half + l / 16;
    float d = block.d, *to = out + blockIdx.x * 256 + 128 * half + l;
    int high = block.qh[32 * half + l];
    to[0] = d * scales[0] * (((ql[0] & 15) | (high & 3) << 4) - 32);
    to[32] = d * scales[2] * (((ql[32] & 15) | (high >> 2 & 3) << 4) - 32);
    to[64] = d * scales[4] * ((ql[0] >> 4 | (high >> 4 & 3) << 4) - 32);
    to[96] = d * scales[6] * ((ql[32] >> 4 | high >> 6 << 4) - 32);
}

// 32 lanes make one block: the largest size gives the scale.
extern "C" __global__ void quantize_q8_0(const float *in, BlockQ8_0 *blocks, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count * 32)
        return;
    float value = in[i], largest = fabsf(value);
    for (int offset = 16; offset > 0; offset /= 2)
        largest = fmaxf(largest, __shfl_xor(largest, offset, 32));
    float d = largest / 127.0f;
    blocks[i / 32].qs[i % 32] = (signed char)roundf(d ? value / d : 0.0f);
    if (i % 32 == 0)
        blocks[i / 32].d = (_Float16)d;
}

__device__ float sum_of_32(float value)
{
    for (int offset = 16; offset > 0; offset /= 2)
        value += __shfl_xor(value, offset, 32);
    return value;
}

// y = W x: 32 lanes a row, taking the weights apart on the way; `blocks` of them a row.
extern "C" __global__ void matvec_q4_0(const BlockQ4_0 *w, const float *x, float *y, int rows, int blocks)
{
    int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
    if (row >= rows)
        return;
    float sum = 0.0f;
    // Half of the lanes take one block, half the next.
    for (int b = lane / 16; b < blocks; b += 2) {
        const BlockQ4_0 &block = w[row * blocks + b];
        int byte = block.qs[lane % 16];
        const float *xs = x + b * 32 + lane % 16;
        sum += (float)block.d * (((byte & 15) - 8) * xs[0] + ((byte >> 4) - 8) * xs[16]);
    }
    sum = sum_of_32(sum);
    if (lane == 0)
        y[row] = sum;
}

extern "C" __global__ void matvec_q8_0(const BlockQ8_0 *w, const float *x, float *y, int rows, int blocks)
{
    int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
    if (row >= rows)
        return;
    float sum = 0.0f;
    for (int b = 0; b < blocks; b++) {
        const BlockQ8_0 &block = w[row * blocks + b];
        sum += (float)block.d * (block.qs[lane] * x[b * 32 + lane]);
    }
    sum = sum_of_32(sum);
    if (lane == 0)
        y[row] = sum;
}

// Both sides in q8_0: whole numbers within a block, one multiplication by the two scales.
extern "C" __global__ void matvec_q8_0_q8_0(const BlockQ8_0 *w, const BlockQ8_0 *x, float *y, int rows, int blocks)
{
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows)
        return;
    float sum = 0.0f;
    for (int b = 0; b < blocks; b++) {
        const BlockQ8_0 &block = w[row * blocks + b];
        int products = 0;
        for (int j = 0; j < 32; j += 4) {
            int four, others;
            __builtin_memcpy(&four, block.qs + j, 4);
            __builtin_memcpy(&others, x[b].qs + j, 4);
            products = dot4<true, true>(four, others, products);
        }
        sum += products * ((float)block.d * (float)x[b].d);
    }
    y[row] = sum;
}
