/* Turns: the waves of a workgroup go on one after the other, each until it ends, waits at a barrier or
 * has had its turn, so that a wave which waits for what another one writes lets that one write it.
 *
 * Once all waves of a worker seem to wait (at a barrier, asleep, or polling), or have run for very long, it begins
 * further workgroups: what they wait for may be one of those. All of them then take turns.
 *
 * A wave that polls memory comes back from turn after turn with the same registers. Such waves get short
 * turns; and once every wave of every worker does that for long, or waits at a barrier, nothing can change
 * any more, and the launch is given up as a deadlock. */
#include "records.h"

#define API __attribute__((visibility("default")))

enum {
    TURN = 1 << 14,   /* instructions of a wave's turn, and between two looks at its registers */
    SHORT_TURN = 256, /* of a wave that seems to poll */
    SPINNING = 64,    /* equal looks after which a wave is taken to do nothing else */
    PATIENCE = 4096,  /* the same for all waves together where no barrier waits: the host might change what they poll */
    MISSES = 4,       /* looks that may differ: the turn may end at several places of one loop */
    LONG = 1 << 24,   /* instructions after which a wave may be waiting in a way that does not show */
    SPENT = 1 << 24,  /* instructions of all waves after which a launch ends that has had a fault */
    HOST_READY = 32,  /* offset of the stack of calls that wait for the host (hostcall.py) */
};

Wave *wave_at(const Worker *w, u32 slot, u32 index)
{
    return (Wave *)(w->waves + ((u64)slot * w->launch->waves_per_group + index) * w->launch->wave_bytes);
}

void place_group(Worker *w, u64 group)
{
    const u32 *grid = w->launch->grid;
    w->group[0] = (u32)(group % grid[0]);
    w->group[1] = (u32)(group / grid[0] % grid[1]);
    w->group[2] = (u32)(group / grid[0] / grid[1]);
}

int is_open(const Worker *w, u32 slot) { return wave_at(w, slot, 0)->group != NO_GROUP; }

void start_schedule(Wave *s)
{
    s->slept = 0;
    s->asleep = 0;
    s->same = 0;
    s->misses = MISSES;
    s->quantum = TURN;
    s->looked = s->print = s->memory_print = 0;
    s->pc = 0;
}

/* ---- clocks (translate/semantics/clock.py) */

u64 cycles_of(const Wave *s) { return CYCLES_PER_INSTRUCTION * s->instructions + s->asleep; }

static void wait_until(Wave *s, u64 cycles)
{
    if (cycles > cycles_of(s))
        s->asleep += cycles - cycles_of(s);
}

/* ---- does a wave poll? */

/* A digest of `count` dwords, a multiple of 16. */
static u64 digest(const u32 *x, u64 count, u64 seed)
{
    u32 h[16];
    for (u32 i = 0; i < 16; i++)
        h[i] = (u32)seed + i;
    for (u64 at = 0; at < count; at += 16)
        for (u32 i = 0; i < 16; i++)
            h[i] = ((h[i] ^ x[at + i]) * 0x9e3779b1u) ^ (h[i] >> 15);
    u64 all = seed;
    for (u32 i = 0; i < 16; i++)
        all = ((all ^ h[i]) * 0x9e3779b97f4a7c15ull) ^ (all >> 29);
    return all;
}

static u64 registers_print(const Launch *launch, const Wave *s)
{
    u64 print = digest(s->sgpr, SGPRS, s->resume);
    return digest(s->vgpr, (u64)launch->vgpr_count * launch->lanes, print ^ s->scc);
}

/* Of the memory that only this workgroup can change; LDS has room for a multiple of 64 bytes. */
static u64 memory_print(const Launch *launch, const Wave *s)
{
    u64 print = digest((const u32 *)s->lds, (launch->lds_bytes + 63) / 64 * 16, 1);
    return digest((const u32 *)s->scratch, launch->scratch_bytes / 4 * launch->lanes, print);
}

