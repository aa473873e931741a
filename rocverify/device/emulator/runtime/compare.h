/* The comparisons of an access with the last ones that need no search: what is not plainly in order is left
 * to rt_san_touch (races.c). */
#ifndef ROCVERIFY_COMPARE_H
#define ROCVERIFY_COMPARE_H

#include "records.h"

#define INLINE static inline __attribute__((always_inline))

/* Whether the granules were last written by this wave in this segment: a read since then by another one
 * would have been found by that other. */
INLINE int written_before(const Granule *g, u32 dwords, u64 who)
{
    for (u32 k = 0; k < dwords; k++)
        if ((g[k].write ^ who) & 0xf8000001ffffffffull)
            return 0;
    return 1;
}

/* Where a space's tables begin that have an entry for each of its bytes or granules. */
typedef struct {
    u64 origin;
    u8 *defined;
    Granule *granules;
    u64 *readers;
} Tables;

INLINE Tables tables_of(const Worker *w, const Wave *s, u32 space)
{
    const Sanitizer *z = w->sanitizer;
    if (space == SPACE_LDS) {
        u64 slot = s->lds - (u64)w->lds;
        return (Tables){0, z->lds_defined + slot, z->lds_granules + (slot >> 2), z->lds_readers + (slot >> 2)};
    }
    return (Tables){z->arena, (u8 *)(z->arena + z->defined_delta), z->granules, z->readers};
}

/* Global memory is accessed; `place` counts from the arena's start. */
INLINE void mark(const Sanitizer *z, u64 place, u32 segment) { z->chunks[place / CHUNK_BYTES] = segment; }

/* Whether a word is of an access that a barrier or the wave itself orders before what the wave does now. */
INLINE int ordered(u64 word, u32 interval, u32 wave) { return SEGMENT(word) < interval || WAVE_OF(word) == wave; }

/* A wave's first read of an LDS granule in an interval, if nothing is amiss; 0 leaves it to rt_san_touch. */
INLINE int first_read(Granule *g, u64 *readers, u32 interval, u32 wave, u64 me)
{
    if (!ordered(g->write, interval, wave))
        return 0;
    if ((u32)*readers != interval) {
        if (SEGMENT(g->read[0]) >= interval || SEGMENT(g->read[1]) >= interval)
            return 0; /* by somebody who has not read all of it */
        g->read[0] = me, g->read[1] = 0;
        *readers = READERS(interval, wave);
        return 1;
    }
    if (SEGMENT(g->read[0]) < interval)
        g->read[0] = me;
    else if (SEGMENT(g->read[1]) < interval && WAVE_OF(g->read[0]) != wave)
        g->read[1] = me;
    *readers |= READERS(interval, wave);
    return 1;
}

/* A wave's first read of a granule of global memory that nobody has written in this launch. */
INLINE int first_global_read(Granule *g, u64 *readers, u32 launch, u32 interval, u32 wave, u64 me)
{
    if (SEGMENT(g->write) >= launch || SEGMENT(g->read[0]) >= launch)
        return 0;
    g->read[0] = me;
    *readers = READERS(interval, wave);
    return 1;
}

/* The first write, where at most the wave itself has read since the last barrier. */
INLINE int first_global_write(Granule *g, u32 launch, u32 interval, u32 wave, u64 me)
{
    for (u32 i = 0; i < 2; i++) {
        u32 segment = SEGMENT(g->read[i]);
        if (segment >= launch && (segment < interval || WAVE_OF(g->read[i]) != wave))
            return 0;
    }
    if (SEGMENT(g->write) >= launch)
        return 0;
    g->write = me;
    return 1;
}

/* The same for a store. */
INLINE int first_write(Granule *g, u32 interval, u32 wave, u64 me)
{
    if (!ordered(g->write, interval, wave) || !ordered(g->read[0], interval, wave) ||
        !ordered(g->read[1], interval, wave))
        return 0;
    g->write = me;
    return 1;
}

#endif
