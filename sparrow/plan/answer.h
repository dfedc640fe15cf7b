/* From packets to responses, from a mapped plan.
 *
 * Law: a response is a function of the packet, its source, the time (for cookies alone), the
 * plan and its outcome words. No policy is in here and no socket; nothing is allocated. The
 * reader has verified every number of the plan but the outcome words, which change.
 * Start from `answer_batch`.
 *
 * Python twin: sparrow.plan.pure; the rules are in docs/plan-format.md.
 */
#ifndef SPARROW_ANSWER_H
#define SPARROW_ANSWER_H

#include "chain.h"
#include "siphash.h"

#define COOKIE_SIZE 24 /* of a response: 8 octets of the client's, 16 of ours */
#define ADDRESS_HEAD 12 /* octets of an address record before its address */

enum { OUTCOME_EMPTY = 1, OUTCOME_SERVFAIL = 2, OUTCOME_EXACT = 4, OUTCOME_ASK = 8 };
enum { RCODE_SERVFAIL = 2, RCODE_REFUSED = 5 };

/* A packet on its way to a response. */
struct exchange {
    /* Set by who received it. */
    const uint8_t *packet;
    const uint8_t *source; /* packed address, 4 or 16 octets */
    uint8_t *out;          /* room for `limit` octets, at least MIN_PAYLOAD */
    uint32_t length;
    uint32_t limit;        /* TCP_LIMIT, or of UDP at most OUR_PAYLOAD */
    uint8_t source_length;
    /* Set by `answer_batch`. */
    enum verdict verdict;
    uint32_t out_length;   /* of an answer */
    uint32_t site;         /* whose addresses are in the answer, or NOWHERE */
    uint32_t policy;       /* that was asked, or NOWHERE */
    uint32_t class_number; /* of the client in that policy */
    uint32_t outcome;      /* number of the word that decided, or NOWHERE */
    uint8_t rcode;
    /* Between its passes. */
    struct query query;
    const struct body *body;
    const struct map *map; /* to look the client up in, or NULL */
    struct lookup lookup;
    uint32_t scope;
    struct chain chain; /* that stands before the body */
};

/* --- clients --- */

static inline bool has_subnet(const struct query *query)
{
    return query->subnet && query->subnet[2] != 0;
}

/* Make the look-up of the client: its subnet's first address, or the query's source. */
static inline struct lookup lookup_client(const struct exchange *exchange)
{
    const struct query *query = &exchange->query;
    if (!has_subnet(query))
        return make_lookup(exchange->source, exchange->source_length);
    uint8_t address[16] = {0};
    memcpy(address, query->subnet + 4, query->subnet_length - 4u);
    return make_lookup(address, read_u16(query->subnet) == 1 ? 4 : 16);
}

/* Give the client's class, and set the scope of the answer. */
static inline uint32_t find_class(struct exchange *exchange)
{
    if (!exchange->map)
        return 0;
    struct leaf leaf = find_leaf(exchange->map, &exchange->lookup);
    if (!has_subnet(&exchange->query))
        return leaf.code & CODE_CLASS;
    exchange->scope = leaf.scope;
    if (leaf.code & CODE_SPECIAL) {
        struct lookup source = make_lookup(exchange->source, exchange->source_length);
        narrow_lookup(exchange->map, &source);
        leaf = find_leaf(exchange->map, &source);
    }
    return leaf.code & CODE_CLASS;
}

/* --- responses --- */

/* Seconds from `then` to `now` in serial arithmetic (RFC 1982). */
static inline int32_t serial_age(uint32_t now, uint32_t then)
{
    return (int32_t)(now - then);
}

/* Write the COOKIE of a response: the client's own where it is good and younger than half an
 * hour, else a new one (RFC 9018 section 4.3). Twin: sparrow.dns.cookie.refresh_cookie. */
static uint8_t *write_cookie(uint8_t *out, const struct plan *plan,
                             const struct exchange *exchange, uint32_t now_s)
{
    const uint8_t *sent = exchange->query.cookie;
    uint8_t signed_octets[16 + 16], digest[8];
    uint32_t size = 16u + exchange->source_length;
    memcpy(signed_octets + 16, exchange->source, exchange->source_length);
    if (exchange->query.cookie_length == COOKIE_SIZE && sent[8] == 1) {
        int32_t age_s = serial_age(now_s, read_u32(sent + 12));
        memcpy(signed_octets, sent, 16);
        siphash24(plan->secrets, signed_octets, size, digest);
        if (age_s >= -300 && age_s <= 1800 && memcmp(digest, sent + 16, 8) == 0)
            return write_octets(out, sent, COOKIE_SIZE);
    }
    memcpy(signed_octets, sent, 8);
    write_u32(write_u32(signed_octets + 8, 1u << 24), now_s); /* version 1, reserved, time */
    siphash24(plan->secrets, signed_octets, size, digest);
    return write_octets(write_octets(out, signed_octets, 16), digest, 8);
}

