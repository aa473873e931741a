// Whole products by the compiler's MFMA and SMFMAC builtins: rows of A, B and Y lie one after another.
typedef float float4v __attribute__((ext_vector_type(4)));
typedef float float16v __attribute__((ext_vector_type(16)));
typedef _Float16 half4v __attribute__((ext_vector_type(4)));
typedef _Float16 half8v __attribute__((ext_vector_type(8)));
#define KERNEL extern "C" __attribute__((global)) void

// Y[32][32] = A[32][k] * B[k][32], of halves
KERNEL halves(const _Float16 *a, const _Float16 *b, float *y, int k)
{
    unsigned lane = __builtin_amdgcn_workitem_id_x(), row = lane % 32, high = lane / 32;
    float16v sum = {};
    for (int first = 0; first < k; first += 8) {
        half4v left, right;
        for (int j = 0; j < 4; j++) {
            int at = first + 4 * high + j;
            left[j] = a[row * k + at];
            right[j] = b[at * 32 + row];
        }
        sum = __builtin_amdgcn_mfma_f32_32x32x8f16(left, right, sum, 0, 0, 0);
    }
    for (int j = 0; j < 16; j++)
        y[(8 * (j / 4) + 4 * high + j % 4) * 32 + row] = sum[j];
}

// Y[16][16] = A[16][k] * B[k][16], of doubles
KERNEL doubles(const double *a, const double *b, double *y, int k)
{
    typedef double double4v __attribute__((ext_vector_type(4)));
    unsigned lane = __builtin_amdgcn_workitem_id_x(), row = lane % 16, group = lane / 16;
    double4v sum = {};
    for (int first = 0; first < k; first += 4)
        sum = __builtin_amdgcn_mfma_f64_16x16x4f64(a[row * k + first + group], b[(first + group) * 16 + row], sum, 0, 0, 0);
    for (int j = 0; j < 4; j++)
        y[(4 * j + group) * 16 + row] = sum[j];
}

#ifdef __gfx942__
// Y[16][16] = A[16][32] * B[32][16]; of every four of a row of A, at most two are not zero
KERNEL sparse(const _Float16 *a, const _Float16 *b, float *y, int k)
{
    unsigned lane = __builtin_amdgcn_workitem_id_x(), row = lane % 16, group = lane / 16;
    half4v left = {};
    half8v right;
    int places = 0;
    for (int four = 0; four < 2; four++) {
        int found = 0, at[2] = {2, 3};
        for (int j = 0; j < 4; j++)
            if (a[row * k + 8 * group + 4 * four + j] != 0 && found < 2)
                at[found++] = j;
        if (found == 1 && at[0] == 3)
            at[0] = 2;
        for (int j = 0; j < 2; j++) {
            left[2 * four + j] = a[row * k + 8 * group + 4 * four + at[j]];
            places |= at[j] << (4 * four + 2 * j);
        }
    }
    for (int j = 0; j < 8; j++)
        right[j] = b[(8 * group + j) * 16 + row];
    float4v sum = {};
    sum = __builtin_amdgcn_smfmac_f32_16x16x32_f16(left, right, sum, places, 0, 0);
    for (int j = 0; j < 4; j++)
        y[(4 * group + j) * 16 + row] = sum[j];
}
#endif
