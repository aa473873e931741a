// GEMM in tiles of 16x16 through the matrix instructions, in waves of 32 and of 64: f16 and bf16 with
// single-precision sums, f16 with sums in halves of registers, and signed bytes.
#include <hip/hip_runtime.h>

typedef _Float16 half16 __attribute__((ext_vector_type(16)));
typedef short short16 __attribute__((ext_vector_type(16)));
typedef int int4v __attribute__((ext_vector_type(4)));

#if __AMDGCN_WAVEFRONT_SIZE == 64
#define WMMA(name) __builtin_amdgcn_wmma_##name##_w64
enum { WAVE = 64 };
#else
#define WMMA(name) __builtin_amdgcn_wmma_##name##_w32
enum { WAVE = 32 };
#endif
enum { COUNT = 256 / WAVE, M = 32, N = 48, K = 64 };

typedef float floats __attribute__((ext_vector_type(COUNT)));
typedef int ints __attribute__((ext_vector_type(COUNT)));
typedef _Float16 halves __attribute__((ext_vector_type(2 * COUNT)));

extern "C" __global__ void matrix(const _Float16 *a, const _Float16 *b, const short *bf_a, const short *bf_b,
                                  const signed char *int_a, const signed char *int_b, float *out,
                                  float *bf_out, _Float16 *half_out, int *int_out)
{
    int lane = threadIdx.x % WAVE, waves = blockDim.x / WAVE;
    for (int tile = threadIdx.x / WAVE; tile < M / 16 * (N / 16); tile += waves) {
        int m0 = tile / (N / 16) * 16, n0 = tile % (N / 16) * 16;
        int row = m0 + lane % 16, column = n0 + lane % 16;
        floats sum = {}, bf_sum = {};
        ints int_sum = {};
        halves half_sum = {};
        for (int k0 = 0; k0 < K; k0 += 16) {
            half16 fa, fb;
            short16 ga, gb;
            union { signed char bytes[16]; int4v words; } ia, ib;
            for (int k = 0; k < 16; k++) {
                fa[k] = a[row * K + k0 + k];
                fb[k] = b[(k0 + k) * N + column];
                ga[k] = bf_a[row * K + k0 + k];
                gb[k] = bf_b[(k0 + k) * N + column];
                ia.bytes[k] = int_a[row * K + k0 + k];
                ib.bytes[k] = int_b[(k0 + k) * N + column];
            }
            sum = WMMA(f32_16x16x16_f16)(fa, fb, sum);
            bf_sum = WMMA(f32_16x16x16_bf16)(ga, gb, bf_sum);
            half_sum = WMMA(f16_16x16x16_f16)(fa, fb, half_sum, true);
            int_sum = WMMA(i32_16x16x16_iu8)(true, ia.words, true, ib.words, int_sum, true);
        }
        for (int i = 0; i < COUNT; i++) {
            int place = (m0 + i * (WAVE / 16) + lane / 16) * N + column;
            out[place] = sum[i];
            bf_out[place] = bf_sum[i];
            half_out[place] = half_sum[2 * i + 1];
            int_out[place] = int_sum[i];
        }
    }
}
