/* The inside of the HIP library: how a HIP function asks the device process, and what all files share.
 *
 * A function that needs an answer is one or two lines:
 *
 *     RV_API hipError_t hipStreamSynchronize(hipStream_t stream) {
 *         return RV_CALL(hipStreamSynchronize, RV_N(stream));
 *     }
 *
 *     RV_API hipError_t hipMemGetInfo(size_t *free, size_t *total) {
 *         rv_reply reply;
 *         int code = RV_CALL_INTO(&reply, hipMemGetInfo);
 *         if (code == 0 && free) *free = reply.values[0];
 *         ...
 *
 * Every function of HIP that this library has stands at the start of a line as `RV_API hipError_t hipName(`: that is
 * how the build knows that it needs no stub.
 */
#ifndef ROCVERIFY_CLIENT_H
#define ROCVERIFY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hip_abi.h"
#include "protocol.h"

#define RV_API __attribute__((visibility("default")))
#define RV_PRIVATE __attribute__((visibility("default"))) /* for the sister libraries (libhiprtc, ...): node rv_private */

#define RV_REPLY_VALUES 16

typedef struct {
    int code;
    unsigned nvalues;
    uint64_t values[RV_REPLY_VALUES]; /* zeros behind nvalues */
    const uint64_t *all;              /* all nvalues of them, where there may be more */
    const void *payload;              /* `all` and `payload` are valid until the thread's next call; never NULL */
    uint32_t payload_bytes;
} rv_reply;

/* Waits for the answer. Returns its code, and notes it as the thread's last error. `reply` may be NULL; it is filled
 * (with zeros) even where there is no device process. */
RV_PRIVATE int rv_call(rv_reply *reply, enum rv_call call, const uint64_t *args, unsigned nargs,
                       const void *payload, uint32_t bytes);

/* Queued, without an answer. 0, or what failed before it was queued (noted). `flags`: 0 or RV_INLINE. */
RV_PRIVATE int rv_post(enum rv_call call, const uint64_t *args, unsigned nargs,
                       const void *payload, uint32_t bytes, unsigned flags);

/* As rv_call, with flags of the record (RV_INLINE). */
RV_PRIVATE int rv_call_flags(rv_reply *reply, enum rv_call call, const uint64_t *args, unsigned nargs,
                             const void *payload, uint32_t bytes, unsigned flags);

/* rv_post where every handle is known to be alive, else rv_call: `sure` is what the client could judge. */
RV_PRIVATE int rv_queue(bool sure, enum rv_call call, const uint64_t *args, unsigned nargs,
                        const void *payload, uint32_t bytes);

/* rv_call of a getter: `number` is an int or an unsigned, and gets the one number of the answer, if it is one. NULL is
 * an invalid value. */
RV_PRIVATE int rv_get(void *number, enum rv_call call, const uint64_t *args, unsigned nargs);

