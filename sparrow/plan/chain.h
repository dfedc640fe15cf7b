/* The chain of aliases that a name below a DNAME begins (RFC 6672).
 *
 * Law: an alias that a chain comes to is looked up as if it had been asked for, and no octet is
 * written beyond the room there is. Start from `follow_chain`; `write_behind` puts the body that
 * a chain ends in behind it.
 *
 * Python twin: sparrow.plan.chain; the rules are in docs/plan-format.md, "Names below a DNAME".
 */
#ifndef SPARROW_CHAIN_H
#define SPARROW_CHAIN_H

#include "plan.h"

#define MAX_CHAIN 16 /* sparrow.dns.sizes.MAX_CHAIN */
#define MAX_DNAMES (MAX_CHAIN / 2 - 1) /* each comes with a CNAME */
#define CHAIN_LIMIT 0x4000u /* octets of a message in which pointers reach everything */
#define CNAME_HEAD 12 /* octets of a CNAME record before its rdata */
#define TTL_BEFORE 6 /* octets from a record's TTL to its rdata */

enum { TYPE_CNAME = 5, TYPE_DS = 43, TYPE_ANY = 255 };
enum { RCODE_YXDOMAIN = 6 };

/* A name in the message: octets of its own, then a pointer to the end of the question's name. */
struct alias {
    uint16_t at;     /* where its own octets are */
    uint16_t own;    /* how many; all of the name's where no pointer follows */
    uint16_t length; /* octets of the whole name */
};

/* What a chain has put into the message; `end` is 0 where there is none. */
struct chain {
    struct alias alias; /* where it has come to; the question's name at first */
    uint16_t end;       /* octets of the message so far */
    uint16_t records;
};

/* A chain that is being followed. */
struct walk {
    /* Set by who asks. */
    const struct plan *plan;
    const struct query *query;
    uint8_t *out; /* the message; header and question are in it */
    uint32_t room;
    struct nearest nearest;      /* of the question's name */
    const struct body *body; /* that it has, a DNAME; at the end of the chain, or NULL for none */
    /* Set by `follow_chain`. */
    struct chain chain;
    uint8_t rcode; /* where there is no body */
    const struct node *passed[MAX_DNAMES];
    uint32_t steps;
    uint8_t asked[MAX_NAME + 1]; /* the question's name in lower case */
    uint8_t name[MAX_NAME + 1];  /* where the chain has come to */
};

/* Where in the message octet `index` of a name is. */
static inline uint32_t locate(const struct alias *alias, uint32_t index, uint32_t asked_length)
{
    if (index < alias->own)
        return alias->at + index;
    return HEADER_SIZE + asked_length - (alias->length - index);
}

/* Give what a pointer of a body is to point to behind a chain, as the body was made to stand
 * behind a question. */
static inline uint32_t move_pointer(const struct chain *chain, const struct body *body,
                                    uint32_t pointer, uint32_t asked_length)
{
    uint32_t length = chain->alias.length;
    uint32_t target = (pointer + length - body->reference_length) & POINTER_MASK;
    if (target < HEADER_SIZE + length)
        return locate(&chain->alias, target - HEADER_SIZE, asked_length);
    return target - (HEADER_SIZE + length + 4) + chain->end;
}

/* Write the octets of a body at the end of a chain. */
static uint8_t *write_behind(uint8_t *out, const struct plan *plan, const struct chain *chain,
                             const struct body *body, uint32_t asked_length)
{
    const uint16_t *fixups = plan->fixups + body->fixups;
    uint32_t self = POINTER | locate(&chain->alias, 0, asked_length);
    memcpy(out, plan->bytes + body->bytes, body->length);
    for (uint32_t index = 0; index < body->fixup_count; index++) {
        uint8_t *pointer = out + fixups[index];
        write_u16(pointer, POINTER | move_pointer(chain, body, read_u16(pointer), asked_length));
    }
    for (uint32_t index = 0; index < body->self_count; index++)
        write_u16(out + fixups[body->fixup_count + index], self);
    return out + body->length;
}

static inline uint32_t count_labels(const uint8_t *name)
{
    uint32_t count = 0;
    for (; *name; name += *name + 1u)
        count++;
    return count;
}

static inline const uint8_t *skip_labels(const uint8_t *name, uint32_t count)
{
    while (count--)
        name += *name + 1u;
    return name;
}

/* Octets of the longest name, but not the root, that ends both names; 0 for none. */
static uint32_t measure_shared(const uint8_t *one, uint32_t one_length, const uint8_t *other,
                               uint32_t other_length)
{
    const uint8_t *one_end = one + one_length, *other_end = other + other_length;
    uint32_t one_labels = count_labels(one), other_labels = count_labels(other);
    if (one_labels > other_labels)
        one = skip_labels(one, one_labels - other_labels);
    else
        other = skip_labels(other, other_labels - one_labels);
    for (; *one; one += *one + 1u, other += *other + 1u) {
        size_t length = (size_t)(one_end - one);
        if (length == (size_t)(other_end - other) && memcmp(one, other, length) == 0)
            return (uint32_t)length;
    }
    return 0;
}