/* Octets of the OPT record of the response, 0 for none. */
static inline uint32_t opt_length(const struct plan *plan, const struct query *query)
{
    if (!query->has_opt)
        return 0;
    uint32_t length = OPT_HEAD;
    if (query->wants_nsid && plan->has_nsid)
        length += OPTION_HEAD + plan->nsid_length;
    if (query->subnet)
        length += OPTION_HEAD + query->subnet_length;
    if (query->cookie && plan->secret_count)
        length += OPTION_HEAD + COOKIE_SIZE;
    return length;
}

/* Write the OPT record of `length` octets. */
static uint8_t *write_opt(uint8_t *out, const struct plan *plan, const struct exchange *exchange,
                          uint32_t length, uint32_t now_s)
{
    const struct query *query = &exchange->query;
    *out++ = 0;
    out = write_u16(write_u16(out, TYPE_OPT), plan->payload);
    out = write_u32(out, (uint32_t)exchange->rcode >> 4 << 24 | (uint32_t)query->is_dnssec_ok << 15);
    out = write_u16(out, length - OPT_HEAD);
    if (query->wants_nsid && plan->has_nsid) {
        out = write_u16(write_u16(out, OPTION_NSID), plan->nsid_length);
        out = write_octets(out, plan->nsid, plan->nsid_length);
    }
    if (query->subnet) {
        out = write_u16(write_u16(out, OPTION_SUBNET), query->subnet_length);
        uint8_t *value = out;
        out = write_octets(out, query->subnet, query->subnet_length);
        value[3] = (uint8_t)exchange->scope;
    }
    if (query->cookie && plan->secret_count) {
        out = write_u16(write_u16(out, OPTION_COOKIE), COOKIE_SIZE);
        out = write_cookie(out, plan, exchange, now_s);
    }
    return out;
}

/* What follows the question. */
struct sections {
    const struct body *body; /* or NULL for no records */
    const struct slot *slot; /* or NULL; whose addresses follow the body */
    const struct part *part;
    uint32_t address_count;
    uint32_t ttl;
    bool is_authoritative;
};

static const struct body NO_BODY;

/* Write the octets of a body, its pointers moved by `shift`. */
static inline uint8_t *write_body(uint8_t *out, const struct plan *plan, const struct body *body,
                                  uint32_t shift)
{
    uint8_t *start = out;
    const uint16_t *fixups = plan->fixups + body->fixups;
    out = write_octets(out, plan->bytes + body->bytes, body->length);
    for (uint32_t index = 0; index < body->fixup_count; index++) {
        uint8_t *pointer = start + fixups[index];
        write_u16(pointer, POINTER | ((read_u16(pointer) + shift) & POINTER_MASK));
    }
    return out;
}

/* What the owner of a slot's addresses points to. */
static inline uint32_t find_owner(const struct exchange *exchange, const struct body *body,
                                  uint32_t shift)
{
    const struct chain *chain = &exchange->chain;
    if (body->owner == QUESTION_POINTER)
        return chain->end ? locate(&chain->alias, 0, exchange->query.name_length) : body->owner;
    if (chain->end)
        return move_pointer(chain, body, body->owner, exchange->query.name_length);
    return body->owner + shift;
}

static inline uint8_t *write_addresses(uint8_t *out, const struct plan *plan,
                                       const struct sections *sections, uint32_t owner)
{
    uint32_t size = sections->part->size;
    const uint8_t *address = plan->rdata + sections->part->rdata;
    for (uint32_t index = 0; index < sections->address_count; index++) {
        out = write_u16(write_u16(out, POINTER | (owner & POINTER_MASK)), sections->slot->type);
        out = write_u32(write_u16(out, CLASS_IN), sections->ttl);
        out = write_octets(write_u16(out, size), address + index * size, size);
    }
    return out;
}

