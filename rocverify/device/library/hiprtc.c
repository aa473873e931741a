/* hipRTC: programs are collected here and compiled in the device process, by the toolchain that is there.
 *
 * A program goes over as one block of this process's memory: its source, its name, each header's text and name, each
 * name expression, each option; each as its length (64 bits) and its bytes. The call is
 *     hiprtcCompileProgram  block's address and size, headers, name expressions, options
 *                           -> result, number of the outcome, bytes of code, of the log, of the lowered names, is bitcode
 *     rv_rtc_code           number, where to write the code, the log, the names -> written; the outcome is gone
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum {
    RTC_SUCCESS,
    RTC_OUT_OF_MEMORY,
    RTC_CREATION_FAILURE,
    RTC_INVALID_INPUT,
    RTC_INVALID_PROGRAM,
    RTC_INVALID_OPTION,
    RTC_COMPILATION,
    RTC_BUILTIN_FAILURE,
    RTC_NO_NAMES_AFTER_COMPILATION,
    RTC_NO_LOWERED_NAMES_BEFORE_COMPILATION,
    RTC_NAME_NOT_VALID,
    RTC_INTERNAL,
    RTC_LINKING = 100
};

#define RTC_MAGIC 0x52545052u

struct text {
    char *bytes;
    size_t length;
};

struct texts {
    struct text *items;
    int count;
};

typedef struct rtc_program {
    unsigned magic;
    bool compiled, bitcode;
    struct text source, name;
    struct texts headers; /* a text, then its name, and so on */
    struct texts names, lowered;
    struct text code, log;
} *hiprtcProgram;

__attribute__((constructor)) static void introduce(void) {
    rv_sister_library((const void *)(uintptr_t)introduce);
}

static bool keep(struct text *text, const char *bytes, size_t length) {
    text->bytes = malloc(length + 1);
    if (!text->bytes) return false;
    if (length) memcpy(text->bytes, bytes, length);
    text->bytes[length] = 0;
    text->length = length;
    return true;
}

static bool add(struct texts *texts, const char *bytes) {
    struct text *items = realloc(texts->items, ((size_t)texts->count + 1) * sizeof *items);
    if (!items) return false;
    texts->items = items;
    if (!keep(&items[texts->count], bytes, strlen(bytes))) return false;
    texts->count++;
    return true;
}

static void drop(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}

static void drop_all(struct texts *texts) {
    for (int i = 0; i < texts->count; i++) free(texts->items[i].bytes);
    free(texts->items);
    *texts = (struct texts){0};
}

static bool alive(hiprtcProgram program) { return program && program->magic == RTC_MAGIC; }

static void destroy(hiprtcProgram program) {
    drop(&program->source), drop(&program->name), drop(&program->code), drop(&program->log);
    drop_all(&program->headers), drop_all(&program->names), drop_all(&program->lowered);
    program->magic = 0;
    free(program);
}

RV_API int hiprtcCreateProgram(hiprtcProgram *result, const char *source, const char *name, int headers,
                               const char *const *texts, const char *const *include_names) {
    if (!result || !source || headers < 0 || (headers && (!texts || !include_names))) return RTC_INVALID_INPUT;
    hiprtcProgram program = calloc(1, sizeof *program);
    if (!program) return RTC_OUT_OF_MEMORY;
    program->magic = RTC_MAGIC;
    if (!name) name = "";
    bool whole = keep(&program->source, source, strlen(source)) && keep(&program->name, name, strlen(name));
    for (int i = 0; whole && i < headers; i++) {
        if (!texts[i] || !include_names[i]) {
            destroy(program);
            return RTC_INVALID_INPUT;
        }
        whole = add(&program->headers, texts[i]) && add(&program->headers, include_names[i]);
    }
    if (!whole) {
        destroy(program);
        return RTC_OUT_OF_MEMORY;
    }
    *result = program;
    return RTC_SUCCESS;
}

RV_API int hiprtcDestroyProgram(hiprtcProgram *program) {
    if (!program || !*program) return RTC_INVALID_INPUT;
    if (!alive(*program)) return RTC_INVALID_PROGRAM;
    destroy(*program);
    *program = NULL;
    return RTC_SUCCESS;
}

RV_API int hiprtcAddNameExpression(hiprtcProgram program, const char *expression) {
    if (!alive(program)) return RTC_INVALID_PROGRAM;
    if (!expression) return RTC_INVALID_INPUT;
    if (program->compiled) return RTC_NO_NAMES_AFTER_COMPILATION;
    return add(&program->names, expression) ? RTC_SUCCESS : RTC_OUT_OF_MEMORY;
}

/* ---- compiling */

