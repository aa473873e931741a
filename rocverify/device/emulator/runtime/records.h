/* The sanitizer's record of one launch: which bits of memory are defined, who touched which bytes last,
 * and what was found. Mirrored by sanitize/layout.py. Launches under the sanitizer run on one thread. */
#ifndef ROCVERIFY_RECORDS_H
#define ROCVERIFY_RECORDS_H

#include "runtime.h"

enum { GROUP_WAVES = 32, FLAGS = 32, MET = 8, FINDING_SLOTS = 4096, SYNC_SLOTS = 1 << 16, SYNC_NODES = 1 << 22 };

enum FindingKind {
    FOUND_NONE = 0,
    FOUND_UNDEFINED = 1,        /* undefined bits decide something */
    FOUND_RACE = 2,             /* two accesses without order */
    FOUND_BARRIER_DIVERGED = 3, /* s_barrier with lanes of the wave switched off */
    FOUND_BARRIER_MISSED = 4,   /* a wave ended while others wait */
    FOUND_BARRIER_MIXED = 5,    /* waves wait at different barriers */
    FOUND_OVERRUN = 6,          /* from one array of LDS into the next */
    FOUND_MISALIGNED = 7,       /* a vector access off its own size, where that is asked for */
};

enum Decides { DECIDES_ADDRESS = 1, DECIDES_BRANCH = 2, DECIDES_STORE = 3 };
enum Overrun { OVERRUN_BEHIND = 1, OVERRUN_BEFORE = 2 };
enum Hazard { HAZARD_RAW = 1, HAZARD_WAR = 2, HAZARD_WAW = 3 };
enum Space { SPACE_GLOBAL = 0, SPACE_LDS = 1, SPACE_FLAT = 2, SPACE_SCRATCH = 3, SPACE_REGISTER = 4 };

/* One granule stands for four bytes. A word says who: segment, wave, lane, pc / 4, bytes, atomic. */
typedef struct {
    u64 write, read[2];
} Granule;

/* Beside each granule a word of which waves have read all of it since a barrier: the interval (GroupRecord's
 * base) and above it a bit for each wave. Such a wave's next read need not be compared again. */
#define READERS(interval, wave) ((u64)(interval) | 1ull << (32 + (wave)))

/* Sixteen granules of global memory that were accessed together only, so far in this launch: each of the words
 * stands for all of them. In place of the bytes a word has the dwords that each lane accessed, and as the lane
 * that of the first granule. Once a part is accessed alone the line is split: `write` is then of the launch's
 * first segment and without dwords, and the granules have their own record again. */
typedef struct {
    Granule last;
    u64 readers;
} Line;

enum { LINE_GRANULES = 16, LINE_BYTES = 4 * LINE_GRANULES, CHUNK_BYTES = 1 << 16 };

/* A load of LDS that was not compared yet: its wave, its lanes, and behind it for each lane the first granule,
 * counted from the workgroup's LDS. */
typedef struct {
    u64 exec, blocks;
    u32 pc;
    u8 wave, dwords, padding[2];
    u16 granules[];
} Reading;

enum { READING_SLOTS = 4096, READING_BYTES = sizeof(Reading) + 2 * MAX_LANES };

#define SEGMENT(word) ((u32)(word) & 0xfffffffu)
#define WAVE_OF(word) ((u32)((word) >> 28) & 31u)
#define LANE_OF(word) ((u32)((word) >> 33) & 63u)
#define PC_OF(word) (((u32)((word) >> 39) & 0xfffffu) << 2)
#define WORD(segment, wave, lane, pc) \
    ((u64)(segment) | (u64)(wave) << 28 | (u64)(lane) << 33 | (u64)((pc) >> 2 & 0xfffff) << 39)
#define BYTES_OF(word) ((u32)((word) >> 59) & 15u)
#define IS_ATOMIC(word) ((u32)((word) >> 63))
#define SEGMENTS_END 0xffffff0u

