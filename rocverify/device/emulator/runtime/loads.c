/* Loads under the sanitizer: the undefined bits that registers get, and who has read what. */
#include "places.h"

#define API __attribute__((visibility("default")))

static u32 extended(u32 bits, u32 size, u32 is_signed)
{
    u32 width = 8 * size;
    return is_signed && bits >> (width - 1) & 1 ? bits | ~0u << width : bits;
}

/* The shadow of one lane's dwords, told by their defined bits. */
INLINE void load_shadow(Worker *w, Wave *s, u32 *to, const u8 *defined, u32 dwords, u32 space, u64 address, u32 lane,
                        u32 pc)
{
    u32 lanes = (u32)w->lanes, any = 0, first = 0;
    for (u32 k = 0; k < dwords; k++)
        any |= to[k * lanes] = undefined_bits(defined + 4 * k, 4);
    if (!any)
        return;
    while (!to[first * lanes])
        first++;
    remember_origin(w, s, space, address + 4 * first, lane, pc);
}

/* Loads a whole line of global memory, if lanes from `lane` on do so together and in order: how many those are,
 * else 0. */
INLINE u32 load_line(Worker *w, Wave *s, u32 *shadow, u64 left, u32 lane, u32 dwords, u32 pc)
{
    const Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 lanes = (u32)w->lanes, wave = s->index & 31, count = lanes_of_line(s, left, lane, dwords);
    u64 address = s->addresses[lane], all = ~0ull, word;
    if (!count || !is_kept(z, address) || !line_read(z, now, z->lines + (address - z->arena) / LINE_BYTES,
                             line_word(now, wave, lane, dwords, pc)))
        return 0;
    const u8 *defined = (const u8 *)(address + z->defined_delta);
    for (u32 i = 0; i < LINE_BYTES; i += 8) {
        __builtin_memcpy(&word, defined + i, 8);
        all &= word;
    }
    for (u32 i = 0; i < count && ~all; i++)
        load_shadow(w, s, shadow + lane + i, defined + 4 * dwords * i, dwords, SPACE_GLOBAL,
                    s->addresses[lane + i], lane + i, pc);
    for (u32 k = 0; k < dwords && !~all; k++)
        for (u32 i = 0; i < count; i++)
            shadow[k * lanes + lane + i] = 0;
    return count;
}

/* A load of LDS that goes to the log, by all lanes if `all`; 0, and nothing done, if it cannot. */
INLINE int log_load(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 lanes, int all, u32 dwords, u32 pc)
{
    const Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, lanes);
    const u8 *defined = tables_of(w, s, SPACE_LDS).defined;
    Reading *r = reading_at(z, now, now->readings, lanes);
    u64 blocks = 0, unaligned = 0;
    for (u32 i = 0; i < lanes; i++) {
        u64 address = all || exec >> i & 1 ? s->addresses[i] : s->addresses[__builtin_ctzll(exec)];
        unaligned |= address & 3;
        blocks |= blocks_of(address, 4 * dwords);
        r->granules[i] = (u16)(address >> 2);
    }
    if (unaligned || blocks & now->written_blocks)
        return 0;
    u32 known = ~0u, word;
    for (u32 i = 0; i < lanes; i++)
        for (u32 k = 0; k < dwords; k++) {
            __builtin_memcpy(&word, defined + 4 * (r->granules[i] + k), 4);
            known &= word;
        }
    for (u32 i = 0; i < lanes; i++)
        if (all || exec >> i & 1) {
            if (~known)
                load_shadow(w, s, shadow + i, defined + s->addresses[i], dwords, SPACE_LDS, s->addresses[i], i, pc);
            else
                for (u32 k = 0; k < dwords; k++)
                    shadow[k * lanes + i] = 0;
        }
    r->exec = exec, r->blocks = blocks, r->pc = pc, r->wave = s->index & 31, r->dwords = (u8)dwords;
    now->readings++;
    now->read_blocks |= blocks;
    now->touched[s->index & 31] = 1;
    return 1;
}

