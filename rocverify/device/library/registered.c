/* Host memory that the program registers: its pages are exchanged for pages of the shared file with the same contents,
 * so that kernels work on the program's own memory. Neighbours on one page may be registered each: so what is shared
 * is a list of parts, and each registration uses all parts that it touches. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "internal.h"

#define PAGE ((uint64_t)4096)

struct part {
    struct part *next;
    uint64_t start, end;
    unsigned uses;
    uint32_t connection;
};

struct registration {
    struct registration *next;
    uint64_t address, start, end; /* as the program said; the pages */
    uint32_t connection;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the lists; not held during calls */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER; /* one registration at a time */
static struct part *parts;
static struct registration *registrations;

static struct part *part_at(uint64_t address) {
    struct part *p = parts;
    while (p && (address < p->start || address >= p->end || p->connection != rv_connection())) p = p->next;
    return p;
}

bool rv_is_registered(const void *address) {
    if (!__atomic_load_n(&parts, __ATOMIC_RELAXED)) return false;
    pthread_mutex_lock(&lock);
    bool registered = part_at(RV_N(address)) != NULL;
    pthread_mutex_unlock(&lock);
    return registered;
}

/* ---- pages */

/* Fills fresh pages from those at an address, and puts them in their place. The pages may be of the stack that this
 * runs on: so nothing may be written there between the two, not even a return address. */
static bool copy_and_move(void *fresh, void *at, size_t size) {
#ifdef __x86_64__
    void *to = fresh, *from = at;
    size_t count = size;
    long result;
    register long flags __asm__("r10") = MREMAP_MAYMOVE | MREMAP_FIXED;
    register void *target __asm__("r8") = at;
    __asm__ volatile("rep movsb\n\t"
                     "mov %[fresh], %%rdi\n\t"
                     "mov %[size], %%rsi\n\t"
                     "mov %[size], %%rdx\n\t"
                     "mov %[number], %%eax\n\t"
                     "syscall"
                     : "=&a"(result), "+&D"(to), "+&S"(from), "+&c"(count)
                     : [fresh] "r"(fresh), [size] "r"(size), [number] "i"(SYS_mremap), "r"(flags), "r"(target)
                     : "rdx", "r11", "memory");
    return result == (long)at;
#else
    memcpy(fresh, at, size);
    return mremap(fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at;
#endif
}

/* `file`: -1, or of which the pages are to be. */
static bool exchange(uint64_t address, uint64_t size, int file, uint64_t offset) {
    int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, (off_t)offset);
    if (fresh == MAP_FAILED) return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a handler would write to the stack */
    bool moved = copy_and_move(fresh, (void *)(uintptr_t)address, size);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!moved) munmap(fresh, size);
    return moved;
}

/* The first and the last page may hold other data too, which other threads may be writing: each by itself takes no time
 * in which that would be lost. */
static bool exchange_all(uint64_t address, uint64_t size, int file, uint64_t offset) {
    uint64_t pieces[] = {PAGE, size > 2 * PAGE ? size - 2 * PAGE : 0, size > PAGE ? PAGE : 0};
    for (int i = 0; i < 3; i++) {
        if (pieces[i] && !exchange(address, pieces[i], file, offset)) return false;
        address += pieces[i];
        offset += pieces[i];
    }
    return true;
}

int rv_share_pages(uint64_t address, uint64_t size, unsigned flags) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipHostRegister, address, size, flags);
    if (code) return code;
    uint64_t offset = reply.values[0];
    if (!exchange_all(address, size, rv_client.shared, offset)) return rv_note(hipErrorOutOfMemory);
    return RV_CALL(rv_host_registered, address, size, offset, flags);
}

/* ---- parts */

static struct part *use_part(uint64_t address, uint64_t limit, uint64_t *gap_end) {
    pthread_mutex_lock(&lock);
    struct part *found = part_at(address);
    if (found) found->uses++;
    *gap_end = limit;
    for (struct part *p = parts; p; p = p->next)
        if (p->connection == rv_connection() && p->start > address && p->start < *gap_end) *gap_end = p->start;
    pthread_mutex_unlock(&lock);
    return found;
}

