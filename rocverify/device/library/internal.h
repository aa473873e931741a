/* What the connection's own files share: client.c, connection.c, threads.c, ring.c, sites.c, fault.c. */
#ifndef ROCVERIFY_INTERNAL_H
#define ROCVERIFY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "client.h"

enum rv_state {
    RV_UNTRIED,   /* no call has needed the device process yet */
    RV_CONNECTED,
    RV_ABSENT,    /* there is none, or it refused; said on stderr */
    RV_DEAD,      /* it has ended */
    RV_FORKED,    /* this process is a child of fork without exec */
    RV_ENDED,     /* this process is ending */
};

struct rv_client {
    _Atomic int state;
    _Atomic uint32_t connection; /* counts them; 0 before the first */
    pthread_mutex_t lock;        /* of connecting, and of the ring's writing end */
    int socket, shared;          /* the process's connection; the file of pinned and managed memory */
    int code;                    /* what calls return while RV_ABSENT */
    unsigned device;
    char path[108];              /* as long as a Unix socket's may be */
    bool attached;               /* path and device by rv_attach, not from the environment */
    struct rv_ring *ring;
    uint8_t *data;               /* the ring's */
    struct rv_welcome welcome;
};
extern struct rv_client rv_client;

#define RV_CONFIGURATIONS 8 /* triple chevrons within the arguments of triple chevrons */

struct rv_configuration {
    dim3 grid, block;
    size_t shared;
    hipStream_t stream;
};

/* What a thread of the program has. Its connection is made at its first call that needs one. */
struct rv_thread {
    uint32_t connection; /* of which rv_client.connection the rest is; 0: none */
    uint32_t slot;
    int socket;
    uint8_t *staging, *message;
    bool within; /* a call of the library is running: a fault now must not make another one */
    bool host_function;
    unsigned configurations;
    struct rv_configuration configuration[RV_CONFIGURATIONS];
    struct rv_site_cache *sites;
    uint32_t site; /* between rv_site_begin and rv_site_end */
    struct rv_thread *next; /* list of all, for fork */
};

#define RV_MESSAGE_BYTES (sizeof(struct rv_message) + RV_REPLY_VALUES * 8 + 4 * RV_INLINE_BYTES)

/* connection.c */
int rv_connect(void);           /* 0, or the hipError_t that every call is to return now (not noted) */
void rv_died(const char *words); /* the device process has ended: said once */
int rv_greet(struct rv_hello *hello, struct rv_welcome *welcome, int *files, unsigned nfiles); /* a socket, or -1: said */

/* threads.c */
struct rv_thread *rv_thread(void);          /* of the calling thread, perhaps without a connection; NULL: no memory */
int rv_thread_connect(struct rv_thread *t); /* 0, or the hipError_t */
void rv_threads_close_files(void);          /* in the child of a fork */

/* client.c: a stream is being captured, perhaps: what a copy on it reads has to be read when its graph is launched. */
bool rv_capturing(void);
unsigned rv_calls(void); /* how many calls were made so far */

/* host_functions.c: a function of the program's was queued, if the code is 0; returns the code. */
int rv_host_function_queued(int code);

/* ring.c */
struct rv_request {
    uint16_t call, flags;
    uint32_t site, nargs, bytes;
    const uint64_t *args;
    const void *payload;
};
bool rv_ring_judged(void); /* no call is to be queued without a reply */
uint32_t rv_order(void);   /* RV_EAGER ...: when the device process executes what is queued now */
int rv_ring_put(struct rv_thread *t, const struct rv_request *request); /* 0, hipErrorDeinitialized or hipErrorInvalidValue */

/* sites.c, sites_python.c */
uint32_t rv_site(struct rv_thread *t); /* the number of the call site; the device process knows it then. 0: unknown */
uint32_t rv_site_number(uint64_t hash, bool *is_new);
void rv_site_send(struct rv_thread *t, uint32_t site, const char *text, size_t bytes);
uintptr_t rv_caller(void);             /* in the code that called the library; 0: unknown */

/* Calls that a function makes on its own account have the site of the function's call. They may be made under a lock,
 * where asking Python for its frames could wait for a thread that waits for the lock. */
void rv_site_begin(void);
void rv_site_end(void);
void rv_sites_clear(void);             /* of a former connection */
void rv_sites_free(struct rv_thread *t);
bool rv_site_python(struct rv_thread *t, uint32_t *site); /* false: no Python code has called */
uint64_t rv_hash(uint64_t hash, uint64_t number);
#define RV_HASH_START 0xcbf29ce484222325u

/* fault.c */
void rv_faults_catch(void); /* takes SIGSEGV and SIGBUS, in front of the program's handlers */
void rv_reserve(const struct rv_welcome *welcome, int *code); /* memory.c's ranges; code 205 where they are taken: said */
void rv_unreserve(const struct rv_welcome *welcome);

/* What register.c, handles.c and memory.c know is of one connection, or until the device is reset. They are told while
 * rv_client.lock is held, so they make no calls here. */
void rv_modules_forget(void);
void rv_handles_forget(void);
void rv_shared_forget(void);

void *rv_managed_pages(const void *shadow); /* of a __managed__ variable, NULL: it is none (register.c) */

/* memory.c: whole pages of the program become shared with the device process; 0, or the hipError_t. The program's
 * threads are not to write there meanwhile. */
int rv_share_pages(uint64_t address, uint64_t size, unsigned flags);
bool rv_is_registered(const void *address);

#endif
