/* Where the program called: the return addresses above the library, told to the device process once for each chain of
 * them. Walking a stack takes microseconds; so each thread remembers where on its stack the return addresses of a
 * former walk lay. A call at the same depth whose addresses are still those has the same callers. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#include "internal.h"
#include "map.h"

#define OWN_FRAMES 12 /* the most frames of the library itself above a call site */
#define SLOTS (OWN_FRAMES + RV_FRAMES)
#define BELOW 2 /* the first frames of a walk: walk_stack and rv_site, which returned to them themselves */
#define PLACES 256
#define TRIES 8

struct walk {
    const void *depth;
    uint32_t site, connection, n;
    const uintptr_t *slots[SLOTS]; /* where on the stack */
    uintptr_t addresses[SLOTS];
};

struct rv_site_cache {
    struct walk walks[PLACES];
    unsigned next;
};

uint64_t rv_hash(uint64_t hash, uint64_t number) {
    hash = (hash ^ number) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

/* ---- the library itself */

#define LIBRARIES 5 /* this one (twice: it has hipRTC too), libhiprtc, libhipblas, librocblas */

static struct {
    uintptr_t start, size;
} own[LIBRARIES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void note_library(unsigned place, const void *address) {
    Dl_info info;
    if (!dladdr(address, &info)) return;
    const ElfW(Ehdr) *head = info.dli_fbase;
    const ElfW(Phdr) *parts = (const void *)((const char *)head + head->e_phoff);
    uintptr_t size = 0;
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (parts[i].p_type == PT_LOAD && parts[i].p_vaddr + parts[i].p_memsz > size)
            size = parts[i].p_vaddr + parts[i].p_memsz;
    own[place].start = (uintptr_t)head;
    own[place].size = size;
}

static void find_self(void) {
    note_library(0, (const void *)(uintptr_t)rv_site);
}

void rv_sister_library(const void *address) {
    static unsigned count;
    if (count < LIBRARIES - 1) note_library(++count, address);
}

static bool is_own(uintptr_t address) {
    for (unsigned i = 0; i < LIBRARIES; i++)
        if (address - own[i].start < own[i].size) return true;
    return false;
}

/* ---- walking */

struct walker {
    struct walk *walk;
    unsigned own;   /* frames of the library: those before the call site */
    bool certain;   /* each return address was found on the stack where the unwinder says */
    bool exact[SLOTS]; /* the address is the instruction itself (it was interrupted), not the one behind a call */
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *argument) {
    struct walker *w = argument;
    struct walk *walk = w->walk;
    int exact = 0;
    uintptr_t address = _Unwind_GetIPInfo(context, &exact);
    if (!address || walk->n == SLOTS) return _URC_END_OF_STACK;
    if (walk->n == w->own && w->own < OWN_FRAMES && is_own(address)) w->own++;
    if (exact && walk->n <= OWN_FRAMES) w->own = walk->n; /* a fault: the site is what it interrupted */
    if (walk->n == w->own + RV_FRAMES) return _URC_END_OF_STACK;
    const uintptr_t *slot = (const uintptr_t *)_Unwind_GetCFA(context) - 1;
    if (walk->n && (exact || *slot != address)) w->certain = false;
    w->exact[walk->n] = exact;
    walk->slots[walk->n] = slot;
    walk->addresses[walk->n++] = address;
    return _URC_NO_REASON;
}

static _Unwind_Reason_Code find_caller(struct _Unwind_Context *context, void *argument) {
    uintptr_t address = _Unwind_GetIP(context);
    if (is_own(address)) return _URC_NO_REASON;
    *(uintptr_t *)argument = address;
    return _URC_END_OF_STACK;
}

uintptr_t rv_caller(void) {
    uintptr_t caller = 0;
    pthread_once(&once, find_self);
    _Unwind_Backtrace(find_caller, &caller);
    return caller;
}

/* ---- telling */

static const char *module_path(const char *name, char *room) {
    static char program[PATH_MAX];
    if (!name || !*name) {
        if (!*program && readlink("/proc/self/exe", program, sizeof program - 1) < 0) return "";
        return program;
    }
    return *name == '/' ? name : realpath(name, room) ? room : name;
}

/* The offset is by the ELF file's own addresses, which is what debug information counts in. */
static size_t describe(char *line, size_t room, uintptr_t address) {
    Dl_info info;
    struct link_map *map;
    char path[PATH_MAX];
    if (!dladdr1((const void *)address, &info, (void **)&map, RTLD_DL_LINKMAP)) return 0;
    const char *module = module_path(map->l_name, path), *symbol = info.dli_sname ? info.dli_sname : "";
    int length = snprintf(line, room, "N\t%s\t%lx\t%s\n", module, (unsigned long)(address - map->l_addr), symbol);
    return length > 0 && (size_t)length < room ? (size_t)length : 0;
}

static void tell(struct rv_thread *t, uint32_t site, const struct walker *w) {
    char *text = malloc(RV_INLINE_BYTES);
    size_t length = 0;
    if (!text) return;
    for (unsigned i = w->own; i < w->walk->n; i++)
        length += describe(text + length, RV_INLINE_BYTES - length, w->walk->addresses[i] - !w->exact[i]);
    rv_site_send(t, site, text, length);
    free(text);
}

void rv_site_send(struct rv_thread *t, uint32_t site, const char *text, size_t bytes) {
    uint64_t number = site;
    struct rv_request request = {
        .call = RV_CALL_rv_site, .nargs = 1, .args = &number, .payload = text, .bytes = (uint32_t)bytes};
    rv_ring_put(t, &request);
}

/* ---- numbers */

static struct rv_map numbers; /* hash of a chain -> site */
static uint32_t last_number;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

uint32_t rv_site_number(uint64_t hash, bool *is_new) {
    hash += hash == 0;
    pthread_mutex_lock(&lock);
    uintptr_t number = (uintptr_t)rv_map_get(&numbers, hash);
    *is_new = number == 0;
    if (*is_new && rv_map_put(&numbers, hash, (void *)(uintptr_t)(last_number + 1))) number = ++last_number;
    pthread_mutex_unlock(&lock);
    return (uint32_t)number;
}

void rv_sites_clear(void) {
    pthread_mutex_lock(&lock);
    rv_map_clear(&numbers, NULL);
    pthread_mutex_unlock(&lock);
}

void rv_sites_free(struct rv_thread *t) {
    free(t->sites);
    t->sites = NULL;
}

/* ---- remembered walks */

static bool same_callers(const struct walk *walk) {
    for (unsigned i = 0; i < walk->n; i++)
        if (*walk->slots[i] != walk->addresses[i]) return false;
    return true;
}

static uint32_t recall(const struct rv_thread *t, const void *depth) {
    size_t start = (RV_N(depth) >> 4) % PLACES;
    for (size_t i = 0; i < TRIES; i++) {
        const struct walk *walk = &t->sites->walks[(start + i) % PLACES];
        if (walk->depth == depth && walk->connection == t->connection && same_callers(walk)) return walk->site;
    }
    return 0;
}

static void remember(struct rv_thread *t, const struct walk *walk) {
    size_t start = (RV_N(walk->depth) >> 4) % PLACES;
    struct walk *place = &t->sites->walks[(start + t->sites->next++ % TRIES) % PLACES];
    for (size_t i = 0; i < TRIES; i++) {
        struct walk *other = &t->sites->walks[(start + i) % PLACES];
        if (!other->depth || other->connection != t->connection) {
            place = other;
            break;
        }
    }
    *place = *walk;
    /* What lies below rv_site's frame is gone when this is looked at. */
    place->n -= BELOW;
    memmove(place->slots, place->slots + BELOW, place->n * sizeof *place->slots);
    memmove(place->addresses, place->addresses + BELOW, place->n * sizeof *place->addresses);
}

__attribute__((noinline)) static uint32_t walk_stack(struct rv_thread *t, const void *depth) {
    struct walk walk = {.depth = depth, .connection = t->connection};
    struct walker w = {.walk = &walk, .certain = true};
    pthread_once(&once, find_self);
    _Unwind_Backtrace(step, &w);
    uint64_t hash = RV_HASH_START;
    for (unsigned i = w.own; i < walk.n; i++) hash = rv_hash(hash, walk.addresses[i]);
    bool is_new;
    walk.site = rv_site_number(hash, &is_new);
    if (is_new && walk.site) tell(t, walk.site, &w);
    if (w.certain && walk.n > w.own && walk.site) remember(t, &walk);
    return walk.site;
}

__attribute__((noinline)) uint32_t rv_site(struct rv_thread *t) {
    uint32_t site;
    if (t->site) return t->site;
    if (rv_site_python(t, &site)) return site;
    if (!t->sites && !(t->sites = calloc(1, sizeof *t->sites))) return 0;
    const void *depth = __builtin_frame_address(0);
    site = recall(t, depth);
    return site ? site : walk_stack(t, depth);
}

void rv_site_begin(void) {
    struct rv_thread *t = rv_thread();
    if (t && rv_connect() == 0 && rv_thread_connect(t) == 0) t->site = rv_site(t);
}

void rv_site_end(void) {
    struct rv_thread *t = rv_thread();
    if (t) t->site = 0;
}
