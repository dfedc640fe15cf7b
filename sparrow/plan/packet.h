/* A query on the wire, taken apart.
 *
 * Law: no octet outside the packet is read, and what is not understood is a MISS, never a
 * guess. Start from `parse_query`.
 *
 * Python twin: sparrow.plan.pure; the rules are in docs/plan-format.md, "How a packet is
 * answered", steps 1 to 4.
 */
#ifndef SPARROW_PACKET_H
#define SPARROW_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define HEADER_SIZE 12
#define MAX_LABEL 63 /* RFC 1035 section 2.3.4, as the next one */
#define MAX_NAME 255
#define MAX_LABELS 127
#define OPT_HEAD 11 /* octets of an OPT record before its options */
#define OPTION_HEAD 4
#define MIN_PAYLOAD 512 /* RFC 6891 section 6.2.3 */
#define OUR_PAYLOAD 1232 /* DNS flag day 2020 */
#define TCP_LIMIT 65535
#define OPCODE_BITS 0x78 /* in the third octet of the header */

enum { TYPE_OPT = 41, FIRST_META = 128, LAST_META = 254, CLASS_IN = 1 };
enum { OPTION_NSID = 3, OPTION_SUBNET = 8, OPTION_COOKIE = 10, OPTION_KEEPALIVE = 11 };

enum { RCODE_FORMERR = 1, RCODE_NOTIMP = 4 };

/* What becomes of a packet. */
enum verdict {
    ANSWERED, /* the response is in `out` */
    MISSED,   /* ask the full algorithm */
    SILENT,   /* nothing may be sent back */
};

/* A query that may be answered from the plan. Pointers lead into the packet. */
struct query {
    const uint8_t *subnet; /* value of the CLIENT-SUBNET option, or NULL */
    const uint8_t *cookie; /* value of the first COOKIE option, or NULL */
    uint16_t subnet_length;
    uint16_t cookie_length;
    uint16_t name_length; /* octets on the wire, root included */
    uint16_t type;
    uint16_t payload; /* octets that the sender takes; as sent */
    uint8_t label_count; /* without the root */
    uint8_t fault; /* rcode of a query that is refused unread, else 0 */
    bool has_question; /* whether the question could be read, so that it is repeated */
    bool is_recursion_desired;
    bool has_opt;
    bool is_dnssec_ok;
    bool wants_nsid;
};

/* Measure the question's name; false where it is cut, too long or has a pointer. */
static inline bool parse_name(struct query *query, const uint8_t *packet, uint32_t length)
{
    uint32_t at = HEADER_SIZE, labels = 0;
    while (at < length && packet[at] != 0) {
        if (packet[at] > MAX_LABEL)
            return false;
        at += packet[at] + 1u;
        if (at - HEADER_SIZE >= MAX_NAME) /* leaves no room for the root */
            return false;
        labels++;
    }
    query->name_length = (uint16_t)(at + 1 - HEADER_SIZE);
    query->label_count = (uint8_t)labels;
    return at < length;
}

/* Tell whether a client subnet is well-formed, as sparrow.dns.edns has it (RFC 7871 section 6). */
static inline bool is_subnet(const uint8_t *value, uint32_t length)
{
    if (length < 4)
        return false;
    uint32_t family = read_u16(value), source = value[2], scope = value[3];
    if (scope || length - 4 != (source + 7) / 8)
        return false;
    if (family == 0)
        return source == 0;
    if (family > 2 || source > (family == 1 ? 32u : 128u))
        return false;
    return source % 8 == 0 || (uint8_t)(value[length - 1] << source % 8) == 0;
}

static inline bool is_cookie(uint32_t length)
{
    return length == 8 || (length >= 16 && length <= 40); /* RFC 7873 section 4 */
}

/* Take one option in; false where it is malformed, or not for the plan to answer. */
static inline bool take_option(struct query *query, const uint8_t *option, uint32_t length,
                               bool is_tcp)
{
    const uint8_t *value = option + OPTION_HEAD;
    switch (read_u16(option)) {
    case OPTION_NSID:
        query->wants_nsid = true;
        return true;
    case OPTION_SUBNET:
        if (query->subnet || !is_subnet(value, length))
            return false;
        query->subnet = value;
        query->subnet_length = (uint16_t)length;
        return true;
    case OPTION_COOKIE:
        if (query->cookie)
            return true; /* the first one counts (RFC 7873 section 5.2) */
        query->cookie = value;
        query->cookie_length = (uint16_t)length;
        return is_cookie(length);
    case OPTION_KEEPALIVE:
        return !is_tcp;
    default:
        return true;
    }
}

/* Read the OPT record at `at`; false where it is none, cut, or of another version. */
static inline bool parse_opt(struct query *query, const uint8_t *packet, uint32_t length,
                             uint32_t at, bool is_tcp)
{
    if (length - at < OPT_HEAD || packet[at] != 0 || read_u16(packet + at + 1) != TYPE_OPT)
        return false;
    if (packet[at + 6] != 0) /* the version */
        return false;
    query->has_opt = true;
    query->payload = read_u16(packet + at + 3);
    query->is_dnssec_ok = packet[at + 7] >> 7;
    uint32_t end = at + OPT_HEAD + read_u16(packet + at + 9);
    if (end > length)
        return false;
    at += OPT_HEAD;
    while (at < end) {
        if (end - at < OPTION_HEAD)
            return false;
        uint32_t size = read_u16(packet + at + 2);
        if (end - at - OPTION_HEAD < size || !take_option(query, packet + at, size, is_tcp))
            return false;
        at += OPTION_HEAD + size;
    }
    return true;
}

/* Find the fault of a query that is refused by its header and question alone.
 *
 * opcode    questions  question    other records   fault
 * not 0     any        any         none            NOTIMP
 * 0         not 1      -           none            FORMERR
 * 0         1          unreadable  any             FORMERR
 */
static inline uint8_t find_fault(const struct query *query, const uint8_t *packet)
{
    bool is_bare = !(read_u16(packet + 6) | read_u16(packet + 8) | read_u16(packet + 10));
    if (packet[2] & OPCODE_BITS)
        return is_bare ? RCODE_NOTIMP : 0;
    if (read_u16(packet + 4) != 1)
        return is_bare ? RCODE_FORMERR : 0;
    return query->has_question ? 0 : RCODE_FORMERR;
}

/* Read a packet of any content. */
static inline enum verdict parse_query(struct query *query, const uint8_t *packet, uint32_t length,
                                       bool is_tcp)
{
    memset(query, 0, sizeof *query);
    if (length < HEADER_SIZE || packet[2] & 0x80)
        return SILENT;
    query->is_recursion_desired = packet[2] & 1;
    query->has_question = read_u16(packet + 4) == 1 && parse_name(query, packet, length)
        && length - HEADER_SIZE - query->name_length >= 4;
    query->fault = find_fault(query, packet);
    if (query->fault)
        return ANSWERED;
    bool is_plain = (packet[2] & OPCODE_BITS) == 0 && query->has_question
        && read_u16(packet + 6) == 0 && read_u16(packet + 8) == 0 && read_u16(packet + 10) <= 1;
    if (!is_plain)
        return MISSED;
    uint32_t at = HEADER_SIZE + query->name_length;
    if (read_u16(packet + at + 2) != CLASS_IN)
        return MISSED;
    query->type = read_u16(packet + at);
    if (query->type == TYPE_OPT || (query->type >= FIRST_META && query->type <= LAST_META))
        return MISSED;
    if (packet[11] && !parse_opt(query, packet, length, at + 4, is_tcp))
        return MISSED;
    return ANSWERED;
}

#endif
