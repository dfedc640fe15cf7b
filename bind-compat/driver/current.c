/* See current.h. */
#include "current.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

#define FORMAT 1
#define MAX_CURRENT (1u << 20) /* octets; as sparrow.plan.reader has it */

/* Whether a name is a prefix, and numbers behind it, one for each '-'. */
static bool is_name_of(const char *name, const char *prefix, int numbers)
{
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0)
        return false;
    for (name += length; numbers > 0; numbers--) {
        size_t digits = *name == '-' ? strspn(name + 1, "0123456789") : 0;
        if (digits == 0)
            return false;
        name += 1 + digits;
    }
    return *name == '\0';
}

/* Take a file's entry; `has_digest` tells which keys it has. */
static bool read_entry(struct json *json, struct file_entry *entry, bool has_digest)
{
    char key[16];
    unsigned seen = 0;
    *entry = (struct file_entry){0};
    json_enter(json, '{');
    while (json_next(json, '}') && json_key(json, key, sizeof(key))) {
        unsigned found = 0;
        if (strcmp(key, "file") == 0 && json_text(json, entry->name, sizeof(entry->name)))
            found = 1;
        else if (strcmp(key, "size") == 0 && json_number(json, &entry->size))
            found = 2;
        else if (strcmp(key, "sha256") == 0 && has_digest
                 && json_text(json, entry->sha256, sizeof(entry->sha256)))
            found = 4;
        if (found == 0 || seen & found)
            json->is_wrong = true;
        seen |= found;
    }
    bool is_digest = strspn(entry->sha256, "0123456789abcdef") == (has_digest ? 64 : 0);
    if (seen != (has_digest ? 7 : 3) || !is_digest)
        json->is_wrong = true;
    return !json->is_wrong;
}

static bool read_maps(struct json *json, struct current *current)
{
    json_enter(json, '[');
    while (json_next(json, ']')) {
        struct file_entry *grown =
            reallocarray(current->maps, current->map_count + 1, sizeof(*grown));
        if (!grown) {
            json->is_wrong = true;
            return false;
        }
        current->maps = grown;
        struct file_entry *entry = current->maps + current->map_count++;
        if (read_entry(json, entry, true) && !is_name_of(entry->name, "map", 2))
            json->is_wrong = true;
    }
    return !json->is_wrong;
}

/* Take the value of a key and give its bit; 0 where it is not right. */
static unsigned read_key(struct json *json, struct current *current, const char *key,
                         uint64_t *format)
{
    if (strcmp(key, "format") == 0)
        return json_number(json, format) ? 1 : 0;
    if (strcmp(key, "generation") == 0)
        return json_number(json, &current->generation) ? 2 : 0;
    if (strcmp(key, "answers") == 0)
        return read_entry(json, &current->answers, true)
                       && is_name_of(current->answers.name, "answers", 1)
                   ? 4
                   : 0;
    if (strcmp(key, "maps") == 0)
        return read_maps(json, current) ? 8 : 0;
    if (strcmp(key, "outcomes") == 0)
        return read_entry(json, &current->outcomes, false)
                       && is_name_of(current->outcomes.name, "outcomes", 1)
                   ? 16
                   : 0;
    return 0;
}

static bool parse_current(const char *text, size_t length, struct current *current,
                          struct trouble *trouble)
{
    char key[16];
    struct json json = json_begin(text, length);
    uint64_t format = FORMAT;
    unsigned seen = 0;
    json_enter(&json, '{');
    while (json_next(&json, '}') && json_key(&json, key, sizeof(key))) {
        unsigned found = read_key(&json, current, key, &format);
        if (found == 0 || seen & found)
            json.is_wrong = true;
        seen |= found;
    }
    if (format != FORMAT)
        return fail(trouble, "current: it has format %llu, and this driver reads %d",
                    (unsigned long long)format, FORMAT);
    if (!json_is_over(&json) || seen != 31)
        return fail(trouble, "current: it is not as the format wants it");
    return true;
}

bool load_current(int directory, struct current *current, struct trouble *trouble)
{
    *current = (struct current){0};
    int file = open_regular(directory, "current", trouble);
    if (file < 0)
        return false;
    char *text = malloc(MAX_CURRENT + 1);
    long length = text ? read_octets(file, text, MAX_CURRENT + 1) : -1;
    close(file);
    bool is_read = length >= 0 && length <= (long)MAX_CURRENT;
    bool is_right = is_read ? parse_current(text, (size_t)length, current, trouble)
                            : fail(trouble, "current: it cannot be read, or is too long");
    free(text);
    return is_right;
}

void free_current(struct current *current)
{
    free(current->maps);
    *current = (struct current){0};
}
