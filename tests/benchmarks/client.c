/* What calls of HIP cost a program, as one JSON object: medians in microseconds, copies in GB/s. Its argument is a code
 * object with a kernel `nothing` without parameters. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void *handle;
int hipModuleLoad(handle *, const char *);
int hipModuleGetFunction(handle *, handle, const char *);
int hipModuleLaunchKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **,
                          void **);
int hipStreamCreate(handle *);
int hipEventCreate(handle *);
int hipEventRecord(handle, handle);
int hipDeviceSynchronize(void);
int hipMemGetInfo(size_t *, size_t *);
int hipMalloc(void **, size_t);
int hipHostMalloc(void **, size_t, unsigned);
int hipMemcpy(void *, const void *, size_t, int);
int hipMemcpyAsync(void *, const void *, size_t, int, handle);

#define ROUNDS 200
#define LARGE ((size_t)1 << 30)
enum { TO_DEVICE = 1, TO_HOST = 2 };

static handle function, stream, event;
static void *device, *pinned, *pageable, *large_device, *large_host;

static void must(int code, const char *what) {
    if (code) {
        fprintf(stderr, "%s: %d\n", what, code);
        exit(1);
    }
}

static void launch(void) { must(hipModuleLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, stream, 0, 0), "launch"); }
static void record(void) { must(hipEventRecord(event, stream), "record"); }
static void copy_later(void) { must(hipMemcpyAsync(device, pinned, 4096, TO_DEVICE, stream), "copy"); }
static void synchronise(void) { must(hipDeviceSynchronize(), "synchronise"); }
static void copy_there(void) { must(hipMemcpy(device, pageable, 4096, TO_DEVICE), "copy to the device"); }
static void copy_back(void) { must(hipMemcpy(pageable, device, 4096, TO_HOST), "copy back"); }
static void large_there(void) { must(hipMemcpy(large_device, large_host, LARGE, TO_DEVICE), "large copy"); }
static void large_back(void) { must(hipMemcpy(large_host, large_device, LARGE, TO_HOST), "large copy"); }

static void ask(void) {
    size_t free_bytes, total;
    must(hipMemGetInfo(&free_bytes, &total), "hipMemGetInfo");
}

static double seconds(void (*call)(void)) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    call();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, void (*call)(void)) {
    double taken[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) taken[i] = seconds(call);
    synchronise();
    qsort(taken, ROUNDS, sizeof *taken, compare);
    printf("\"%s\": %.3f, ", name, taken[ROUNDS / 2] * 1e6);
}

static double best_rate(void (*call)(void)) {
    double best = 0;
    for (int i = 0; i < 4; i++) {
        double rate = (double)LARGE / seconds(call) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

static void prepare(const char *code_object) {
    handle module;
    must(hipModuleLoad(&module, code_object), "hipModuleLoad");
    must(hipModuleGetFunction(&function, module, "nothing"), "hipModuleGetFunction");
    must(hipStreamCreate(&stream), "hipStreamCreate");
    must(hipEventCreate(&event), "hipEventCreate");
    must(hipMalloc(&device, 4096), "hipMalloc");
    must(hipMalloc(&large_device, LARGE), "hipMalloc");
    must(hipHostMalloc(&pinned, 4096, 0), "hipHostMalloc");
    pageable = malloc(4096);
    large_host = malloc(LARGE);
    memset(large_host, 1, LARGE);
    launch();
    synchronise();
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    prepare(argv[1]);
    printf("{");
    report("launch_us", launch);
    report("event_record_us", record);
    report("async_copy_us", copy_later);
    report("synchronise_us", synchronise);
    report("question_us", ask);
    report("copy_there_4k_us", copy_there);
    report("copy_back_4k_us", copy_back);
    printf("\"copy_there_gb_s\": %.2f, \"copy_back_gb_s\": %.2f}\n", best_rate(large_there), best_rate(large_back));
    return 0;
}
