// Graphs out of captured streams: fork and join by events, launched again and again.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int COUNT = 1024;

__global__ void add(int *values, int amount) { values[blockIdx.x * blockDim.x + threadIdx.x] += amount; }

__global__ void multiply(const int *a, const int *b, int *out) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    out[at] = a[at] * b[at];
}

static int *a, *b, *out, *host;

// a += 1 beside b += 2, then out = a * b, then to the host.
static hipGraph_t capture(hipStream_t stream, hipStream_t side, hipEvent_t fork, hipEvent_t join) {
    hipStreamCaptureStatus status;
    HIP(hipStreamIsCapturing(stream, &status));
    CHECK(status == hipStreamCaptureStatusNone);
    HIP(hipStreamBeginCapture(stream, hipStreamCaptureModeGlobal));
    HIP(hipStreamIsCapturing(stream, &status));
    CHECK(status == hipStreamCaptureStatusActive);
    HIP(hipEventRecord(fork, stream));
    HIP(hipStreamWaitEvent(side, fork, 0));
    add<<<COUNT / 128, 128, 0, stream>>>(a, 1);
    add<<<COUNT / 128, 128, 0, side>>>(b, 2);
    HIP(hipEventRecord(join, side));
    HIP(hipStreamWaitEvent(stream, join, 0));
    multiply<<<COUNT / 128, 128, 0, stream>>>(a, b, out);
    HIP(hipMemcpyAsync(host, out, COUNT * 4, hipMemcpyDeviceToHost, stream));
    hipGraph_t graph = nullptr;
    HIP(hipStreamEndCapture(stream, &graph));
    CHECK(graph != nullptr);
    HIP(hipStreamIsCapturing(stream, &status));
    CHECK(status == hipStreamCaptureStatusNone);
    return graph;
}

int main() {
    hipStream_t stream, side;
    hipEvent_t fork, join;
    HIP(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking));
    HIP(hipStreamCreateWithFlags(&side, hipStreamNonBlocking));
    HIP(hipEventCreateWithFlags(&fork, hipEventDisableTiming));
    HIP(hipEventCreateWithFlags(&join, hipEventDisableTiming));
    for (int **block : {&a, &b, &out}) {
        HIP(hipMalloc(block, COUNT * 4));
        HIP(hipMemset(*block, 0, COUNT * 4));
    }
    HIP(hipHostMalloc((void **)&host, COUNT * 4, 0));
    HIP(hipDeviceSynchronize());
    hipGraph_t graph = capture(stream, side, fork, join);
    std::vector<int> seen(COUNT, -1);
    HIP(hipMemcpy(seen.data(), a, COUNT * 4, hipMemcpyDeviceToHost));
    for (int value : seen) CHECK(value == 0); // capturing runs nothing

    size_t nodes = 0;
    HIP(hipGraphGetNodes(graph, nullptr, &nodes));
    CHECK(nodes == 4);
    hipGraphExec_t exec;
    HIP(hipGraphInstantiate(&exec, graph, nullptr, nullptr, 0));
    for (int round = 1; round <= 5; ++round) {
        HIP(hipGraphLaunch(exec, stream));
        HIP(hipStreamSynchronize(stream));
        for (int i = 0; i < COUNT; ++i) CHECK(host[i] == round * 2 * round);
    }
    HIP(hipGraphExecDestroy(exec));
    HIP(hipGraphDestroy(graph));
    for (int *block : {a, b, out}) HIP(hipFree(block));
    HIP(hipHostFree(host));
    HIP(hipEventDestroy(fork));
    HIP(hipEventDestroy(join));
    HIP(hipStreamDestroy(stream));
    HIP(hipStreamDestroy(side));
    return verdict_close("graph_capture");
}
