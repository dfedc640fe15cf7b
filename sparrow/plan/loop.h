/* The UDP loop: receive a batch, have it answered, send it.
 *
 * Law: the loop knows sockets, counters and generations, and of DNS only what
 * `answer_batch` tells. A batch is answered from one plan. What the system does not take is
 * counted and forgotten: the client asks again. Start from `run_loop`.
 *
 * Python twin: sparrow.plan.pureloop.
 */
#ifndef SPARROW_LOOP_H
#define SPARROW_LOOP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "answer.h"
#include "ring.h"

#define BATCH 64
#define WAKE_MS 100 /* the loop looks at `is_stopping` and the generation as often, if idle */
#define DRAIN_BATCHES 128 /* answered at most when stopping; 8192 packets, as sparrow.server.udp */
#define FAULT_PAUSE_NS 1000000 /* after a receive error, so that a lasting one is no busy loop */
/* Strides that are odd numbers of cache lines, so that equal places of a batch share no set. */
#define PACKET_STRIDE (PACKET_ROOM + 64)
#define OUT_STRIDE (OUR_PAYLOAD + 112)

/* Words of a block of counters (docs/counters.md). */
enum count {
    COUNT_QUERIES = 0,
    COUNT_ANSWERED = 1,
    COUNT_MISSES = 2,
    COUNT_RING_DROPS = 3,
    COUNT_SILENT = 4,
    COUNT_SEND_ERRORS = 5,
    COUNT_RECEIVE_ERRORS = 6,
    COUNT_ECS = 8,
    COUNT_BATCHES = 10,
    COUNT_RCODES = 32,
};

/* A plan as a loop serves it. */
struct serving {
    const struct plan *plan;
    uint64_t *tallies; /* sites, then outcome words; or NULL */
    uint64_t generation;
};

struct udp_batch {
    struct mmsghdr received[BATCH];
    struct mmsghdr replies[BATCH];
    struct iovec packets[BATCH];
    struct iovec wires[BATCH];
    struct exchange exchanges[BATCH];
    _Alignas(8) uint8_t names[BATCH][32];
    _Alignas(8) uint8_t controls[BATCH][CONTROL_ROOM];
    _Alignas(64) uint8_t octets[BATCH][PACKET_STRIDE];
    _Alignas(64) uint8_t out[BATCH][OUT_STRIDE];
};

/* One socket and the thread that serves it. */
struct udp_loop {
    int fd;
    bool has_pktinfo;           /* the socket tells to which address a packet came */
    uint64_t *counts;           /* this loop's block; no other thread writes to it */
    const uint64_t *generation; /* mapped; number of the present generation. Or NULL */
    int notice_fd;              /* eventfd written to where that is not the one served; or -1 */
    uint64_t noticed;
    int is_stopping;            /* set by any thread */
    struct serving *next;       /* set by any thread: what to serve from the next batch on */
    struct serving *using;      /* set by the loop: what it may be reading */
    uint64_t served;            /* set by the loop: number of the generation it serves */
    struct udp_batch *batch;
    struct ring ring;
};

static inline void add_count(uint64_t *word, uint64_t number)
{
    __atomic_store_n(word, *word + number, __ATOMIC_RELAXED);
}

/* --- plans --- */

/* Take what is to be served. Whoever sets `next` frees what is neither `next` nor `using`
 * afterwards; so `using` is told before `next` is looked at again. */
static inline const struct serving *take_serving(struct udp_loop *loop)
{
    struct serving *serving = __atomic_load_n(&loop->next, __ATOMIC_ACQUIRE);
    while (serving != loop->using) {
        __atomic_store_n(&loop->using, serving, __ATOMIC_SEQ_CST);
        __atomic_store_n(&loop->served, serving->generation, __ATOMIC_RELAXED);
        serving = __atomic_load_n(&loop->next, __ATOMIC_SEQ_CST);
    }
    return serving;
}

/* Serve this from the next batch on; from any thread. */
static void set_serving(struct udp_loop *loop, struct serving *serving)
{
    __atomic_store_n(&loop->next, serving, __ATOMIC_SEQ_CST);
}

