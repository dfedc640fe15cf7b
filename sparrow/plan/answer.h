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

#include "map.h"
#include "packet.h"
#include "siphash.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "plan files are little-endian; on this machine only the pure twin serves"
#endif

#define NOWHERE 0xffffffffu
#define POINTER 0xc000u
#define POINTER_MASK 0x3fffu
#define QUESTION_POINTER 12
#define COOKIE_SIZE 24 /* of a response: 8 octets of the client's, 16 of ours */
#define ADDRESS_HEAD 12 /* octets of an address record before its address */
#define FNV_PRIME 0x100000001b3u

enum { BODY_AA = 1, BODY_MISS = 2, BODY_SLOT = 4 };
enum { OUTCOME_EMPTY = 1, OUTCOME_SERVFAIL = 2, OUTCOME_EXACT = 4 };
enum { RCODE_SERVFAIL = 2, RCODE_REFUSED = 5 };

/* Items of the answers file, as docs/plan-format.md has them. */
struct node {
    uint64_t hash;
    uint32_t name;
    uint16_t name_length;
    uint16_t label_count;
    uint32_t here;
    uint32_t below;
};

struct table {
    uint32_t first;
    uint32_t count;
    uint32_t other;
};

struct entry {
    uint16_t type;
    uint16_t reserved;
    uint32_t body;
};

struct body {
    uint32_t bytes;
    uint32_t length;
    uint32_t fixups;
    uint16_t fixup_count;
    uint8_t rcode;
    uint8_t flags;
    uint16_t answers;
    uint16_t authorities;
    uint16_t additionals;
    uint16_t reference_length;
    uint32_t slot;
    uint16_t owner;
    uint16_t reserved1;
    uint32_t reserved2;
};

struct slot {
    uint32_t ttl;
    uint16_t result_count;
    uint16_t type;
    uint32_t policy;
    uint32_t first_part;
    uint32_t empty_body;
    uint32_t ttl_floor;
};

struct part {
    uint32_t rdata;
    uint16_t count;
    uint16_t size;
    uint32_t signature;
    uint32_t signature_length;
};

struct policy {
    uint32_t map;
    uint32_t class_count;
    uint32_t first_outcome;
};

_Static_assert(sizeof(struct node) == 24 && sizeof(struct table) == 12, "as in the file");
_Static_assert(sizeof(struct entry) == 8 && sizeof(struct body) == 36, "as in the file");
_Static_assert(sizeof(struct slot) == 24 && sizeof(struct part) == 16, "as in the file");
_Static_assert(sizeof(struct policy) == 12, "as in the file");

/* A verified plan: pointers into its mapped files. Never changed after it was built. */
struct plan {
    uint64_t seed;
    uint32_t mask;
    uint32_t deepest;
    uint32_t site_count;
    uint32_t payload;
    uint32_t nsid_length;
    uint32_t secret_count;
    bool has_nsid;
    const uint32_t *name_slots;
    const struct node *nodes;
    const uint8_t *names;
    const struct table *tables;
    const struct entry *entries;
    const struct body *bodies;
    const uint8_t *bytes;
    const uint16_t *fixups;
    const struct slot *slots;
    const struct part *parts;
    const uint8_t *rdata;
    const struct policy *policies;
    const uint8_t *nsid;
    const uint8_t *secrets;
    const struct map *maps;
    const uint64_t *words;
};

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
};

/* --- names --- */

static inline uint8_t lower(uint8_t octet)
{
    return octet | (uint8_t)((uint8_t)(octet - 'A') < 26) << 5;
}

/* Find the node of a name, `name` in lower case; NULL for none. */
static inline const struct node *find_node(const struct plan *plan, uint64_t hash,
                                           const uint8_t *name, uint32_t length)
{
    uint32_t at = (uint32_t)hash & plan->mask;
    for (uint32_t tries = 0; tries <= plan->mask; tries++) {
        uint32_t number = plan->name_slots[at];
        if (number == 0)
            return NULL;
        const struct node *node = plan->nodes + (number - 1);
        if (node->hash == hash && node->name_length == length
            && memcmp(plan->names + node->name, name, length) == 0)
            return node;
        at = (at + 1) & plan->mask;
    }
    return NULL;
}

/* Find the table that answers a question's name: that of the name itself, or of what is below
 * its longest ancestor. NULL outside all zones. */
