/* What orders waves and workgroups beside barriers: fences, atomics and flags (see races.c for the rules).
 *
 * A workgroup that releases publishes a clock: of each of its waves the last segment that others may rely on. One
 * that acquires notes whose clocks count for it: of all that have released through the same address. A load past
 * the caches may read a flag, and an atomic a ticket; either acquires from other workgroups once a fence of its
 * wave comes after it, which empties the caches, or after a barrier one of any wave of its workgroup. */
#include "lines.h"

#define API __attribute__((visibility("default")))

enum { FENCE_RELEASES = 2, ANY_WAVE = ~0u };

#define NO_WORKGROUP (~0u)

u32 rt_san_segment(Sanitizer *z, const GroupRecord *now)
{
    if (z->next >= SEGMENTS_END)
        return 0; /* out of numbers: 0 is before every launch, so that nothing more is reported */
    z->segment_group[z->next] = (u32)now->group;
    return z->next++;
}

static Sync *sync_at(Sanitizer *z, u64 address, int make)
{
    u64 slot = (address >> 2) * 0x9e3779b97f4a7c15ull >> 48;
    for (u32 tried = 0; tried < 64; tried++, slot = (slot + 1) % SYNC_SLOTS) {
        Sync *at = z->syncs + slot;
        if (at->address == address)
            return at;
        if (!at->address) {
            if (make)
                at->address = address, at->group = ~0u;
            return make ? at : 0;
        }
    }
    return 0;
}

/* What the workgroup knows of an address; the oldest gives way to it. */
static Met *met_at(GroupRecord *now, u64 address)
{
    for (u32 i = 0; i < MET; i++)
        if (now->met[i].address == address)
            return now->met + i;
    Met *met = now->met + now->met_next++ % MET;
    *met = (Met){address, 0, 0};
    return met;
}

/* Everything is known of the workgroups in the list, as far as it was not before. */
static void acquire_nodes(const Sanitizer *z, GroupRecord *now, u64 address, u32 nodes)
{
    Met *met = met_at(now, address);
    for (u32 node = nodes; node && node != met->nodes; node = z->nodes[node].next)
        *seen_by(z, now, z->nodes[node].group) = (u32)now->group + 1;
    met->nodes = nodes;
}

/* A wave has read past the caches what workgroup `group` wrote: it may be a flag. NO_WORKGROUP: an atomic, by which
 * it learns of those that released there. */
void rt_san_flag(Sanitizer *z, GroupRecord *now, u64 address, u32 group, u32 wave)
{
    const Sync *at = sync_at(z, address, 0);
    u32 nodes = at ? at->nodes : 0;
    Flag *free = now->flag_count < FLAGS ? now->flags + now->flag_count : 0;
    for (u32 i = 0; i < now->flag_count; i++) {
        Flag *f = now->flags + i;
        if (f->address == address && f->wave == wave) {
            f->pending |= f->group != group || f->nodes != nodes || group == (u32)now->group || group == NO_WORKGROUP;
            f->group = group, f->nodes = nodes;
            return;
        }
        if (!free && !f->pending)
            free = f;
    }
    if (free) {
        now->flag_count += free == now->flags + now->flag_count;
        *free = (Flag){address, wave, group, nodes, 1};
        return;
    }
    /* Too many to keep: taken for acquired, so that nothing is reported wrongly. */
    if (group < z->groups)
        *seen_by(z, now, group) = (u32)now->group + 1;
    acquire_nodes(z, now, address, nodes);
}

/* What a wave learns of the others of its workgroup. */
static void acquire_clock(GroupRecord *now, const Sync *at, u32 wave)
{
    if (at->group != (u32)now->group)
        return;
    for (u32 i = 0; i < GROUP_WAVES; i++)
        if (at->clock[i] > now->seen[wave][i])
            now->seen[wave][i] = at->clock[i];
}

static void acquire_flags(Sanitizer *z, GroupRecord *now, u32 wave)
{
    for (u32 i = 0; i < now->flag_count; i++) {
        Flag *f = now->flags + i;
        if (!f->pending || (f->wave != wave && f->wave != ANY_WAVE))
            continue;
        if (f->group < z->groups)
            *seen_by(z, now, f->group) = (u32)now->group + 1;
        acquire_nodes(z, now, f->address, f->nodes);
        const Sync *at = sync_at(z, f->address, 0);
        if (at)
            acquire_clock(now, at, wave);
        f->pending = 0;
    }
}

/* A barrier orders what its waves have read before: any of them may fence it. */
void rt_san_flags_met(GroupRecord *now)
{
    for (u32 i = 0; i < now->flag_count; i++)
        now->flags[i].wave = ANY_WAVE;
}

