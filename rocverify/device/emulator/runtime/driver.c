/* The loop over workgroups and waves. Each host thread calls rt_run with a worker of its own;
 * workgroups are taken from the launch's counter until none is left or one has faulted.
 *
 * A worker runs one workgroup at a time. Only when all waves that it has wait for something are further ones
 * begun beside it, as many as are resident on the device at a time: schedule.c gives them turns. */
#include "records.h"

#define API __attribute__((visibility("default")))

/* The compiler may turn loops into calls of these two; there is no libc to provide them. */
__attribute__((no_builtin("memset"))) void *memset(void *p, int value, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        ((u8 *)p)[i] = (u8)value;
    return p;
}

__attribute__((no_builtin("memcpy"))) void *memcpy(void *restrict to, const void *restrict from, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        ((u8 *)to)[i] = ((const u8 *)from)[i];
    return to;
}

/* Scratch per lane up to which every wave gets it poisoned anew; more is poisoned once a launch. */
#define FRESH_SCRATCH 2048

static void fill(u32 *to, u32 value, u64 count)
{
    for (u64 i = 0; i < count; i++)
        to[i] = value;
}

/* Workitem ids of a wave, packed x | y << 10 | z << 20 in v0, or one a register; lanes past the workgroup are
 * off. */
static u64 set_workitem_ids(const Launch *launch, Wave *s, u32 first)
{
    u32 bx = launch->block[0], by = launch->block[1], size = bx * by * launch->block[2];
    u32 x = first % bx, y = first / bx % by, z = first / (bx * by), lane = 0;
    for (; lane < launch->lanes && first + lane < size; lane++) {
        u32 ids[3] = {x, y, z};
        if (!launch->id_vgprs)
            s->vgpr[lane] = x | y << 10 | z << 20;
        for (u32 i = 0; i < launch->id_vgprs; i++)
            s->vgpr[i * launch->lanes + lane] = ids[i];
        if (++x == bx) {
            x = 0;
            if (++y == by)
                y = 0, z++;
        }
    }
    u64 exec = lane == 64 ? ~0ull : (1ull << lane) - 1;
    for (; lane < launch->lanes; lane++)
        s->vgpr[lane] = launch->poison;
    return exec;
}

/* LDS of a resident workgroup: each begins at a multiple of 64 bytes. */
static u8 *group_lds(const Worker *w, u32 slot)
{
    return w->lds + slot * ((w->launch->lds_bytes + 63) & ~63ull);
}

static void start_wave(Worker *w, u32 slot, u32 index, u64 group)
{
    const Launch *launch = w->launch;
    Wave *s = wave_at(w, slot, index);
    u64 number = (u64)slot * launch->waves_per_group + index;
    fill(s->sgpr, launch->poison, SGPRS);
    fill(s->vgpr + launch->lanes, launch->poison, (launch->vgpr_count - 1) * launch->lanes);
    u32 next = launch->user_sgpr_count;
    for (u32 i = 0; i < next; i++)
        s->sgpr[i] = launch->user_sgpr[i];
    for (u32 axis = 0; axis < 3; axis++)
        if (launch->group_id_mask >> axis & 1)
            s->sgpr[next++] = w->group[axis];
    if (launch->group_id_mask & IDS_IN_TTMPS) {
        s->sgpr[TTMP + 9] = w->group[0];
        s->sgpr[TTMP + 7] = w->group[1] | w->group[2] << 16;
        s->sgpr[TTMP + 8] = index << 25;
    }
    if (launch->scratch_sgpr)
        s->sgpr[next] = 0;
    u64 exec = set_workitem_ids(launch, s, index * launch->lanes);
    s->sgpr[EXEC] = (u32)exec;
    s->sgpr[EXEC + 1] = (u32)(exec >> 32);
    for (u32 lane = 0; lane < launch->lanes; lane++)
        s->exec_lanes[lane] = exec >> lane & 1 ? ~0u : 0;
    s->scc = s->resume = 0;
    s->status = WAVE_READY;
    s->mode = launch->mode;
    s->instructions = s->barriers = 0;
    s->lds = (u64)group_lds(w, slot);
    s->lds_bytes = launch->lds_bytes;
    s->scratch_bytes = launch->scratch_bytes;
    s->scratch = (u64)w->scratch + number * launch->lanes * launch->scratch_bytes;
    s->index = index;
    s->group = group;
    start_schedule(s);
    if (w->sanitizer)
        rt_san_wave(w, s, slot, exec);
    if (launch->scratch_bytes <= FRESH_SCRATCH)
        fill((u32 *)s->scratch, launch->poison, launch->lanes * launch->scratch_bytes / 4);
}

/* Much scratch is poisoned when the slot is used for the first time. */
static void poison_scratch(Worker *w, u32 slot)
{
    const Launch *launch = w->launch;
    u64 bytes = launch->scratch_bytes * launch->lanes * launch->waves_per_group;
    if (launch->scratch_bytes <= FRESH_SCRATCH || slot < w->poisoned)
        return;
    fill((u32 *)(w->scratch + slot * bytes), launch->poison, bytes / 4);
    w->poisoned = slot + 1;
}

/* Gives a workgroup its place: LDS and waves as a launch begins with them. */
static void start_group(Worker *w, u32 slot, u64 group)
{
    const Launch *launch = w->launch;
    place_group(w, group);
    poison_scratch(w, slot);
    fill((u32 *)group_lds(w, slot), launch->poison, (launch->lds_bytes + 3) / 4);
    if (w->sanitizer)
        rt_san_group(w, slot, group);
    for (u32 i = 0; i < launch->waves_per_group; i++)
        start_wave(w, slot, i, group);
}

