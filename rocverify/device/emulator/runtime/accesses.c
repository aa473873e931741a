/* What launches have accessed, told from the record of global memory: see hip/checks/races.py. */
#include "lines.h"

#define API __attribute__((visibility("default")))

static void close_run(AccessQuery *q, AccessRun *open)
{
    if (open->end > open->start) {
        if (q->count < q->room)
            q->runs[q->count++] = *open;
        else
            q->dropped++;
    }
    open->start = open->end = 0;
}

static void note(AccessQuery *q, u64 word, u32 kind, u64 address, u32 bytes)
{
    u32 segment = SEGMENT(word);
    u64 low = 0, high = q->launches;
    if (segment < q->first[0] || !bytes)
        return;
    if (segment >= q->first[q->last] && segment < q->next[q->last])
        low = q->last;
    else {
        while (high - low > 1) {
            u64 middle = (low + high) / 2;
            if (q->first[middle] <= segment)
                low = middle;
            else
                high = middle;
        }
        if (segment >= q->next[low])
            return;
        q->last = low;
    }
    AccessRun *open = q->open + low * ACCESS_KINDS + kind;
    u64 start = address + (u32)__builtin_ctz(bytes), end = address + 32 - (u32)__builtin_clz(bytes);
    if (open->end == start && (q->coarse || open->pc == PC_OF(word))) {
        open->end = end;
        return;
    }
    if (open->end >= end)
        return; /* a line's record and a granule's say the same */
    if (open->end > start)
        start = open->end;
    close_run(q, open);
    *open = (AccessRun){start, end, (u32)low, kind, PC_OF(word), 0};
}

static int any_of(const AccessQuery *q, const Line *line, const Granule *g)
{
    u32 latest = SEGMENT(line->last.write);
    latest = latest > SEGMENT(line->last.read[0]) ? latest : SEGMENT(line->last.read[0]);
    latest = latest > SEGMENT(line->last.read[1]) ? latest : SEGMENT(line->last.read[1]);
    const u64 *words = (const u64 *)g;
    for (u32 i = 0; i < 3 * LINE_GRANULES; i++)
        latest = latest > SEGMENT(words[i]) ? latest : SEGMENT(words[i]);
    return latest >= q->first[0];
}

/* Looks through the lines of [start, end), which are addresses of recorded memory; the runs come in ascending
 * order for each launch and kind. The caller closes what is open by a call with no lines. */
API void rt_san_accesses(const Sanitizer *z, AccessQuery *q, u64 start, u64 end)
{
    for (u64 line = (start - z->arena) / LINE_BYTES; line * LINE_BYTES < end - z->arena && start < end; line++) {
        if (z->chunks[line * LINE_BYTES / CHUNK_BYTES] < q->first[0]) {
            line |= CHUNK_BYTES / LINE_BYTES - 1; /* to the chunk's last */
            continue;
        }
        const Line *all = z->lines + line;
        const Granule *g = z->granules + line * LINE_GRANULES;
        if (!any_of(q, all, g))
            continue;
        for (u32 i = 0; i < LINE_GRANULES; i++) {
            u64 address = z->arena + line * LINE_BYTES + 4 * i;
            u32 whole = BYTES_OF(all->last.write) ? 15 : 0;
            note(q, all->last.write, WAS_WRITTEN, address, whole);
            note(q, g[i].write, IS_ATOMIC(g[i].write) ? WAS_ATOMIC : WAS_WRITTEN, address, BYTES_OF(g[i].write));
            for (u32 k = 0; k < 2; k++) {
                note(q, all->last.read[k], WAS_READ, address, BYTES_OF(all->last.read[k]) ? 15 : 0);
                note(q, g[i].read[k], WAS_READ, address, BYTES_OF(g[i].read[k]));
            }
        }
    }
    if (start >= end)
        for (u64 i = 0; i < q->launches * ACCESS_KINDS; i++)
            close_run(q, q->open + i);
}
