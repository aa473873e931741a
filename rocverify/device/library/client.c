/* A call: the request goes into the ring, the answer comes to the thread's socket; between the two the device process
 * may ask the waiting thread for its memory, for a call of a function of the program's, or for a print. */
#include "client.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "internal.h"
#include "map.h"

RV_THREAD_LOCAL int rv_last_error;

int rv_note(int code) {
    if (code != 0 && code != hipErrorNotReady) rv_last_error = code;
    return code;
}

/* ---- what the device process asks of a waiting thread */

static int copy_staging(struct rv_thread *t, uint32_t kind, const uint64_t *values) {
    uint64_t size = values[1], offset = values[2];
    if (size > RV_STAGING_BYTES || offset > RV_STAGING_BYTES - size) return hipErrorInvalidValue;
    void *host = (void *)(uintptr_t)values[0];
    bool copied = kind == RV_READ_HOST ? rv_copy_guarded(t->staging + offset, host, size)
                                       : rv_copy_guarded(host, t->staging + offset, size);
    return copied ? 0 : hipErrorInvalidValue;
}

/* A function of the program's runs on a thread of its own, as in HIP: what it sees as its thread is none of the
 * program's. */
static void *run_host_function(void *argument) {
    const uint64_t *values = argument;
    void *user = (void *)(uintptr_t)values[2];
    struct rv_thread *t = rv_thread();
    bool before = t && t->host_function;
    if (t) t->host_function = true;
    if (values[0] == RV_HOST_FUNCTION)
        ((hipHostFn_t)(uintptr_t)values[1])(user);
    else
        ((hipStreamCallback_t)(uintptr_t)values[1])((hipStream_t)(uintptr_t)values[3], (int)values[4], user);
    if (t) t->host_function = before;
    return NULL;
}

static void call_back(uint64_t *values) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_host_function, values))
        run_host_function(values); /* no room for a thread: better here than not at all */
    else
        pthread_join(thread, NULL);
}

/* Through the program's own stdio, so that a kernel's lines stand where they belong among the host's. */
static void print(uint64_t stream, const char *text, size_t bytes) {
    FILE *file = stream == 2 ? stderr : stdout;
    fwrite(text, 1, bytes, file);
    fflush(file);
}

static int serve(struct rv_thread *t, const struct rv_message *message) {
    const uint64_t *values = (const uint64_t *)(message + 1);
    static const unsigned needed[] = {[RV_READ_HOST] = 3, [RV_WRITE_HOST] = 3, [RV_CALLBACK] = 5, [RV_PRINT] = 1};
    if (message->kind > RV_PRINT || message->nvalues < needed[message->kind]) return hipErrorNotSupported;
    if (message->kind == RV_CALLBACK)
        call_back((uint64_t *)values);
    else if (message->kind == RV_PRINT)
        print(values[0], (const char *)(values + message->nvalues), message->payload);
    else
        return copy_staging(t, message->kind, values);
    return 0;
}

/* ---- waiting */

#define LOOKING_NS 60000

/* Most answers come soon, and a processor that has gone to sleep takes longer to wake than they do: so the socket is
 * looked at for a moment. 0: nothing has come. */
static ssize_t look(struct rv_thread *t) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end = now.tv_sec * 1000000000ll + now.tv_nsec + LOOKING_NS;
    do {
        ssize_t got = recv(t->socket, t->message, RV_MESSAGE_BYTES, MSG_DONTWAIT);
        if (got >= 0) return got ? got : -1;
        if (errno != EAGAIN && errno != EINTR) return -1;
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec * 1000000000ll + now.tv_nsec < end);
    return 0;
}

static bool receive(struct rv_thread *t) {
    ssize_t got = look(t);
    if (got == 0) do got = recv(t->socket, t->message, RV_MESSAGE_BYTES, 0);
    while (got < 0 && errno == EINTR);
    const struct rv_message *message = (const struct rv_message *)t->message;
    return got >= (ssize_t)sizeof *message &&
           (uint64_t)got >= sizeof *message + (uint64_t)message->nvalues * 8 + message->payload;
}

