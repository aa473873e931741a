/* Which accesses are in order, and which readers a record keeps: see races.c. */
#ifndef ROCVERIFY_ORDER_H
#define ROCVERIFY_ORDER_H

#include "compare.h"

INLINE u32 *seen_by(const Sanitizer *z, const GroupRecord *now, u32 group)
{
    return z->group_seen + (u64)now->slot * z->groups + group;
}

/* Whether a workgroup under way has acquired what another released after that segment of a wave. */
INLINE int released(const Sanitizer *z, const GroupRecord *now, u32 group, u32 wave, u32 segment)
{
    if (group >= z->groups || *seen_by(z, now, group) != (u32)now->group + 1 || !z->group_fence[group])
        return 0;
    return z->clocks[z->group_fence[group] - 1][wave] >= segment;
}

/* 0: ordered, or nothing to compare with; else 1 + the scope of a race (0 waves, 1 workgroups, 2 lanes). */
INLINE u32 unordered(const Sanitizer *z, const GroupRecord *now, u64 earlier, u32 space, u32 wave, u32 lane)
{
    u32 segment = SEGMENT(earlier), other = WAVE_OF(earlier);
    if (segment < z->first || !earlier)
        return 0;
    u32 group = z->segment_group[segment];
    if (group != (u32)now->group)
        return space == SPACE_GLOBAL && !released(z, now, group, other, segment) ? 2 : 0;
    if (segment < now->base)
        return 0;
    if (other == wave)
        return z->strict && LANE_OF(earlier) != lane && now->seen[wave][wave] < segment ? 3 : 0;
    if (space == SPACE_LDS && now->seen_lds[wave][other] >= segment)
        return 0;
    return now->seen[wave][other] >= segment ? 0 : 1;
}

INLINE int by_same(u64 a, u64 b, u32 strict)
{
    u64 who = strict ? 0x7fffffffffull : 0x1ffffffffull;
    return !((a ^ b) & who);
}

/* Which of the two readers that a later write is compared with gives way to this one; it may be the same. */
INLINE u32 reader_slot(const Sanitizer *z, const GroupRecord *now, const Granule *g, u64 me)
{
    for (u32 i = 0; i < 2; i++)
        if (by_same(g->read[i], me, z->strict))
            return i;
    for (u32 i = 0; i < 2; i++)
        if (SEGMENT(g->read[i]) < z->first || !g->read[i])
            return i;
    for (u32 i = 0; i < 2; i++)
        if (WAVE_OF(g->read[i]) == WAVE_OF(me) && SEGMENT(g->read[i]) >= now->base && !z->strict)
            return i;
    return SEGMENT(g->read[0]) < now->base ? 0 : 1;
}

/* A load of a granule that is in order, kept for later writes to be compared with. */
INLINE void note_reader(const Sanitizer *z, const GroupRecord *now, Granule *g, u64 *readers, u64 me)
{
    u64 *read = g->read + reader_slot(z, now, g, me);
    *read = by_same(*read, me, z->strict) ? *read | (u64)BYTES_OF(me) << 59 : me;
    if (BYTES_OF(me) == 15 && !z->strict && SEGMENT(me) == now->plain[WAVE_OF(me)])
        *readers = ((u32)*readers == now->base ? *readers : 0) | READERS(now->base, WAVE_OF(me));
}

#endif