/* Compares the wave with how it was when it was last seen to change; one that sleeps has few instructions. */
static void look(const Launch *launch, Wave *s)
{
    if (s->instructions - s->looked < (s->slept ? SHORT_TURN : TURN))
        return;
    s->looked = s->instructions;
    u64 print = registers_print(launch, s);
    if (print != s->print) {
        if (++s->misses > MISSES) {
            s->print = print;
            s->same = s->misses = 0;
            s->quantum = TURN;
        }
        return;
    }
    u64 memory = memory_print(launch, s);
    s->same = s->same == 0 || memory == s->memory_print ? s->same + 1 : 0;
    s->memory_print = memory;
    s->misses = 0;
    s->quantum = SHORT_TURN;
}

/* ---- faults of more than one wave */

/* What has become of the waves of the resident workgroups in one round of turns. */
typedef struct {
    u32 live, ran, released; /* waves not ended, turns taken, barriers that opened */
    u32 waiting, spinning;   /* at a barrier; polling */
    u32 idle, old;           /* waiting in whatever way, as far as can be seen; having run for very long */
    u32 least;               /* equal looks of the wave that polls for the shortest time */
    Wave *left;              /* a wave that is still there, polling if one does */
    Wave *over;              /* one past the limit */
} Round;

/* Says whether this worker's waves can go on by themselves. */
static void set_stuck(Worker *w, int stuck)
{
    if (stuck == (int)w->stuck)
        return;
    w->stuck = (u32)stuck;
    w->confirming = 0;
    __atomic_fetch_add(&w->launch->stuck, stuck ? 1 : ~0u, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&w->launch->epoch, 1, __ATOMIC_SEQ_CST);
}

static int all_stuck(const Launch *launch)
{
    return __atomic_load_n(&launch->stuck, __ATOMIC_SEQ_CST) >=
           __atomic_load_n(&launch->active, __ATOMIC_SEQ_CST);
}

/* A wave that polls alone is no deadlock but a loop without end. */
static int among_waves(const Round *seen) { return seen->waiting || seen->live > 1; }

/* Whether no worker's waves can go on. All must have polled on in vain after the last of them got stuck:
 * what a worker wrote right before may be what another waits for. */
static int deadlocked(Worker *w, const Round *seen)
{
    if (!w->stuck || !all_stuck(w->launch)) {
        w->confirming = 0;
        return 0;
    }
    u32 epoch = __atomic_load_n(&w->launch->epoch, __ATOMIC_SEQ_CST);
    u32 patience = seen->waiting ? 0 : PATIENCE / (seen->live ? seen->live : 1);
    if (w->confirming && w->epoch == epoch)
        return among_waves(seen) && seen->least >= (patience > 2 * SPINNING ? patience : 2 * SPINNING);
    w->confirming = 2; /* the waves' counts are to begin anew */
    w->epoch = epoch;
    return 0;
}

void worker_done(Worker *w)
{
    __atomic_fetch_add(&w->launch->active, ~0u, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&w->launch->epoch, 1, __ATOMIC_SEQ_CST);
}

/* ---- barriers */

/* Opens the grid barrier that the wave has come to, if it is the last: 1 if so. The first use of a barrier
 * waits for one wave of every workgroup, as the runtime sets it up, later ones for what was asked for. */
static int arrive_at_grid(Worker *w, Wave *s)
{
    u32 *left = &w->grid_left[s->resource % GRID_BARRIERS];
    *left = (*left ? *left : (u32)w->launch->group_count) - 1;
    if (*left)
        return 0;
    *left = s->reload;
    if (w->sanitizer)
        rt_san_grid_met(w);
    u32 waves = w->taken * w->launch->waves_per_group;
    for (u32 i = 0; i < waves; i++) {
        Wave *other = wave_at(w, 0, i);
        if (other->status == WAVE_GRID && other->resource == s->resource) {
            wait_until(other, cycles_of(s));
            other->status = WAVE_READY;
        }
    }
    return 1;
}

