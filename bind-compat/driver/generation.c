/* See generation.h. */
#include "generation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "current.h"
#include "meta.h"
#include "plan.h"

enum { ANSWERS_PARAMS = 1, ANSWERS_POLICIES = 13, ANSWERS_ZONES = 16, ANSWERS_META = 17 };
enum { OUTCOMES_WORDS = 1 };
enum { OUTCOME_EMPTY = 1, OUTCOME_SERVFAIL = 2, OUTCOME_EXACT = 4 };

/* The item of PARAMS. */
struct params {
    uint64_t seed;
    uint32_t mask, deepest, site_count, service_count, payload, nsid_length, flags, reserved;
};
_Static_assert(sizeof(struct params) == 40, "as in the file");

/* A generation on its way: its directory and what `current` says. */
struct opening {
    const struct options *options;
    int directory;
    struct current current;
    uint64_t words_at; /* offset of the outcome words in their file */
    uint64_t word_count;
    struct generation *made;
};

/* Maps. */

static void drop_map(struct map_file *map)
{
    if (--map->holders > 0)
        return;
    free_file(&map->file);
    free(map);
}

/* Load a file by its entry. */
static bool load_entry(const struct opening *opening, const struct file_entry *entry,
                       const char *magic, struct plan_file *loaded, struct trouble *trouble)
{
    int file = open_regular(opening->directory, entry->name, trouble);
    bool is_loaded = file >= 0 && load_file(file, entry, magic, loaded, trouble);
    if (file >= 0)
        close(file);
    return is_loaded;
}

static struct map_file *load_map(const struct opening *opening, const struct file_entry *entry,
                                 struct trouble *trouble)
{
    struct map_file *map = calloc(1, sizeof(*map));
    if (!map) {
        fail(trouble, "no memory");
        return NULL;
    }
    map->entry = *entry;
    map->holders = 1;
    if (load_entry(opening, &map->entry, "SPRWMAP1", &map->file, trouble)) {
        if (check_map(map, trouble))
            return map;
        free_file(&map->file);
    }
    free(map);
    return NULL;
}

static struct map_file *find_map(const struct generation *previous, const struct file_entry *entry)
{
    for (size_t at = 0; previous && at < previous->map_count; at++) {
        struct map_file *map = previous->maps[at];
        if (strcmp(map->entry.name, entry->name) == 0
            && strcmp(map->entry.sha256, entry->sha256) == 0) {
            map->holders++;
            return map;
        }
    }
    return NULL;
}

static bool load_maps(struct opening *opening, const struct generation *previous,
                      struct trouble *trouble)
{
    struct generation *made = opening->made;
    size_t count = opening->current.map_count;
    made->maps = calloc(count + 1, sizeof(*made->maps));
    if (!made->maps)
        return fail(trouble, "no memory");
    for (; made->map_count < count; made->map_count++) {
        const struct file_entry *entry = opening->current.maps + made->map_count;
        struct map_file *map = find_map(previous, entry);
        if (!map && !(map = load_map(opening, entry, trouble)))
            return false;
        made->maps[made->map_count] = map;
    }
    return true;
}

/* Outcomes. */

static bool open_outcomes(struct opening *opening, struct trouble *trouble)
{
    struct plan_file loaded;
    const struct file_entry *entry = &opening->current.outcomes;
    opening->made->outcomes = open_regular(opening->directory, entry->name, trouble);
    if (opening->made->outcomes < 0
        || !load_file(opening->made->outcomes, entry, "SPRWOUT1", &loaded, trouble))
        return false;
    const uint8_t *words =
        find_section(&loaded, OUTCOMES_WORDS, 8, &opening->word_count, trouble);
    if (words)
        opening->words_at = (uint64_t)(words - loaded.octets);
    free_file(&loaded);
    return words != NULL;
}

/* Answers, of which policies, zones and META count here. */

static bool check_policy(const struct opening *opening, const struct policy *policy,
                         uint32_t first, struct trouble *trouble)
{
    const char *name = opening->current.answers.name;
    if (policy->class_count == 0 || policy->first_outcome != first
        || (uint64_t)first + policy->class_count > opening->word_count)
        return fail(trouble, "%s: the outcomes of a policy are not where they should be", name);
    if (policy->map == NOWHERE)
        return true;
    if (policy->map >= opening->made->map_count
        || opening->made->maps[policy->map]->class_count > policy->class_count)
        return fail(trouble, "%s: a policy's map is not there, or has a class too many", name);
    return true;
}

static bool take_policies(struct opening *opening, const struct policy *policies, uint64_t count,
                          const struct meta *meta, struct trouble *trouble)
{
    uint32_t first = 0;
    struct generation *made = opening->made;
    if (count != meta->policy_count)
        return fail(trouble, "%s: META has other policies", opening->current.answers.name);
    for (uint32_t at = 0; at < count; at++) {
        const struct policy *policy = policies + at;
        if (!check_policy(opening, policy, first, trouble))
            return false;
        if (policy->class_count != meta->class_counts[at])
            return fail(trouble, "%s: META has other classes", opening->current.answers.name);
        first += policy->class_count;
        for (int family = 0; family < 2; family++)
            if (meta->policies[family] == at)
                made->policies[family] = (struct policy_view){
                    true, policy->map == NOWHERE ? NULL : made->maps[policy->map],
                    policy->class_count,
                    opening->words_at + 8 * (uint64_t)policy->first_outcome};
    }
    return true;
}

