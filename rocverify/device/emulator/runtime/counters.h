/* What is counted of the accesses of one memory instruction; layout.py mirrors the order. */
#ifndef ROCVERIFY_COUNTERS_H
#define ROCVERIFY_COUNTERS_H

#include "runtime.h"

enum {
    SEGMENT_SHIFT = 7, /* a segment of global memory: 128 bytes */
    LDS_BANKS = 32,    /* of four bytes each */
};

/* An access is one of one wave with at least one active lane. */
typedef struct {
    u64 global_accesses, global_lanes, global_bytes, global_segments;
    u64 lds_accesses, lds_lanes, lds_bytes, lds_passes, lds_conflict_passes;
    u64 scratch_accesses, scratch_lanes, scratch_bytes;
} AccessCounts;

/* How an instruction accessed LDS last: addresses less that of the first active lane, and the passes that took. All
 * addresses moved by whole dwords take as many passes: banks are gone round. */
typedef struct Pattern {
    const AccessCounts *record;
    u64 exec;
    u32 low, passes, conflicts, padding; /* low: the last bits of the first lane's address */
    u32 relative[MAX_LANES];
} Pattern;

enum { PATTERNS = 256, PATTERN_BYTES = 32 + 4 * MAX_LANES };

_Static_assert(sizeof(Pattern) == PATTERN_BYTES, "instrument.py makes room for them");
_Static_assert(sizeof(AccessCounts) == 12 * sizeof(u64), "layout.py counts twelve words");

#endif
