/* The writing end of the ring: requests of all threads, in the order in which they were made. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

/* Records begin at multiples of this, more than a record's head: so what is left before the end of the data always
 * has room for the head of a record that fills it. */
#define STEP 32
_Static_assert(sizeof(struct rv_record) <= STEP && RV_RING_BYTES % STEP == 0, "a pad has a whole head");

static bool gone(void) {
    if (atomic_load_explicit((_Atomic uint32_t *)&rv_client.ring->stopped, memory_order_relaxed)) return true;
    char byte;
    ssize_t got = recv(rv_client.socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

bool rv_ring_judged(void) {
    const struct rv_ring *ring = rv_client.ring;
    return ring && atomic_load_explicit((const _Atomic uint32_t *)&ring->judged, memory_order_relaxed);
}

uint32_t rv_order(void) {
    const struct rv_ring *ring = rv_client.ring;
    return ring ? atomic_load_explicit((const _Atomic uint32_t *)&ring->order, memory_order_relaxed) : RV_EAGER;
}

/* Who sees the device process asleep takes that mark away, so that one byte is sent and not one for each record. */
static bool wake(void) {
    atomic_thread_fence(memory_order_seq_cst);
    _Atomic uint32_t *waiting = (_Atomic uint32_t *)&rv_client.ring->waiting;
    if (!atomic_load_explicit(waiting, memory_order_relaxed) || !atomic_exchange(waiting, 0)) return true;
    while (send(rv_client.socket, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        if (errno != EINTR) return errno == EAGAIN; /* so many wake-ups are under way that this one is not needed */
    return true;
}

/* The other threads wait with this one: they need room as well. */
static bool wait_for_room(uint64_t head, uint32_t size) {
    _Atomic uint64_t *tail = (_Atomic uint64_t *)&rv_client.ring->tail;
    while (head + size - atomic_load_explicit(tail, memory_order_acquire) > RV_RING_BYTES) {
        if (!wake() || gone()) return false;
        poll(NULL, 0, 1);
    }
    return true;
}

static bool write_record(uint8_t *at, const struct rv_record *record, const struct rv_request *request) {
    memcpy(at, record, sizeof *record);
    at += sizeof *record;
    if (request->nargs) memcpy(at, request->args, request->nargs * 8);
    return !request->bytes || rv_copy_guarded(at + request->nargs * 8, request->payload, request->bytes);
}

static int put(struct rv_thread *t, const struct rv_request *request) {
    struct rv_ring *ring = rv_client.ring;
    struct rv_record record = {
        .size = (uint32_t)((sizeof record + request->nargs * 8 + request->bytes + STEP - 1) / STEP * STEP),
        .call = request->call,
        .flags = request->flags,
        .slot = t->slot,
        .site = request->site,
        .nargs = request->nargs,
        .payload = request->bytes,
    };
    uint64_t head = ring->head;
    uint32_t before_end = RV_RING_BYTES - (uint32_t)(head % RV_RING_BYTES);
    uint32_t pad = before_end < record.size ? before_end : 0;
    if (!wait_for_room(head, pad + record.size)) return hipErrorDeinitialized;
    if (pad) {
        struct rv_record filler = {.size = pad, .call = RV_CALL_rv_pad};
        memcpy(rv_client.data + head % RV_RING_BYTES, &filler, sizeof filler);
        head += pad;
    }
    if (!write_record(rv_client.data + head % RV_RING_BYTES, &record, request)) return hipErrorInvalidValue;
    atomic_store_explicit((_Atomic uint64_t *)&ring->head, head + record.size, memory_order_release);
    return wake() ? 0 : hipErrorDeinitialized;
}

int rv_ring_put(struct rv_thread *t, const struct rv_request *request) {
    if (sizeof(struct rv_record) + (uint64_t)request->nargs * 8 + request->bytes > RV_RING_BYTES / 2)
        return hipErrorInvalidValue;
    pthread_mutex_lock(&rv_client.lock);
    int code = t->connection != rv_client.connection || rv_client.ring->stopped ? hipErrorDeinitialized : put(t, request);
    pthread_mutex_unlock(&rv_client.lock);
    return code;
}
