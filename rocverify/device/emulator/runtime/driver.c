/* The loop over workgroups and waves. Each host thread calls rt_run with a worker of its own;
 * workgroups are taken from the launch's counter until none is left or one has faulted. */
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

/* Workitem ids of a wave, packed x | y << 10 | z << 20 in v0; lanes past the workgroup are off. */
static u64 set_workitem_ids(const Launch *launch, Wave *s, u32 first)
{
    u32 bx = launch->block[0], by = launch->block[1], size = bx * by * launch->block[2];
    u32 x = first % bx, y = first / bx % by, z = first / (bx * by), lane = 0;
    for (; lane < launch->lanes && first + lane < size; lane++) {
        s->vgpr[lane] = x | y << 10 | z << 20;
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

static void start_wave(Worker *w, u32 slot, u32 index)
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
    start_schedule(s);
    if (w->sanitizer)
        rt_san_wave(w, s, slot, exec);
    if (launch->scratch_bytes <= FRESH_SCRATCH)
        fill((u32 *)s->scratch, launch->poison, launch->lanes * launch->scratch_bytes / 4);
}

/* Gives a workgroup its place: LDS and waves as a launch begins with them. */
static void start_group(Worker *w, u32 slot, u64 group)
{
    const Launch *launch = w->launch;
    place_group(w, group);
    fill((u32 *)group_lds(w, slot), launch->poison, (launch->lds_bytes + 3) / 4);
    if (w->sanitizer)
        rt_san_group(w, slot, group);
    for (u32 i = 0; i < launch->waves_per_group; i++)
        start_wave(w, slot, i);
}

/* Takes the next workgroups: one, or all of a cooperative launch. Returns how many it got. */
static u32 take_groups(Worker *w)
{
    Launch *launch = w->launch;
    if (__atomic_load_n(&launch->stop, __ATOMIC_RELAXED))
        return 0;
    u64 first = __atomic_fetch_add(&launch->next_group, launch->resident, __ATOMIC_RELAXED);
    u32 taken = 0;
    for (; taken < launch->resident && first + taken < launch->group_count; taken++)
        start_group(w, taken, first + taken);
    return taken;
}

static void begin(Worker *w)
{
    const Launch *launch = w->launch;
    w->lanes = launch->lanes;
    w->code_base = launch->code_base;
    if (launch->scratch_bytes > FRESH_SCRATCH)
        fill((u32 *)w->scratch, launch->poison,
             launch->scratch_bytes / 4 * launch->lanes * launch->waves_per_group * launch->resident);
    w->taken = take_groups(w);
    w->begun = 1;
}

/* Runs workgroups until none is left or one faults. Called again after RUN_HOST_CALL, it goes on. */
API int rt_run(Worker *w)
{
    Launch *launch = w->launch;
    if (!w->begun)
        begin(w);
    for (; w->taken; w->taken = take_groups(w)) {
        int outcome = run_resident(w, w->taken);
        if (outcome == RUN_HOST_CALL)
            return outcome;
        if (outcome == RUN_FAULT) {
            __atomic_store_n(&launch->stop, 1, __ATOMIC_RELAXED);
            return outcome;
        }
        for (u32 slot = 0; w->sanitizer && slot < w->taken; slot++)
            rt_san_group_end(w, slot);
        w->groups += w->taken;
    }
    worker_done(w);
    return RUN_DONE;
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
    default: return ~0ull;
    }
}