static inline uint32_t size_limit(const struct exchange *exchange)
{
    uint32_t payload = exchange->query.payload;
    if (exchange->limit == TCP_LIMIT)
        return TCP_LIMIT;
    if (!exchange->query.has_opt)
        return MIN_PAYLOAD;
    payload = payload < MIN_PAYLOAD ? MIN_PAYLOAD : payload;
    return payload < exchange->limit ? payload : exchange->limit;
}

/* Room for a message with a chain, in which every pointer reaches what it points to. */
static inline uint32_t chain_limit(const struct exchange *exchange)
{
    uint32_t limit = size_limit(exchange);
    return limit < CHAIN_LIMIT ? limit : CHAIN_LIMIT;
}

static inline uint32_t question_end(const struct query *query)
{
    return query->has_question ? HEADER_SIZE + query->name_length + 4u : HEADER_SIZE;
}

/* Write the response, or give MISSED where it is over the limit. A chain is in `out` already,
 * and what stands before it. */
static enum verdict write_response(const struct plan *plan, struct exchange *exchange,
                                   const struct sections *sections, uint32_t now_s)
{
    const struct query *query = &exchange->query;
    const struct body *body = sections->body;
    const struct chain *chain = &exchange->chain;
    bool has_chain = __builtin_expect(chain->end != 0, 0);
    uint32_t opt = opt_length(plan, query);
    uint32_t start = has_chain ? chain->end : question_end(query);
    uint64_t length = (uint64_t)start + body->length + opt;
    if (sections->address_count)
        length += sections->address_count * (uint64_t)(ADDRESS_HEAD + sections->part->size);
    if (length > (has_chain ? chain_limit(exchange) : size_limit(exchange)))
        return MISSED;
    uint8_t *out = exchange->out;
    uint32_t shift = (uint32_t)query->name_length - body->reference_length;
    if (!has_chain)
        memcpy(out, exchange->packet, start);
    out[2] = (uint8_t)(0x80 | (exchange->packet[2] & OPCODE_BITS)
                       | (sections->is_authoritative || has_chain) << 2
                       | query->is_recursion_desired);
    out[3] = exchange->rcode & 0xf;
    write_u16(out + 4, query->has_question);
    write_u16(out + 6, (has_chain ? chain->records : 0) + body->answers + sections->address_count);
    write_u16(out + 8, body->authorities);
    write_u16(out + 10, body->additionals + (opt != 0));
    out += start;
    if (has_chain)
        out = write_behind(out, plan, chain, body, query->name_length);
    else
        out = write_body(out, plan, body, shift);
    if (sections->address_count)
        out = write_addresses(out, plan, sections, find_owner(exchange, body, shift));
    if (opt)
        write_opt(out, plan, exchange, opt, now_s);
    exchange->out_length = (uint32_t)length;
    return ANSWERED;
}

/* Choose what a slot gives the client of this class. */
static inline struct sections fill_slot(const struct plan *plan, struct exchange *exchange,
                                        uint32_t class_number)
{
    const struct slot *slot = plan->slots + exchange->body->slot;
    exchange->policy = slot->policy;
    exchange->class_number = class_number;
    exchange->outcome = plan->policies[slot->policy].first_outcome + class_number;
    uint64_t word = __atomic_load_n(plan->words + exchange->outcome, __ATOMIC_RELAXED);
    uint32_t site = word & 0xffff, flags = word >> 16 & 0xffff, cap = (uint32_t)(word >> 32);
    bool is_empty = flags & OUTCOME_EMPTY;
    if (flags & OUTCOME_ASK) { /* of whom nothing is known, others answer and ask */
        exchange->verdict = MISSED;
        return (struct sections){.body = &NO_BODY};
    }
    if (flags & OUTCOME_SERVFAIL || (site >= plan->site_count && !is_empty)) {
        exchange->rcode = RCODE_SERVFAIL;
        exchange->chain.end = 0; /* the response has no records */
        return (struct sections){.body = &NO_BODY};
    }
    const struct part *part = plan->parts + slot->first_part + (is_empty ? 0 : site);
    if (is_empty || part->count == 0) {
        const struct body *body = plan->bodies + slot->empty_body;
        if (body->flags & BODY_MISS)
            exchange->verdict = MISSED;
        exchange->rcode = body->rcode;
        return (struct sections){.body = body, .is_authoritative = body->flags & BODY_AA};
    }
    if (cap < slot->ttl_floor && !(flags & OUTCOME_EXACT))
        cap = slot->ttl_floor;
    bool is_cut = slot->result_count && slot->result_count < part->count;
    exchange->site = site;
    return (struct sections){
        .body = exchange->body,
        .slot = slot,
        .part = part,
        .address_count = is_cut ? slot->result_count : part->count,
        .ttl = cap < slot->ttl ? cap : slot->ttl,
        .is_authoritative = exchange->body->flags & BODY_AA,
    };
}

