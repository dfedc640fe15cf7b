/* See options.h. */
#include "options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define MAX_TTL 604800u /* seconds; a week */
#define ZEBRA_PORT "2605" /* of bgpd's vty */
#define SSRS_PORT "7777"

/* What is being read: the options, and where errors go. */
struct reading {
    struct options *options;
    tell_error *tell;
    const void *whom;
    bool is_wrong;
};

/* An option: how its text is taken. */
struct option {
    const char *word;
    void (*take)(struct reading *reading, const struct option *option, const char *text);
    size_t place; /* of what it sets, in `struct options` */
    uint32_t least, most;
};

static __attribute__((format(printf, 2, 3))) void
complain(struct reading *reading, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    reading->is_wrong = true;
    reading->tell(reading->whom, text);
}

static void *place_of(struct reading *reading, const struct option *option)
{
    return (char *)reading->options + option->place;
}

/* Make room for one item more; give it, zeroed. NULL where there is no memory. */
static void *add_item(struct reading *reading, void **items, size_t *count, size_t size)
{
    void *grown = reallocarray(*items, *count + 1, size);
    if (!grown) {
        complain(reading, "no memory");
        return NULL;
    }
    *items = grown;
    return memset((char *)grown + size * (*count)++, 0, size);
}

/* How the text of an option is taken. */

static void take_flag(struct reading *reading, const struct option *option, const char *text)
{
    (void)text;
    *(bool *)place_of(reading, option) = true;
}

static void take_text(struct reading *reading, const struct option *option, const char *text)
{
    char **place = place_of(reading, option), *copy = strdup(text);
    if (!copy || !*text || strchr(text, '\n') || strchr(text, '\r')) {
        complain(reading, "--%s wants a text in one line", option->word);
        free(copy);
        return;
    }
    free(*place);
    *place = copy;
}

static void take_number(struct reading *reading, const struct option *option, const char *text)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || number < option->least || number > option->most)
        complain(reading, "--%s %s: it wants a number from %u to %u", option->word, text,
                 option->least, option->most);
    else
        *(uint32_t *)place_of(reading, option) = (uint32_t)number;
}

static bool parse_value(const char *text, struct value *value)
{
    uint8_t address[16];
    for (int family = AF_INET;; family = AF_INET6) {
        if (inet_pton(family, text, address) == 1) {
            inet_ntop(family, address, value->text, sizeof(value->text));
            value->is_v4 = family == AF_INET;
            return true;
        }
        if (family == AF_INET6)
            return false;
    }
}

/* Read 64600, AS64600 or 1.10 (RFC 5396); give where it ends, NULL where it is none. */
static const char *parse_asn(const char *text, uint32_t *asn)
{
    char *end;
    if (strncasecmp(text, "AS", 2) == 0)
        text += 2;
    if (!isdigit((unsigned char)*text))
        return NULL;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end == '.' && isdigit((unsigned char)end[1]) && number <= 0xffff) {
        unsigned long long low = strtoull(end + 1, &end, 10);
        number = low <= 0xffff ? number << 16 | low : ~0ull;
    }
    *asn = (uint32_t)number;
    return number <= UINT32_MAX ? end : NULL;
}

static void take_peer(struct reading *reading, const struct option *option, const char *item)
{
    struct peer read;
    struct options *options = reading->options;
    const char *end = parse_asn(item, &read.asn);
    if (!end || *end != '=' || !parse_value(end + 1, &read.value)) {
        complain(reading, "--%s %s: it wants AS=ADDRESS, such as 64600=192.0.2.10", option->word,
                 item);
        return;
    }
    struct peer *peer = add_item(reading, (void **)&options->peers, &options->peer_count,
                                 sizeof(read));
    if (peer)
        *peer = read;
}

static void take_self(struct reading *reading, const struct option *option, const char *item)
{
    struct value read;
    struct options *options = reading->options;
    if (!parse_value(item, &read)) {
        complain(reading, "--%s %s: it wants an address, such as 192.0.2.10", option->word, item);
        return;
    }
    struct value *value = add_item(reading, (void **)&options->selves, &options->self_count,
                                   sizeof(read));
    if (value)
        *value = read;
}