static char *put(char *at, const char *bytes, size_t length) {
    uint64_t size = length;
    memcpy(at, &size, sizeof size);
    memcpy(at + sizeof size, bytes, length);
    return at + sizeof size + length;
}

static char *put_all(char *at, const struct texts *texts) {
    for (int i = 0; i < texts->count; i++) at = put(at, texts->items[i].bytes, texts->items[i].length);
    return at;
}

static size_t room(const struct texts *texts) {
    size_t bytes = 0;
    for (int i = 0; i < texts->count; i++) bytes += 8 + texts->items[i].length;
    return bytes;
}

/* The names came as the expressions go: lengths and bytes, in the order of the expressions. */
static bool take_names(hiprtcProgram program, const char *at, size_t bytes) {
    const char *end = at + bytes;
    drop_all(&program->lowered);
    program->lowered.items = calloc((size_t)program->names.count + 1, sizeof(struct text));
    if (!program->lowered.items) return false;
    while (end - at >= 8 && program->lowered.count < program->names.count) {
        uint64_t length;
        memcpy(&length, at, 8);
        at += 8;
        if (length > (size_t)(end - at)) return false;
        if (!keep(&program->lowered.items[program->lowered.count], at, length)) return false;
        program->lowered.count++;
        at += length;
    }
    return true;
}

static int take_outcome(hiprtcProgram program, const rv_reply *reply) {
    uint64_t number = reply->values[1], code = reply->values[2], log = reply->values[3], names = reply->values[4];
    program->bitcode = reply->values[5] != 0;
    char *memory = calloc(1, names + 1);
    drop(&program->code), drop(&program->log);
    program->code.bytes = calloc(1, code + 1), program->log.bytes = calloc(1, log + 1);
    program->code.length = code, program->log.length = log;
    int result = RTC_OUT_OF_MEMORY;
    if (memory && program->code.bytes && program->log.bytes) {
        int failed = RV_CALL(rv_rtc_code, number, RV_N(program->code.bytes), RV_N(program->log.bytes), RV_N(memory));
        result = failed ? RTC_INTERNAL : RTC_SUCCESS;
    }
    if (result == RTC_SUCCESS && !take_names(program, memory, names)) result = RTC_OUT_OF_MEMORY;
    free(memory);
    return result;
}

RV_API int hiprtcCompileProgram(hiprtcProgram program, int count, const char *const *options) {
    if (!alive(program)) return RTC_INVALID_PROGRAM;
    if (count < 0 || (count && !options)) return RTC_INVALID_INPUT;
    struct texts given = {0};
    for (int i = 0; i < count; i++) {
        if (options[i] && add(&given, options[i])) continue;
        drop_all(&given);
        return options[i] ? RTC_OUT_OF_MEMORY : RTC_INVALID_OPTION;
    }
    size_t bytes = 16 + program->source.length + program->name.length + room(&program->headers) +
                   room(&program->names) + room(&given);
    char *block = malloc(bytes);
    if (!block) {
        drop_all(&given);
        return RTC_OUT_OF_MEMORY;
    }
    char *at = put(block, program->source.bytes, program->source.length);
    at = put(at, program->name.bytes, program->name.length);
    at = put_all(put_all(put_all(at, &program->headers), &program->names), &given);
    rv_reply reply;
    int failed = RV_CALL_INTO(&reply, hiprtcCompileProgram, RV_N(block), bytes, RV_S(program->headers.count / 2),
                              RV_S(program->names.count), RV_S(given.count));
    free(block);
    drop_all(&given);
    if (failed) return RTC_INTERNAL;
    int result = (int)reply.values[0];
    int taken = take_outcome(program, &reply);
    if (taken != RTC_SUCCESS) return taken;
    program->compiled = result == RTC_SUCCESS;
    return result;
}

/* ---- what came of it */

RV_API int hiprtcGetProgramLogSize(hiprtcProgram program, size_t *size) {
    if (!alive(program)) return RTC_INVALID_PROGRAM;
    if (!size) return RTC_INVALID_INPUT;
    *size = program->log.length ? program->log.length + 1 : 0;
    return RTC_SUCCESS;
}

RV_API int hiprtcGetProgramLog(hiprtcProgram program, char *log) {
    if (!alive(program)) return RTC_INVALID_PROGRAM;
    if (!log) return RTC_INVALID_INPUT;
    if (program->log.length) memcpy(log, program->log.bytes, program->log.length + 1);
    return RTC_SUCCESS;
}

static int size_of_code(hiprtcProgram program, size_t *size, bool bitcode) {
    if (!alive(program) || !program->compiled || program->bitcode != bitcode) return RTC_INVALID_PROGRAM;
    if (!size) return RTC_INVALID_INPUT;
    *size = program->code.length;
    return RTC_SUCCESS;
}