typedef struct {
    u32 kind, detail, space, access; /* detail: Decides or Hazard; access: enum Access of this side */
    u64 count, address, group, other_group;
    u32 size, pc, wave, lane;
    u32 other_pc, other_wave, other_lane, other_access;
    u32 atomic, scope, other_known, padding; /* scope: 0 between waves, 1 workgroups, 2 lanes of a wave */
    u64 origin_address;
    u32 origin_pc, origin_space;
} Finding;

/* What is known of an address that waves synchronise through. */
typedef struct {
    u64 address;
    u32 nodes, group;               /* the list of workgroups that released, and whose `clock` it is */
    u32 clock[GROUP_WAVES];
} Sync;

typedef struct {
    u32 group, next;
} SyncNode;

/* An address that a wave read past the caches: of the workgroup that stored there last, and of those that had
 * released there (a list of SyncNodes), it acquires at its next fence, unless it has done so already. */
typedef struct {
    u64 address;
    u32 wave, group, nodes, pending;
} Flag;

/* An address that the workgroup has synchronised through: up to where it knows the list of those that released
 * there, and whether it is in the list itself. */
typedef struct {
    u64 address;
    u32 nodes, listed;
} Met;

/* The load of bits that nobody had written: by which lane, from where. Of a workgroup, 1 + its number. */
typedef struct {
    u64 group, address;
    u32 pc, space, wave, lane;
} Origin;

/* What the workgroup under way knows. Segments are numbered upwards through all launches; a wave begins a
 * new one at every barrier and fence. */
typedef struct {
    u64 group;
    u32 base;                       /* first segment after the last barrier */
    u32 fenced_any;
    u32 segment[GROUP_WAVES];       /* under way, by wave */
    u32 plain[GROUP_WAVES];         /* the one that the wave began after the barrier */
    u32 touched[GROUP_WAVES];       /* whether memory was accessed in the segment under way */
    u32 fenced[GROUP_WAVES];        /* by wave: stores up to this segment are visible to the workgroup */
    u32 fenced_far[GROUP_WAVES];    /* the same for the whole device */
    u32 released[GROUP_WAVES];      /* of those, what an atomic has made known to other workgroups */
    u32 released_any, slot;
    u64 read_blocks, written_blocks; /* of LDS, a bit for each: those in the log, those written in the interval */
    u32 readings, padding;          /* in the log */
    u32 seen[GROUP_WAVES][GROUP_WAVES]; /* by wave: what it knows of the others' segments; of its own those before a wave barrier */
    u32 seen_lds[GROUP_WAVES][GROUP_WAVES]; /* the same of what they did in LDS alone: more than `seen` or nothing */
    u32 barrier_pc[GROUP_WAVES];    /* where the wave waits; 0: it does not */
    u64 start_exec[GROUP_WAVES];
    Origin origins[GROUP_WAVES];    /* by wave: where the undefined bits that it loaded last came from */
    Flag flags[FLAGS];
    Met met[MET];
    u32 flag_count, met_next;
} GroupRecord;

typedef struct Sanitizer {
    u64 defined_delta;  /* the defined bits of global byte a are at a + defined_delta */
    u64 arena;          /* where global memory begins */
    u64 arena_bytes;    /* of global memory whose bits may be undefined; what is shared with hosts never is */
    u64 followed_bytes; /* of global memory whose accesses are compared: the arena, and what lies behind it */
    Granule *granules;  /* of global memory */
    u64 *readers;
    Line *lines;
    u32 *chunks;        /* by CHUNK_BYTES of global memory: a late segment that has accessed some of them */
    u8 *lds_defined;
    Granule *lds_granules;
    u64 *lds_readers;
    Origin *lds_origins; /* by granule: of the undefined bits that a workgroup has stored there */
    u8 *scratch_defined;
    u32 *segment_group; /* by segment: its workgroup */
    u32 *group_fence;   /* by workgroup: 1 + the index of its clock, 0 for none */
    u32 *group_seen;    /* by slot and workgroup: 1 + the slot's workgroup, if that has acquired from it */
    GroupRecord *records; /* by slot: of the workgroups under way */
    u32 (*clocks)[GROUP_WAVES];
    Sync *syncs;
    SyncNode *nodes;
    Finding *findings;
    u8 *log;            /* by slot: READING_SLOTS times Reading, in READING_BYTES or less */
    u64 groups, dropped;
    u32 first, next;    /* segments of this launch */
    u32 strict, clock_count, node_count, finding_count;
    u32 clock_slots;
    u32 since;          /* the segment from which on it is of interest who accessed what, at most `first` */
    const u64 *lds_arrays; /* where each array of LDS begins, in ascending order */
    u64 lds_array_count;   /* less than two: nothing is known of them */
    u64 portable;          /* whether vector accesses off their alignment are to be told */
} Sanitizer;

