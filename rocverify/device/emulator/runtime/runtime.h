/* The part of the emulator that is not generated per kernel: checked memory access and the loop
 * over workgroups and waves. Freestanding C, compiled once per machine by the toolchain's clang.
 *
 * Layouts in this file are mirrored by abi.py; test_abi.py compares the two through rt_layout(). */
#ifndef ROCVERIFY_RUNTIME_H
#define ROCVERIFY_RUNTIME_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;

enum {
    MAX_LANES = 64,
    SGPRS = 128,
    VECTOR_REGISTERS = 512, /* of a wave: VGPRs, and AGPRs behind them */
    VCC = 106,
    TTMP = 108, /* trap temporaries */
    EXEC = 126,
    GRID_BARRIERS = 64,
    IDS_IN_TTMPS = 8, /* in group_id_mask */
    MORE_FAULTS = 3,
    CYCLES_PER_INSTRUCTION = 4,
};

#define NO_GROUP (~0ull)

/* The apertures that flat addresses are told apart by (high half of the address). */
#define SHARED_APERTURE_HI 0x10000u
#define PRIVATE_APERTURE_HI 0x20000u

enum Status {
    WAVE_READY = 0,
    WAVE_ENDED = 1,
    WAVE_BARRIER = 2,
    WAVE_FAULT = 3,
    WAVE_YIELDED = 4, /* gives the other waves a turn; goes on at once if there is none */
    WAVE_GRID = 5,    /* waits for the whole grid: ds_gws_barrier */
};

enum FaultKind {
    FAULT_NONE = 0,
    FAULT_GLOBAL = 1,  /* outside every live allocation */
    FAULT_LDS = 2,     /* outside the LDS that the launch asked for */
    FAULT_SCRATCH = 3, /* outside the lane's scratch */
    FAULT_LIMIT = 4,   /* more wave instructions than the limit */
    FAULT_JUMP = 5,    /* indirect jump to no known code */
    FAULT_TRAP = 6,    /* s_trap */
    FAULT_STOPPED = 7, /* the host asked to stop */
    FAULT_UNALIGNED = 8, /* an atomic or scalar access off its natural alignment */
    FAULT_DEADLOCK = 9,  /* no wave can go on */
    FAULT_GRID_SYNC = 10, /* a grid barrier in a launch that is not cooperative */
};

enum Access { ACCESS_LOAD = 0, ACCESS_STORE = 1, ACCESS_ATOMIC = 2, ACCESS_EXECUTE = 3 };

typedef struct {
    u64 base, end;
} Range;

typedef struct {
    u32 kind, access;
    u64 address, target;
    u32 size, lane, pc, wave;
    u32 group[3], padding;
} Fault;

/* A wave: registers and everything that survives a barrier. Vector registers follow the header,
 * `lanes` dwords each. */
typedef struct {
    u32 sgpr[SGPRS];
    u32 exec_lanes[MAX_LANES]; /* EXEC once more, all ones or zero a lane */
    u32 scc, resume, status, mode;
    u64 instructions, limit, barriers;
    u64 scratch, scratch_bytes, lds, lds_bytes;
    u64 group;                /* its workgroup's number; NO_GROUP in the first wave of a free slot */
    u64 asleep;               /* clock cycles that it slept */
    u64 reserved[5];          /* keeps what follows aligned to 64 bytes */
    u64 addresses[MAX_LANES]; /* operands of the access under way */
    u32 index;
    u32 pc;                    /* of the instruction that it stopped at last */
    u32 same, misses, quantum; /* of schedule.c: how it looked at the last looks, its turn's length */
    u32 resource, reload;      /* of ds_gws_barrier: which one, and its count from the next time on */
    u32 slept;                 /* it gave its last turn up by itself: s_sleep */
    u64 looked, print, memory_print;
    u32 vgpr[] __attribute__((aligned(64)));
} Wave;

struct Launch;
struct Worker;
typedef u32 (*WaveFunction)(struct Worker *, Wave *);

