/* Data races: every access is compared with the last ones to the same bytes.
 *
 * Two accesses are ordered if one wave made them, if a barrier of their workgroup lies between, or if the
 * later one's wave has synchronised with the earlier one's: a fence there, an atomic read-modify-write (or
 * a store that releases) of one address by both, the later access. Workgroups are ordered by fences and
 * atomics alone. Relaxed atomic loads and stores look like plain ones; loads past the caches are taken for
 * atomic in global memory (volatile ones are among them), and never for a race. */
#include "lines.h"

#define API __attribute__((visibility("default")))

static u64 word_of(const GroupRecord *now, u32 wave, u32 lane, u32 pc, u32 bytes, u32 atomic)
{
    return WORD(now->segment[wave], wave, lane, pc) | (u64)bytes << 59 | (u64)atomic << 63;
}

static void report(Worker *w, const GroupRecord *now, u64 earlier, u64 later, u32 hazard, u32 scope, u32 space, u64 address, u32 size,
                   u32 access, u32 other_access)
{
    Sanitizer *z = w->sanitizer;
    Finding f = {.kind = FOUND_RACE, .detail = hazard, .space = space, .access = access, .address = address,
                 .size = size, .group = now->group, .other_group = z->segment_group[SEGMENT(earlier)],
                 .pc = PC_OF(later), .wave = WAVE_OF(later), .lane = LANE_OF(later),
                 .other_pc = PC_OF(earlier), .other_wave = WAVE_OF(earlier), .other_lane = LANE_OF(earlier),
                 .other_access = other_access, .atomic = IS_ATOMIC(earlier) | IS_ATOMIC(later),
                 .scope = scope - 1, .other_known = 1};
    rt_san_report(w, &f);
}

static void read_granule(Worker *w, const GroupRecord *now, Granule *g, u64 *readers, u64 me, u32 space, u64 address, u32 size, u32 fresh)
{
    Sanitizer *z = w->sanitizer;
    u64 write = g->write;
    if (write && BYTES_OF(write) & BYTES_OF(me) && !fresh) {
        u32 scope = unordered(z, now, write, space, WAVE_OF(me), LANE_OF(me));
        if (scope)
            report(w, now, write, me, HAZARD_RAW, scope, space, address, size, ACCESS_LOAD,
                   IS_ATOMIC(write) ? ACCESS_ATOMIC : ACCESS_STORE);
    }
    if (fresh)
        return;
    note_reader(z, now, g, readers, me);
}

static void write_granule(Worker *w, const GroupRecord *now, Granule *g, u64 me, u32 space, u64 address, u32 size, u32 access)
{
    Sanitizer *z = w->sanitizer;
    u64 write = g->write;
    u32 wave = WAVE_OF(me), lane = LANE_OF(me);
    if (write && BYTES_OF(write) & BYTES_OF(me) && !(IS_ATOMIC(write) && IS_ATOMIC(me))) {
        u32 scope = unordered(z, now, write, space, wave, lane);
        if (scope)
            report(w, now, write, me, HAZARD_WAW, scope, space, address, size, access,
                   IS_ATOMIC(write) ? ACCESS_ATOMIC : ACCESS_STORE);
    }
    for (u32 i = 0; i < 2; i++) {
        u64 read = g->read[i];
        u32 scope = read && BYTES_OF(read) & BYTES_OF(me) ? unordered(z, now, read, space, wave, lane) : 0;
        if (scope) {
            report(w, now, read, me, HAZARD_WAR, scope, space, address, size, access, ACCESS_LOAD);
            break;
        }
    }
    if (by_same(write, me, z->strict) && IS_ATOMIC(write) == IS_ATOMIC(me))
        me |= (u64)BYTES_OF(write) << 59;
    g->write = me;
}

/* A wave has seen in LDS what another one wrote there, and waited for it (synchronisation.py): a wave's operations
 * on LDS are in order, so that it sees what that one had done there before, and what that one saw. */
static void follow(GroupRecord *now, u64 write, u32 wave)
{
    u32 other = WAVE_OF(write), segment = SEGMENT(write);
    if (!write || segment < now->base || other == wave)
        return;
    for (u32 i = 0; i < GROUP_WAVES; i++) {
        u32 known = i == other ? segment : now->seen_lds[other][i];
        if (now->seen[other][i] > known)
            known = now->seen[other][i];
        if (known > now->seen_lds[wave][i])
            now->seen_lds[wave][i] = known;
    }
}

/* One lane's access of `size` bytes. `fresh` marks a load that goes past the caches, in LDS one that a loop
 * waits by: what it reads may be a flag that another stored, so that it is no race but synchronises. */