static bool take_answers(struct opening *opening, const struct plan_file *answers,
                         struct meta *meta, struct trouble *trouble)
{
    uint64_t params_count, policy_count, meta_size;
    struct generation *made = opening->made;
    const struct params *params =
        find_section(answers, ANSWERS_PARAMS, sizeof(*params), &params_count, trouble);
    const struct policy *policies =
        find_section(answers, ANSWERS_POLICIES, sizeof(*policies), &policy_count, trouble);
    const char *text = find_section(answers, ANSWERS_META, 1, &meta_size, trouble);
    if (!params || !policies || !text)
        return false;
    if (!read_meta(meta, opening->options, text, meta_size, trouble))
        return false;
    if (params_count != 1 || params->site_count > 0xffff
        || params->site_count != meta->site_count || params->service_count != meta->service_count)
        return fail(trouble, "%s: META has other sites or services", answers->name);
    made->site_count = meta->site_count;
    made->ttl_min_s = meta->ttl_min_s;
    made->is_served = meta->is_served;
    made->peer_sites = meta->peer_sites;
    meta->peer_sites = NULL;
    return take_policies(opening, policies, policy_count, meta, trouble);
}

static bool take_zones(struct opening *opening, const struct plan_file *answers,
                       const struct meta *meta, struct trouble *trouble)
{
    uint64_t size;
    const uint8_t *octets = find_section(answers, ANSWERS_ZONES, 1, &size, trouble);
    if (octets && meta->is_served)
        opening->made->zones = read_zones(meta->service, octets, size);
    return octets != NULL;
}

static bool load_answers(struct opening *opening, struct trouble *trouble)
{
    struct plan_file answers;
    struct meta meta = {0};
    if (!load_entry(opening, &opening->current.answers, "SPRWANS1", &answers, trouble))
        return false;
    bool is_taken = take_answers(opening, &answers, &meta, trouble)
                    && take_zones(opening, &answers, &meta, trouble);
    free_meta(&meta);
    free_file(&answers);
    return is_taken;
}

struct generation *open_generation(const struct options *options,
                                   const struct generation *previous, struct trouble *trouble)
{
    struct opening opening = {.options = options};
    opening.directory = open(options->plan, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opening.directory < 0) {
        fail(trouble, "%s", strerror(errno));
        return NULL;
    }
    struct generation *made = opening.made = calloc(1, sizeof(*made));
    if (made)
        made->outcomes = -1;
    else
        fail(trouble, "no memory");
    bool is_open = made && load_current(opening.directory, &opening.current, trouble)
                   && load_maps(&opening, previous, trouble) && open_outcomes(&opening, trouble)
                   && load_answers(&opening, trouble);
    if (is_open)
        made->number = opening.current.generation;
    free_current(&opening.current);
    close(opening.directory);
    if (is_open)
        return made;
    free_generation(made);
    return NULL;
}

void free_generation(struct generation *generation)
{
    if (!generation)
        return;
    for (size_t at = 0; at < generation->map_count; at++)
        drop_map(generation->maps[at]);
    if (generation->outcomes >= 0)
        close(generation->outcomes);
    free_zones(&generation->zones);
    free(generation->maps);
    free(generation->peer_sites);
    free(generation);
}

/* What is answered for a word, by the first line that fits:
 *
 *     SERVFAIL | EMPTY | site is there | choice
 *     yes      |       |               | failure
 *     no       | yes   |               | nothing
 *     no       | no    | no            | failure
 *     no       | no    | yes           | the site
 */
static struct outcome read_outcome(const struct generation *generation, uint64_t word)
{
    uint32_t site = word & 0xffff, flags = word >> 16 & 0xffff, cap = (uint32_t)(word >> 32);
    struct outcome outcome = {CHOOSE_SITE, site, cap};
    if (flags & OUTCOME_SERVFAIL)
        outcome.choice = CHOOSE_FAILURE;
    else if (flags & OUTCOME_EMPTY)
        outcome.choice = CHOOSE_NOTHING;
    else if (site >= generation->site_count)
        outcome.choice = CHOOSE_FAILURE;
    if (!(flags & OUTCOME_EXACT) && cap < generation->ttl_min_s)
        outcome.ttl_cap_s = generation->ttl_min_s;
    return outcome;
}

struct outcome choose_site(const struct generation *generation, bool is_v4,
                           const uint8_t *address, unsigned length)
{
    const struct outcome none = {CHOOSE_SELF, NO_SITE, UINT32_MAX};
    const struct policy_view *policy = generation->policies + !is_v4;
    if (!policy->is_there)
        return none;
    uint32_t number = 0;
    if (policy->map) {
        struct lookup lookup = make_lookup(address, length);
        narrow_lookup(&policy->map->map, &lookup);
        number = find_leaf(&policy->map->map, &lookup).code & CODE_CLASS;
    }
    uint64_t word;
    if (!read_word(generation->outcomes, policy->first_word + 8 * (uint64_t)number, &word))
        return none;
    return read_outcome(generation, word);
}
