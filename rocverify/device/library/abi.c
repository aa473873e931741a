/* Which HIP the calling code was built for. Its headers do not show in the symbols that it asks for, but the library's
 * name does that it was linked to: libamdhip64.so.5, .6 or .7. Code that was not linked to it (it opens the library by
 * itself, as hip-python does) goes by the program's own link, and is new code where there is none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "map.h"

#define NEWEST 7
#define OLDEST 5

static const char *strings_of(const struct link_map *module) {
    for (const ElfW(Dyn) *entry = module->l_ld; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_STRTAB) { /* the loader has made an address of it, but not in every module */
            uintptr_t at = entry->d_un.d_ptr;
            return (const char *)(at < module->l_addr ? at + module->l_addr : at);
        }
    return NULL;
}

/* 0: it is linked to no libamdhip64 that has a number. */
static int linked_to(const struct link_map *module) {
    static const char name[] = "libamdhip64.so.";
    const char *strings = module->l_ld ? strings_of(module) : NULL;
    if (!strings) return 0;
    for (const ElfW(Dyn) *entry = module->l_ld; entry->d_tag != DT_NULL; entry++) {
        const char *needed = strings + entry->d_un.d_val;
        if (entry->d_tag == DT_NEEDED && strncmp(needed, name, sizeof name - 1) == 0)
            return atoi(needed + sizeof name - 1);
    }
    return 0;
}

static int abi_of(uintptr_t address) {
    Dl_info info;
    struct link_map *module = NULL;
    int abi = dladdr1((const void *)address, &info, (void **)&module, RTLD_DL_LINKMAP) && module ? linked_to(module) : 0;
    if (!abi && module) { /* the first of all modules is the program itself */
        while (module->l_prev) module = module->l_prev;
        abi = linked_to(module);
    }
    return abi >= OLDEST && abi <= NEWEST ? abi : NEWEST;
}

int rv_abi(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct rv_map known; /* by the calling address */
    uintptr_t caller = rv_caller();
    pthread_mutex_lock(&lock);
    int abi = (int)(intptr_t)rv_map_get(&known, caller);
    if (!abi) {
        abi = abi_of(caller);
        if (caller) rv_map_put(&known, caller, (void *)(intptr_t)abi);
    }
    pthread_mutex_unlock(&lock);
    return abi;
}
