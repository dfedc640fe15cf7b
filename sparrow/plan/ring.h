/* Packets that the plan does not answer, on their way from the loop to the thread that does.
 *
 * Law: one thread puts and one takes; neither ever waits for the other. What finds the ring
 * full is dropped by who puts it, and counted there.
 *
 * Python twin: a bounded deque, in sparrow.plan.pureloop.
 */
#ifndef SPARROW_RING_H
#define SPARROW_RING_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PACKET_ROOM 4096 /* octets of a query that are read; no client sends more */
#define NAME_ROOM 28     /* sockaddr_in6, the larger one */
#define CONTROL_ROOM 40  /* CMSG_SPACE of in6_pktinfo, the larger one */

/* A packet, who sent it, and the control message that a reply to it carries. */
struct miss {
    uint32_t length;
    uint32_t name_length;
    uint32_t control_length;
    uint32_t source_length;
    uint8_t source[16]; /* packed address */
    _Alignas(8) uint8_t name[NAME_ROOM];
    _Alignas(8) uint8_t control[CONTROL_ROOM];
    uint8_t packet[PACKET_ROOM];
};

struct ring {
    struct miss *items;
    uint32_t mask; /* items, a power of two, less 1 */
    int wake_fd;   /* an eventfd; who takes sleeps on it */
    _Alignas(64) uint32_t put;   /* counts of all that was put and taken, modulo 2^32 */
    _Alignas(64) uint32_t taken;
    uint32_t is_asleep;
};

/* Make a ring of at least `size` items; false where the system has no room. */
static bool open_ring(struct ring *ring, uint32_t size)
{
    uint32_t items = 1;
    while (items < size)
        items *= 2;
    memset(ring, 0, sizeof *ring);
    ring->mask = items - 1;
    ring->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ring->items = malloc(items * sizeof *ring->items);
    return ring->wake_fd >= 0 && ring->items;
}

static void close_ring(struct ring *ring)
{
    free(ring->items);
    if (ring->wake_fd >= 0)
        close(ring->wake_fd);
    ring->items = NULL;
    ring->wake_fd = -1;
}

/* Give the item to fill before `commit_miss`; NULL where the ring is full. */
static inline struct miss *reserve_miss(struct ring *ring)
{
    uint32_t taken = __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE);
    if (ring->put - taken > ring->mask)
        return NULL;
    return ring->items + (ring->put & ring->mask);
}

static inline void commit_miss(struct ring *ring)
{
    __atomic_store_n(&ring->put, ring->put + 1, __ATOMIC_SEQ_CST);
}

/* Wake who takes, if it sleeps; called once for all that a batch has put. */
static inline void wake_taker(struct ring *ring)
{
    const uint64_t one = 1;
    if (__atomic_load_n(&ring->is_asleep, __ATOMIC_SEQ_CST)) {
        ssize_t written = write(ring->wake_fd, &one, sizeof one);
        (void)written; /* it is full only where a wake-up waits already */
    }
}

/* Give the oldest item, to be read before `release_miss`; NULL where there is none. */
static inline const struct miss *peek_miss(struct ring *ring)
{
    if (__atomic_load_n(&ring->put, __ATOMIC_SEQ_CST) == ring->taken)
        return NULL;
    return ring->items + (ring->taken & ring->mask);
}

static inline void release_miss(struct ring *ring)
{
    __atomic_store_n(&ring->taken, ring->taken + 1, __ATOMIC_RELEASE);
}

/* Sleep until something was put, or for `timeout_ms`. */
static void await_miss(struct ring *ring, int timeout_ms)
{
    uint64_t count;
    struct pollfd waiting = {.fd = ring->wake_fd, .events = POLLIN};
    __atomic_store_n(&ring->is_asleep, 1, __ATOMIC_SEQ_CST);
    if (!peek_miss(ring))
        poll(&waiting, 1, timeout_ms);
    __atomic_store_n(&ring->is_asleep, 0, __ATOMIC_SEQ_CST);
    ssize_t got = read(ring->wake_fd, &count, sizeof count);
    (void)got;
}

#endif