/* One more workgroup than one a worker may be resident, if there is room: 1 if so. */
static int take_room(Launch *launch)
{
    u32 room = __atomic_load_n(&launch->room, __ATOMIC_RELAXED);
    while (room)
        if (__atomic_compare_exchange_n(&launch->room, &room, room - 1, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return 1;
    return 0;
}

static void give_room(Launch *launch) { __atomic_fetch_add(&launch->room, 1, __ATOMIC_RELAXED); }

/* The workgroup whose turn it is as the n-th: see launch/schedule.py. */
static u64 group_in_order(const Launch *launch, u64 n)
{
    if (!launch->order_seed)
        return n;
    u64 first = n - n % launch->window, left = launch->group_count - first;
    int last = left <= launch->window;
    u64 count = last ? left : launch->window;
    u64 begin = mixed(launch->order_seed + first) % count;
    return first + (begin + (n - first) * (last ? launch->last_stride : launch->stride)) % count;
}

/* The number of a workgroup that nobody has begun, NO_GROUP if there is none. */
static u64 take_group(Launch *launch)
{
    if (__atomic_load_n(&launch->stop, __ATOMIC_RELAXED) ||
        __atomic_load_n(&launch->next_group, __ATOMIC_RELAXED) >= launch->group_count)
        return NO_GROUP;
    u64 group = __atomic_fetch_add(&launch->next_group, 1, __ATOMIC_RELAXED);
    if (group >= launch->group_count)
        return NO_GROUP;
    u64 number = group_in_order(launch, group);
    return launch->chosen ? launch->chosen[number] : number;
}

/* Begins up to `most` workgroups in free slots, as far as there are any and room for them: how many. */
u32 open_groups(Worker *w, u32 most)
{
    Launch *launch = w->launch;
    u32 opened = 0;
    for (u32 slot = 0; opened < most && slot < launch->resident; slot++) {
        if (slot < w->taken && is_open(w, slot))
            continue;
        int beside = w->open && !launch->cooperative;
        if (beside && !take_room(launch))
            break;
        u64 group = take_group(launch);
        if (group == NO_GROUP) {
            if (beside)
                give_room(launch);
            break;
        }
        start_group(w, slot, group);
        if (slot >= w->taken)
            w->taken = slot + 1;
        w->open++, opened++;
    }
    return opened;
}

/* All waves of a workgroup have ended. */
void close_group(Worker *w, u32 slot)
{
    if (w->sanitizer)
        rt_san_group_end(w, slot);
    wave_at(w, slot, 0)->group = NO_GROUP;
    w->groups++;
    if (--w->open && !w->launch->cooperative)
        give_room(w->launch);
}

static u32 begin_groups(Worker *w) { return open_groups(w, w->launch->cooperative ? w->launch->resident : 1); }

static void begin(Worker *w)
{
    const Launch *launch = w->launch;
    w->lanes = launch->lanes;
    w->code_base = launch->code_base;
    w->begun = 1;
    begin_groups(w);
}

/* Runs workgroups until none is left or one faults. Called again after RUN_HOST_CALL, it goes on. */
API int rt_run(Worker *w)
{
    if (!w->begun)
        begin(w);
    while (w->open || begin_groups(w)) {
        int outcome = run_resident(w);
        if (outcome == RUN_HOST_CALL)
            return outcome;
        if (outcome == RUN_FAULT) {
            __atomic_store_n(&w->launch->stop, 1, __ATOMIC_RELAXED);
            return outcome;
        }
    }
    worker_done(w);
    return w->fault.kind ? RUN_FAULT : RUN_DONE;
}

API int rt_trap(Worker *w, Wave *s, u32 kind, u64 address, u32 pc)
{
    return rt_fault(w, s, kind, ACCESS_EXECUTE, address, 0, 0, pc);
}

/* Sizes and offsets, for the test that abi.py mirrors this file. */
API u64 rt_layout(u32 what)
{
    switch (what) {
    case 0: return sizeof(Wave);
    case 1: return __builtin_offsetof(Wave, exec_lanes);
    case 2: return __builtin_offsetof(Wave, scc);
    case 3: return __builtin_offsetof(Wave, instructions);
    case 4: return __builtin_offsetof(Wave, addresses);
    case 5: return __builtin_offsetof(Wave, vgpr);
    case 6: return sizeof(Launch);
    case 7: return __builtin_offsetof(Launch, user_sgpr);
    case 8: return sizeof(Worker);
    case 9: return __builtin_offsetof(Worker, fault);
    case 10: return sizeof(Fault);
    case 11: return __builtin_offsetof(Worker, code_base);
    case 12: return __builtin_offsetof(Worker, counters);
    case 13: return __builtin_offsetof(Worker, sanitizer);
    case 14: return __builtin_offsetof(Worker, grid_left);
    case 15: return __builtin_offsetof(Launch, stop);
    case 16: return __builtin_offsetof(Wave, pc);
    case 17: return __builtin_offsetof(Wave, group);
    case 18: return __builtin_offsetof(Launch, clock);
    case 20: return CYCLES_PER_INSTRUCTION;
    case 19: return __builtin_offsetof(Launch, room);
    case 21: return __builtin_offsetof(Worker, coverage);
    case 22: return __builtin_offsetof(Launch, chosen);
    default: return ~0ull;
    }
}
