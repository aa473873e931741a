// Nested conditions, loops with a trip count per lane, early return, break and continue.
#include <hip/hip_runtime.h>

extern "C" __global__ void divergence(const int *in, int *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    int x = in[i], sum = 0;
    if (x < 0) {
        if (x & 1)
            sum = -x;
        else
            sum = x * 3;
    } else {
        for (int k = 0; k < x % 17; k++) {
            if (k == 5)
                continue;
            if (sum > 60)
                break;
            for (int j = k; j > 0; j -= 1 + (i & 1))
                sum += j;
        }
    }
    while (sum > 100) {
        sum -= 37;
        if (sum == 77) {
            out[i] = -77;
            return;
        }
    }
    out[i] = sum;
}