/* Tell whether the loop may read this; from the thread that called `set_serving` last. */
static bool is_serving(const struct udp_loop *loop, const struct serving *serving)
{
    return __atomic_load_n(&loop->using, __ATOMIC_SEQ_CST) == serving || loop->next == serving;
}

/* Tell Python once of each generation that is not served yet. */
static inline void notice_generation(struct udp_loop *loop, const struct serving *serving)
{
    const uint64_t one = 1;
    if (!loop->generation)
        return;
    uint64_t number = __atomic_load_n(loop->generation, __ATOMIC_ACQUIRE);
    if (number == serving->generation || number == loop->noticed)
        return;
    loop->noticed = number;
    if (loop->notice_fd >= 0) {
        ssize_t written = write(loop->notice_fd, &one, sizeof one);
        (void)written; /* it is full only where a notice waits already */
    }
}

/* --- receiving --- */

static struct udp_batch *open_batch(bool has_pktinfo)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 64, sizeof(struct udp_batch)))
        return NULL;
    memset(memory, 0, sizeof(struct udp_batch));
    struct udp_batch *batch = memory;
    for (int index = 0; index < BATCH; index++) {
        struct msghdr *message = &batch->received[index].msg_hdr;
        batch->packets[index] = (struct iovec){batch->octets[index], PACKET_ROOM};
        message->msg_name = batch->names[index];
        message->msg_namelen = NAME_ROOM;
        message->msg_iov = &batch->packets[index];
        message->msg_iovlen = 1;
        message->msg_control = has_pktinfo ? batch->controls[index] : NULL;
        message->msg_controllen = has_pktinfo ? CONTROL_ROOM : 0;
        batch->exchanges[index].packet = batch->octets[index];
        batch->exchanges[index].out = batch->out[index];
        batch->exchanges[index].limit = OUR_PAYLOAD;
    }
    return batch;
}

static void close_loop(struct udp_loop *loop)
{
    if (!loop)
        return;
    close_ring(&loop->ring);
    free(loop->batch);
    free(loop);
}

/* Make a loop for a bound socket; NULL where the system has no room for it. */
static struct udp_loop *open_loop(int fd, bool has_pktinfo, uint64_t *counts, uint32_t ring_size)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 64, sizeof(struct udp_loop)))
        return NULL;
    memset(memory, 0, sizeof(struct udp_loop));
    struct udp_loop *loop = memory;
    loop->fd = fd;
    loop->has_pktinfo = has_pktinfo;
    loop->counts = counts;
    loop->notice_fd = -1;
    loop->batch = open_batch(has_pktinfo);
    if (open_ring(&loop->ring, ring_size) && loop->batch)
        return loop;
    close_loop(loop);
    return NULL;
}

/* Have the socket wait for WAKE_MS when it is asked for packets; errno, or 0. */
static int set_waiting(int fd)
{
    struct timeval wait = {.tv_usec = WAKE_MS * 1000};
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return errno;
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ? errno : 0;
}

/* Put back what the kernel overwrote in the first `count` messages. */
static inline void reset_batch(struct udp_loop *loop, int count)
{
    for (int index = 0; index < count; index++) {
        struct msghdr *message = &loop->batch->received[index].msg_hdr;
        message->msg_namelen = NAME_ROOM;
        message->msg_controllen = loop->has_pktinfo ? CONTROL_ROOM : 0;
    }
}

/* Go on after `recvmmsg` has failed. */
static void bear_failure(struct udp_loop *loop, int flags)
{
    const struct timespec pause = {.tv_nsec = FAULT_PAUSE_NS};
    struct pollfd waiting = {.fd = loop->fd, .events = POLLIN};
    if (errno == EINTR)
        return;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        add_count(loop->counts + COUNT_RECEIVE_ERRORS, 1);
        nanosleep(&pause, NULL);
    } else if (!(flags & MSG_DONTWAIT) && fcntl(loop->fd, F_GETFL) & O_NONBLOCK) {
        /* Another process has the socket too, and does not want to wait for it. */
        poll(&waiting, 1, WAKE_MS);
    }
}