/* The lanes whose dwords nobody has written in the interval. */
static u64 unwritten(const Wave *s, const GroupRecord *now, u64 exec, u32 dwords)
{
    u64 lanes = 0;
    LANES(exec)
    {
        u64 address = s->addresses[LANE];
        if (!(address & 3) && !(blocks_of(address, 4 * dwords) & now->written_blocks))
            lanes |= 1ull << LANE;
    }
    return lanes;
}

/* Has a load of LDS go to the log: the lanes that are left to be compared one by one. */
INLINE u64 log_lanes(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 dwords, u32 pc)
{
    u32 lanes = (u32)w->lanes;
    GroupRecord *now = RECORD_OF(s, lanes);
    if (now->readings == READING_SLOTS) {
        rt_san_settle(w, s, ~0ull);
        now->written_blocks = ~0ull; /* so long an interval goes on without the log */
    }
    if (lanes == 32 && exec == 0xffffffffull && log_load(w, s, shadow, exec, 32, 1, dwords, pc))
        return 0;
    if (lanes == 64 && !~exec && log_load(w, s, shadow, exec, 64, 1, dwords, pc))
        return 0;
    u64 some = unwritten(s, now, exec, dwords);
    if (some)
        log_load(w, s, shadow, some, lanes, 0, dwords, pc);
    return exec & ~some;
}

/* A load of whole dwords from global memory or LDS. Lanes with the address of the one before get the same;
 * what the wave has read before in the interval was compared then. */
INLINE void load_dwords(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 dwords, u32 space, u32 fresh, u32 pc)
{
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    Tables t = tables_of(w, s, space);
    u32 lanes = (u32)w->lanes, wave = s->index & 31;
    u64 known = READERS(now->base, wave), care = READERS(~0u, wave), last = ~0ull;
    int apart = !now->segment[wave] || w->sanitizer->strict || fresh;
    int compare_all = apart || now->segment[wave] != now->plain[wave];
    const u32 *before = shadow;
    if (space == SPACE_LDS && !compare_all)
        exec = log_lanes(w, s, shadow, exec, dwords, pc);
    LANES(exec)
    {
        u32 lane = LANE, *to = shadow + lane;
        u64 address = s->addresses[lane], place = address - t.origin, differs = place & 3;
        if (space == SPACE_GLOBAL && !is_kept(w->sanitizer, address)) {
            for (u32 k = 0; k < dwords; k++)
                to[k * lanes] = 0;
            rt_san_touch(w, s, space, address, 4 * dwords, ACCESS_LOAD, lane, pc, fresh);
            continue;
        }
        if (address == last && !compare_all) {
            for (u32 k = 0; k < dwords; k++)
                to[k * lanes] = before[k * lanes];
            continue;
        }
        u32 line = space == SPACE_GLOBAL && !apart ? load_line(w, s, shadow, left, lane, dwords, pc) : 0;
        if (line) {
            left &= ~(((1ull << line) - 1) << lane) | 1ull << lane;
            continue;
        }
        if (space == SPACE_LDS)
            settle(w, s, now, address, 4 * dwords, 0);
        else
            split(w->sanitizer, place, 4 * dwords);
        const u64 *readers = t.readers + (place >> 2);
        for (u32 k = 0; k < dwords; k++)
            differs |= (readers[k] & care) ^ known;
        load_shadow(w, s, to, t.defined + place, dwords, space, address, lane, pc);
        if (differs && !compare_all && !(place & 3)) {
            u64 me = WORD(now->segment[wave], wave, lane, pc) | 15ull << 59, *seen = t.readers + (place >> 2);
            Granule *g = t.granules + (place >> 2);
            u32 done = 0, launch = w->sanitizer->first;
            now->touched[wave] = 1;
            if (space == SPACE_GLOBAL)
                mark(w->sanitizer, place, now->segment[wave]);
            for (; done < dwords; done++)
                if (!(space == SPACE_LDS ? first_read(g + done, seen + done, now->base, wave, me)
                                         : first_global_read(g + done, seen + done, launch, now->base, wave, me)))
                    break;
            differs = done < dwords;
        }
        if (differs || compare_all)
            rt_san_touch(w, s, space, address, 4 * dwords, ACCESS_LOAD, lane, pc, fresh);
        last = address, before = to;
    }
}

