/* Memory of the program that may not be there. Copies are guarded: a fault within one ends the copy, not the program.
 * A fault elsewhere that lies in device memory, or in pinned memory that was freed, is the program's touch of it: the
 * device process says what lies there, and the program dies as it would have. All other faults are its own affair. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "internal.h"

static RV_THREAD_LOCAL sigjmp_buf *volatile guard;
static struct sigaction before[2];
static const int caught[2] = {SIGSEGV, SIGBUS};

/* A copy at least as long as this looks first whether the program has put a handler of its own over ours. */
#define LOOK_BYTES 4096

static void on_fault(int signal, siginfo_t *info, void *context);

static void take(void) {
    for (int i = 0; i < 2; i++) {
        struct sigaction now, ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        sigemptyset(&ours.sa_mask);
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_sigaction != on_fault && sigaction(caught[i], &ours, NULL) == 0)
            before[i] = now;
    }
}

void rv_faults_catch(void) {
    take();
}

/* ---- guarded copies */

bool rv_copy_guarded(void *to, const void *from, size_t size) {
    if (size >= LOOK_BYTES) take();
    sigjmp_buf here, *volatile outer = guard;
    if (sigsetjmp(here, 0)) {
        guard = outer;
        return false;
    }
    guard = &here;
    memcpy(to, from, size);
    __asm__ volatile("" ::: "memory");
    guard = outer;
    return true;
}

bool rv_readable(const void *address, size_t size) {
    volatile char got;
    const char *bytes = address;
    for (size_t i = 0; i < size; i += 4096)
        if (!rv_copy_guarded((void *)&got, bytes + i, 1)) return false;
    return size == 0 || rv_copy_guarded((void *)&got, bytes + size - 1, 1);
}

size_t rv_text_length(const char *text, size_t limit) {
    sigjmp_buf here, *volatile outer = guard;
    if (!text || sigsetjmp(here, 0)) {
        guard = outer;
        return SIZE_MAX;
    }
    guard = &here;
    size_t length = strnlen(text, limit + 1);
    __asm__ volatile("" ::: "memory");
    guard = outer;
    return length <= limit ? length : SIZE_MAX;
}

/* ---- the program's own faults */

static bool is_write(const void *context) {
#ifdef __x86_64__
    return ((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2;
#else
    (void)context;
    return false;
#endif
}

static void say_access(uint64_t address, bool write) {
    struct rv_thread *t = rv_thread();
    rv_reply reply = {.payload = ""};
    if (t && !t->within && !t->host_function)
        rv_call(&reply, RV_CALL_rv_host_access, (const uint64_t[]){address, write}, 2, NULL, 0);
    if (reply.payload_bytes)
        rv_say("%.*s", (int)reply.payload_bytes, (const char *)reply.payload);
    else
        rv_say("the host %s %s at 0x%llx", write ? "wrote to" : "read",
               rv_is_shared((void *)(uintptr_t)address)
                   ? "pinned memory that is freed"
                   : "device memory, which only kernels and copies can reach,",
               (unsigned long long)address);
}

/* As if this library had not been in front. */
static void pass_on(int signal, siginfo_t *info, void *context) {
    struct sigaction *then = &before[signal == SIGBUS];
    if (then->sa_flags & SA_SIGINFO)
        then->sa_sigaction(signal, info, context);
    else if (then->sa_handler == SIG_DFL || then->sa_handler == SIG_IGN)
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL); /* the fault comes again, and ends it */
    else
        then->sa_handler(signal);
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    if (guard) siglongjmp(*guard, 1);
    bool reserved = rv_is_device(info->si_addr) || rv_is_shared(info->si_addr); /* there: pinned memory that was freed */
    if (signal == SIGSEGV && info->si_code > 0 && reserved) {
        /* Once: the next fault, wherever it is, is not ours any more. */
        sigaction(signal, &before[0], NULL);
        say_access(RV_N(info->si_addr), is_write(context));
        return;
    }
    pass_on(signal, info, context);
}

/* ---- the reserved addresses */

static bool reserve(uint64_t start, uint64_t bytes) {
    if (!bytes) return true;
    void *wanted = (void *)(uintptr_t)start;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void *got = mmap(wanted, bytes, PROT_NONE, flags, -1, 0);
    if (got == wanted) return true;
    if (got != MAP_FAILED) munmap(got, bytes); /* a kernel that does not know MAP_FIXED_NOREPLACE */
    rv_say("the addresses 0x%llx to 0x%llx, which are to be the device's, cannot be reserved in this process (%s): "
           "is something mapped there, or does a limit (ulimit -v) forbid it?",
           (unsigned long long)start, (unsigned long long)(start + bytes),
           got == MAP_FAILED ? strerror(errno) : "other addresses were given");
    return false;
}

void rv_reserve(const struct rv_welcome *welcome, int *code) {
    if (!reserve(welcome->device_start, welcome->device_bytes)) {
        *code = hipErrorMapFailed;
    } else if (!reserve(welcome->shared_start, welcome->shared_bytes)) {
        munmap((void *)(uintptr_t)welcome->device_start, welcome->device_bytes);
        *code = hipErrorMapFailed;
    }
}

void rv_unreserve(const struct rv_welcome *welcome) {
    if (welcome->device_bytes) munmap((void *)(uintptr_t)welcome->device_start, welcome->device_bytes);
    if (welcome->shared_bytes) munmap((void *)(uintptr_t)welcome->shared_start, welcome->shared_bytes);
}

bool rv_is_device(const void *address) {
    return rv_client.connection && RV_N(address) - rv_client.welcome.device_start < rv_client.welcome.device_bytes;
}

bool rv_is_shared(const void *address) {
    return rv_client.connection && RV_N(address) - rv_client.welcome.shared_start < rv_client.welcome.shared_bytes;
}