/* Behind the vector registers of a wave: the shadow of each, that of the scalar registers and SCC, and the
 * record of its workgroup. */
#define SHADOW_OF(s, lanes) ((s)->vgpr + VECTOR_REGISTERS * (lanes))
#define SCALAR_SHADOW_OF(s, lanes) ((s)->vgpr + 2 * VECTOR_REGISTERS * (lanes))
#define RECORD_OF(s, lanes) (*(GroupRecord **)((s)->vgpr + 2 * VECTOR_REGISTERS * (lanes) + SGPRS + 2))

/* Is it known of the byte which bits of it were written; who accessed it? */
static inline int is_kept(const Sanitizer *z, u64 address) { return address - z->arena < z->arena_bytes; }
static inline int is_followed(const Sanitizer *z, u64 address) { return address - z->arena < z->followed_bytes; }

/* A load that is atomic, in global memory or in LDS; one of LDS that a loop waits by. */
enum { FRESH_GLOBAL = 1, FRESH_LDS = 2, FRESH_WAIT = 4 };

enum { WAS_READ, WAS_WRITTEN, WAS_ATOMIC, ACCESS_KINDS };

/* Bytes that one launch has accessed in one way from one instruction. */
typedef struct {
    u64 start, end;
    u32 launch, kind, pc, padding;
} AccessRun;

/* The launches that are asked for: their segments, in ascending order. `open` has a run for each launch and kind
 * that may go on; `runs` takes those that have ended. `coarse` runs go on with another instruction. */
typedef struct {
    const u32 *first, *next;
    u64 launches, count, room, dropped;
    AccessRun *open, *runs;
    u64 coarse, last;
} AccessQuery;

void rt_san_report(Worker *w, const Finding *found);
void rt_san_touch(Worker *w, Wave *s, u32 space, u64 address, u32 size, u32 access, u32 lane, u32 pc, u32 fresh);
void rt_san_split(const Sanitizer *z, u64 line);
void rt_san_settle(Worker *w, Wave *s, u64 blocks);
u32 rt_san_segment(Sanitizer *z, const GroupRecord *now);
void rt_san_publish(Sanitizer *z, const GroupRecord *now, const u32 *known);
void rt_san_flag(Sanitizer *z, GroupRecord *now, u64 address, u32 group, u32 wave);
void rt_san_overrun(Worker *w, Wave *s, u64 exec, u32 size, u32 space, u32 access, u32 pc);
void rt_san_alignment(Worker *w, Wave *s, u64 exec, u32 size, u32 space, u32 access, u32 pc);
void rt_san_flags_met(GroupRecord *now);
void rt_san_sync(Worker *w, Wave *s, u32 space, u64 address);

/* The course of a workgroup, for the driver: it begins in a slot, its waves begin, end, meet at a barrier. */
void rt_san_group(Worker *w, u32 slot, u64 group);
void rt_san_wave(Worker *w, Wave *s, u32 slot, u64 exec);
void rt_san_ended(Worker *w, Wave *s);
void rt_san_met(Worker *w, u32 slot);
void rt_san_grid_met(Worker *w);
void rt_san_group_end(Worker *w, u32 slot);

#endif
