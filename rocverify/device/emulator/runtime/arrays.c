/* What no byte is wrong of: accesses off their alignment, and those that leave an array of LDS for the one beside it, where debug information tells the two apart.
 *
 * An instruction accesses one array, but machine code does not say which. Lanes that go in even steps from one array
 * into another tell it: the few among them have left the array of the many. A pointer that each lane chooses by itself
 * makes no even steps. Where all lanes of a wave are in the wrong array, nothing shows. */
#include "places.h"

/* A vector access off its own size, of three dwords off one: ROCm's unaligned mode serves it, other GPUs do not. */
void rt_san_alignment(Worker *w, Wave *s, u64 exec, u32 size, u32 space, u32 access, u32 pc)
{
    u64 mask = (size & (size - 1) ? 4 : size) - 1;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    LANES(exec)
    {
        u32 lane = LANE;
        Place p = place_of(w, s, space, s->addresses[lane], lane);
        if (!(p.address & mask) || p.space == SPACE_SCRATCH)
            continue;
        Finding f = {.kind = FOUND_MISALIGNED, .space = p.space, .access = access, .address = p.address, .size = size,
                     .group = now->group, .other_group = now->group, .pc = pc, .wave = s->index & 31, .lane = lane};
        rt_san_report(w, &f);
    }
}

static u32 array_at(const Sanitizer *z, u64 address)
{
    u32 found = 0;
    while (found + 1 < z->lds_array_count && z->lds_arrays[found + 1] <= address)
        found++;
    return found;
}

/* Whether the addresses of a wave's lanes go up or down by the same step from lane to lane. */
static int even(const u64 *addresses, u64 exec)
{
    u32 first = (u32)__builtin_ctzll(exec), second = (u32)__builtin_ctzll(exec & (exec - 1));
    u64 step = (addresses[second] - addresses[first]) / (second - first);
    if (!step || step >> 63)
        return 0;
    LANES(exec)
    if (addresses[LANE] != addresses[first] + step * (LANE - first))
        return 0;
    return 1;
}

void rt_san_overrun(Worker *w, Wave *s, u64 exec, u32 size, u32 space, u32 access, u32 pc)
{
    Sanitizer *z = w->sanitizer;
    if (space != SPACE_LDS && space != SPACE_FLAT)
        return;
    if (!(exec & (exec - 1)) || !even(s->addresses, exec))
        return;
    u32 first = (u32)__builtin_ctzll(exec), last = 63 - (u32)__builtin_clzll(exec);
    if (place_of(w, s, space, s->addresses[first], first).space != SPACE_LDS ||
        place_of(w, s, space, s->addresses[last], last).space != SPACE_LDS)
        return;
    u32 low = array_at(z, (u32)s->addresses[first]), high = array_at(z, (u32)s->addresses[last]);
    if (low == high)
        return;
    u32 inside = 0, lanes = (u32)__builtin_popcountll(exec), behind = last;
    LANES(exec)
    {
        int in = array_at(z, (u32)s->addresses[LANE]) == low;
        inside += (u32)in;
        if (!in && LANE < behind)
            behind = LANE;
    }
    /* The last lane before the array, or the first one behind it. */
    int before = 2 * inside < lanes;
    u64 below = exec & ((1ull << behind) - 1);
    u32 lane = before ? 63 - (u32)__builtin_clzll(below) : behind;
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    Finding f = {.kind = FOUND_OVERRUN, .detail = before ? OVERRUN_BEFORE : OVERRUN_BEHIND, .space = SPACE_LDS,
                 .access = access, .address = (u32)s->addresses[lane], .size = size, .group = now->group,
                 .other_group = now->group, .pc = pc, .wave = s->index & 31, .lane = lane};
    rt_san_report(w, &f);
}
