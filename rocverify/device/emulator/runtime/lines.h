/* Accesses that are compared many at a time.
 *
 * Global memory: lanes that access a whole line together are compared as one, by the rules that hold for each
 * of its granules (races.c), which all say the same as long as the line is not split.
 *
 * LDS: as long as nobody writes a block in an interval, all that its loads leave is a record for a later write
 * of the same interval. They go to a log, in order; the write that asks for it has it settled. */
#ifndef ROCVERIFY_LINES_H
#define ROCVERIFY_LINES_H

#include "order.h"

INLINE int is_split(const Sanitizer *z, const Line *line)
{
    return SEGMENT(line->last.write) >= z->first && !BYTES_OF(line->last.write);
}

/* Before granules of global memory are looked at one by one; `place` counts from the arena's start. */
INLINE void split(const Sanitizer *z, u64 place, u64 size)
{
    for (u64 i = place / LINE_BYTES; i <= (place + size - 1) / LINE_BYTES; i++)
        if (!is_split(z, z->lines + i))
            rt_san_split(z, i);
}

/* How many lanes, from `lane` on, access one whole line in order; 0 if they do not. `left` are active. */
INLINE u32 lanes_of_line(const Wave *s, u64 left, u32 lane, u32 dwords)
{
    u32 count = LINE_GRANULES / dwords;
    u64 first = s->addresses[lane], wanted = ((1ull << count) - 1) << lane, differs = 0;
    if (dwords == 3 || first % LINE_BYTES || lane + count > MAX_LANES || (left & wanted) != wanted)
        return 0;
    for (u32 i = 0; i < count; i++)
        differs |= s->addresses[lane + i] ^ (first + 4ull * dwords * i);
    return differs ? 0 : count;
}

/* What a line's record says of an access by these lanes. */
INLINE u64 line_word(const GroupRecord *now, u32 wave, u32 lane, u32 dwords, u32 pc)
{
    return WORD(now->segment[wave], wave, lane, pc) | (u64)dwords << 59;
}

/* A plain load of a whole line, compared; 0, and nothing done, if its granules must be one by one. */
INLINE int line_read(const Sanitizer *z, GroupRecord *now, Line *line, u64 me)
{
    u32 wave = WAVE_OF(me);
    int plain = SEGMENT(me) == now->plain[wave];
    u64 known = READERS(now->base, wave), care = READERS(~0u, wave);
    if (is_split(z, line))
        return 0;
    if (plain && (line->readers & care) == known)
        return 1;
    if (unordered(z, now, line->last.write, SPACE_GLOBAL, wave, 0))
        return 0;
    u64 *read = line->last.read + reader_slot(z, now, &line->last, me);
    if (!by_same(*read, me, 0))
        *read = me;
    if (plain)
        line->readers = ((u32)line->readers == now->base ? line->readers : 0) | known;
    now->touched[wave] = 1;
    mark(z, (u64)(line - z->lines) * LINE_BYTES, SEGMENT(me));
    return 1;
}

/* The same for a plain store. */
INLINE int line_written(const Sanitizer *z, GroupRecord *now, Line *line, u64 me)
{
    u32 wave = WAVE_OF(me);
    if (is_split(z, line))
        return 0;
    if (by_same(line->last.write, me, 0))
        return 1; /* a read since then by another wave would have been found by that one */
    if (unordered(z, now, line->last.write, SPACE_GLOBAL, wave, 0) ||
        unordered(z, now, line->last.read[0], SPACE_GLOBAL, wave, 0) ||
        unordered(z, now, line->last.read[1], SPACE_GLOBAL, wave, 0))
        return 0;
    line->last.write = me;
    now->touched[wave] = 1;
    mark(z, (u64)(line - z->lines) * LINE_BYTES, SEGMENT(me));
    return 1;
}

/* ---- the log of LDS loads */

/* The blocks, of 1 KiB, of LDS that an access touches: a bit for each of 64. */
INLINE u64 blocks_of(u64 address, u64 size)
{
    u64 first = address >> 10, last = (address + size - 1) >> 10;
    return 1ull << (first & 63) | 1ull << (last & 63);
}

INLINE Reading *reading_at(const Sanitizer *z, const GroupRecord *now, u32 index, u32 lanes)
{
    u8 *log = z->log + (u64)now->slot * READING_SLOTS * READING_BYTES;
    return (Reading *)(log + (u64)index * (sizeof(Reading) + 2 * lanes));
}

/* Before granules of LDS are looked at one by one: what the log has of them comes first. What is written goes to
 * no log any more in the interval, so that at most 64 times only a part of the log is settled. */
INLINE void settle(Worker *w, Wave *s, GroupRecord *now, u64 address, u64 size, int writes)
{
    u64 blocks = blocks_of(address, size);
    if (now->read_blocks & blocks)
        rt_san_settle(w, s, writes ? blocks : ~0ull);
    if (writes)
        now->written_blocks |= blocks;
}

#endif
