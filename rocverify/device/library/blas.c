/* The common part of libhipblas and librocblas: handles, checks, and the call of the device process.
 *
 * rv_blas's numbers, in this order: operation, stream, pointer mode, type of the computation, matrices of the batch,
 * batching (0 one, 1 an array of pointers in device memory, 2 strided), operations on A and B, m, n, k, conjugate;
 * for A, B, C and D each address, type, leading dimension (increment), stride; alpha (two numbers: its bits, or its
 * address in device memory), type of alpha and beta, beta (two), the result's address and type. Payload: the
 * function's name. The reply's payload is the results, where they go to the host.
 */
#include "blas.h"

#include <stdlib.h>
#include <string.h>

#define BLAS_MAGIC 0x424c4153u

int hipMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind);
int hipMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                     int kind, void *stream);

__attribute__((constructor)) static void introduce(void) {
    rv_sister_library((const void *)(uintptr_t)introduce);
}

bool rv_blas_alive(const void *handle) {
    return handle && ((const rv_blas_handle *)handle)->magic == BLAS_MAGIC;
}

enum rv_blas_status rv_blas_create(void **handle) {
    if (!handle) return BLAS_NO_HANDLE;
    rv_blas_handle *made = calloc(1, sizeof *made);
    if (!made) return BLAS_MEMORY;
    made->magic = BLAS_MAGIC;
    made->atomics = 1;
    *handle = made;
    return BLAS_OK;
}

enum rv_blas_status rv_blas_destroy(void *handle) {
    if (!rv_blas_alive(handle)) return BLAS_NO_HANDLE;
    ((rv_blas_handle *)handle)->magic = 0;
    free(handle);
    return BLAS_OK;
}

/* ---- types */

int rv_blas_type_of(int type) {
    static const int older[] = {[150 - 150] = R_16F, [151 - 150] = R_32F, [152 - 150] = R_64F, [153 - 150] = NO_TYPE,
                                [154 - 150] = C_32F, [155 - 150] = C_64F};
    if (type >= 150 && type <= 155) return older[type - 150];
    switch (type) {
    case 160: return R_8I;
    case 162: return R_32I;
    case 168: return R_16BF;
    case R_32F: case R_64F: case R_16F: case R_8I: case C_32F: case C_64F: case R_32I: case R_16BF: return type;
    default: return NO_TYPE;
    }
}

int rv_blas_computed(int compute, int a_type) {
    if (compute >= 150) return rv_blas_type_of(compute);
    bool complex = a_type == C_32F || a_type == C_64F;
    switch (compute) { /* hipblasComputeType_t */
    case 0: case 1: return R_16F;
    case 2: case 3: case 4: case 5: case 6: return complex ? C_32F : R_32F;
    case 7: case 8: return complex ? C_64F : R_64F;
    case 9: case 10: return R_32I;
    default: return NO_TYPE;
    }
}

static size_t size_of(int type) {
    switch (type) {
    case R_8I: return 1;
    case R_16F: case R_16BF: return 2;
    case R_32F: case R_32I: return 4;
    case R_64F: case C_32F: return 8;
    default: return 16;
    }
}

/* ---- checks, as the real libraries make them before anything is queued */

static bool is_operation(int op) { return op == OP_N || op == OP_T || op == OP_C; }

static int64_t at_least(int64_t value) { return value > 1 ? value : 1; }

static enum rv_blas_status check_matrices(const struct rv_blas_job *job) {
    if (!is_operation(job->transpose_a) || !is_operation(job->transpose_b)) return BLAS_ENUM;
    if (job->m < 0 || job->n < 0 || job->k < 0 || job->batch < 0) return BLAS_SIZE;
    bool vector = job->operation == BLAS_GEMV;
    int64_t rows_a = vector || job->transpose_a == OP_N ? job->m : job->k;
    if (job->a.step < at_least(rows_a)) return BLAS_SIZE;
    if (vector) return job->b.step == 0 || job->c.step == 0 ? BLAS_SIZE : BLAS_OK;
    int64_t rows_b = job->transpose_b == OP_N ? job->k : job->n;
    if (job->b.step < at_least(rows_b) || job->c.step < at_least(job->m) || job->d.step < at_least(job->m))
        return BLAS_SIZE;
    return BLAS_OK;
}

static bool known_types(const struct rv_blas_job *job) {
    return job->compute != NO_TYPE && job->alpha_type != NO_TYPE && job->a.type != NO_TYPE &&
           job->b.type != NO_TYPE && job->c.type != NO_TYPE && job->d.type != NO_TYPE && job->result_type != NO_TYPE;
}

static bool has_matrices(const struct rv_blas_job *job) {
    return job->operation == BLAS_GEMM || job->operation == BLAS_GEMV;
}

static bool has_result(const struct rv_blas_job *job) {
    return job->operation == BLAS_DOT || job->operation == BLAS_NRM2 || job->operation == BLAS_ASUM;
}