/* Give the number of packets received, 0 where there was none for WAKE_MS. */
static inline int receive_batch(struct udp_loop *loop, int flags)
{
    int count = recvmmsg(loop->fd, loop->batch->received, BATCH, flags, NULL);
    if (count > 0) {
        add_count(loop->counts + COUNT_BATCHES, 1);
        add_count(loop->counts + COUNT_QUERIES, (uint64_t)count);
        return count;
    }
    if (count < 0)
        bear_failure(loop, flags);
    return 0;
}

/* Find the packed address in a socket address; false where nobody can be answered there. */
static inline bool read_source(struct exchange *exchange, const uint8_t *name)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)name;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)name;
    bool is_v4 = v4->sin_family == AF_INET;
    exchange->source = is_v4 ? (const uint8_t *)&v4->sin_addr : (const uint8_t *)&v6->sin6_addr;
    exchange->source_length = is_v4 ? 4 : 16;
    return v4->sin_port != 0; /* at the same place in both */
}

/* --- sending --- */

/* Turn the control message of a packet into that of its reply, which leaves from the address
 * that was asked. The interface is left to the routing table, but for IPv6 link-local
 * addresses. Twin: sparrow.server.udp.reply_source. */
static inline void aim_reply(struct msghdr *message)
{
    struct cmsghdr *control = message->msg_controllen ? CMSG_FIRSTHDR(message) : NULL;
    if (control && control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo *local = (struct in_pktinfo *)CMSG_DATA(control);
        local->ipi_ifindex = 0;
        local->ipi_addr.s_addr = 0;
        message->msg_controllen = CMSG_SPACE(sizeof *local);
    } else if (control && control->cmsg_level == IPPROTO_IPV6
               && control->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo *local = (struct in6_pktinfo *)CMSG_DATA(control);
        if (!IN6_IS_ADDR_LINKLOCAL(&local->ipi6_addr))
            local->ipi6_ifindex = 0;
        message->msg_controllen = CMSG_SPACE(sizeof *local);
    } else {
        message->msg_controllen = 0;
    }
}

/* Send the first `count` replies. The one that the system does not take is passed over; where
 * its buffer is full, so are the others. */
static void send_batch(struct udp_loop *loop, unsigned count)
{
    struct mmsghdr *replies = loop->batch->replies;
    unsigned at = 0, failed = 0;
    while (at < count) {
        int sent = sendmmsg(loop->fd, replies + at, count - at, MSG_DONTWAIT);
        if (sent > 0) {
            at += (unsigned)sent;
        } else if (sent < 0 && errno == EINTR) {
            continue;
        } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
            failed += count - at;
            break;
        } else {
            failed++;
            at++;
        }
    }
    add_count(loop->counts + COUNT_SEND_ERRORS, failed);
}

/* Octets somewhere. */
struct span {
    const void *octets;
    size_t length;
};

/* Send one reply; errno, or 0. From the thread that answers misses. */
static int send_reply(int fd, struct span name, struct span control, struct span wire)
{
    struct iovec content = {(void *)wire.octets, wire.length};
    struct msghdr message = {
        .msg_name = (void *)name.octets,
        .msg_namelen = (socklen_t)name.length,
        .msg_iov = &content,
        .msg_iovlen = 1,
        .msg_control = control.length ? (void *)control.octets : NULL,
        .msg_controllen = control.length,
    };
    return sendmsg(fd, &message, MSG_DONTWAIT) < 0 ? errno : 0;
}

/* --- batches --- */

/* Copy a packet into the ring; false where that is full. */
static inline bool put_miss(struct ring *ring, const struct msghdr *message,
                            const struct exchange *exchange)
{
    struct miss *miss = reserve_miss(ring);
    if (!miss)
        return false;
    miss->length = exchange->length;
    miss->source_length = exchange->source_length;
    memcpy(miss->source, exchange->source, exchange->source_length);
    miss->name_length = message->msg_namelen;
    miss->control_length = (uint32_t)message->msg_controllen;
    memcpy(miss->name, message->msg_name, NAME_ROOM);
    if (message->msg_controllen)
        memcpy(miss->control, message->msg_control, message->msg_controllen);
    memcpy(miss->packet, exchange->packet, exchange->length);
    commit_miss(ring);
    return true;
}

