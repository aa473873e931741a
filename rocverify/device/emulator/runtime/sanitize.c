/* Undefined values: one bit for every bit of a register (1: undefined) and of memory (1: defined, so that
 * fresh pages are undefined). The translated code propagates those of registers; here are memory's. */
#include "places.h"

#define API __attribute__((visibility("default")))

static int alike(const Finding *a, const Finding *b)
{
    return a->kind == b->kind && a->detail == b->detail && a->pc == b->pc && a->other_pc == b->other_pc &&
           a->space == b->space && a->scope == b->scope;
}

/* Adds to the finding of the same places, or begins one. */
void rt_san_report(Worker *w, const Finding *found)
{
    Sanitizer *z = w->sanitizer;
    if (w->fault.kind) /* a wave that ended by a fault wrote nothing more, and reached no barrier */
        return;
    u64 slot = (found->kind * 31ull + found->detail) * 0x9e3779b97f4a7c15ull + found->pc * 0x2545f4914f6cdd1dull +
               found->other_pc * 0xd6e8feb86659fd93ull;
    slot = (slot >> 40) % FINDING_SLOTS;
    for (u32 tried = 0; tried < FINDING_SLOTS; tried++, slot = (slot + 1) % FINDING_SLOTS) {
        Finding *at = z->findings + slot;
        if (at->kind && !alike(at, found))
            continue;
        if (!at->kind) {
            *at = *found;
            at->count = 0;
            z->finding_count++;
        }
        at->count++;
        return;
    }
    z->dropped++;
}

/* Compares a store with the last accesses, unless that was done already. */
INLINE void touch_store(Worker *w, Wave *s, const Place *p, u32 size, u32 lane, u32 pc)
{
    u32 wave = s->index & 31;
    int kept = p->space != SPACE_GLOBAL || is_kept(w->sanitizer, p->address);
    if (!((p->address | size) & 3) && !w->sanitizer->strict && kept) {
        GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
        Tables t = tables_of(w, s, p->space);
        Granule *g = t.granules + ((p->address - t.origin) >> 2);
        u64 me = WORD(now->segment[wave], wave, lane, pc) | 15ull << 59;
        if (p->space == SPACE_LDS)
            settle(w, s, now, p->address, size, 1);
        else
            split(w->sanitizer, p->address - t.origin, size);
        if (written_before(g, size / 4, me))
            return;
        if (now->segment[wave]) {
            u32 done = 0, launch = w->sanitizer->first;
            now->touched[wave] = 1;
            if (p->space == SPACE_GLOBAL)
                mark(w->sanitizer, p->address - t.origin, now->segment[wave]);
            for (; done < size / 4; done++)
                if (!(p->space == SPACE_LDS ? first_write(g + done, now->base, wave, me)
                                            : first_global_write(g + done, launch, now->base, wave, me)))
                    break;
            if (done == size / 4)
                return;
        }
    }
    rt_san_touch(w, s, p->space, p->address, size, ACCESS_STORE, lane, pc, 0);
}

static void report_undefined(Worker *w, Wave *s, u32 decides, const Place *p, u32 size, u32 lane, u32 pc)
{
    const GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31;
    const Origin *origin = now->origins + wave;
    Finding f = {.kind = FOUND_UNDEFINED, .detail = decides, .space = p ? p->space : SPACE_REGISTER,
                 .access = decides == DECIDES_STORE ? ACCESS_STORE : ACCESS_EXECUTE,
                 .address = p ? p->address : 0, .size = size, .pc = pc, .wave = wave, .lane = lane,
                 .group = now->group, .other_group = now->group, .other_known = origin->group != 0,
                 .other_wave = origin->wave, .other_lane = origin->lane, .origin_pc = origin->pc,
                 .origin_space = origin->space, .origin_address = origin->address};
    rt_san_report(w, &f);
}

/* Undefined bits in the lanes of `bits` decide an address or a branch. */
API void rt_san_undefined(Worker *w, Wave *s, u32 decides, u64 bits, u32 pc)
{
    report_undefined(w, s, decides, 0, 0, bits ? (u32)__builtin_ctzll(bits) : 0, pc);
}

/* A wave stores undefined bits in LDS: they come from what it has loaded last, as far as is known. */
static void keep_origin(Worker *w, Wave *s, u64 address)
{
    const GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    *lds_origin(w, s, address) = now->origins[s->index & 31];
}

static u32 stored_bits(const u32 *shadow, u32 half, u32 size)
{
    u32 bits = half == 2 ? *shadow >> 16 : *shadow;
    return size >= 4 ? bits : bits & ((1u << 8 * size) - 1);
}

