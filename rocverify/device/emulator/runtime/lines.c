/* From the record of a line, or of the log, to that of granules. */
#include "lines.h"

#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

/* A line's word as its granule `index` would have it; 0 for what was before the launch. */
static u64 granule_word(const Sanitizer *z, u64 word, u32 index)
{
    if (SEGMENT(word) < z->first)
        return 0;
    return (word | 15ull << 59) + ((u64)(index / BYTES_OF(word)) << 33);
}

void rt_san_split(const Sanitizer *z, u64 index)
{
    Line *line = z->lines + index;
    Granule all = line->last, *g = z->granules + index * LINE_GRANULES;
    line->last.write = z->first;
    /* Untouched in this launch: then so are its granules, whose words count for nothing. */
    if (SEGMENT(all.write) < z->first && SEGMENT(all.read[0]) < z->first && SEGMENT(all.read[1]) < z->first)
        return;
    for (u32 i = 0; i < LINE_GRANULES; i++) {
        g[i] = (Granule){granule_word(z, all.write, i),
                         {granule_word(z, all.read[0], i), granule_word(z, all.read[1], i)}};
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
