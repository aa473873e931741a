#include "map.h"

#include <stdlib.h>

static char removed; /* the value of a place whose key was removed: searches go on behind it */

static size_t place(const struct rv_map *map, uint64_t key) {
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (map->room - 1);
}

static struct rv_pair *find(const struct rv_map *map, uint64_t key) {
    if (!map->room) return NULL;
    for (size_t i = place(map, key); map->pairs[i].key; i = (i + 1) & (map->room - 1))
        if (map->pairs[i].key == key) return &map->pairs[i];
    return NULL;
}

static bool grow(struct rv_map *map) {
    struct rv_map larger = {.room = map->room ? map->room * 2 : 64};
    larger.pairs = calloc(larger.room, sizeof *larger.pairs);
    if (!larger.pairs) return false;
    for (size_t i = 0; i < map->room; i++)
        if (map->pairs[i].key && map->pairs[i].value != &removed)
            rv_map_put(&larger, map->pairs[i].key, map->pairs[i].value);
    free(map->pairs);
    *map = larger;
    return true;
}

void *rv_map_get(const struct rv_map *map, uint64_t key) {
    struct rv_pair *pair = find(map, key);
    return pair && pair->value != &removed ? pair->value : NULL;
}

bool rv_map_put(struct rv_map *map, uint64_t key, void *value) {
    struct rv_pair *pair = find(map, key);
    if (pair) {
        pair->value = value;
        return true;
    }
    if ((map->used + 1) * 2 > map->room && !grow(map)) return false;
    size_t i = place(map, key);
    while (map->pairs[i].key) i = (i + 1) & (map->room - 1);
    map->pairs[i] = (struct rv_pair){key, value};
    map->used++;
    return true;
}

void *rv_map_remove(struct rv_map *map, uint64_t key) {
    struct rv_pair *pair = find(map, key);
    if (!pair || pair->value == &removed) return NULL;
    void *value = pair->value;
    pair->value = &removed;
    return value;
}

void rv_map_clear(struct rv_map *map, void (*discard)(void *value)) {
    for (size_t i = 0; i < map->room; i++)
        if (discard && map->pairs[i].key && map->pairs[i].value != &removed) discard(map->pairs[i].value);
    free(map->pairs);
    *map = (struct rv_map){0};
}