void rt_san_touch(Worker *w, Wave *s, u32 space, u64 address, u32 size, u32 access, u32 lane, u32 pc, u32 fresh)
{
    Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    /* Volatile accesses of LDS look as if they went past caches: LDS has none. */
    fresh &= space == SPACE_GLOBAL ? FRESH_GLOBAL : FRESH_LDS | FRESH_WAIT;
    if (!now->segment[s->index & 31] || (space == SPACE_GLOBAL && !is_followed(z, address)))
        return;
    now->touched[s->index & 31] = 1;
    Granule *table = space == SPACE_LDS ? z->lds_granules : z->granules;
    u64 *readers = space == SPACE_LDS ? z->lds_readers : z->readers;
    u64 place = space == SPACE_LDS ? address + (s->lds - (u64)w->lds) : address - z->arena, left = size;
    if (space == SPACE_LDS)
        settle(w, s, now, address, size, access != ACCESS_LOAD);
    else {
        split(z, place, size);
        mark(z, place, now->segment[s->index & 31]);
        mark(z, place + size - 1, now->segment[s->index & 31]);
    }
    while (left) {
        u32 within = (u32)(place & 3), count = left < 4 - within ? (u32)left : 4 - within;
        u32 bytes = ((1u << count) - 1) << within;
        u64 me = word_of(now, s->index & 31, lane, pc, bytes, access == ACCESS_ATOMIC);
        Granule *g = table + (place >> 2);
        if (access != ACCESS_LOAD)
            write_granule(w, now, g, me, space, address, size, access);
        else {
            if (fresh & FRESH_WAIT)
                follow(now, g->write, s->index & 31);
            else if (fresh && space == SPACE_GLOBAL && g->write && SEGMENT(g->write) >= z->first)
                rt_san_flag(z, now, address, z->segment_group[SEGMENT(g->write)], s->index & 31);
            read_granule(w, now, g, readers + (place >> 2), me, space, address, size, fresh);
        }
        place += count, left -= count;
    }
}

/* ---- the course of a workgroup */

/* Nothing is in the interval yet: whatever the log holds was before, and no later write will ask for it. */
static void begin_interval(Sanitizer *z, GroupRecord *now, u32 waves)
{
    now->base = z->next;
    now->readings = 0;
    now->read_blocks = now->written_blocks = 0;
    for (u32 wave = 0; wave < waves; wave++) {
        now->segment[wave] = now->plain[wave] = rt_san_segment(z, now);
        now->touched[wave] = 0;
    }
}

void rt_san_group(Worker *w, u32 slot, u64 group)
{
    Sanitizer *z = w->sanitizer;
    const Launch *launch = w->launch;
    GroupRecord *now = z->records + slot;
    u8 *bytes = (u8 *)now;
    for (u64 i = 0; i < sizeof *now; i++)
        bytes[i] = 0;
    now->group = group;
    now->slot = slot;
    begin_interval(z, now, launch->waves_per_group);
    u64 room = (launch->lds_bytes + 63) & ~63ull;
    for (u64 i = 0; i < room; i++)
        z->lds_defined[slot * room + i] = 0;
}

static void compare_barriers(Worker *w, const GroupRecord *now)
{
    u32 first = GROUP_WAVES;
    for (u32 i = 0; i < w->launch->waves_per_group; i++) {
        if (!now->barrier_pc[i])
            continue;
        if (first == GROUP_WAVES)
            first = i;
        else if (now->barrier_pc[i] != now->barrier_pc[first]) {
            Finding f = {.kind = FOUND_BARRIER_MIXED, .access = ACCESS_EXECUTE, .group = now->group,
                         .other_group = now->group, .pc = now->barrier_pc[i], .wave = i,
                         .other_pc = now->barrier_pc[first], .other_wave = first,
                         .other_access = ACCESS_EXECUTE, .other_known = 1};
            rt_san_report(w, &f);
        }
    }
}

/* A wave has ended. Waves of its workgroup that wait at a barrier wait in vain for it. */
void rt_san_ended(Worker *w, Wave *s)
{
    RECORD_OF(s, (u32)w->lanes)->barrier_pc[s->index & 31] = ~0u;
}

/* All waves of the workgroup have met at a barrier, or ended. */
void rt_san_met(Worker *w, u32 slot)
{
    Sanitizer *z = w->sanitizer;
    GroupRecord *now = z->records + slot;
    u32 waves = w->launch->waves_per_group, waiting = GROUP_WAVES, gone = GROUP_WAVES;
    for (u32 i = 0; i < waves; i++) {
        if (now->barrier_pc[i] == ~0u)
            gone = i, now->barrier_pc[i] = 0;
        else if (now->barrier_pc[i])
            waiting = i;
    }
    if (gone < GROUP_WAVES && waiting < GROUP_WAVES) {
        Finding f = {.kind = FOUND_BARRIER_MISSED, .access = ACCESS_EXECUTE, .group = now->group,
                     .other_group = now->group, .pc = now->barrier_pc[waiting], .wave = waiting,
                     .other_wave = gone};
        rt_san_report(w, &f);
    }
    compare_barriers(w, now);
    rt_san_flags_met(now);
    begin_interval(z, now, waves);
    for (u32 i = 0; i < waves; i++)
        now->barrier_pc[i] = 0;
}

/* A grid barrier has opened: whatever was done before is ordered before whatever comes. */
void rt_san_grid_met(Worker *w)
{
    Sanitizer *z = w->sanitizer;
    z->first = z->next;
    for (u32 slot = 0; slot < w->launch->resident; slot++)
        begin_interval(z, z->records + slot, w->launch->waves_per_group);
}

void rt_san_group_end(Worker *w, u32 slot)
{
    Sanitizer *z = w->sanitizer;
    const GroupRecord *now = z->records + slot;
    rt_san_publish(z, now, now->released_any ? now->released : now->fenced_far);
}