/* Loads smaller than dwords from global memory: lanes that read a defined dword together are compared as one. The
 * lanes that are left; the others' shadows are zeros. */
static u64 load_parts(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 size, u32 half, u32 pc)
{
    const Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31, kept = half == 0 ? 0 : half == 1 ? 0xffff0000u : 0xffffu;
    u64 rest = exec, known = READERS(now->base, wave), care = READERS(~0u, wave);
    LANES(exec)
    {
        u32 lane = LANE, count = lanes_of_dword(z, s, left, lane, size);
        u64 address = s->addresses[lane], place = address - z->arena;
        if (!count || undefined_bits((const u8 *)(address + z->defined_delta), 4))
            continue;
        split(z, place, 4);
        if (now->segment[wave] != now->plain[wave] || (z->readers[place >> 2] & care) != known)
            rt_san_touch(w, s, SPACE_GLOBAL, address, 4, ACCESS_LOAD, lane, pc, 0);
        for (u32 i = 0; i < count; i++)
            shadow[lane + i] &= kept;
        u64 taken = ((1ull << count) - 1) << lane;
        rest &= ~taken;
        left &= ~taken | 1ull << lane;
    }
    return rest;
}

/* After a load: the undefined bits of what each lane got, into the shadow of its registers. */
API void rt_san_load(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 form, u32 pc)
{
    u32 lanes = (u32)w->lanes, size = FORM_SIZE(form), half = FORM_HALF(form), space = FORM_SPACE(form);
    if (w->sanitizer->portable)
        rt_san_alignment(w, s, exec, size, space, ACCESS_LOAD, pc);
    if (w->sanitizer->lds_array_count > 1)
        rt_san_overrun(w, s, exec, size, space, ACCESS_LOAD, pc);
    if (size >= 4 && space <= SPACE_LDS) {
        u32 fresh = FORM_FRESH(form);
        switch (size / 4) {
        case 1: load_dwords(w, s, shadow, exec, 1, space, fresh, pc); return;
        case 2: load_dwords(w, s, shadow, exec, 2, space, fresh, pc); return;
        case 3: load_dwords(w, s, shadow, exec, 3, space, fresh, pc); return;
        default: load_dwords(w, s, shadow, exec, 4, space, fresh, pc); return;
        }
    }
    if (space == SPACE_GLOBAL && size < 4 && !FORM_FRESH(form))
        exec = load_parts(w, s, shadow, exec, size, half, pc);
    LANES(exec)
    {
        u32 lane = LANE, any = 0;
        Place p = place_of(w, s, space, s->addresses[lane], lane);
        u32 *to = shadow + lane;
        if (size >= 4)
            for (u32 k = 0; k < size / 4; k++)
                any |= to[k * lanes] = undefined_bits(p.defined + 4 * k, 4);
        else {
            u32 bits = extended(any = undefined_bits(p.defined, size), size, FORM_SIGNED(form));
            *to = half == 0 ? bits : half == 1 ? (*to & 0xffff0000u) | (bits & 0xffff) : (*to & 0xffff) | bits << 16;
        }
        if (any)
            remember_origin(w, s, p.space, p.address, lane, pc);
        if (p.space != SPACE_SCRATCH)
            rt_san_touch(w, s, p.space, p.address, size, ACCESS_LOAD, lane, pc, FORM_FRESH(form));
    }
}
