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

_Static_assert(sizeof(AccessCounts) == 12 * sizeof(u64), "layout.py counts twelve words");

#endif
