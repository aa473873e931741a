/* Undefined values: one bit for every bit of a register (1: undefined) and of memory (1: defined, so that
 * fresh pages are undefined). The translated code propagates those of registers; here are memory's. */
#include "compare.h"

#define API __attribute__((visibility("default")))
#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

/* What translated code says of an access: size, sign extension, half of the register, space, a load past the
 * caches, a store that releases. */
#define FORM_SIZE(form) ((form) & 0xff)
#define FORM_SIGNED(form) ((form) >> 8 & 1)
#define FORM_HALF(form) ((form) >> 9 & 3) /* 0: the whole register, 1: low, 2: high */
#define FORM_SPACE(form) ((form) >> 12 & 7)
#define FORM_FRESH(form) ((form) >> 16 & 1)
#define FORM_RELEASES(form) ((form) >> 17 & 1)

static int alike(const Finding *a, const Finding *b)
{
    return a->kind == b->kind && a->detail == b->detail && a->pc == b->pc && a->other_pc == b->other_pc &&
           a->space == b->space && a->scope == b->scope;
}

/* Adds to the finding of the same places, or begins one. */
void rt_san_report(Worker *w, const Finding *found)
{
    Sanitizer *z = w->sanitizer;
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

typedef struct {
    u32 space;
    u64 address; /* in its space */
    u8 *defined;
} Place;

INLINE Place place_of(Worker *w, Wave *s, u32 space, u64 address, u32 lane)
{
    Sanitizer *z = w->sanitizer;
    if (space == SPACE_FLAT) {
        u32 aperture = (u32)(address >> 32);
        space = aperture == SHARED_APERTURE_HI ? SPACE_LDS
                                               : aperture == PRIVATE_APERTURE_HI ? SPACE_SCRATCH : SPACE_GLOBAL;
        if (space != SPACE_GLOBAL)
            address = (u32)address;
    }
    if (space == SPACE_LDS)
        return (Place){space, address, z->lds_defined + (s->lds - (u64)w->lds) + address};
    if (space == SPACE_SCRATCH)
        return (Place){space, address,
                       z->scratch_defined + (s->scratch - (u64)w->scratch) + lane * s->scratch_bytes + address};
    return (Place){SPACE_GLOBAL, address, (u8 *)(address + z->defined_delta)};
}

INLINE u32 undefined_bits(const u8 *defined, u32 bytes)
{
    u32 v = ~0u;
    __builtin_memcpy(&v, defined, bytes);
    return ~v;
}

/* The load of lane's undefined bits, for the report of what they decide. */
static void remember_origin(Worker *w, Wave *s, const Place *p, u32 pc)
{
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31;
    now->origin_pc[wave] = pc;
    now->origin_space[wave] = p->space;
    now->origin_address[wave] = p->address;
}

static u32 extended(u32 bits, u32 size, u32 is_signed)
{
    u32 width = 8 * size;
    return is_signed && bits >> (width - 1) & 1 ? bits | ~0u << width : bits;
}

/* Compares a store with the last accesses, unless that was done already. */
INLINE void touch_store(Worker *w, Wave *s, const Place *p, u32 size, u32 lane, u32 pc)
{
    u32 wave = s->index & 31;
    if (!((p->address | size) & 3) && !w->sanitizer->strict) {
        GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
        Tables t = tables_of(w, s, p->space);
        Granule *g = t.granules + ((p->address - t.origin) >> 2);
        u64 me = WORD(now->segment[wave], wave, lane, pc) | 15ull << 59;
        if (written_before(g, size / 4, me))
            return;
        if (now->segment[wave]) {
            u32 done = 0, launch = w->sanitizer->first;
            now->touched[wave] = 1;
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

/* A load of whole dwords from global memory or LDS. Lanes with the address of the one before get the same;
 * what the wave has read before in the interval was compared then. */
INLINE void load_dwords(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 dwords, u32 space, u32 fresh, u32 pc)
{
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    Tables t = tables_of(w, s, space);
    u32 lanes = (u32)w->lanes, wave = s->index & 31;
    u64 known = READERS(now->base, wave), care = READERS(~0u, wave), last = ~0ull;
    int compare_all = now->segment[wave] != now->plain[wave] || !now->segment[wave] || w->sanitizer->strict || fresh;
    const u32 *before = shadow;
    LANES(exec)
    {
        u32 lane = LANE, any = 0, *to = shadow + lane;
        u64 address = s->addresses[lane], place = address - t.origin, differs = place & 3;
        if (address == last && !compare_all) {
            for (u32 k = 0; k < dwords; k++)
                to[k * lanes] = before[k * lanes];
            continue;
        }
        const u64 *readers = t.readers + (place >> 2);
        for (u32 k = 0; k < dwords; k++) {
            any |= to[k * lanes] = undefined_bits(t.defined + place + 4 * k, 4);
            differs |= (readers[k] & care) ^ known;
        }
        if (any) {
            Place p = {space, address, 0};
            remember_origin(w, s, &p, pc);
        }
        if (differs && !compare_all && !(place & 3)) {
            u64 me = WORD(now->segment[wave], wave, lane, pc) | 15ull << 59, *seen = t.readers + (place >> 2);
            Granule *g = t.granules + (place >> 2);
            u32 done = 0, launch = w->sanitizer->first;
            now->touched[wave] = 1;
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

/* After a load: the undefined bits of what each lane got, into the shadow of its registers. */
API void rt_san_load(Worker *w, Wave *s, u32 *shadow, u64 exec, u32 form, u32 pc)
{
    u32 lanes = (u32)w->lanes, size = FORM_SIZE(form), half = FORM_HALF(form), space = FORM_SPACE(form);
    if (size >= 4 && space <= SPACE_LDS) {
        u32 fresh = FORM_FRESH(form);
        switch (size / 4) {
        case 1: load_dwords(w, s, shadow, exec, 1, space, fresh, pc); return;
        case 2: load_dwords(w, s, shadow, exec, 2, space, fresh, pc); return;
        case 3: load_dwords(w, s, shadow, exec, 3, space, fresh, pc); return;
        default: load_dwords(w, s, shadow, exec, 4, space, fresh, pc); return;
        }
    }
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
            remember_origin(w, s, &p, pc);
        if (p.space != SPACE_SCRATCH)
            rt_san_touch(w, s, p.space, p.address, size, ACCESS_LOAD, lane, pc, FORM_FRESH(form));
    }
}

static void report_undefined(Worker *w, Wave *s, u32 decides, const Place *p, u32 size, u32 lane, u32 pc)
{
    const GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31, known = now->origin_pc[wave] != 0;
    Finding f = {.kind = FOUND_UNDEFINED, .detail = decides, .space = p ? p->space : SPACE_REGISTER,
                 .access = decides == DECIDES_STORE ? ACCESS_STORE : ACCESS_EXECUTE,
                 .address = p ? p->address : 0, .size = size, .pc = pc, .wave = wave, .lane = lane,
                 .group = now->group, .other_group = now->group, .other_known = known,
                 .origin_pc = now->origin_pc[wave], .origin_space = now->origin_space[wave],
                 .origin_address = now->origin_address[wave]};
    rt_san_report(w, &f);
}

/* Undefined bits in the lanes of `bits` decide an address or a branch. */
API void rt_san_undefined(Worker *w, Wave *s, u32 decides, u64 bits, u32 pc)
{
    report_undefined(w, s, decides, 0, 0, bits ? (u32)__builtin_ctzll(bits) : 0, pc);
}

static u32 stored_bits(const u32 *shadow, u32 half, u32 size)
{
    u32 bits = half == 2 ? *shadow >> 16 : *shadow;
    return size >= 4 ? bits : bits & ((1u << 8 * size) - 1);
}

/* After a store. Global memory is what a kernel gives away: undefined bits end there, reported. */
API void rt_san_store(Worker *w, Wave *s, const u32 *shadow, u64 exec, u32 form, u32 pc)
{
    u32 lanes = (u32)w->lanes, size = FORM_SIZE(form), half = FORM_HALF(form);
    LANES(exec)
    {
        u32 lane = LANE, any = 0;
        Place p = place_of(w, s, FORM_SPACE(form), s->addresses[lane], lane);
        for (u32 k = 0; k < (size + 3) / 4; k++) {
            u32 bits = stored_bits(shadow + lane + k * lanes, half, size), defined = ~bits;
            any |= bits;
            if (p.space == SPACE_GLOBAL)
                defined = ~0u;
            __builtin_memcpy(p.defined + 4 * k, &defined, size < 4 ? size : 4);
        }
        if (any && p.space == SPACE_GLOBAL)
            report_undefined(w, s, DECIDES_STORE, &p, size, lane, pc);
        if (FORM_RELEASES(form) && p.space == SPACE_GLOBAL) {
            rt_san_sync(w, s, p.space, p.address);
            rt_san_touch(w, s, p.space, p.address, size, ACCESS_ATOMIC, lane, pc, 0);
        } else if (p.space != SPACE_SCRATCH)
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
            remember_origin(w, s, &p, pc);
        if ((any | old) && p.space == SPACE_GLOBAL)
            report_undefined(w, s, DECIDES_STORE, &p, size, lane, pc);
        rt_san_sync(w, s, p.space, p.address);
        rt_san_touch(w, s, p.space, p.address, size, ACCESS_ATOMIC, lane, pc, 0);
    }
}

/* After a scalar load: one reader for the whole wave. */
API void rt_san_scalar_load(Worker *w, Wave *s, u32 *shadow, u64 address, u32 count, u32 fresh, u32 pc)
{
    Place p = place_of(w, s, SPACE_GLOBAL, address, 0);
    u32 any = 0;
    for (u32 k = 0; k < count; k++)
        any |= shadow[k] = undefined_bits(p.defined + 4 * k, 4);
    if (any)
        remember_origin(w, s, &p, pc);
    rt_san_touch(w, s, SPACE_GLOBAL, address, 4 * count, ACCESS_LOAD, 0, pc, fresh);
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

/* A wave begins: defined are the user SGPRs, the workgroup ids, the packed workitem ids and EXEC. */
void rt_san_wave(Worker *w, Wave *s, u32 slot, u64 exec)
{
    Sanitizer *z = w->sanitizer;
    const Launch *launch = w->launch;
    u32 lanes = launch->lanes, *vgpr = SHADOW_OF(s, lanes), *sgpr = SCALAR_SHADOW_OF(s, lanes);
    RECORD_OF(s, lanes) = z->records + slot;
    fill(vgpr, ~0u, launch->vgpr_count * lanes);
    fill(sgpr, ~0u, SGPRS + 1);
    for (u32 lane = 0; lane < lanes; lane++)
        if (exec >> lane & 1)
            vgpr[lane] = 0;
    u32 given = launch->user_sgpr_count + (u32)__builtin_popcount(launch->group_id_mask & 7);
    fill(sgpr, 0, given);
    sgpr[EXEC] = sgpr[EXEC + 1] = 0;
    z->records[slot].start_exec[s->index & 31] = exec;
    u64 scratch = launch->lanes * launch->scratch_bytes, first = s->scratch - (u64)w->scratch;
    for (u64 i = 0; i < scratch; i++)
        z->scratch_defined[first + i] = 0;
}

/* Sizes, for the test that sanitize/layout.py mirrors sanitize.h. */
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
    case 15: return __builtin_offsetof(GroupRecord, origin_space);
    case 16: return __builtin_offsetof(Sanitizer, findings);
    case 17: return __builtin_offsetof(Sanitizer, clock_slots);
    case 18: return __builtin_offsetof(Finding, other_pc);
    case 19: return __builtin_offsetof(Sync, clock);
    case 20: return FOUND_BARRIER_MIXED;
    case 21: return DECIDES_STORE;
    case 22: return HAZARD_WAW;
    case 23: return SPACE_REGISTER;
    default: return ~0ull;
    }
}
