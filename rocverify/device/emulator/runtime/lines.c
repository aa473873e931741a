/* From the record of a line, or of the log, to that of granules. */
#include "lines.h"

#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

/* A line's word as its granule `index` would have it; what the granule has, if that is of no interest any more. */
static u64 granule_word(const Sanitizer *z, u64 word, u32 index, u64 before)
{
    if (SEGMENT(word) < z->since || !BYTES_OF(word))
        return SEGMENT(before) < z->since ? 0 : before;
    return (word | 15ull << 59) + ((u64)(index / BYTES_OF(word)) << 33);
}

void rt_san_split(const Sanitizer *z, u64 index)
{
    Line *line = z->lines + index;
    Granule all = line->last, *g = z->granules + index * LINE_GRANULES;
    line->last.write = z->first;
    /* Untouched as a whole, as far as that is of interest: then its granules need not know. */
    if (SEGMENT(all.write) < z->since && SEGMENT(all.read[0]) < z->since && SEGMENT(all.read[1]) < z->since)
        return;
    for (u32 i = 0; i < LINE_GRANULES; i++) {
        g[i].write = granule_word(z, all.write, i, g[i].write);
        for (u32 k = 0; k < 2; k++)
            g[i].read[k] = granule_word(z, all.read[k], i, g[i].read[k]);
        z->readers[index * LINE_GRANULES + i] = line->readers;
    }
}

static void settle_dword(const Sanitizer *z, const GroupRecord *now, const Tables *t, u32 place, u64 me)
{
    u32 wave = WAVE_OF(me);
    Granule *g = t->granules + place;
    u64 *readers = t->readers + place;
    if ((*readers & READERS(~0u, wave)) != READERS(now->base, wave) && !first_read(g, readers, now->base, wave, me))
        note_reader(z, now, g, readers, me);
}

/* Has granules know of the loads in the log, in their order: those of some blocks, or of all. None of them has
 * been written in the interval, so that nothing is found. */
void rt_san_settle(Worker *w, Wave *s, u64 blocks)
{
    u32 lanes = (u32)w->lanes;
    GroupRecord *now = RECORD_OF(s, lanes);
    Tables t = tables_of(w, s, SPACE_LDS);
    blocks &= now->read_blocks;
    for (u32 i = 0; i < now->readings; i++) {
        const Reading *r = reading_at(w->sanitizer, now, i, lanes);
        if (!(r->blocks & blocks))
            continue;
        LANES(r->exec)
        {
            u64 me = WORD(now->plain[r->wave], r->wave, LANE, r->pc) | 15ull << 59;
            for (u32 k = r->granules[LANE]; k < r->granules[LANE] + (u32)r->dwords; k++)
                if (blocks_of(4 * k, 4) & blocks)
                    settle_dword(w->sanitizer, now, &t, k, me);
        }
    }
    now->read_blocks &= ~blocks;
    if (!now->read_blocks)
        now->readings = 0;
}
