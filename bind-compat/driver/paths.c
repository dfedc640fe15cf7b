/* See paths.h. */
#include "paths.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Read the numbers of a path. What else is written there, such as "Local" or the braces of a
 * set, tells nothing; behind a comma that stands outside of braces there is no path any more
 * (", (aggregated by 64601 192.0.2.1)"). */
static bool read_path(const char *line, meet_asn *meet, void *whom)
{
    int depth = 0;
    for (const char *at = line; *at;) {
        if (strchr("{([", *at))
            depth++;
        else if (strchr("})]", *at))
            depth--;
        else if (*at == ',' && depth <= 0)
            return false;
        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        char *end;
        unsigned long long asn = strtoull(at, &end, 10);
        if (*end == '.' && isdigit((unsigned char)end[1])) /* RFC 5396: high.low */
            asn = asn << 16 | strtoull(end + 1, &end, 10);
        if (asn <= UINT32_MAX && meet(whom, (uint32_t)asn))
            return true;
        at = end;
    }
    return false;
}

/* Whether a line describes a best path: ", best" as a word, and not "bestpath-from-AS". */
static bool is_best(const char *line)
{
    const char *found = strstr(line, ", best");
    return found && !isalnum((unsigned char)found[6]) && found[6] != '-';
}

static size_t indent_of(const char *line)
{
    return strspn(line, " ");
}

/* A path stands on the line before the one that says from whom it is, which is indented more. */
static bool is_origin_line(const char *line, const char *before)
{
    return strstr(line, " from ") && indent_of(line) > indent_of(before) && indent_of(before) > 0;
}

bool read_best_path(char *output, meet_asn *meet, void *whom)
{
    char *rest = output, *line, *before = output;
    const char *path = NULL;
    unsigned long best = 0, number = 0;
    if (!*output)
        return false;
    while ((line = strsep(&rest, "\n"))) {
        line[strcspn(line, "\r")] = '\0';
        const char *marked = strncmp(line, "Paths:", 6) == 0 ? strstr(line, "best #") : NULL;
        if (marked)
            best = strtoul(marked + 6, NULL, 10);
        if (line != output && is_origin_line(line, before)) {
            path = before;
            if (++number == best)
                return read_path(path, meet, whom);
        }
        if (path && best == 0 && is_best(line))
            return read_path(path, meet, whom);
        before = line;
    }
    return false;
}