/* Whether some bytes of a dword are undefined, as a whole, and others defined. */
static int is_padding(u32 bits)
{
    u32 ones = bits & bits >> 4 & 0x0f0f0f0f;
    ones &= ones >> 2 & 0x03030303;
    ones &= ones >> 1 & 0x01010101;
    return bits && bits != ~0u && ones * 255 == bits;
}

/* Stores a whole line of global memory, if lanes from `lane` on do so together, all of it is defined and in
 * order: how many lanes those are, else 0. */
INLINE u32 store_line(Worker *w, Wave *s, const u32 *shadow, u64 left, u32 lane, u32 dwords, u32 pc)
{
    const Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 lanes = (u32)w->lanes, wave = s->index & 31, any = 0, count = lanes_of_line(s, left, lane, dwords);
    if (!count || z->strict || !now->segment[wave] || !is_kept(z, s->addresses[lane]))
        return 0;
    for (u32 k = 0; k < dwords; k++)
        for (u32 i = 0; i < count; i++)
            any |= shadow[k * lanes + lane + i];
    Line *line = z->lines + (s->addresses[lane] - z->arena) / LINE_BYTES;
    if (any || !line_written(z, now, line, line_word(now, wave, lane, dwords, pc)))
        return 0;
    u8 *defined = (u8 *)(s->addresses[lane] + z->defined_delta);
    for (u32 i = 0; i < LINE_BYTES; i++)
        defined[i] = 0xff;
    return count;
}

/* Stores of whole dwords to global memory: the lanes that are left to be stored one by one. */
INLINE u64 store_lines(Worker *w, Wave *s, const u32 *shadow, u64 exec, u32 dwords, u32 pc)
{
    u64 rest = exec;
    LANES(exec)
    {
        u32 lane = LANE, count = store_line(w, s, shadow, left, lane, dwords, pc);
        u64 taken = ((1ull << count) - 1) << lane;
        rest &= ~taken;
        left &= ~taken | 1ull << lane;
    }
    return rest;
}

/* Whether all lanes of a wave store side by side, from the start of a dword on, what is defined. */
static int is_whole(const Wave *s, const u32 *shadow, u64 exec, u32 lanes, u32 size, u32 half)
{
    u64 first = s->addresses[0], off = first & 3;
    u32 any = 0;
    if (exec != (lanes == 64 ? ~0ull : 0xffffffffull))
        return 0;
    for (u32 i = 0; i < lanes; i++) {
        off |= s->addresses[i] ^ (first + (u64)i * size);
        any |= shadow[i];
    }
    return !off && !stored_bits(&any, half, size);
}

/* Such a store, where it is to be compared: all of it is looked up at once, and each dword has its own lane. */
static int store_whole(Worker *w, Wave *s, u32 size, u32 pc)
{
    Sanitizer *z = w->sanitizer;
    u32 lanes = (u32)w->lanes, wave = s->index & 31, bytes = lanes * size;
    GroupRecord *now = RECORD_OF(s, lanes);
    u64 first = s->addresses[0], place = first - z->arena;
    if (z->strict || !now->segment[wave] || !is_kept(z, first) || !is_kept(z, first + bytes - 1))
        return 0;
    __builtin_memset((u8 *)(first + z->defined_delta), 0xff, bytes);
    split(z, place, bytes);
    mark(z, place, now->segment[wave]);
    mark(z, place + bytes - 1, now->segment[wave]);
    now->touched[wave] = 1;
    for (u32 lane = 0; lane < lanes; lane += 4 / size) {
        Granule *g = z->granules + ((place + (u64)lane * size) >> 2);
        u64 me = WORD(now->segment[wave], wave, lane, pc) | 15ull << 59;
        if (!written_before(g, 1, me) && !first_global_write(g, z->first, now->base, wave, me))
            rt_san_touch(w, s, SPACE_GLOBAL, first + (u64)lane * size, 4, ACCESS_STORE, lane, pc, 0);
    }
    return 1;
}

/* Stores smaller than dwords to global memory: lanes that write a dword together, all of it defined, are compared as
 * one. The lanes that are left. */
static u64 store_parts(Worker *w, Wave *s, const u32 *shadow, u64 exec, u32 size, u32 half, u32 pc)
{
    u64 rest = exec;
    u32 lanes = (u32)w->lanes;
    if (is_whole(s, shadow, exec, lanes, size, half) && store_whole(w, s, size, pc))
        return 0;
    LANES(exec)
    {
        u32 lane = LANE, any = 0, count = lanes_of_dword(w->sanitizer, s, left, lane, size);
        for (u32 i = 0; i < count; i++)
            any |= stored_bits(shadow + lane + i, half, size);
        if (!count || any)
            continue;
        u64 taken = ((1ull << count) - 1) << lane;
        Place p = place_of(w, s, SPACE_GLOBAL, s->addresses[lane], lane);
        __builtin_memset(p.defined, 0xff, 4);
        touch_store(w, s, &p, 4, lane, pc);
        rest &= ~taken;
        left &= ~taken | 1ull << lane;
    }
    return rest;
}

