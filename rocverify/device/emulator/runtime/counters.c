/* Counts the memory accesses of one instruction of one wave: called by translated code, when an
 * instrument counts, after each access that did not fault. Addresses are in `s->addresses`; every
 * record belongs to one host thread. */
#include "counters.h"

#define API __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

/* Lanes 0 to n-1 active, one element after the other. */
INLINE int contiguous(const u64 *address, u64 exec, u32 size)
{
    if (exec & (exec + 1))
        return 0;
    u32 lanes = (u32)__builtin_popcountll(exec);
    u64 differs = 0;
    for (u32 i = 0; i < lanes; i++)
        differs |= address[i] ^ (address[0] + (u64)i * size);
    return differs == 0;
}

/* Different segments that the active lanes touch; an access may reach into a second one. Addresses
 * mostly rise from lane to lane: a new greatest segment need not be looked for. */
static u64 segments(const u64 *address, u64 exec, u32 size)
{
    u64 set[2 * MAX_LANES], greatest = 0;
    u32 count = 0;
    LANES(exec)
    {
        u64 last = (address[LANE] + size - 1) >> SEGMENT_SHIFT;
        for (u64 segment = address[LANE] >> SEGMENT_SHIFT; segment <= last; segment++) {
            u32 i = count && segment <= greatest ? 0 : count;
            while (i < count && set[i] != segment)
                i++;
            if (i < count)
                continue;
            set[count++] = segment;
            greatest = segment > greatest ? segment : greatest;
        }
    }
    return count;
}

INLINE void count_global(AccessCounts *record, const u64 *address, u64 exec, u32 size)
{
    if (!exec)
        return;
    u64 lanes = (u64)__builtin_popcountll(exec);
    record->global_accesses++;
    record->global_lanes += lanes;
    record->global_bytes += lanes * size;
    if (contiguous(address, exec, size))
        record->global_segments +=
            ((address[0] + lanes * size - 1) >> SEGMENT_SHIFT) - (address[0] >> SEGMENT_SHIFT) + 1;
    else
        record->global_segments += segments(address, exec, size);
}

/* Lanes that the banks serve together: as many as have 32 dwords between them, 8 at least. */
INLINE u32 lanes_together(u32 size) { return size <= 4 ? 32 : size == 8 ? 16 : 8; }

/* Passes that a group of lanes takes: the most different dwords that one bank has to serve. Lanes that
 * name one dword share it, except in atomics, where each lane's operation takes a turn of its own. */
static u32 group_passes(const u64 *address, u64 exec, u32 size, int atomic)
{
    u32 held[LDS_BANKS][LDS_BANKS];
    u8 count[LDS_BANKS] = {0};
    u32 most = 0, beyond = 0; /* the greatest dword so far, plus one: from there on none is held */
    LANES(exec)
    {
        u32 start = (u32)address[LANE], last = (start + size - 1) >> 2;
        for (u32 dword = start >> 2; dword <= last; dword++) {
            u32 bank = dword % LDS_BANKS, n = count[bank], i = atomic || dword >= beyond ? n : 0;
            while (i < n && held[bank][i] != dword)
                i++;
            if (i < n)
                continue;
            held[bank][n] = dword;
            count[bank] = (u8)(n + 1);
            most = n + 1 > most ? n + 1 : most;
            beyond = dword >= beyond ? dword + 1 : beyond;
        }
    }
    return most;
}

/* The pattern of an instruction, and whether it accesses LDS that way once more. */
INLINE int is_known(const Pattern *p, const AccessCounts *record, const u64 *address, u64 exec, u32 lanes, u32 base)
{
    u32 differs = 0;
    if (p->record != record || p->exec != exec || p->low != (base & 3))
        return 0;
    for (u32 i = 0; i < lanes; i++)
        differs |= ((u32)address[i] - base ^ p->relative[i]) & -(u32)(exec >> i & 1);
    return !differs;
}

static void learn(Pattern *p, const AccessCounts *record, const u64 *address, u64 exec, u32 size, u32 lanes, int atomic)
{
    u32 together = lanes_together(size), base = (u32)address[__builtin_ctzll(exec)];
    u64 group = together == 32 ? 0xFFFFFFFFull : (1ull << together) - 1;
    *p = (Pattern){.record = record, .exec = exec, .low = base & 3};
    for (u32 i = 0; i < lanes; i++)
        p->relative[i] = (u32)address[i] - base;
    for (u32 first = 0; first < MAX_LANES; first += together) {
        u64 active = exec & group << first;
        if (!active)
            continue;
        u32 passes = group_passes(address, active, size, atomic);
        p->passes += passes;
        p->conflicts += passes - 1;
    }
}

INLINE void count_lds(const Worker *w, AccessCounts *record, const u64 *address, u64 exec, u32 size, u32 access)
{
    if (!exec)
        return;
    u64 lanes = (u64)__builtin_popcountll(exec);
    u32 together = lanes_together(size);
    record->lds_accesses++;
    record->lds_lanes += lanes;
    record->lds_bytes += lanes * size;
    if ((size < 4 || !(address[0] & 3)) && contiguous(address, exec, size)) {
        record->lds_passes += (lanes + together - 1) / together;
        return;
    }
    Pattern *p = w->patterns + mixed((u64)record) % PATTERNS;
    u32 all = (u32)w->lanes, base = (u32)address[__builtin_ctzll(exec)];
    if (!is_known(p, record, address, exec, all, base))
        learn(p, record, address, exec, size, all, access == ACCESS_ATOMIC);
    record->lds_passes += p->passes;
    record->lds_conflict_passes += p->conflicts;
}

INLINE void count_scratch(AccessCounts *record, u64 exec, u32 size)
{
    u64 lanes = (u64)__builtin_popcountll(exec);
    record->scratch_accesses += exec != 0;
    record->scratch_lanes += lanes;
    record->scratch_bytes += lanes * size;
}

API void rt_count_global(const Worker *w, AccessCounts *record, const Wave *s, u64 exec, u32 size, u32 access)
{
    (void)w, (void)access;
    count_global(record, s->addresses, exec, size);
}

API void rt_count_lds(const Worker *w, AccessCounts *record, const Wave *s, u64 exec, u32 size, u32 access)
{
    count_lds(w, record, s->addresses, exec, size, access);
}

API void rt_count_scratch(const Worker *w, AccessCounts *record, const Wave *s, u64 exec, u32 size, u32 access)
{
    (void)w, (void)s, (void)access;
    count_scratch(record, exec, size);
}

/* Each lane is told apart by its aperture. */
API void rt_count_flat(const Worker *w, AccessCounts *record, const Wave *s, u64 exec, u32 size, u32 access)
{
    u64 lds = 0, scratch = 0;
    LANES(exec)
    {
        u32 aperture = (u32)(s->addresses[LANE] >> 32);
        lds |= aperture == SHARED_APERTURE_HI ? left & -left : 0;
        scratch |= aperture == PRIVATE_APERTURE_HI ? left & -left : 0;
    }
    count_global(record, s->addresses, exec & ~(lds | scratch), size);
    count_lds(w, record, s->addresses, lds, size, access);
    count_scratch(record, scratch, size);
}