static const struct table *find_table(const struct plan *plan, const struct query *query,
                                      const uint8_t *asked)
{
    uint8_t name[MAX_NAME + 1], starts[MAX_LABELS + 1];
    uint64_t hashes[MAX_LABELS + 1];
    uint32_t labels = query->label_count, at = 0;
    for (uint32_t index = 0; index < query->name_length; index++)
        name[index] = lower(asked[index]); /* length octets are below 'A' */
    for (uint32_t depth = labels; depth > 0; depth--) {
        starts[depth] = (uint8_t)at;
        at += name[at] + 1u;
    }
    starts[0] = (uint8_t)at;
    uint32_t depth = labels < plan->deepest ? labels : plan->deepest;
    hashes[0] = plan->seed;
    for (uint32_t level = 1; level <= depth; level++) {
        uint64_t hash = hashes[level - 1];
        const uint8_t *end = name + starts[level] + name[starts[level]] + 1;
        for (const uint8_t *octet = name + starts[level]; octet != end; octet++)
            hash = (hash ^ *octet) * FNV_PRIME;
        hashes[level] = hash;
    }
    for (uint32_t level = depth + 1; level-- > 0;) {
        const uint8_t *tail = name + starts[level];
        const struct node *node =
            find_node(plan, hashes[level], tail, query->name_length - starts[level]);
        if (node)
            return plan->tables + (level == labels ? node->here : node->below);
    }
    return NULL;
}

/* The body that a table has for a type. */
static inline const struct body *find_body(const struct plan *plan, const struct table *table,
                                           uint16_t type)
{
    const struct entry *entries = plan->entries + table->first;
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entries[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_there = low < table->count && entries[low].type == type;
    return plan->bodies + (is_there ? entries[low].body : table->other);
}

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

static inline uint8_t *write_u16(uint8_t *out, uint32_t word)
{
    out[0] = (uint8_t)(word >> 8);
    out[1] = (uint8_t)word;
    return out + 2;
}

static inline uint8_t *write_u32(uint8_t *out, uint32_t word)
{
    return write_u16(write_u16(out, word >> 16), word & 0xffff);
}

static inline uint8_t *write_octets(uint8_t *out, const uint8_t *octets, uint32_t count)
{
    memcpy(out, octets, count);
    return out + count;
}

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

static inline uint8_t *write_addresses(uint8_t *out, const struct plan *plan,
                                       const struct sections *sections, uint32_t shift)
{
    uint32_t owner = sections->body->owner;
    uint32_t size = sections->part->size;
    const uint8_t *address = plan->rdata + sections->part->rdata;
    if (owner != QUESTION_POINTER)
        owner += shift;
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

/* Write the response, or leave `out` as it is and give MISSED where it is over the limit. */
static enum verdict write_response(const struct plan *plan, struct exchange *exchange,
                                   const struct sections *sections, uint32_t now_s)
{
    const struct query *query = &exchange->query;
    const struct body *body = sections->body;
    uint32_t opt = opt_length(plan, query), question = HEADER_SIZE;
    if (query->has_question)
        question += query->name_length + 4u;
    uint64_t length = (uint64_t)question + body->length + opt;
    if (sections->address_count)
        length += sections->address_count * (uint64_t)(ADDRESS_HEAD + sections->part->size);
    if (length > size_limit(exchange))
        return MISSED;
    uint8_t *out = exchange->out;
    uint32_t shift = (uint32_t)query->name_length - body->reference_length;
    memcpy(out, exchange->packet, question);
    out[2] = (uint8_t)(0x80 | (exchange->packet[2] & OPCODE_BITS) | sections->is_authoritative << 2
                       | query->is_recursion_desired);
    out[3] = exchange->rcode & 0xf;
    write_u16(out + 4, query->has_question);
    write_u16(out + 6, body->answers + sections->address_count);
    write_u16(out + 8, body->authorities);
    write_u16(out + 10, body->additionals + (opt != 0));
    out = write_body(out + question, plan, body, shift);
    if (sections->address_count)
        out = write_addresses(out, plan, sections, shift);
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
    if (flags & OUTCOME_SERVFAIL || (site >= plan->site_count && !is_empty)) {
        exchange->rcode = RCODE_SERVFAIL;
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

/* First pass: find the body, and have the index of the map fetched. */
static inline void begin_exchange(const struct plan *plan, struct exchange *exchange)
{
    exchange->site = exchange->policy = exchange->outcome = NOWHERE;
    exchange->body = &NO_BODY;
    exchange->map = NULL;
    exchange->scope = 0;
    exchange->verdict =
        parse_query(&exchange->query, exchange->packet, exchange->length,
                    exchange->limit == TCP_LIMIT);
    if (exchange->verdict != ANSWERED)
        return;
    if (exchange->query.fault) {
        exchange->rcode = exchange->query.fault;
        return;
    }
    const struct table *table =
        find_table(plan, &exchange->query, exchange->packet + HEADER_SIZE);
    if (!table) {
        exchange->rcode = RCODE_REFUSED;
        return;
    }
    exchange->body = find_body(plan, table, exchange->query.type);
    exchange->rcode = exchange->body->rcode;
    if (exchange->body->flags & BODY_MISS) {
        exchange->verdict = MISSED;
    } else if (exchange->body->flags & BODY_SLOT) {
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
