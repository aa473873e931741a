// Variables of the device: __device__, __constant__, copied to and from by symbol, address and size.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

struct Settings {
    float factor;
    int offset;
    double shift;
};

__constant__ Settings settings = {1.0f, 5, 0.25};
__constant__ int table[16];
__device__ int counters[8] = {1, 2, 3, 4, 5, 6, 7, 8};
__device__ float result;
static __device__ int hidden = 11;

__global__ void compute(double *out) {
    int at = threadIdx.x;
    out[at] = settings.factor * table[at] + settings.offset + settings.shift;
    if (at < 8) atomicAdd(&counters[at], table[at]);
    if (at == 0) result = settings.factor * hidden;
}

static void check_values(const int *host_table, Settings now, const int *before, int hidden_now) {
    double *out, seen[16];
    int after[8];
    float computed = 0;
    HIP(hipMalloc(&out, sizeof(seen)));
    compute<<<1, 16>>>(out);
    HIP(hipMemcpy(seen, out, sizeof(seen), hipMemcpyDeviceToHost));
    HIP(hipMemcpyFromSymbol(after, HIP_SYMBOL(counters), sizeof(after), 0, hipMemcpyDeviceToHost));
    HIP(hipMemcpyFromSymbol(&computed, HIP_SYMBOL(result), sizeof(computed), 0, hipMemcpyDeviceToHost));
    for (int i = 0; i < 16; ++i) CHECK(seen[i] == now.factor * host_table[i] + now.offset + now.shift);
    for (int i = 0; i < 8; ++i) CHECK(after[i] == before[i] + host_table[i]);
    CHECK(computed == now.factor * hidden_now);
    HIP(hipFree(out));
}

int main() {
    int host_table[16] = {}, before[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    check_values(host_table, {1.0f, 5, 0.25}, before, 11); // as the source initialises them

    for (int i = 0; i < 16; ++i) host_table[i] = 100 + i * i;
    Settings now = {2.5f, -3, 1e-3};
    HIP(hipMemcpyToSymbol(HIP_SYMBOL(table), host_table, sizeof(host_table), 0, hipMemcpyHostToDevice));
    HIP(hipMemcpyToSymbol(HIP_SYMBOL(settings), &now, sizeof(now), 0, hipMemcpyHostToDevice));
    int eleven = 21;
    HIP(hipMemcpyToSymbol(HIP_SYMBOL(hidden), &eleven, sizeof(int), 0, hipMemcpyHostToDevice));
    check_values(host_table, now, before, 21);
    for (int i = 0; i < 8; ++i) before[i] += host_table[i];

    int piece[3] = {7, 8, 9}, got[3] = {};
    hipStream_t stream;
    HIP(hipStreamCreate(&stream));
    HIP(hipMemcpyToSymbolAsync(HIP_SYMBOL(table), piece, sizeof(piece), 4 * sizeof(int), hipMemcpyHostToDevice, stream));
    HIP(hipMemcpyFromSymbolAsync(got, HIP_SYMBOL(table), sizeof(got), 5 * sizeof(int), hipMemcpyDeviceToHost, stream));
    HIP(hipStreamSynchronize(stream));
    CHECK(got[0] == 8 && got[1] == 9 && got[2] == host_table[7]);
    memcpy(host_table + 4, piece, sizeof(piece));

    void *address = nullptr;
    size_t size = 0;
    HIP(hipGetSymbolAddress(&address, HIP_SYMBOL(counters)));
    HIP(hipGetSymbolSize(&size, HIP_SYMBOL(counters)));
    CHECK(size == sizeof(before));
    HIP(hipMemset(address, 0, size));
    memset(before, 0, sizeof(before));
    check_values(host_table, now, before, 21);
    HIP_GIVES(hipErrorInvalidSymbol, hipGetSymbolSize(&size, (const void *)&address));
    HIP_GIVES(hipErrorInvalidValue,
              hipMemcpyToSymbol(HIP_SYMBOL(table), host_table, sizeof(host_table), 4, hipMemcpyHostToDevice));
    (void)hipGetLastError();
    HIP(hipStreamDestroy(stream));
    return verdict_close("symbols");
}
