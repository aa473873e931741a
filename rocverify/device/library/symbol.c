/* Device variables, by the host shadows that compilers make of them. */
#include <string.h>

#include "copy.h"
#include "internal.h"

#define NAME_BYTES 8192

RV_API hipError_t hipGetSymbolAddress(void **address, const void *symbol) {
    uint64_t module;
    const char *name;
    rv_reply reply;
    if (!address) return rv_note(hipErrorInvalidValue);
    int code = rv_variable_of(symbol, &module, &name);
    if (code) return rv_note(code);
    code = RV_CALL_WITH(&reply, hipGetSymbolAddress, name, strlen(name), module);
    if (code) return code;
    void *managed = rv_managed_pages(symbol);
    *address = managed ? managed : (void *)(uintptr_t)reply.values[0];
    return 0;
}

RV_API hipError_t hipGetSymbolSize(size_t *size, const void *symbol) {
    uint64_t module;
    const char *name;
    rv_reply reply;
    if (!size) return rv_note(hipErrorInvalidValue);
    int code = rv_variable_of(symbol, &module, &name);
    if (code) return rv_note(code);
    code = RV_CALL_WITH(&reply, hipGetSymbolSize, name, strlen(name), module);
    if (code == 0) *size = reply.values[0];
    return code;
}

/* ---- copies: the payload is the name, and behind it what a short copy to the device reads */

struct symbol_copy {
    enum rv_call call;
    const void *symbol;
    void *to;         /* of a copy from the symbol */
    const void *from; /* of a copy to it */
    size_t size, offset;
    int kind;
    hipStream_t stream;
    bool queued;
};

/* False: the bytes go another way. */
static bool take_along(const struct symbol_copy *c, char *payload, size_t length) {
    bool to_device = c->from && (c->kind == hipMemcpyHostToDevice || c->kind == hipMemcpyDefault);
    bool now = !c->queued || (rv_order() == RV_EAGER && !rv_capturing());
    return to_device && now && c->size && length + c->size <= RV_INLINE_BYTES && rv_is_pageable(c->from) &&
           rv_copy_guarded(payload + length, c->from, c->size);
}

static bool is_sure(const struct symbol_copy *c, bool along) {
    const void *host = c->from ? c->from : c->to;
    if (!c->queued || !host || !rv_known_stream(c->stream)) return false;
    if (along) return true;
    uint32_t order = rv_order();
    return order == RV_CHECKED ? !c->from || rv_is_device(host) : order != RV_EAGER || !rv_is_pageable(host);
}

/* The symbol of a managed variable is a pointer to it on the device: it is the variable that is copied. */
static int copy_managed(const struct symbol_copy *c, char *pages) {
    void *to = c->from ? pages + c->offset : c->to;
    const void *from = c->from ? c->from : pages + c->offset;
    if (c->queued) return hipMemcpyAsync(to, from, c->size, hipMemcpyDefault, c->stream);
    return hipMemcpy(to, from, c->size, hipMemcpyDefault);
}

static int copy(const struct symbol_copy *c) {
    uint64_t module;
    const char *name;
    char payload[RV_INLINE_BYTES];
    int code = rv_variable_of(c->symbol, &module, &name);
    if (code) return rv_note(code);
    char *managed = rv_managed_pages(c->symbol);
    if (managed) return copy_managed(c, managed);
    size_t length = strlen(name);
    if (length > NAME_BYTES) return rv_note(hipErrorInvalidSymbol);
    memcpy(payload, name, length);
    bool along = take_along(c, payload, length);
    uint64_t args[7] = {module, RV_N(c->from ? c->from : c->to), c->size, c->offset, RV_S(c->kind)};
    unsigned nargs = 5;
    if (c->queued) args[nargs++] = RV_N(c->stream);
    args[nargs++] = length;
    uint32_t bytes = (uint32_t)(length + (along ? c->size : 0));
    unsigned flags = along ? RV_INLINE : 0;
    if (is_sure(c, along)) return rv_post(c->call, args, nargs, payload, bytes, flags);
    return rv_copy_now(c->call, args, nargs, c->to, payload, bytes, flags);
}

RV_API hipError_t hipMemcpyToSymbol(const void *symbol, const void *from, size_t size, size_t offset, int kind) {
    return copy(&(struct symbol_copy){RV_CALL_hipMemcpyToSymbol, symbol, NULL, from, size, offset, kind, NULL, false});
}

RV_API hipError_t hipMemcpyFromSymbol(void *to, const void *symbol, size_t size, size_t offset, int kind) {
    return copy(&(struct symbol_copy){RV_CALL_hipMemcpyFromSymbol, symbol, to, NULL, size, offset, kind, NULL, false});
}

RV_API hipError_t hipMemcpyToSymbolAsync(const void *symbol, const void *from, size_t size, size_t offset, int kind,
                                         hipStream_t stream) {
    return copy(&(struct symbol_copy){RV_CALL_hipMemcpyToSymbolAsync, symbol, NULL, from, size, offset, kind, stream, true});
}

RV_API hipError_t hipMemcpyFromSymbolAsync(void *to, const void *symbol, size_t size, size_t offset, int kind,
                                           hipStream_t stream) {
    return copy(&(struct symbol_copy){RV_CALL_hipMemcpyFromSymbolAsync, symbol, to, NULL, size, offset, kind, stream, true});
}

RV_API hipError_t hipMemcpyToSymbolAsync_spt(const void *symbol, const void *from, size_t size, size_t offset, int kind,
                                             hipStream_t stream) {
    return hipMemcpyToSymbolAsync(symbol, from, size, offset, kind, rv_per_thread(stream));
}

RV_API hipError_t hipMemcpyFromSymbolAsync_spt(void *to, const void *symbol, size_t size, size_t offset, int kind,
                                               hipStream_t stream) {
    return hipMemcpyFromSymbolAsync(to, symbol, size, offset, kind, rv_per_thread(stream));
}

static int finished(int code) {
    return code ? code : RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
}

RV_API hipError_t hipMemcpyToSymbol_spt(const void *symbol, const void *from, size_t size, size_t offset, int kind) {
    return finished(hipMemcpyToSymbolAsync(symbol, from, size, offset, kind, hipStreamPerThread));
}

RV_API hipError_t hipMemcpyFromSymbol_spt(void *to, const void *symbol, size_t size, size_t offset, int kind) {
    return finished(hipMemcpyFromSymbolAsync(to, symbol, size, offset, kind, hipStreamPerThread));
}