/* Numbers for the args of a call, as many as are written. */
#define RV_N(x) ((uint64_t)(uintptr_t)(x))            /* a pointer or a handle; an unsigned integer */
#define RV_S(x) ((uint64_t)(int64_t)(x))              /* a signed integer */
#define RV_ARGS(...) \
    (const uint64_t[]){0, ##__VA_ARGS__} + 1, (unsigned)(sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / 8 - 1)

#define RV_CALL(name, ...) rv_call(NULL, RV_CALL_##name, RV_ARGS(__VA_ARGS__), NULL, 0)
#define RV_CALL_INTO(reply, name, ...) rv_call(reply, RV_CALL_##name, RV_ARGS(__VA_ARGS__), NULL, 0)
#define RV_CALL_WITH(reply, name, data, bytes, ...) \
    rv_call(reply, RV_CALL_##name, RV_ARGS(__VA_ARGS__), data, (uint32_t)(bytes))
#define RV_POST(name, ...) rv_post(RV_CALL_##name, RV_ARGS(__VA_ARGS__), NULL, 0, 0)
#define RV_QUEUE(sure, name, ...) rv_queue(sure, RV_CALL_##name, RV_ARGS(__VA_ARGS__), NULL, 0)
#define RV_GET(number, name, ...) rv_get(number, RV_CALL_##name, RV_ARGS(__VA_ARGS__))

/* The stream of a function whose name ends in _spt: the default stream is the thread's. */
static inline hipStream_t rv_per_thread(hipStream_t stream) {
    return stream ? stream : hipStreamPerThread;
}

/* ---- the connection */

RV_PRIVATE const struct rv_welcome *rv_connected(void); /* connects; NULL where there is no device process (noted: 100) */
RV_API int rv_attach(const char *socket_path, unsigned device); /* later calls go there; 0 or a hipError_t */
RV_API int rv_detach(void);
RV_API int rv_finish(void); /* waits for the device, in no trace; 0 or how queued work failed */
RV_API int rv_returned(void *stream); /* as rv_call_returned; 0 or how queued work failed */

/* 5, 6 or 7: whose headers the code was built with that called the library, by the libamdhip64.so.N that it is linked
 * to; 7 where it is not. Structures and enumerations that changed depend on it. */
int rv_abi(void);
static inline int rv_memory_type(int type) { /* of a program's structure, as a hipMemoryType of ROCm 6 and 7 */
    static const int old[] = {hipMemoryTypeHost, hipMemoryTypeDevice, hipMemoryTypeArray, hipMemoryTypeUnified};
    return rv_abi() == 5 && type >= 0 && type < 4 ? old[type] : type;
}

/* Counts connections: what is cached of a device process (a module's handle, a kernel) is of one connection only. 0:
 * not connected. */
RV_PRIVATE uint32_t rv_connection(void);

/* A library whose functions call this one's on behalf of the program, told by its constructor: its frames are no place
 * in the program. */
RV_PRIVATE void rv_sister_library(const void *address);

/* ---- errors */

RV_PRIVATE int rv_note(int code);           /* the thread's last error (not for 0 and hipErrorNotReady); returns code */
/* Few bytes in all, and reached by a signal handler: so they stand where the loader puts them, and nothing allocates. */
#define RV_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
extern RV_THREAD_LOCAL int rv_last_error;   /* what hipPeekAtLastError says; hidden, for errors.c */
RV_PRIVATE int rv_not_served(const char *name); /* once on stderr and to the device process; returns 801, noted */
void rv_say(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a line "rocverify: ..." on stderr */

/* ---- live handles: queued calls that name another are sent with RV_WANTS_REPLY, and judged there */

enum rv_handle { RV_STREAM, RV_EVENT, RV_GRAPH_EXEC };
void rv_remember(enum rv_handle kind, const void *handle);
void rv_forget(enum rv_handle kind, const void *handle);
bool rv_known_stream(const void *stream); /* 0, 1 and 2 (the default ones) are always known */
bool rv_known_event(const void *event);
bool rv_known(enum rv_handle kind, const void *handle);

/* ---- host memory (fault.c): never a crash where a pointer of the program is wild */

bool rv_copy_guarded(void *to, const void *from, size_t size); /* false: one of them cannot be read or written */
bool rv_readable(const void *address, size_t size);
size_t rv_text_length(const char *text, size_t limit); /* SIZE_MAX: cannot be read, or longer than limit */

/* Is an address in the reserved range of device memory, or among pinned and managed memory? */
bool rv_is_device(const void *address);
bool rv_is_shared(const void *address);
void rv_map_shared(uint64_t address, uint64_t size);   /* pinned and managed memory that a reply has given */
void rv_unmap_shared(uint64_t address, uint64_t size); /* back to reserved addresses */

/* ---- kernels (launch.c, register.c) */

/* What the payload of hipModuleGetFunction's reply said of a function, kept by its handle. */
void rv_learn_kernel(const void *function, const void *payload, uint32_t bytes);
bool rv_known_kernel(const void *function);
void rv_forget_kernels(void); /* a module was unloaded, or the device reset: launches wait for an answer until each kernel
                               * has had a good one */

/* The function's handle of a kernel's host stub (what __hipRegisterFunction was told); loads its module at first use.
 * A hipFunction_t is given back as it is where it is a known handle. 0, or 98 / 200 / 209 ... (not noted). */
int rv_function_of(const void *stub, uint64_t *function);
const void *rv_stub_of(uint64_t function); /* the other way round; NULL: it is not a kernel of the program's own image */
/* The module and the name of a device variable's host shadow, or 13 (hipErrorInvalidSymbol; not noted). */
int rv_variable_of(const void *shadow, uint64_t *module, const char **name);

/* The arguments of a launch, as they lie in the kernarg segment: room for at least `kernarg_bytes`. By launch.c for
 * graph.c too. 0, or hipErrorInvalidValue. */
int rv_pack_arguments(const void *function, void **params, void **extra, void *into, uint32_t room, uint32_t *bytes);
#define RV_KERNARG_BYTES 8192

/* How many explicit arguments a kernel has, and where each lies, up to `room` of them. 0: none, or not known. */
uint32_t rv_kernel_arguments(const void *function, struct rv_kernel_arg *into, uint32_t room);

/* The size of a code object, bundle, compressed bundle or fat binary's wrapper at an address; *image is where its
 * bytes begin. 0 where it is none of them. (image.c) */
size_t rv_image(const void *address, const void **image);

/* ---- arrays (array.c): the memory behind a hipArray_t */

struct rv_array {
    uint64_t address, pitch, width, height, depth, element; /* width in elements; height and depth 1 where the array has none */
};
bool rv_array_memory(const void *array, struct rv_array *found);

#endif