static void release(Worker *w, u32 slot)
{
    u64 latest = 0;
    for (u32 i = 0; i < w->launch->waves_per_group; i++) {
        const Wave *s = wave_at(w, slot, i);
        if (s->status == WAVE_BARRIER && cycles_of(s) > latest)
            latest = cycles_of(s);
    }
    for (u32 i = 0; i < w->launch->waves_per_group; i++) {
        Wave *s = wave_at(w, slot, i);
        if (s->status == WAVE_BARRIER) {
            wait_until(s, latest);
            s->status = WAVE_READY;
        }
    }
}

/* ---- turns */

static int host_is_called(const Launch *launch)
{
    return launch->hostcall && *(volatile u64 *)(launch->hostcall + HOST_READY) != 0;
}

/* Under the sanitizer a wave whose access strayed ends there, and the others go on for a while: they may stray
 * as well, elsewhere, and all of that is to be told at once. */
static int others_go_on(Worker *w) { return w->sanitizer && is_stray(w->fault.kind) && w->spent < SPENT; }

/* One turn of one wave; nonzero if the launch ends by a fault. */
static int turn(Worker *w, Wave *s, Round *seen)
{
    const Launch *launch = w->launch;
    u64 begun = s->instructions, end = begun + s->quantum;
    s->limit = end < launch->instruction_limit ? end : launch->instruction_limit;
    s->status = launch->run(w, s);
    seen->ran++;
    if (w->fault.kind) {
        w->spent += s->instructions - begun;
        if (!others_go_on(w))
            return 1;
        if (s->status == WAVE_FAULT)
            s->status = WAVE_ENDED;
    }
    switch (s->status) {
    case WAVE_FAULT:
        return 1;
    case WAVE_ENDED:
        w->instructions += s->instructions;
        w->barriers += s->barriers;
        w->wave_count++;
        if (cycles_of(s) > w->cycles)
            w->cycles = cycles_of(s);
        if (w->sanitizer)
            rt_san_ended(w, s);
        break;
    case WAVE_GRID:
        if (!launch->cooperative)
            return rt_fault(w, s, FAULT_GRID_SYNC, ACCESS_EXECUTE, 0, 0, 0, s->pc);
        seen->released += (u32)arrive_at_grid(w, s);
        break;
    case WAVE_YIELDED:
        s->slept = s->instructions <= s->limit;
        look(launch, s);
    }
    return 0;
}

static void note(const Worker *w, Wave *s, Round *seen)
{
    int yielded = s->status == WAVE_YIELDED, spinning = yielded && s->same >= SPINNING;
    int waiting = s->status == WAVE_BARRIER || s->status == WAVE_GRID;
    int idle = waiting || (yielded && (s->same || s->slept)), old = !idle && yielded && s->instructions >= LONG;
    seen->waiting += (u32)waiting;
    seen->spinning += (u32)spinning;
    seen->idle += (u32)idle;
    seen->old += (u32)old;
    if (spinning && w->confirming == 2)
        s->same = SPINNING;
    if (spinning && s->same < seen->least)
        seen->least = s->same;
    if (!seen->left || yielded)
        seen->left = s;
    if (s->instructions > w->launch->instruction_limit)
        seen->over = s;
}

/* A turn for every wave of a workgroup that can go on; nonzero after a fault. */
static int turns_of_group(Worker *w, u32 slot, Round *seen)
{
    const Launch *launch = w->launch;
    u32 live = 0, at_barrier = 0, waves = launch->waves_per_group;
    u64 drawn = launch->order_seed ? mixed(launch->order_seed ^ wave_at(w, slot, 0)->group) : 0;
    u32 index = (u32)drawn % waves, step = drawn >> 63 ? waves - 1 : 1;
    for (u32 i = 0; i < waves; i++, index = (index + step) % waves) {
        Wave *s = wave_at(w, slot, index);
        if ((s->status == WAVE_READY || s->status == WAVE_YIELDED) && turn(w, s, seen))
            return 1;
        if (s->status == WAVE_ENDED)
            continue;
        live++;
        at_barrier += s->status == WAVE_BARRIER;
        note(w, s, seen);
    }
    /* Waves that have ended count as come: the barrier waits for those that remain. */
    if (live && at_barrier == live) {
        if (w->sanitizer)
            rt_san_met(w, slot);
        release(w, slot);
        seen->released++;
    }
    seen->live += live;
    if (!live)
        close_group(w, slot);
    return 0;
}