typedef struct Launch {
    const Range *ranges;
    u64 range_count;
    WaveFunction run;
    u64 code_base;
    u64 group_count;
    u32 grid[3], block[3];
    u32 lanes, waves_per_group, wave_bytes, vgpr_count;
    u32 user_sgpr_count, group_id_mask; /* which of x, y, z the kernel wants, from bit 0; or IDS_IN_TTMPS */
    u32 id_vgprs;     /* how many registers have the work-item ids, x first; 0: all are packed in v0 */
    u32 scratch_sgpr; /* 1: the SGPR behind the workgroup ids has the offset of the wave's scratch, else 0 */
    u32 user_sgpr[32];
    u64 lds_bytes, scratch_bytes, instruction_limit;
    u32 mode, poison;
    u32 resident;           /* workgroups that a worker has room for: all of a cooperative launch */
    u32 cooperative;        /* all of its workgroups run from the start */
    u64 hostcall;           /* the host call buffer, for kernels that use it, else 0 */
    u64 clock;              /* the device's clock as the launch begins */
    u64 order_seed;         /* 0: workgroups and waves run in their own order */
    u64 window;             /* workgroups that change places among themselves, and so the next ones */
    u64 stride, last_stride; /* by which a window's places are gone through; the last one may be smaller */
    const u64 *chosen;       /* the numbers of the workgroups that run; null: all of them */
    u64 apart[8];           /* the workers write what follows: it has a cache line of its own */
    u64 next_group;         /* taken atomically by the workers */
    u32 stop;
    u32 active, stuck, epoch; /* workers not done yet, those without progress, how often that changed */
    u32 room, padding;        /* workgroups that may become resident beside one a worker */
    u64 apart_too[8];
} Launch;

typedef struct Worker {
    Launch *launch;
    u8 *waves, *lds, *scratch;
    Range cached;
    u64 code_base;
    u64 lanes;
    Fault fault;
    u64 instructions, groups, wave_count, barriers;
    u64 cycles;                  /* that the wave took which took most */
    u32 group[3], padding;
    struct Counters *counters;   /* of the instruments; null where there is none */
    struct Sanitizer *sanitizer;
    u8 *coverage;
    struct Pattern *patterns; /* of the counters */
    u32 begun, taken;                    /* whether rt_run was called before; slots that were used so far */
    u32 open, poisoned;                  /* workgroups under way; slots whose scratch was ever poisoned */
    u32 stuck, confirming, epoch, spare; /* of schedule.c: can no wave of them go on */
    u32 grid_left[GRID_BARRIERS];        /* waves that each grid barrier still waits for, 0 before its use */
    u64 faulting, spent;                 /* accesses of lanes that faulted; instructions since the first of them */
    Fault more[MORE_FAULTS];             /* the first of each further instruction whose accesses faulted */
    u64 apart[8];
} Worker;

/* What rt_run returns. */
enum Outcome {
    RUN_DONE = 0,
    RUN_FAULT = 1,
    RUN_HOST_CALL = 2, /* serve the host call buffer, then call again */
};

/* A number without pattern (splitmix64). */
static inline u64 mixed(u64 x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* Accesses outside of memory: those that are counted, and after which other waves may go on. */
static inline int is_stray(u32 kind) { return kind == FAULT_GLOBAL || kind == FAULT_LDS || kind == FAULT_SCRATCH; }

int rt_fault(Worker *w, Wave *s, u32 kind, u32 access, u64 address, u32 size, u32 lane, u32 pc);
u8 *rt_global(Worker *w, u64 address, u64 size);

/* driver.c */
u32 open_groups(Worker *w, u32 most);
void close_group(Worker *w, u32 slot);

/* schedule.c */
Wave *wave_at(const Worker *w, u32 slot, u32 index);
void place_group(Worker *w, u64 group);
void start_schedule(Wave *s);
u64 cycles_of(const Wave *s);
int is_open(const Worker *w, u32 slot);
int run_resident(Worker *w);
void worker_done(Worker *w);

#endif