/* After a store. Global memory is what a kernel gives away: undefined bits end there, reported, but for the padding
 * of what is copied (copies.py). */
API void rt_san_store(Worker *w, Wave *s, const u32 *shadow, u64 exec, u32 form, u32 pc)
{
    u32 lanes = (u32)w->lanes, size = FORM_SIZE(form), half = FORM_HALF(form);
    if (w->sanitizer->portable)
        rt_san_alignment(w, s, exec, size, FORM_SPACE(form), ACCESS_STORE, pc);
    if (w->sanitizer->lds_array_count > 1)
        rt_san_overrun(w, s, exec, size, FORM_SPACE(form), ACCESS_STORE, pc);
    if (FORM_SPACE(form) == SPACE_GLOBAL && !FORM_RELEASES(form) && !FORM_ATOMIC(form) && size >= 4)
        exec = size == 4    ? store_lines(w, s, shadow, exec, 1, pc)
               : size == 8  ? store_lines(w, s, shadow, exec, 2, pc)
               : size == 16 ? store_lines(w, s, shadow, exec, 4, pc)
                            : exec;
    if (FORM_SPACE(form) == SPACE_GLOBAL && !FORM_RELEASES(form) && !FORM_ATOMIC(form) && size < 4)
        exec = store_parts(w, s, shadow, exec, size, half, pc);
    LANES(exec)
    {
        u32 lane = LANE, any = 0;
        Place p = place_of(w, s, FORM_SPACE(form), s->addresses[lane], lane);
        for (u32 k = 0; k < (size + 3) / 4; k++) {
            u32 bits = stored_bits(shadow + lane + k * lanes, half, size), defined = ~bits;
            int padding = FORM_COPIED(form) && is_padding(bits);
            any |= padding ? 0 : bits;
            if (p.space == SPACE_GLOBAL && !padding)
                defined = ~0u;
            __builtin_memcpy(p.defined + 4 * k, &defined, size < 4 ? size : 4);
            if (bits && p.space == SPACE_LDS)
                keep_origin(w, s, p.address + 4 * k);
        }
        if (any && p.space == SPACE_GLOBAL)
            report_undefined(w, s, DECIDES_STORE, &p, size, lane, pc);
        if (FORM_RELEASES(form) && p.space == SPACE_GLOBAL) {
            rt_san_sync(w, s, p.space, p.address);
            rt_san_touch(w, s, p.space, p.address, size, ACCESS_ATOMIC, lane, pc, 0);
        } else if (FORM_ATOMIC(form) && p.space == SPACE_GLOBAL)
            rt_san_touch(w, s, p.space, p.address, size, ACCESS_ATOMIC, lane, pc, 0);
        else if (p.space != SPACE_SCRATCH)
            touch_store(w, s, &p, size, lane, pc);
    }
}

/* After an atomic. Each lane takes the shadow of memory and leaves it defined, unless its operand is not. */
API void rt_san_atomic(Worker *w, Wave *s, const u32 *shadow, u32 *result, u64 exec, u32 form, u32 pc)
{
    u32 lanes = (u32)w->lanes, size = FORM_SIZE(form);
    LANES(exec)
    {
        u32 lane = LANE, any = 0, old = 0;
        Place p = place_of(w, s, FORM_SPACE(form), s->addresses[lane], lane);
        for (u32 k = 0; k < size / 4; k++) {
            u32 before = undefined_bits(p.defined + 4 * k, 4), given = shadow ? shadow[lane + k * lanes] : 0;
            u32 defined = p.space == SPACE_GLOBAL || !(before | given) ? ~0u : 0;
            any |= given;
            old |= before;
            __builtin_memcpy(p.defined + 4 * k, &defined, 4);
            if (result)
                result[lane + k * lanes] = before;
        }
        if (old)
            remember_origin(w, s, p.space, p.address, lane, pc);
        if ((any | old) && p.space == SPACE_GLOBAL)
            report_undefined(w, s, DECIDES_STORE, &p, size, lane, pc);
        rt_san_sync(w, s, p.space, p.address);
        rt_san_touch(w, s, p.space, p.address, size, ACCESS_ATOMIC, lane, pc, 0);
    }
}