/* What an atomic learns. LDS has no caches, and waves of a workgroup share one; of what other workgroups have
 * released in global memory an old copy may lie in a cache until a fence empties it. */
static void acquire(Sanitizer *z, GroupRecord *now, const Sync *at, u32 wave, u32 space)
{
    acquire_clock(now, at, wave);
    if (space == SPACE_LDS)
        acquire_nodes(z, now, at->address, at->nodes);
    else if (at->nodes && met_at(now, at->address)->nodes != at->nodes)
        rt_san_flag(z, now, at->address, NO_WORKGROUP, wave);
}

/* The clock of a workgroup by which others tell what they may know of it; null if there are too many of them. */
static u32 *clock_of(Sanitizer *z, u32 group)
{
    if (group >= z->groups)
        return 0;
    if (!z->group_fence[group]) {
        if (z->clock_count >= z->clock_slots)
            return 0;
        z->group_fence[group] = ++z->clock_count;
    }
    return z->clocks[z->group_fence[group] - 1];
}

void rt_san_publish(Sanitizer *z, const GroupRecord *now, const u32 *known)
{
    u32 *clock = now->fenced_any ? clock_of(z, (u32)now->group) : 0;
    for (u32 i = 0; clock && i < GROUP_WAVES; i++)
        clock[i] = known[i];
}

/* What a wave's release covers: its own fenced stores, and those of others that it is ordered after. */
static void cover(GroupRecord *now, u32 wave)
{
    for (u32 i = 0; i < GROUP_WAVES; i++) {
        u32 fenced = now->fenced_far[i];
        if ((i == wave || fenced < now->base || now->seen[wave][i] >= fenced) && fenced > now->released[i])
            now->released[i] = fenced;
    }
    now->released_any = 1;
}

static void release(Sanitizer *z, GroupRecord *now, Sync *at, u32 wave)
{
    u32 group = (u32)now->group;
    cover(now, wave);
    rt_san_publish(z, now, now->released);
    if (at->group != group) {
        at->group = group;
        for (u32 i = 0; i < GROUP_WAVES; i++)
            at->clock[i] = 0;
    }
    for (u32 i = 0; i < GROUP_WAVES; i++) {
        u32 known = i == wave ? now->fenced[i] : now->seen[wave][i];
        if (known > at->clock[i])
            at->clock[i] = known;
    }
    Met *met = met_at(now, at->address);
    if (now->fenced_any && !met->listed && group < z->groups && z->node_count + 1 < SYNC_NODES) {
        SyncNode *node = z->nodes + ++z->node_count;
        node->group = group, node->next = at->nodes;
        at->nodes = z->node_count;
        met->listed = 1;
    }
}

/* An atomic read-modify-write: acquires what was released there; releases what its wave has fenced. */
void rt_san_sync(Worker *w, Wave *s, u32 space, u64 address)
{
    Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31;
    u64 key = space == SPACE_LDS ? address + (s->lds - (u64)w->lds) + 1 : address;
    int fenced = now->fenced[wave] >= now->base || now->fenced_any;
    Sync *at = sync_at(z, key, fenced);
    if (!at)
        return;
    acquire(z, now, at, wave, space);
    if (fenced)
        release(z, now, at, wave);
}

/* A fence: what the wave has stored is visible to its workgroup, or with `far` to the device, with whatever others
 * stored that it is ordered after. A far one also acquires, unless it is FENCE_RELEASES. */
API void rt_san_fence(Worker *w, Wave *s, u32 far)
{
    Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31, touched = now->touched[wave], last = now->segment[wave] - !touched;
    now->fenced[wave] = last;
    if (far) {
        now->fenced_far[wave] = last;
        now->fenced_any = 1;
        for (u32 i = 0; i < w->launch->waves_per_group; i++) {
            u32 known = now->seen[wave][i] < now->base ? now->base - 1 : now->seen[wave][i];
            if (i != wave && known > now->fenced_far[i])
                now->fenced_far[i] = known;
        }
        if (far != FENCE_RELEASES)
            acquire_flags(z, now, wave);
    }
    if (touched) {
        now->segment[wave] = rt_san_segment(z, now);
        now->touched[wave] = 0;
    }
}

/* A wave barrier: what lanes of the wave did before comes before what any of them does after. */
API void rt_san_wave_barrier(Worker *w, Wave *s)
{
    Sanitizer *z = w->sanitizer;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31, touched = now->touched[wave];
    now->seen[wave][wave] = now->segment[wave] - !touched;
    if (touched) {
        now->segment[wave] = rt_san_segment(z, now);
        now->touched[wave] = 0;
    }
}
