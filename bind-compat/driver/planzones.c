/* See planzones.h. */
#include "planzones.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

enum { STEERED = 1 };

/* What is left of the section. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool is_short; /* more was wanted than was there */
};

static const uint8_t *take_octets(struct cursor *cursor, size_t count)
{
    const uint8_t *start = cursor->at;
    if (cursor->is_short || (size_t)(cursor->end - start) < count) {
        cursor->is_short = true;
        return NULL;
    }
    cursor->at += count;
    return start;
}

/* Take a little-endian number of 1, 2 or 4 octets; 0 where there are none left. */
static uint32_t take_number(struct cursor *cursor, size_t size)
{
    const uint8_t *octets = take_octets(cursor, size);
    uint32_t number = 0;
    for (size_t at = size; octets && at-- > 0;)
        number = number << 8 | octets[at];
    return number;
}

/* Take a name; give its octets, and their count. */
static const uint8_t *take_name(struct cursor *cursor, size_t *length)
{
    const uint8_t *start = cursor->at;
    uint32_t label;
    do {
        label = take_number(cursor, 1);
        if (label > MAX_LABEL)
            cursor->is_short = true;
        take_octets(cursor, label);
    } while (label && !cursor->is_short);
    *length = (size_t)(cursor->at - start);
    if (*length > MAX_NAME)
        cursor->is_short = true;
    return cursor->is_short ? NULL : start;
}

static void skip_rrset(struct cursor *cursor)
{
    take_octets(cursor, 2 + 4); /* type, TTL */
    uint32_t count = take_number(cursor, 2);
    while (count-- > 0 && !cursor->is_short)
        take_octets(cursor, take_number(cursor, 2));
}

/* Take a node; whether it is steered to the service, and has this name. */
static bool take_node(struct cursor *cursor, uint32_t service, const uint8_t *name, size_t length)
{
    size_t own_length;
    const uint8_t *own = take_name(cursor, &own_length);
    uint32_t flags = take_number(cursor, 1), count = take_number(cursor, 2);
    bool is_found = false;
    if (flags & STEERED) {
        is_found = take_number(cursor, 2) == service;
        take_octets(cursor, 4 + 2 + 4); /* TTL, result count, TTL floor */
    }
    while (count-- > 0 && !cursor->is_short)
        skip_rrset(cursor);
    return is_found && own && own_length == length && memcmp(own, name, length) == 0;
}

/* Write a name as text; false where it has an octet that would have to be escaped. */
static bool write_text(const uint8_t *name, char text[MAX_NAME + 1])
{
    char *out = text;
    for (const uint8_t *label = name; *label; label += *label + 1) {
        for (const uint8_t *octet = label + 1; octet <= label + *label; octet++) {
            if (!isalnum(*octet) && *octet != '-' && *octet != '_')
                return false;
            *out++ = (char)tolower(*octet);
        }
        *out++ = '.';
    }
    if (out == text)
        return false; /* the root */
    out[-1] = '\0';
    return true;
}

static bool add_zone(struct zone_names *zones, const uint8_t *name)
{
    char text[MAX_NAME + 1];
    if (!write_text(name, text))
        return true;
    char **grown = reallocarray(zones->texts, zones->count + 1, sizeof(*grown));
    if (grown)
        zones->texts = grown;
    if (!grown || !(grown[zones->count] = strdup(text)))
        return false;
    zones->count++;
    return true;
}

struct zone_names read_zones(uint32_t service, const uint8_t *octets, uint64_t size)
{
    struct cursor cursor = {octets, octets + size, false};
    struct zone_names zones = {0};
    for (uint32_t count = take_number(&cursor, 4); count > 0 && !cursor.is_short; count--) {
        size_t length;
        const uint8_t *origin = take_name(&cursor, &length);
        bool is_ours = false;
        for (uint32_t nodes = take_number(&cursor, 4); nodes > 0 && !cursor.is_short; nodes--)
            is_ours |= origin && take_node(&cursor, service, origin, length);
        if (!cursor.is_short && is_ours && !add_zone(&zones, origin))
            cursor.is_short = true;
    }
    if (cursor.is_short)
        free_zones(&zones);
    return zones;
}

void free_zones(struct zone_names *zones)
{
    for (size_t at = 0; at < zones->count; at++)
        free(zones->texts[at]);
    free(zones->texts);
    *zones = (struct zone_names){0};
}