static int give_up(Worker *w, Wave *s, u32 kind, u64 value)
{
    place_group(w, s->group);
    return rt_fault(w, s, kind, ACCESS_EXECUTE, value, 0, 0, s->pc);
}

/* Whether the launch must end though waves are left: asked to, past the limit, or in a deadlock. */
static int must_end(Worker *w, const Round *seen)
{
    const Launch *launch = w->launch;
    set_stuck(w, !seen->released && seen->waiting + seen->spinning == seen->live);
    int none_ran = !seen->ran && !seen->released;
    if (none_ran || deadlocked(w, seen))
        return give_up(w, seen->left, FAULT_DEADLOCK, 0);
    int stuck = w->stuck && all_stuck(launch) && among_waves(seen);
    if (__atomic_load_n(&launch->stop, __ATOMIC_RELAXED))
        return give_up(w, seen->left, stuck ? FAULT_DEADLOCK : FAULT_STOPPED, 0);
    if (seen->over)
        return give_up(w, seen->over, stuck ? FAULT_DEADLOCK : FAULT_LIMIT, launch->instruction_limit);
    return 0;
}

/* One turn for every wave that can go on. */
static int round_of_turns(Worker *w, Round *seen)
{
    for (u32 slot = 0; slot < w->taken; slot++) {
        const Wave *first = wave_at(w, slot, 0);
        if (first->group == NO_GROUP)
            continue;
        place_group(w, first->group);
        if (turns_of_group(w, slot, seen))
            return 1;
    }
    if (w->confirming == 2)
        w->confirming = 1;
    return 0;
}

/* Begins workgroups beside those that seem to wait: as many again, so that what takes turns in vain for the last
 * of many does not do so for each. How many. */
static u32 begin_others(Worker *w, const Round *seen)
{
    if (seen->released || seen->idle + seen->old < seen->live)
        return 0;
    u32 opened = open_groups(w, seen->old ? 1 : w->open);
    if (opened)
        set_stuck(w, 0);
    return opened;
}

/* Runs the workgroups under way until they end, one of them faults or the host is called. */
int run_resident(Worker *w)
{
    for (;;) {
        Round seen = {.least = ~0u};
        if (round_of_turns(w, &seen))
            return RUN_FAULT;
        if (!w->open) {
            set_stuck(w, 0);
            return RUN_DONE;
        }
        int called = host_is_called(w->launch);
        if ((called || !begin_others(w, &seen)) && must_end(w, &seen))
            return RUN_FAULT;
        if (called)
            return RUN_HOST_CALL;
    }
}

/* Called on a backward branch once the wave's turn is over: 2 lets it yield. Where it cannot yield: was a
 * stop asked for, is the wave past the launch's limit? */
API int rt_over_limit(Worker *w, Wave *s, u32 pc, u32 may_yield)
{
    s->pc = pc;
    if (may_yield)
        return 2;
    if (__atomic_load_n(&w->launch->stop, __ATOMIC_RELAXED))
        return rt_fault(w, s, FAULT_STOPPED, ACCESS_EXECUTE, 0, 0, 0, pc);
    if (s->instructions > w->launch->instruction_limit)
        return rt_fault(w, s, FAULT_LIMIT, ACCESS_EXECUTE, w->launch->instruction_limit, 0, 0, pc);
    return 0;
}
