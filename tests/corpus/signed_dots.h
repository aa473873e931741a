/* Dot products of four bytes, each source signed or not: RDNA 3 has an instruction for all, RDNA 2 one for two
 * signed sources. */
#pragma once

template <bool FirstSigned, bool SecondSigned>
__device__ inline int dot4(int a, int b, int sum)
{
#if defined(__GFX11__)
    return __builtin_amdgcn_sudot4(FirstSigned, a, SecondSigned, b, sum, false);
#else
#if defined(__GFX10__)
    if constexpr (FirstSigned && SecondSigned)
        return __builtin_amdgcn_sdot4(a, b, sum, false);
#endif
    for (int i = 0; i < 4; i++) {
        int x = a >> 8 * i & 0xff, y = b >> 8 * i & 0xff;
        sum += (FirstSigned ? (signed char)x : x) * (SecondSigned ? (signed char)y : y);
    }
    return sum;
#endif
}