static bool answer(struct rv_thread *t, int code) {
    struct rv_answer words = {code};
    ssize_t sent;
    do sent = send(t->socket, &words, sizeof words, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == sizeof words;
}

static void fill(rv_reply *reply, const struct rv_message *message) {
    reply->all = (const uint64_t *)(message + 1);
    reply->nvalues = message->nvalues;
    unsigned few = message->nvalues < RV_REPLY_VALUES ? message->nvalues : RV_REPLY_VALUES;
    memcpy(reply->values, reply->all, few * 8);
    reply->payload = reply->all + message->nvalues;
    reply->payload_bytes = message->payload;
}

static int wait(struct rv_thread *t, rv_reply *reply) {
    const struct rv_message *message = (const struct rv_message *)t->message;
    for (;;) {
        if (!receive(t)) return hipErrorDeinitialized;
        if (message->kind == RV_REPLY) break;
        if (!answer(t, serve(t, message))) return hipErrorDeinitialized;
    }
    fill(reply, message);
    return message->code;
}

/* ---- captures */

static _Atomic int captures; /* begun and not ended, as far as calls tell */

bool rv_capturing(void) {
    return atomic_load_explicit(&captures, memory_order_relaxed) > 0;
}

static void count_captures(enum rv_call call, int code) {
    if (call == RV_CALL_hipStreamBeginCapture || call == RV_CALL_hipStreamBeginCaptureToGraph)
        captures += code == 0;
    else if (call == RV_CALL_hipStreamEndCapture && rv_capturing())
        captures--;
}

/* ---- calls */

static _Atomic unsigned calls;

unsigned rv_calls(void) {
    return atomic_load_explicit(&calls, memory_order_relaxed);
}

/* 0: the thread is connected, and within the library. */
static int enter(struct rv_thread **thread) {
    int code = rv_connect();
    if (code) return code;
    struct rv_thread *t = *thread = rv_thread();
    if (!t) return hipErrorOutOfMemory;
    if (t->host_function) {
        rv_say("a host function or stream callback called HIP, which HIP does not allow");
        return hipErrorNotSupported;
    }
    code = rv_thread_connect(t);
    t->within = code == 0;
    return code;
}

static int leave(struct rv_thread *t, enum rv_call call, int code) {
    t->within = false;
    if (code == hipErrorDeinitialized) rv_died("the connection to the device process has ended");
    if (code == 0 && call == RV_CALL_hipDeviceReset) rv_modules_forget();
    count_captures(call, code);
    return rv_note(code);
}

static int request(rv_reply *reply, enum rv_call call, const uint64_t *args, unsigned nargs,
                   const void *payload, uint32_t bytes, unsigned flags) {
    struct rv_thread *t;
    int code = bytes > RV_INLINE_BYTES ? hipErrorInvalidValue : enter(&t);
    if (code) return rv_note(code);
    struct rv_request record = {
        .call = (uint16_t)call, .flags = (uint16_t)flags, .site = rv_site(t),
        .nargs = nargs, .args = args, .payload = payload, .bytes = bytes,
    };
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    code = rv_ring_put(t, &record);
    if (code == 0 && reply) code = wait(t, reply);
    return leave(t, call, code);
}

int rv_call_flags(rv_reply *reply, enum rv_call call, const uint64_t *args, unsigned nargs,
                  const void *payload, uint32_t bytes, unsigned flags) {
    rv_reply unused;
    if (!reply) reply = &unused;
    *reply = (rv_reply){.payload = ""};
    reply->all = reply->values;
    reply->code = request(reply, call, args, nargs, payload, bytes, flags | RV_WANTS_REPLY);
    return reply->code;
}

int rv_call(rv_reply *reply, enum rv_call call, const uint64_t *args, unsigned nargs, const void *payload, uint32_t bytes) {
    return rv_call_flags(reply, call, args, nargs, payload, bytes, 0);
}

int rv_post(enum rv_call call, const uint64_t *args, unsigned nargs, const void *payload, uint32_t bytes, unsigned flags) {
    if (call >= RV_CALL_hipInit && rv_ring_judged()) return rv_call_flags(NULL, call, args, nargs, payload, bytes, flags);
    return request(NULL, call, args, nargs, payload, bytes, flags);
}

int rv_queue(bool sure, enum rv_call call, const uint64_t *args, unsigned nargs, const void *payload, uint32_t bytes) {
    return sure ? rv_post(call, args, nargs, payload, bytes, 0) : rv_call(NULL, call, args, nargs, payload, bytes);
}

int rv_get(void *number, enum rv_call call, const uint64_t *args, unsigned nargs) {
    if (!number) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = rv_call(&reply, call, args, nargs, NULL, 0);
    uint32_t low = (uint32_t)reply.values[0];
    if (code == hipSuccess) memcpy(number, &low, sizeof low);
    return code;
}

/* ---- what the library does not serve */

int rv_not_served(const char *name) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct rv_map said;
    uint64_t hash = RV_HASH_START;
    for (const char *c = name; *c; c++) hash = rv_hash(hash, (uint8_t)*c);
    pthread_mutex_lock(&lock);
    bool is_new = !rv_map_get(&said, hash) && rv_map_put(&said, hash, &said);
    pthread_mutex_unlock(&lock);
    if (is_new) {
        rv_say("%s is not served: it returns hipErrorNotSupported", name);
        rv_post(RV_CALL_rv_not_served, NULL, 0, name, (uint32_t)strlen(name), 0);
    }
    return rv_note(hipErrorNotSupported);
}