/* Take the next DNAME in: its record is written; false where it came before, or there is no room
 * for it, or the chain gets too long. */
static bool append_dname(struct walk *walk)
{
    struct chain *chain = &walk->chain;
    if (walk->steps == MAX_DNAMES || walk->body->length > walk->room - chain->end)
        return false;
    for (uint32_t index = 0; index < walk->steps; index++)
        if (walk->passed[index] == walk->nearest.node)
            return false;
    walk->passed[walk->steps++] = walk->nearest.node;
    write_behind(walk->out + chain->end, walk->plan, chain, walk->body, walk->query->name_length);
    chain->end += (uint16_t)walk->body->length;
    chain->records++;
    return true;
}

/* Write the CNAME that a DNAME makes of a name (RFC 6672 section 3.1), and go to its target, of
 * `target_length` octets without the name's prefix; false where there is no room. */
static bool append_alias(struct walk *walk, uint32_t target_length)
{
    struct chain *chain = &walk->chain;
    const uint8_t *target = walk->plan->bytes + walk->body->bytes + walk->body->owner;
    uint32_t asked_length = walk->query->name_length, length = walk->nearest.prefix + target_length;
    lower_name(walk->name + walk->nearest.prefix, target, target_length);
    uint32_t shared = measure_shared(walk->name, length, walk->asked, asked_length);
    uint32_t own = length - shared, size = own + (shared ? 2 : 0);
    if (CNAME_HEAD + size > walk->room - chain->end)
        return false;
    uint8_t *out = walk->out + chain->end;
    out = write_u16(out, POINTER | locate(&chain->alias, 0, asked_length));
    out = write_u16(write_u16(out, TYPE_CNAME), CLASS_IN);
    out = write_u16(write_octets(out, target - TTL_BEFORE, 4), size);
    out = write_octets(out, walk->name, own);
    if (shared)
        write_u16(out, POINTER | (HEADER_SIZE + asked_length - shared));
    uint16_t at = (uint16_t)(chain->end + CNAME_HEAD);
    chain->alias = (struct alias){at, (uint16_t)own, (uint16_t)length};
    chain->end += (uint16_t)(CNAME_HEAD + size);
    chain->records++;
    return true;
}

/* Tell whether the zone of a node of the name that the chain has come to is that of the name
 * asked, which has the node `first`. */
static bool is_same_zone(const struct walk *walk, const struct node *first,
                         const struct node *node)
{
    const struct chain *chain = &walk->chain;
    if (node->origin != first->origin)
        return false;
    const uint8_t *one = skip_labels(walk->asked, walk->query->label_count - first->origin);
    const uint8_t *other = skip_labels(walk->name, count_labels(walk->name) - node->origin);
    size_t length = (size_t)(walk->asked + walk->query->name_length - one);
    return length == (size_t)(walk->name + chain->alias.length - other)
        && memcmp(one, other, length) == 0;
}

/* Find the body of the name that the chain has come to; false where it goes no further. */
static bool find_next(struct walk *walk)
{
    uint16_t type = walk->query->type;
    uint32_t length = walk->chain.alias.length;
    walk->body = NULL;
    if (type == TYPE_CNAME || type == TYPE_ANY)
        return false;
    struct nearest nearest = find_nearest(walk->plan, walk->name, length, count_labels(walk->name));
    if (!nearest.node)
        return false;
    bool is_apex = nearest.prefix == 0 && nearest.node->label_count == nearest.node->origin;
    bool is_parents = is_apex && type == TYPE_DS; /* RFC 4035 section 3.1.4.1 */
    if (!is_parents && !is_same_zone(walk, walk->passed[0], nearest.node))
        return false;
    walk->nearest = nearest;
    walk->body = is_parents ? NULL : find_body(walk->plan, nearest, type);
    return true;
}

/* Write the chain that the question's name begins, and find the body at its end. The table at
 * "Names below a DNAME" has the cases in this order. */
static enum verdict follow_chain(struct walk *walk)
{
    uint16_t length = walk->query->name_length, question = (uint16_t)(HEADER_SIZE + length + 4);
    walk->chain = (struct chain){.alias = {HEADER_SIZE, length, length}, .end = question};
    walk->steps = 0;
    walk->rcode = 0;
    lower_name(walk->asked, walk->out + HEADER_SIZE, length);
    memcpy(walk->name, walk->asked, length);
    for (;;) {
        uint32_t target_length = walk->body->length - walk->body->owner;
        if (!append_dname(walk))
            return MISSED;
        if (walk->nearest.prefix + target_length > MAX_NAME) {
            walk->rcode = RCODE_YXDOMAIN;
            walk->body = NULL;
            return ANSWERED;
        }
        if (!append_alias(walk, target_length))
            return MISSED;
        if (!find_next(walk))
            return ANSWERED;
        if (!walk->body || walk->body->flags & BODY_MISS)
            return MISSED;
        if (!(walk->body->flags & BODY_DNAME))
            return 2 * walk->steps + walk->body->alias_count < MAX_CHAIN ? ANSWERED : MISSED;
    }
}

#endif