/* --- passes --- */

/* Follow the chain that a name below a DNAME begins, to the body at its end. Apart from the
 * others, as few packets go this way. */
static __attribute__((noinline)) enum verdict
begin_chain(const struct plan *plan, struct exchange *exchange, struct nearest nearest)
{
    struct walk walk = {
        .plan = plan,
        .query = &exchange->query,
        .out = exchange->out,
        .room = chain_limit(exchange),
        .nearest = nearest,
        .body = exchange->body,
    };
    memcpy(exchange->out, exchange->packet, question_end(&exchange->query));
    if (follow_chain(&walk) == MISSED)
        return MISSED;
    exchange->chain = walk.chain;
    exchange->body = walk.body ? walk.body : &NO_BODY;
    exchange->rcode = walk.body ? walk.body->rcode : walk.rcode;
    return ANSWERED;
}

/* First pass: find the body, and have the index of the map fetched. */
static inline void begin_exchange(const struct plan *plan, struct exchange *exchange)
{
    exchange->site = exchange->policy = exchange->outcome = NOWHERE;
    exchange->body = &NO_BODY;
    exchange->map = NULL;
    exchange->scope = 0;
    exchange->chain.end = 0;
    exchange->verdict =
        parse_query(&exchange->query, exchange->packet, exchange->length,
                    exchange->limit == TCP_LIMIT);
    if (exchange->verdict != ANSWERED)
        return;
    if (exchange->query.fault) {
        exchange->rcode = exchange->query.fault;
        return;
    }
    uint8_t name[MAX_NAME + 1];
    uint32_t length = exchange->query.name_length;
    lower_name(name, exchange->packet + HEADER_SIZE, length);
    struct nearest nearest = find_nearest(plan, name, length, exchange->query.label_count);
    if (!nearest.node) {
        exchange->rcode = RCODE_REFUSED;
        return;
    }
    exchange->body = find_body(plan, nearest, exchange->query.type);
    exchange->rcode = exchange->body->rcode;
    if (exchange->body->flags & BODY_MISS) {
        exchange->verdict = MISSED;
        return;
    }
    if (__builtin_expect(exchange->body->flags & BODY_DNAME, 0)) {
        exchange->verdict = begin_chain(plan, exchange, nearest);
        if (exchange->verdict == MISSED)
            return;
    }
    if (exchange->body->flags & BODY_SLOT) {
        uint32_t number = plan->policies[plan->slots[exchange->body->slot].policy].map;
        if (number == NOWHERE)
            return;
        exchange->map = plan->maps + number;
        exchange->lookup = lookup_client(exchange);
        aim_lookup(exchange->map, &exchange->lookup);
    }
}

/* Last pass: choose and write. */
static inline void finish_exchange(const struct plan *plan, struct exchange *exchange,
                                   uint32_t now_s)
{
    if (exchange->verdict != ANSWERED)
        return;
    const struct body *body = exchange->body;
    struct sections sections = {.body = body, .is_authoritative = body->flags & BODY_AA};
    if (body->flags & BODY_SLOT)
        sections = fill_slot(plan, exchange, find_class(exchange));
    if (exchange->verdict == ANSWERED)
        exchange->verdict = write_response(plan, exchange, &sections, now_s);
}

/* Answer `count` packets. The map is far away in memory by the time that it is needed: so
 * each look-up is split, and its parts are fetched while the others are worked on. */
static void answer_batch(const struct plan *plan, struct exchange *exchanges, uint32_t count,
                         uint32_t now_s)
{
    for (uint32_t index = 0; index < count; index++)
        begin_exchange(plan, exchanges + index);
    for (uint32_t index = 0; index < count; index++)
        if (exchanges[index].verdict == ANSWERED && exchanges[index].map)
            fetch_bucket(exchanges[index].map, &exchanges[index].lookup);
    for (uint32_t index = 0; index < count; index++)
        finish_exchange(plan, exchanges + index, now_s);
}

#endif
