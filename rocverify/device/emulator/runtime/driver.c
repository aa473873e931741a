/* The loop over workgroups and waves. Each host thread calls rt_run with a worker of its own;
 * workgroups are taken from the launch's counter until none is left or one has faulted. */
#include "runtime.h"

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

/* Instructions between two looks at the launch's limit and stop flag. */
#define CHECKPOINT (1u << 20)

/* Scratch per lane up to which every wave gets it poisoned anew; more is poisoned once a launch. */
#define FRESH_SCRATCH 2048

/* The instruction count at which a wave looks again: the limit itself, where that comes first. */
static u64 checkpoint(const Launch *launch, u64 done)
{
    u64 next = done + CHECKPOINT;
    return next < launch->instruction_limit ? next : launch->instruction_limit;
}

static Wave *wave_at(Worker *w, u32 index) { return (Wave *)(w->waves + (u64)index * w->launch->wave_bytes); }

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

static void start_wave(Worker *w, u32 index)
{
    const Launch *launch = w->launch;
    Wave *s = wave_at(w, index);
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
    s->limit = checkpoint(launch, 0);
    s->lds = (u64)w->lds;
    s->lds_bytes = launch->lds_bytes;
    s->scratch_bytes = launch->scratch_bytes;
    s->scratch = (u64)w->scratch + (u64)index * launch->lanes * launch->scratch_bytes;
    s->index = index;
    if (launch->scratch_bytes <= FRESH_SCRATCH)
        fill((u32 *)s->scratch, launch->poison, launch->lanes * launch->scratch_bytes / 4);
}

/* Runs every wave to its next barrier, again and again, until all have ended. */
static int run_group(Worker *w)
{
    const Launch *launch = w->launch;
    u32 waves = launch->waves_per_group, live = waves;
    fill((u32 *)w->lds, launch->poison, (launch->lds_bytes + 3) / 4);
    for (u32 i = 0; i < waves; i++)
        start_wave(w, i);
    while (live) {
        for (u32 i = 0; i < waves; i++) {
            Wave *s = wave_at(w, i);
            if (s->status == WAVE_ENDED)
                continue;
            s->status = launch->run(w, s);
            if (s->status == WAVE_FAULT)
                return 1;
            if (s->status == WAVE_ENDED) {
                live--;
                w->instructions += s->instructions;
                w->barriers += s->barriers;
                w->wave_count++;
            }
        }
    }
    return 0;
}

API int rt_run(Worker *w)
{
    Launch *launch = w->launch;
    w->lanes = launch->lanes;
    w->code_base = launch->code_base;
    if (launch->scratch_bytes > FRESH_SCRATCH)
        fill((u32 *)w->scratch, launch->poison,
             launch->scratch_bytes / 4 * launch->lanes * launch->waves_per_group);
    while (!__atomic_load_n(&launch->stop, __ATOMIC_RELAXED)) {
        u64 group = __atomic_fetch_add(&launch->next_group, 1, __ATOMIC_RELAXED);
        if (group >= launch->group_count)
            return 0;
        w->group[0] = (u32)(group % launch->grid[0]);
        w->group[1] = (u32)(group / launch->grid[0] % launch->grid[1]);
        w->group[2] = (u32)(group / launch->grid[0] / launch->grid[1]);
        if (run_group(w)) {
            __atomic_store_n(&launch->stop, 1, __ATOMIC_RELAXED);
            return 1;
        }
        w->groups++;
    }
    return 0;
}

/* Called on a backward branch once the wave is past its checkpoint: was a stop asked for, is the
 * wave past the launch's limit? Otherwise sets the next checkpoint. */
API int rt_over_limit(Worker *w, Wave *s, u32 pc)
{
    if (__atomic_load_n(&w->launch->stop, __ATOMIC_RELAXED))
        return rt_fault(w, s, FAULT_STOPPED, ACCESS_EXECUTE, 0, 0, 0, pc);
    if (s->instructions > w->launch->instruction_limit)
        return rt_fault(w, s, FAULT_LIMIT, ACCESS_EXECUTE, w->launch->instruction_limit, 0, 0, pc);
    s->limit = checkpoint(w->launch, s->instructions);
    return 0;
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
    default: return ~0ull;
    }
}
