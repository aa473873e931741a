/* Where the defined bits of an access lie, and what translated code says of it. */
#ifndef ROCVERIFY_PLACES_H
#define ROCVERIFY_PLACES_H

#include "lines.h"

#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

/* What translated code says of an access: size, sign extension, half of the register, space, a load past the
 * caches, a store that releases, a store that is atomic, a load of LDS that is atomic, one that a loop waits by. */
#define FORM_SIZE(form) ((form) & 0xff)
#define FORM_SIGNED(form) ((form) >> 8 & 1)
#define FORM_HALF(form) ((form) >> 9 & 3) /* 0: the whole register, 1: low, 2: high */
#define FORM_SPACE(form) ((form) >> 12 & 7)
#define FORM_FRESH(form) (((form) >> 16 & 1) | ((form) >> 18 & (FRESH_LDS | FRESH_WAIT)))
#define FORM_RELEASES(form) ((form) >> 17 & 1)
#define FORM_ATOMIC(form) ((form) >> 18 & 1)
#define FORM_COPIED(form) ((form) >> 21 & 1)

typedef struct {
    u32 space;
    u64 address; /* in its space */
    u8 *defined;
} Place;

/* In place of the defined bits of memory that has none: as many as one access may look at. What is written there
 * is all ones, too. */
static u8 always_defined[64] = {[0 ... 63] = 0xff};

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
    if (!is_kept(z, address))
        return (Place){SPACE_GLOBAL, address, always_defined};
    return (Place){SPACE_GLOBAL, address, (u8 *)(address + z->defined_delta)};
}

/* Whether lanes from `lane` on have, one behind the other, the parts of one whole dword of global memory that is
 * kept: how many those are, else 0. */
INLINE u32 lanes_of_dword(const Sanitizer *z, const Wave *s, u64 left, u32 lane, u32 size)
{
    u32 count = 4 / size;
    u64 first = s->addresses[lane], wanted = ((1ull << count) - 1) << lane, differs = first & 3;
    if (z->strict || lane + count > MAX_LANES || (left & wanted) != wanted || !is_kept(z, first))
        return 0;
    for (u32 i = 1; i < count; i++)
        differs |= s->addresses[lane + i] ^ (first + i * size);
    return differs ? 0 : count;
}

INLINE u32 undefined_bits(const u8 *defined, u32 bytes)
{
    u32 v = ~0u;
    __builtin_memcpy(&v, defined, bytes);
    return ~v;
}

INLINE Origin *lds_origin(const Worker *w, const Wave *s, u64 address)
{
    return w->sanitizer->lds_origins + ((s->lds - (u64)w->lds + address) >> 2);
}

/* A lane has loaded undefined bits from there: for the report of what they decide. Those that a kernel has itself
 * stored in LDS came from where they were loaded before. */
INLINE void remember_origin(Worker *w, Wave *s, u32 space, u64 address, u32 lane, u32 pc)
{
    GroupRecord *now = RECORD_OF(s, (u32)w->lanes);
    u32 wave = s->index & 31;
    if (space == SPACE_LDS) {
        const Origin *stored = lds_origin(w, s, address);
        if (stored->group == now->group + 1) {
            now->origins[wave] = *stored;
            return;
        }
    }
    now->origins[wave] = (Origin){now->group + 1, address, pc, space, wave, lane};
}

#endif