/* Take each item of a list with commas as one of its own. */
static void take_list(struct reading *reading, const struct option *option, const char *text)
{
    bool is_peer = option->place == offsetof(struct options, peers);
    char *copy = strdup(text), *rest = copy;
    if (!copy)
        complain(reading, "no memory");
    for (char *item = copy; copy && (item = strsep(&rest, ","));)
        (is_peer ? take_peer : take_self)(reading, option, item);
    free(copy);
}

/* Take a whole name; `has_dot` tells whether it is kept with its final dot. */
static void take_name(struct reading *reading, const struct option *option, const char *text,
                      bool has_dot)
{
    struct options *options = reading->options;
    bool is_zone = option->place == offsetof(struct options, zones);
    size_t length = strlen(text);
    while (length && text[length - 1] == '.')
        length--;
    if (!length || length > MAX_NAME_TEXT || strpbrk(text, "\"();") || strstr(text, "..")) {
        complain(reading, "--%s %s: it wants a domain name", option->word, text);
        return;
    }
    char **place = is_zone ? add_item(reading, (void **)&options->zones, &options->zone_count,
                                      sizeof(char *))
                           : add_item(reading, (void **)&options->name_servers,
                                      &options->name_server_count, sizeof(char *));
    if (!place)
        return;
    if (asprintf(place, "%.*s%s", (int)length, text, has_dot ? "." : "") < 0) {
        *place = NULL;
        complain(reading, "no memory");
    }
    for (char *at = *place; is_zone && at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
}

static void take_zone(struct reading *reading, const struct option *option, const char *text)
{
    take_name(reading, option, text, false);
}

static void take_server(struct reading *reading, const struct option *option, const char *text)
{
    take_name(reading, option, text, true);
}

/* Take a name into a place of its own, with a final dot. A mail address becomes a name: its "@"
 * a dot, and the dots before it escaped (RFC 1035 section 8). */
static void take_soa_name(struct reading *reading, const struct option *option, const char *text)
{
    char **place = place_of(reading, option), name[2 * MAX_NAME_TEXT + 2], *out = name;
    const char *at = strchr(text, '@');
    size_t length = strlen(text);
    if (!length || length > MAX_NAME_TEXT || strpbrk(text, "\"();") || strstr(text, "..")) {
        complain(reading, "--%s %s: it wants a domain name", option->word, text);
        return;
    }
    for (const char *from = text; *from; from++) {
        if (at && from < at && *from == '.' && (from == text || from[-1] != '\\'))
            *out++ = '\\';
        *out++ = from == at ? '.' : *from;
    }
    if (out[-1] != '.')
        *out++ = '.';
    *out = '\0';
    free(*place);
    if (!(*place = strdup(name)))
        complain(reading, "no memory");
}

#define PLACE(field) offsetof(struct options, field)

/* Every option there is. The last column is the range of a number. */
static const struct option known[] = {
    {"peer", take_list, PLACE(peers), 0, 0},
    {"self", take_list, PLACE(selves), 0, 0},
    {"zone", take_zone, PLACE(zones), 0, 0},
    {"ns", take_server, PLACE(name_servers), 0, 0},
    {"soa_host", take_soa_name, PLACE(soa_host), 0, 0},
    {"soa_email", take_soa_name, PLACE(soa_email), 0, 0},
    {"plan", take_text, PLACE(plan), 0, 0},
    {"service", take_text, PLACE(service), 0, 0},
    {"host", take_text, PLACE(host), 0, 0},
    {"port", take_text, PLACE(port), 0, 0},
    {"password", take_text, PLACE(password), 0, 0},
    {"route_server", take_text, PLACE(route_server), 0, 0},
    {"ttl", take_number, PLACE(ttl), 0, MAX_TTL},
    {"ns_ttl", take_number, PLACE(ns_ttl), 0, MAX_TTL},
    {"result_count", take_number, PLACE(result_count), 1, 64},
    {"timeout", take_number, PLACE(timeout_s), 1, 60},
    {"cache_size", take_number, PLACE(cache_size), 0, 65536},
    {"cache_timeout", take_number, PLACE(cache_timeout_s), 0, MAX_TTL},
    {"no_lookup", take_flag, PLACE(is_numeric), 0, 0},
    {"verbose", take_flag, PLACE(is_verbose), 0, 0},
    {"debug", take_flag, PLACE(is_debugging), 0, 0},
};

/* Find the option that a word is, "--ttl" or "--ttl=7"; `text` is then NULL or "7". */
static const struct option *find_option(const char *word, const char **text)
{
    size_t length = strcspn(word, "=");
    *text = word[length] ? word + length + 1 : NULL;
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    for (size_t at = 0; at < sizeof(known) / sizeof(*known); at++)
        if (strlen(known[at].word) == length - 2
            && strncmp(known[at].word, word + 2, length - 2) == 0)
            return known + at;
    return NULL;
}

/* Whether the options fit each other, and none is missing. */
static void check_options(struct reading *reading)
{
    const struct options *options = reading->options;
    if (!options->self_count)
        complain(reading, "--self is missing: the address to answer where no other is known");
    if (!options->peer_count)
        complain(reading, "--peer is missing: AS=ADDRESS for each site");
    if (!options->soa_host || !options->soa_email || !options->name_server_count)
        complain(reading, "a zone wants --soa_host, --soa_email and --ns");
    if (!options->plan == !options->host)
        complain(reading, "either --plan or --host says where answers come from");
    if (options->route_server && strcmp(options->route_server, "ssrs") != 0
        && strcmp(options->route_server, "zebra") != 0)
        complain(reading, "--route_server %s: this driver speaks with ssrs and zebra",
                 options->route_server);
    if (options->plan && (options->port || options->password || options->route_server))
        complain(reading, "--port, --password and --route_server go with --host, not with --plan");
    if (options->host && options->service)
        complain(reading, "--service goes with --plan, not with --host");
}

/* Give what a word is left of where lines are joined: in named.conf a backslash ends a line. */
static char *trim_word(const char *word)
{
    size_t length = strlen(word);
    while (length && word[length - 1] == '\\')
        length--;
    return strndup(word, length);
}

/* Read one word; give the option that waits for its text in the next one, NULL for none. */
static const struct option *read_word(struct reading *reading, const struct option *waiting,
                                      const char *word)
{
    const char *text;
    const struct option *option = find_option(word, &text);
    if (!*word)
        return waiting;
    if (waiting) {
        waiting->take(reading, waiting, word);
    } else if (!option || (option->take == take_flag && text)) {
        complain(reading, "%s: there is no such option", word);
    } else if (text || option->take == take_flag) {
        option->take(reading, option, text);
    } else {
        return option;
    }
    return NULL;
}

static void read_words(struct reading *reading, unsigned count, char *const words[])
{
    const struct option *waiting = NULL;
    for (unsigned at = 1; at < count; at++) {
        char *word = trim_word(words[at]);
        if (word)
            waiting = read_word(reading, waiting, word);
        else
            complain(reading, "no memory");
        free(word);
    }
    if (waiting)
        complain(reading, "--%s: nothing stands behind it", waiting->word);
}

/* Fill in what was left out; the TTLs are those of sparrow's own zones. */
static void set_defaults(struct options *options)
{
    *options = (struct options){.ttl = 30,
                                .ns_ttl = 60,
                                .result_count = 1,
                                .timeout_s = 2,
                                .cache_size = 16,
                                .cache_timeout_s = 10};
}

bool read_options(struct options *options, unsigned count, char *const words[], tell_error *tell,
                  const void *whom)
{
    struct reading reading = {options, tell, whom, false};
    set_defaults(options);
    if (count == 0 || strcmp(words[0], "ss") != 0)
        complain(&reading, "the word behind the driver's path has to be ss");
    read_words(&reading, count, words);
    check_options(&reading);
    if (!options->service && !(options->service = strdup("default")))
        complain(&reading, "no memory");
    bool is_zebra = options->route_server && strcmp(options->route_server, "zebra") == 0;
    if (!options->port && !(options->port = strdup(is_zebra ? ZEBRA_PORT : SSRS_PORT)))
        complain(&reading, "no memory");
    return !reading.is_wrong;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t at = 0; at < count; at++)
        free(texts[at]);
    free(texts);
}

void free_options(struct options *options)
{
    free_texts(options->zones, options->zone_count);
    free_texts(options->name_servers, options->name_server_count);
    free(options->peers);
    free(options->selves);
    free(options->soa_host);
    free(options->soa_email);
    free(options->plan);
    free(options->service);
    free(options->host);
    free(options->port);
    free(options->password);
    free(options->route_server);
    *options = (struct options){0};
}
