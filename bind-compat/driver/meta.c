/* See meta.h. */
#include "meta.h"

#include <string.h>

#include "generation.h"
#include "json.h"

#define MAX_TEXT 512 /* octets of a name or a range */
#define MAX_COUNT 1000000u /* of policies, so that a wrong file cannot have all memory */

static bool read_small(struct json *json, uint32_t *number)
{
    uint64_t read;
    if (!json_number(json, &read) || read > UINT32_MAX)
        json->is_wrong = true;
    else
        *number = (uint32_t)read;
    return !json->is_wrong;
}

/* Take "64600" or "64600-64700". */
static bool read_range(struct json *json, uint32_t *first, uint32_t *last)
{
    char text[MAX_TEXT], *end;
    if (!json_text(json, text, sizeof(text)))
        return false;
    *first = (uint32_t)strtoul(text, &end, 10);
    *last = *end == '-' ? (uint32_t)strtoul(end + 1, &end, 10) : *first;
    if (*end || !*text)
        json->is_wrong = true;
    return !json->is_wrong;
}

static void read_site(struct meta *meta, const struct options *options, struct json *json)
{
    char key[MAX_TEXT];
    json_enter(json, '{');
    while (json_next(json, '}') && json_key(json, key, sizeof(key))) {
        if (strcmp(key, "asns") != 0) {
            json_skip(json);
            continue;
        }
        json_enter(json, '[');
        uint32_t first, last;
        while (json_next(json, ']') && read_range(json, &first, &last))
            for (size_t peer = 0; peer < options->peer_count; peer++)
                if (options->peers[peer].asn >= first && options->peers[peer].asn <= last)
                    meta->peer_sites[peer] = meta->site_count;
    }
    meta->site_count++;
}

static void read_service(struct meta *meta, const struct options *options, struct json *json)
{
    char key[MAX_TEXT], name[MAX_TEXT] = "";
    uint32_t ttl_min_s = 0;
    json_enter(json, '{');
    while (json_next(json, '}') && json_key(json, key, sizeof(key))) {
        if (strcmp(key, "name") == 0)
            json_text(json, name, sizeof(name));
        else if (strcmp(key, "ttl_min") == 0)
            read_small(json, &ttl_min_s);
        else
            json_skip(json);
    }
    if (strcmp(name, options->service) == 0) {
        meta->is_served = true;
        meta->service = meta->service_count;
        meta->ttl_min_s = ttl_min_s;
    }
    meta->service_count++;
}

static uint32_t count_items(struct json *json)
{
    uint32_t count = 0;
    json_enter(json, '[');
    while (json_next(json, ']') && json_skip(json))
        count++;
    return count;
}

static void read_policy(struct meta *meta, const struct options *options, struct json *json)
{
    char key[MAX_TEXT], service[MAX_TEXT] = "";
    uint32_t family = 0, classes = 0;
    json_enter(json, '{');
    while (json_next(json, '}') && json_key(json, key, sizeof(key))) {
        if (strcmp(key, "service") == 0)
            json_text(json, service, sizeof(service));
        else if (strcmp(key, "family") == 0)
            read_small(json, &family);
        else if (strcmp(key, "classes") == 0)
            classes = count_items(json);
        else
            json_skip(json);
    }
    uint32_t *grown = meta->policy_count < MAX_COUNT
                          ? reallocarray(meta->class_counts, meta->policy_count + 1, sizeof(*grown))
                          : NULL;
    if (!grown || (family != 4 && family != 6)) {
        json->is_wrong = true;
        return;
    }
    meta->class_counts = grown;
    if (strcmp(service, options->service) == 0)
        meta->policies[family == 6] = meta->policy_count;
    meta->class_counts[meta->policy_count++] = classes;
}

typedef void read_item(struct meta *meta, const struct options *options, struct json *json);

static const struct {
    const char *key;
    read_item *read;
} lists[] = {{"sites", read_site}, {"services", read_service}, {"policies", read_policy}};
#define LISTS (sizeof(lists) / sizeof(*lists))

/* Take the value of a key; give the bit of a list that is needed, 0 for anything else. */
static unsigned read_key(struct meta *meta, const struct options *options, struct json *json,
                         const char *key)
{
    for (size_t at = 0; at < LISTS; at++) {
        if (strcmp(key, lists[at].key) != 0)
            continue;
        json_enter(json, '[');
        while (json_next(json, ']'))
            lists[at].read(meta, options, json);
        return 1u << at;
    }
    json_skip(json);
    return 0;
}

bool read_meta(struct meta *meta, const struct options *options, const void *octets, size_t size,
               struct trouble *trouble)
{
    char key[MAX_TEXT];
    struct json json = json_begin(octets, size);
    unsigned seen = 0;
    *meta = (struct meta){.policies = {NO_POLICY, NO_POLICY}};
    meta->peer_sites = malloc(sizeof(*meta->peer_sites) * (options->peer_count + 1));
    if (!meta->peer_sites)
        return fail(trouble, "no memory");
    for (size_t peer = 0; peer < options->peer_count; peer++)
        meta->peer_sites[peer] = NO_SITE;
    json_enter(&json, '{');
    while (json_next(&json, '}') && json_key(&json, key, sizeof(key))) {
        unsigned found = read_key(meta, options, &json, key);
        if (seen & found)
            json.is_wrong = true; /* a list stands there twice */
        seen |= found;
    }
    if (!json_is_over(&json) || seen != (1u << LISTS) - 1)
        return fail(trouble, "the plan's META cannot be read");
    return true;
}

void free_meta(struct meta *meta)
{
    free(meta->class_counts);
    free(meta->peer_sites);
    *meta = (struct meta){0};
}