static bool is_empty(const struct rv_blas_job *job) {
    if (job->batch <= 0) return true;
    if (has_matrices(job)) return job->m == 0 || job->n == 0;
    return job->n <= 0 && !has_result(job);
}

static enum rv_blas_status check(const struct rv_blas_job *job) {
    if (!known_types(job)) return BLAS_NOT_SUPPORTED;
    if (has_matrices(job)) {
        enum rv_blas_status status = check_matrices(job);
        if (status != BLAS_OK) return status;
        if (is_empty(job)) return BLAS_OK;
        bool reads = job->operation == BLAS_GEMV || job->k > 0;
        if (!job->alpha || !job->beta || !job->c.at || !job->d.at) return BLAS_POINTER;
        return reads && (!job->a.at || !job->b.at) ? BLAS_POINTER : BLAS_OK;
    }
    if (job->batch < 0) return BLAS_SIZE;
    if (has_result(job) && !job->result) return BLAS_POINTER;
    if (is_empty(job) || job->n <= 0) return BLAS_OK;
    if ((job->operation == BLAS_AXPY || job->operation == BLAS_SCAL) && !job->alpha) return BLAS_POINTER;
    bool reads_x = job->operation != BLAS_SCAL;
    bool uses_y = job->operation != BLAS_NRM2 && job->operation != BLAS_ASUM;
    return (reads_x && !job->b.at) || (uses_y && !job->c.at) ? BLAS_POINTER : BLAS_OK;
}

/* ---- the call */

static void put_operand(uint64_t *at, const struct rv_operand *operand) {
    at[0] = RV_N(operand->at), at[1] = RV_S(operand->type), at[2] = RV_S(operand->step);
    at[3] = RV_S(operand->stride);
}

/* A scalar's bits, or where it lies on the device. */
static void put_scalar(uint64_t *at, const void *scalar, int type, int mode) {
    at[0] = at[1] = 0;
    if (!scalar) return;
    if (mode == BLAS_DEVICE)
        at[0] = RV_N(scalar);
    else
        memcpy(at, scalar, size_of(type));
}

static enum rv_blas_status status_of(int code) {
    switch (code) {
    case hipSuccess: return BLAS_OK;
    case hipErrorInvalidValue: return BLAS_SIZE;
    case hipErrorOutOfMemory: return BLAS_MEMORY;
    case 801: return BLAS_NOT_SUPPORTED;
    default: return BLAS_FAILED;
    }
}

enum rv_blas_status rv_blas_run(void *opaque, struct rv_blas_job job) {
    if (!rv_blas_alive(opaque)) return BLAS_NO_HANDLE;
    const rv_blas_handle *handle = opaque;
    enum rv_blas_status status = check(&job);
    if (status != BLAS_OK || is_empty(&job)) return status;
    int mode = handle->pointer_mode;
    uint64_t args[35] = {(uint64_t)job.operation, RV_N(handle->stream), (uint64_t)mode, RV_S(job.compute),
                         RV_S(job.batch), (uint64_t)job.batching, RV_S(job.transpose_a), RV_S(job.transpose_b),
                         RV_S(job.m), RV_S(job.n), RV_S(job.k), RV_S(job.conjugate)};
    put_operand(args + 12, &job.a), put_operand(args + 16, &job.b);
    put_operand(args + 20, &job.c), put_operand(args + 24, &job.d);
    put_scalar(args + 28, job.alpha, job.alpha_type, mode);
    args[30] = RV_S(job.alpha_type);
    put_scalar(args + 31, job.beta, job.alpha_type, mode);
    args[33] = RV_N(job.result), args[34] = RV_S(job.result_type);
    rv_reply reply;
    int code = rv_call(&reply, RV_CALL_rv_blas, args, 35, job.name, (uint32_t)strlen(job.name));
    size_t bytes = (size_t)job.batch * size_of(job.result_type);
    if (code == 0 && has_result(&job) && mode == BLAS_HOST) {
        if (reply.payload_bytes != bytes) return BLAS_FAILED;
        memcpy(job.result, reply.payload, bytes);
    }
    return status_of(code);
}

enum rv_blas_status rv_blas_copy(int64_t rows, int64_t columns, int64_t element, const void *from, int64_t from_step,
                                 void *to, int64_t to_step, int kind, bool async, void *stream) {
    if (rows < 0 || columns < 0 || element <= 0 || from_step <= 0 || to_step <= 0) return BLAS_SIZE;
    if (from_step < rows || to_step < rows) return BLAS_SIZE;
    if (rows == 0 || columns == 0) return BLAS_OK;
    if (!from || !to) return BLAS_POINTER;
    size_t width = (size_t)(rows * element), height = (size_t)columns;
    size_t from_pitch = (size_t)(from_step * element), to_pitch = (size_t)(to_step * element);
    int code = async ? hipMemcpy2DAsync(to, to_pitch, from, from_pitch, width, height, kind, stream)
                     : hipMemcpy2D(to, to_pitch, from, from_pitch, width, height, kind);
    return status_of(code);
}
