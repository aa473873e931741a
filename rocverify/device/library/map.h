/* A table from numbers (addresses, handles) to pointers: open addressing, grown by doubling. 0 is not a key. It does
 * not lock. */
#ifndef ROCVERIFY_MAP_H
#define ROCVERIFY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rv_map {
    struct rv_pair { uint64_t key; void *value; } *pairs;
    size_t room, used; /* `used` counts removed places too */
};

void *rv_map_get(const struct rv_map *map, uint64_t key);              /* NULL: absent */
bool rv_map_put(struct rv_map *map, uint64_t key, void *value);        /* false: no memory */
void *rv_map_remove(struct rv_map *map, uint64_t key);                 /* what it had */
void rv_map_clear(struct rv_map *map, void (*discard)(void *value));   /* `discard` may be NULL */

#endif