/* Count an answer, by what decided it. */
static inline void tally(const struct udp_loop *loop, const struct serving *serving,
                         const struct exchange *exchange)
{
    add_count(loop->counts + COUNT_RCODES + exchange->rcode, 1);
    if (exchange->query.subnet)
        add_count(loop->counts + COUNT_ECS, 1);
    if (!serving->tallies)
        return;
    if (exchange->site != NOWHERE)
        add_count(serving->tallies + exchange->site, 1);
    if (exchange->outcome != NOWHERE)
        add_count(serving->tallies + serving->plan->site_count + exchange->outcome, 1);
}

/* Make the exchanges of the packets received. One that nobody can be answered is given as
 * empty, which is met with silence. */
static inline void read_batch(struct udp_batch *batch, int count)
{
    for (int index = 0; index < count; index++) {
        struct exchange *exchange = batch->exchanges + index;
        bool has_source = read_source(exchange, batch->names[index]);
        exchange->length = has_source ? batch->received[index].msg_len : 0;
    }
}

/* Count, keep or prepare for sending what became of a batch; give the number of replies. */
static inline unsigned sort_batch(struct udp_loop *loop, const struct serving *serving, int count)
{
    struct udp_batch *batch = loop->batch;
    unsigned replies = 0, misses = 0, drops = 0, silent = 0;
    for (int index = 0; index < count; index++) {
        const struct exchange *exchange = batch->exchanges + index;
        struct msghdr *message = &batch->received[index].msg_hdr;
        if (exchange->verdict == SILENT) {
            silent++;
            continue;
        }
        aim_reply(message);
        if (exchange->verdict == MISSED) {
            misses++;
            drops += !put_miss(&loop->ring, message, exchange);
            continue;
        }
        tally(loop, serving, exchange);
        batch->wires[replies] = (struct iovec){exchange->out, exchange->out_length};
        batch->replies[replies].msg_hdr = *message;
        batch->replies[replies].msg_hdr.msg_iov = &batch->wires[replies];
        replies++;
    }
    add_count(loop->counts + COUNT_ANSWERED, replies);
    add_count(loop->counts + COUNT_SILENT, silent);
    if (misses) {
        add_count(loop->counts + COUNT_MISSES, misses);
        add_count(loop->counts + COUNT_RING_DROPS, drops);
        wake_taker(&loop->ring);
    }
    return replies;
}

/* Receive and answer one batch; give the number of its packets. */
static int serve_batch(struct udp_loop *loop, int flags)
{
    struct timespec now;
    int count = receive_batch(loop, flags);
    const struct serving *serving = take_serving(loop);
    notice_generation(loop, serving);
    if (count == 0)
        return 0;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    read_batch(loop->batch, count);
    answer_batch(serving->plan, loop->batch->exchanges, (uint32_t)count, (uint32_t)now.tv_sec);
    unsigned replies = sort_batch(loop, serving, count);
    if (replies)
        send_batch(loop, replies);
    reset_batch(loop, count);
    return count;
}

/* Serve until told to stop, then answer what waits in the socket. `next` is set. errno, or 0. */
static int run_loop(struct udp_loop *loop)
{
    int error = set_waiting(loop->fd);
    if (error)
        return error;
    while (!__atomic_load_n(&loop->is_stopping, __ATOMIC_ACQUIRE))
        serve_batch(loop, MSG_WAITFORONE);
    for (int batches = 0; batches < DRAIN_BATCHES; batches++)
        if (serve_batch(loop, MSG_DONTWAIT) == 0)
            break;
    return 0;
}

static void stop_loop(struct udp_loop *loop)
{
    __atomic_store_n(&loop->is_stopping, 1, __ATOMIC_RELEASE);
}

#endif