static int add_part(uint64_t start, uint64_t end, unsigned flags) {
    struct part *p = malloc(sizeof *p);
    if (!p) return rv_note(hipErrorOutOfMemory);
    int code = rv_share_pages(start, end - start, flags);
    if (code) {
        free(p);
        return code;
    }
    pthread_mutex_lock(&lock);
    *p = (struct part){parts, start, end, 1, rv_connection()};
    __atomic_store_n(&parts, p, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int end_part(uint64_t start, uint64_t end) {
    RV_CALL(rv_device_synchronize_quietly); /* what is queued may write there still */
    if (!exchange_all(start, end - start, -1, 0)) return rv_note(hipErrorOutOfMemory);
    return RV_CALL(hipHostUnregister, start);
}

/* Takes a part that nobody uses any more out of the list. */
static bool take_unused(uint64_t start, uint64_t end, uint64_t *part_start, uint64_t *part_end) {
    bool taken = false;
    pthread_mutex_lock(&lock);
    for (struct part **place = &parts; *place && !taken; ) {
        struct part *p = *place;
        taken = p->uses == 0 && p->start < end && p->end > start;
        if (!taken) {
            place = &p->next;
            continue;
        }
        *part_start = p->start;
        *part_end = p->end;
        *place = p->next;
        free(p);
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

static int drop_uses(uint64_t start, uint64_t end) {
    pthread_mutex_lock(&lock);
    for (struct part *p = parts; p; p = p->next)
        if (p->connection == rv_connection() && p->start < end && p->end > start && p->uses) p->uses--;
    pthread_mutex_unlock(&lock);
    int code = 0;
    uint64_t part_start, part_end;
    while (take_unused(start, end, &part_start, &part_end)) {
        int failed = end_part(part_start, part_end);
        if (!code) code = failed;
    }
    return code;
}

static int add_uses(uint64_t start, uint64_t end, unsigned flags) {
    for (uint64_t at = start, gap_end; at < end;) {
        struct part *p = use_part(at, end, &gap_end);
        int code = p ? 0 : add_part(at, gap_end, flags);
        if (code) {
            if (at > start) drop_uses(start, at);
            return code;
        }
        at = p ? p->end : gap_end;
    }
    return 0;
}

/* ---- registrations */

static bool add_registration(uint64_t address, uint64_t start, uint64_t end) {
    struct registration *r = malloc(sizeof *r);
    if (!r) return false;
    pthread_mutex_lock(&lock);
    *r = (struct registration){registrations, address, start, end, rv_connection()};
    registrations = r;
    pthread_mutex_unlock(&lock);
    return true;
}

static bool take_registration(uint64_t address, struct registration *taken) {
    pthread_mutex_lock(&lock);
    struct registration **place = &registrations;
    while (*place && ((*place)->address != address || (*place)->connection != rv_connection())) place = &(*place)->next;
    struct registration *found = *place;
    if (found) {
        *taken = *found;
        *place = found->next;
        free(found);
    }
    pthread_mutex_unlock(&lock);
    return found != NULL;
}

static bool is_taken(uint64_t address) {
    pthread_mutex_lock(&lock);
    struct registration *r = registrations;
    while (r && (r->address != address || r->connection != rv_connection())) r = r->next;
    pthread_mutex_unlock(&lock);
    return r != NULL;
}

static int add(uint64_t address, uint64_t size, unsigned flags) {
    if (is_taken(address)) return rv_note(hipErrorHostMemoryAlreadyRegistered);
    uint64_t start = address / PAGE * PAGE, end = (address + size + PAGE - 1) / PAGE * PAGE;
    int code = add_uses(start, end, flags);
    if (code == 0 && !add_registration(address, start, end)) code = rv_note(hipErrorOutOfMemory);
    if (code == 0) RV_CALL(rv_registered_range, address, size);
    return code;
}

RV_API hipError_t hipHostRegister(void *pointer, size_t size, unsigned flags) {
    uint64_t address = RV_N(pointer);
    if (!address || !size || address + size < address) return rv_note(hipErrorInvalidValue);
    if (!rv_connected()) return rv_connect();
    rv_site_begin();
    pthread_mutex_lock(&changing);
    /* Memory of the device, and what cannot be read, is for the device process to refuse. */
    int code = rv_readable(pointer, size) && !rv_is_shared(pointer)
                   ? add(address, size, flags)
                   : RV_CALL(hipHostRegister, address / PAGE * PAGE, (size + PAGE - 1) / PAGE * PAGE, flags);
    pthread_mutex_unlock(&changing);
    rv_site_end();
    return code == 0 && !rv_is_registered(pointer) ? rv_note(hipErrorInvalidValue) : code;
}

RV_API hipError_t hipHostUnregister(void *pointer) {
    struct registration gone;
    if (!rv_connected()) return rv_connect();
    rv_site_begin();
    pthread_mutex_lock(&changing);
    bool known = take_registration(RV_N(pointer), &gone);
    if (known) RV_CALL(rv_registered_range, gone.address, 0);
    int code = known ? drop_uses(gone.start, gone.end) : RV_CALL(hipHostUnregister, RV_N(pointer));
    pthread_mutex_unlock(&changing);
    rv_site_end();
    return code;
}