static int copy_code(hiprtcProgram program, char *code, bool bitcode) {
    if (!alive(program) || !program->compiled || program->bitcode != bitcode) return RTC_INVALID_PROGRAM;
    if (!code) return RTC_INVALID_INPUT;
    memcpy(code, program->code.bytes, program->code.length);
    return RTC_SUCCESS;
}

RV_API int hiprtcGetCodeSize(hiprtcProgram program, size_t *size) { return size_of_code(program, size, false); }
RV_API int hiprtcGetCode(hiprtcProgram program, char *code) { return copy_code(program, code, false); }
RV_API int hiprtcGetBitcodeSize(hiprtcProgram program, size_t *size) { return size_of_code(program, size, true); }
RV_API int hiprtcGetBitcode(hiprtcProgram program, char *code) { return copy_code(program, code, true); }

RV_API int hiprtcGetLoweredName(hiprtcProgram program, const char *expression, const char **lowered) {
    if (!alive(program)) return RTC_INVALID_PROGRAM;
    if (!expression || !lowered) return RTC_INVALID_INPUT;
    if (!program->compiled) return RTC_NO_LOWERED_NAMES_BEFORE_COMPILATION;
    for (int i = 0; i < program->names.count && i < program->lowered.count; i++)
        if (strcmp(program->names.items[i].bytes, expression) == 0) {
            *lowered = program->lowered.items[i].bytes;
            return RTC_SUCCESS;
        }
    return RTC_NAME_NOT_VALID;
}

RV_API int hiprtcVersion(int *major, int *minor) {
    if (!major || !minor) return RTC_INVALID_INPUT;
    *major = 9, *minor = 0; /* what AMD's library says, in every release */
    return RTC_SUCCESS;
}

RV_API const char *hiprtcGetErrorString(int result) {
    switch (result) {
    case RTC_SUCCESS: return "HIPRTC_SUCCESS";
    case RTC_OUT_OF_MEMORY: return "HIPRTC_ERROR_OUT_OF_MEMORY";
    case RTC_CREATION_FAILURE: return "HIPRTC_ERROR_PROGRAM_CREATION_FAILURE";
    case RTC_INVALID_INPUT: return "HIPRTC_ERROR_INVALID_INPUT";
    case RTC_INVALID_PROGRAM: return "HIPRTC_ERROR_INVALID_PROGRAM";
    case RTC_INVALID_OPTION: return "HIPRTC_ERROR_INVALID_OPTION";
    case RTC_COMPILATION: return "HIPRTC_ERROR_COMPILATION";
    case RTC_BUILTIN_FAILURE: return "HIPRTC_ERROR_BUILTIN_OPERATION_FAILURE";
    case RTC_NO_NAMES_AFTER_COMPILATION: return "HIPRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION";
    case RTC_NO_LOWERED_NAMES_BEFORE_COMPILATION: return "HIPRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION";
    case RTC_NAME_NOT_VALID: return "HIPRTC_ERROR_NAME_EXPRESSION_NOT_VALID";
    case RTC_INTERNAL: return "HIPRTC_ERROR_INTERNAL_ERROR";
    case RTC_LINKING: return "HIPRTC_ERROR_LINKING";
    default: return "Invalid HIPRTC error code";
    }
}

/* ---- linking is not served */

#define RTC_NOT_SERVED(name) (rv_not_served(name), RTC_LINKING)

RV_API int hiprtcLinkCreate(unsigned n, int *options, void **values, void **state) {
    (void)n, (void)options, (void)values, (void)state;
    return RTC_NOT_SERVED("hiprtcLinkCreate");
}

RV_API int hiprtcLinkAddFile(void *state, int type, const char *path, unsigned n, int *options, void **values) {
    (void)state, (void)type, (void)path, (void)n, (void)options, (void)values;
    return RTC_NOT_SERVED("hiprtcLinkAddFile");
}

RV_API int hiprtcLinkAddData(void *state, int type, void *image, size_t size, const char *name, unsigned n,
                             int *options, void **values) {
    (void)state, (void)type, (void)image, (void)size, (void)name, (void)n, (void)options, (void)values;
    return RTC_NOT_SERVED("hiprtcLinkAddData");
}

RV_API int hiprtcLinkComplete(void *state, void **code, size_t *size) {
    (void)state, (void)code, (void)size;
    return RTC_NOT_SERVED("hiprtcLinkComplete");
}

RV_API int hiprtcLinkDestroy(void *state) {
    (void)state;
    return RTC_NOT_SERVED("hiprtcLinkDestroy");
}