/* After a scalar load: one reader for the whole wave. */
/* `form`: bytes, and from bit 8 on whether less than a dword is extended by its sign. */
API void rt_san_scalar_load(Worker *w, Wave *s, u32 *shadow, u64 address, u32 form, u32 fresh, u32 pc)
{
    u32 size = form & 255u;
    Place p = place_of(w, s, SPACE_GLOBAL, address, 0);
    u32 any = 0;
    for (u32 k = 0; 4 * k < size; k++)
        any |= shadow[k] = undefined_bits(p.defined + 4 * k, size < 4 ? size : 4);
    if (form >> 8 && shadow[0] >> (8 * size - 1))
        shadow[0] |= ~0u << 8 * size;
    if (any)
        remember_origin(w, s, p.space, p.address, 0, pc);
    rt_san_touch(w, s, SPACE_GLOBAL, address, size, ACCESS_LOAD, 0, pc, fresh);
}

/* Before s_barrier: have all lanes come that the wave began with? */
API void rt_san_barrier(Worker *w, Wave *s, u64 exec, u32 pc)
{
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31;
    now->barrier_pc[wave] = pc;
    u64 missing = now->start_exec[wave] & ~exec;
    if (!missing)
        return;
    Finding f = {.kind = FOUND_BARRIER_DIVERGED, .access = ACCESS_EXECUTE, .pc = pc, .wave = wave,
                 .lane = (u32)__builtin_ctzll(missing), .group = now->group, .other_group = now->group,
                 .size = (u32)__builtin_popcountll(missing)};
    rt_san_report(w, &f);
}

static void fill(u32 *to, u32 value, u64 count)
{
    for (u64 i = 0; i < count; i++)
        to[i] = value;
}

/* A wave begins: defined are the user SGPRs, the workgroup ids, the workitem ids and EXEC. */
void rt_san_wave(Worker *w, Wave *s, u32 slot, u64 exec)
{
    Sanitizer *z = w->sanitizer;
    const Launch *launch = w->launch;
    u32 lanes = launch->lanes, *vgpr = SHADOW_OF(s, lanes), *sgpr = SCALAR_SHADOW_OF(s, lanes);
    RECORD_OF(s, lanes) = z->records + slot;
    fill(vgpr, ~0u, launch->vgpr_count * lanes);
    fill(sgpr, ~0u, SGPRS + 1);
    u32 ids = launch->id_vgprs ? launch->id_vgprs : 1;
    for (u32 i = 0; i < ids; i++)
        for (u32 lane = 0; lane < lanes; lane++)
            if (exec >> lane & 1)
                vgpr[i * lanes + lane] = 0;
    u32 given = launch->user_sgpr_count + (u32)__builtin_popcount(launch->group_id_mask & 7) + launch->scratch_sgpr;
    if (launch->group_id_mask & IDS_IN_TTMPS)
        sgpr[TTMP + 7] = sgpr[TTMP + 8] = sgpr[TTMP + 9] = 0;
    fill(sgpr, 0, given);
    sgpr[EXEC] = sgpr[EXEC + 1] = 0;
    z->records[slot].start_exec[s->index & 31] = exec;
    u64 scratch = launch->lanes * launch->scratch_bytes, first = s->scratch - (u64)w->scratch;
    for (u64 i = 0; i < scratch; i++)
        z->scratch_defined[first + i] = 0;
}

/* Sizes, for the test that sanitize/layout.py mirrors records.h. */
API u64 rt_san_layout(u32 what)
{
    switch (what) {
    case 0: return sizeof(Finding);
    case 1: return sizeof(Sanitizer);
    case 2: return sizeof(GroupRecord);
    case 3: return sizeof(Sync);
    case 4: return sizeof(Granule);
    case 5: return __builtin_offsetof(Sanitizer, first);
    case 6: return __builtin_offsetof(Finding, origin_address);
    case 7: return sizeof(SyncNode);
    case 8: return sizeof(u64); /* a word of the readers */
    case 9: return GROUP_WAVES;
    case 10: return FINDING_SLOTS;
    case 11: return SYNC_SLOTS;
    case 12: return SYNC_NODES;
    case 13: return SEGMENTS_END;
    case 14: return __builtin_offsetof(GroupRecord, seen);
    case 15: return __builtin_offsetof(GroupRecord, origins);
    case 16: return __builtin_offsetof(Sanitizer, findings);
    case 17: return __builtin_offsetof(Sanitizer, clock_slots);
    case 18: return __builtin_offsetof(Finding, other_pc);
    case 19: return __builtin_offsetof(Sync, clock);
    case 20: return FOUND_MISALIGNED;
    case 21: return DECIDES_STORE;
    case 22: return HAZARD_WAW;
    case 23: return SPACE_REGISTER;
    case 24: return LINE_BYTES;
    case 25: return sizeof(Line);
    case 26: return READING_SLOTS * READING_BYTES;
    case 27: return sizeof(AccessRun);
    case 28: return sizeof(AccessQuery);
    case 29: return CHUNK_BYTES;
    default: return ~0ull;
    }
}
