/* A driver for BIND's `dlz dlopen`: the nearest site, by the address of who asks.
 *
 * Law: it has one answer for every client, whatever is missing or broken: at worst `--self`; it
 * never ends BIND. The zone's own name has SOA, NS and the addresses of the nearest site; no
 * other name exists. A client subnet (RFC 7871) counts for nothing, as BIND answers with scope 0.
 *
 * Start from `dlz_lookup`. ../README.md is for operators.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "bindabi.h"
#include "follow.h"
#include "routeport.h"

/* Of the SOA record, as sparrow has them where its configuration has nothing. */
#define SOA_NUMBERS "1 28800 7200 604800 300"
#define SOA_TTL 300

/* One `dlz` statement. Made by dlz_create; never changed after that, but for what follows the
 * plan and speaks with the route port, which guard themselves. */
struct driver {
    char *name; /* of the statement */
    char *soa;
    struct options options;
    uint32_t *peer_asns; /* by number of the peer */
    struct follower *follower; /* one of these two */
    struct route_port *port;
    bind_log *log;
    bind_putrr *putrr;
};

/* Who asks. */
struct client {
    uint8_t address[16];
    unsigned length; /* 4 or 16; 0 where BIND itself asks */
};

/* What a client is given, in one address family. */
struct found {
    struct outcome outcome;
    const uint32_t *belongs; /* by number of the peer: what the outcome names, where it is chosen */
};

/* Log. */

static void log_line(const struct driver *driver, int level, const char *text)
{
    driver->log(level, "sparrow: dlz '%s': %s", driver->name, text);
}

static void log_error(const void *driver, const char *text)
{
    log_line(driver, BIND_ERROR, text);
}

static void log_news(const struct driver *driver)
{
    struct news news;
    while (driver->follower && take_news(driver->follower, &news))
        log_line(driver, news.level, news.text);
}

static void log_answer(const struct driver *driver, const struct client *client, const char *type,
                       const struct value *value)
{
    char text[INET6_ADDRSTRLEN], line[160];
    inet_ntop(client->length == 4 ? AF_INET : AF_INET6, client->address, text, sizeof(text));
    snprintf(line, sizeof(line), "%s is given %s %s", text, type, value->text);
    log_line(driver, BIND_INFO, line);
}

/* Answers. */

/* The values of a family that are answered, by the first line that fits:
 *
 *     choice  | the site has a peer of the family | of any family | answered
 *     self    |                                   |               | --self
 *     nothing |                                   |               | nothing
 *     site    | yes                               |               | its peers
 *     site    | no                                | yes           | nothing
 *     site    | no                                | no            | --self
 *
 * A failure was answered before.
 */
static bool wants_self(const struct driver *driver, const struct found *found)
{
    if (found->outcome.choice != CHOOSE_SITE)
        return found->outcome.choice == CHOOSE_SELF;
    for (size_t peer = 0; peer < driver->options.peer_count; peer++)
        if (found->belongs[peer] == found->outcome.site)
            return false;
    return true;
}

static bool is_given(const struct found *found, size_t peer)
{
    return found->outcome.choice == CHOOSE_SITE && found->belongs[peer] == found->outcome.site;
}

/* Give the number-th value that may be answered; NULL where it is not for this client. */
static const struct value *pick_value(const struct driver *driver, const struct found *found,
                                      bool is_self, size_t number)
{
    const struct options *options = &driver->options;
    if (is_self)
        return options->selves + number;
    return is_given(found, number) ? &options->peers[number].value : NULL;
}

static bind_result put_addresses(const struct driver *driver, const struct client *client,
                                 const struct found *found, bool is_v4, struct bind_lookup *lookup)
{
    const struct options *options = &driver->options;
    const char *type = is_v4 ? "A" : "AAAA";
    bool is_self = wants_self(driver, found);
    size_t count = is_self ? options->self_count : options->peer_count;
    uint32_t cap = found->outcome.ttl_cap_s, put = 0;
    for (size_t at = 0; at < count && put < options->result_count; at++) {
        const struct value *value = pick_value(driver, found, is_self, at);
        if (!value || value->is_v4 != is_v4)
            continue;
        bind_result result =
            driver->putrr(lookup, type, cap < options->ttl ? cap : options->ttl, value->text);
        if (result != BIND_SUCCESS)
            return result;
        if (options->is_debugging && client->length)
            log_answer(driver, client, type, value);
        put++;
    }
    return BIND_SUCCESS;
}

/* Whether the driver has addresses of a family at all. */
static bool has_family(const struct options *options, bool is_v4)
{
    for (size_t at = 0; at < options->self_count; at++)
        if (options->selves[at].is_v4 == is_v4)
            return true;
    for (size_t at = 0; at < options->peer_count; at++)
        if (options->peers[at].value.is_v4 == is_v4)
            return true;
    return false;
}

/* Put the addresses of both families; BIND does not say which type was asked for. */
static bind_result put_found(const struct driver *driver, const struct client *client,
                             const struct found found[2], struct bind_lookup *lookup)
{
    for (int is_v4 = 1; is_v4 >= 0; is_v4--)
        if (found[is_v4].outcome.choice == CHOOSE_FAILURE && has_family(&driver->options, is_v4))
            return BIND_FAILURE;
    bind_result result = put_addresses(driver, client, found + 1, true, lookup);
    return result == BIND_SUCCESS ? put_addresses(driver, client, found, false, lookup) : result;
}

static bind_result put_planned(const struct driver *driver, const struct client *client,
                               struct bind_lookup *lookup)
{
    unsigned phase;
    struct found found[2] = {{.outcome = {CHOOSE_SELF, NO_SITE, UINT32_MAX}},
                             {.outcome = {CHOOSE_SELF, NO_SITE, UINT32_MAX}}};
    const struct generation *generation = enter_plan(driver->follower, &phase);
    for (int is_v4 = 0; generation && client->length && is_v4 < 2; is_v4++)
        found[is_v4] = (struct found){
            choose_site(generation, is_v4, client->address, client->length),
            generation->peer_sites,
        };
    bind_result result = put_found(driver, client, found, lookup);
    leave_plan(driver->follower, phase);
    return result;
}

static bind_result put_asked(const struct driver *driver, const struct client *client,
                             struct bind_lookup *lookup)
{
    struct trouble trouble = {""};
    uint64_t asn = NO_ASN;
    if (client->length)
        asn = ask_route_port(driver->port, client->address, client->length, &trouble);
    if (*trouble.text)
        log_line(driver, BIND_WARNING, trouble.text);
    struct outcome outcome = {asn == NO_ASN ? CHOOSE_SELF : CHOOSE_SITE, (uint32_t)asn, UINT32_MAX};
    struct found found = {outcome, driver->peer_asns};
    return put_found(driver, client, (struct found[2]){found, found}, lookup);
}

static bind_result put_zone(const struct driver *driver, struct bind_lookup *lookup)
{
    const struct options *options = &driver->options;
    bind_result result = driver->putrr(lookup, "SOA", SOA_TTL, driver->soa);
    for (size_t at = 0; at < options->name_server_count && result == BIND_SUCCESS; at++)
        result = driver->putrr(lookup, "NS", options->ns_ttl, options->name_servers[at]);
    return result;
}

static void find_client(struct client *client, struct bind_methods *methods,
                        struct bind_client *asking)
{
    struct bind_sockaddr *source = NULL;
    client->length = 0;
    if (!methods || !asking || !methods->sourceip || methods->version < BIND_METHODS
        || methods->version - methods->age > BIND_METHODS
        || methods->sourceip(asking, &source) != BIND_SUCCESS || !source)
        return;
    if (source->type.any.sa_family == AF_INET) {
        client->length = 4;
        memcpy(client->address, &((struct sockaddr_in *)&source->type)->sin_addr, 4);
    } else if (source->type.any.sa_family == AF_INET6) {
        client->length = 16;
        memcpy(client->address, &((struct sockaddr_in6 *)&source->type)->sin6_addr, 16);
    }
}

/* What BIND calls. */

int dlz_version(unsigned int *flags)
{
    *flags |= BIND_THREADSAFE | BIND_RELATIVE_OWNER;
    return BIND_INTERFACE;
}

static bool has_name(char *const *names, size_t count, const char *name)
{
    for (size_t at = 0; at < count; at++)
        if (strcasecmp(name, names[at]) == 0)
            return true;
    return false;
}

/* Whether a zone of the present plan has a name, and is steered to our service there. */
static bool is_planned(const struct driver *driver, const char *name)
{
    unsigned phase;
    const struct generation *generation = enter_plan(driver->follower, &phase);
    bool is_there = generation && has_name(generation->zones.texts, generation->zones.count, name);
    leave_plan(driver->follower, phase);
    return is_there;
}

/* The zones that are answered for:
 *
 *     --zone | asked    | zones
 *     given  |          | those of --zone
 *     not    | for none | any: BIND asks at its start for what a `zone` statement names
 *     not    | for one  | those of the plan; none of a route port
 */
bind_result dlz_findzonedb(void *argument, const char *name, struct bind_methods *methods,
                           struct bind_client *client)
{
    const struct driver *driver = argument;
    const struct options *options = &driver->options;
    (void)client;
    bool is_there = !methods || (driver->follower && is_planned(driver, name));
    if (options->zone_count > 0)
        is_there = has_name(options->zones, options->zone_count, name);
    return is_there ? BIND_SUCCESS : BIND_NOT_FOUND;
}

bind_result dlz_lookup(const char *zone, const char *name, void *argument,
                       struct bind_lookup *lookup, struct bind_methods *methods,
                       struct bind_client *asking)
{
    const struct driver *driver = argument;
    struct client client;
    (void)zone;
    log_news(driver);
    if (strcmp(name, "@") != 0)
        return BIND_NOT_FOUND;
    find_client(&client, methods, asking);
    bind_result result = put_zone(driver, lookup);
    if (result != BIND_SUCCESS)
        return result;
    return driver->follower ? put_planned(driver, &client, lookup)
                            : put_asked(driver, &client, lookup);
}

/* Take what BIND gives the driver to call: names and functions, up to a NULL. */
static bool take_callbacks(struct driver *driver, va_list arguments)
{
    const char *name;
    while ((name = va_arg(arguments, const char *))) {
        void *callback = va_arg(arguments, void *);
        if (strcmp(name, "log") == 0)
            driver->log = (bind_log *)callback;
        else if (strcmp(name, "putrr") == 0)
            driver->putrr = (bind_putrr *)callback;
    }
    return driver->log && driver->putrr;
}

/* Prepare what does not change. */
static bool prepare(struct driver *driver, const char *name)
{
    struct options *options = &driver->options;
    driver->name = strdup(name);
    driver->peer_asns = malloc(sizeof(uint32_t) * (options->peer_count + 1));
    if (!driver->name || !driver->peer_asns)
        return false;
    for (size_t peer = 0; peer < options->peer_count; peer++)
        driver->peer_asns[peer] = options->peers[peer].asn;
    if (asprintf(&driver->soa, "%s %s " SOA_NUMBERS, options->soa_host, options->soa_email) >= 0)
        return true;
    driver->soa = NULL;
    return false;
}

/* Open the plan, which has to fit where it is there, or the route port. */
static bool open_source(struct driver *driver, struct trouble *trouble)
{
    if (!driver->options.plan) {
        driver->port = open_route_port(&driver->options, trouble);
        return driver->port != NULL;
    }
    driver->follower = follow_plan(&driver->options, trouble);
    if (!driver->follower)
        return false;
    unsigned phase;
    const struct generation *generation = enter_plan(driver->follower, &phase);
    bool is_fit = !generation || check_fit(&driver->options, generation, log_error, driver);
    leave_plan(driver->follower, phase);
    if (!is_fit)
        return fail(trouble, "these options do not fit the plan");
    log_news(driver);
    return true;
}

void dlz_destroy(void *argument)
{
    struct driver *driver = argument;
    if (!driver)
        return;
    if (driver->follower)
        end_following(driver->follower);
    if (driver->port)
        close_route_port(driver->port);
    free_options(&driver->options);
    free(driver->peer_asns);
    free(driver->name);
    free(driver->soa);
    free(driver);
}

bind_result dlz_create(const char *name, unsigned int argc, char *argv[], void **made, ...)
{
    va_list arguments;
    struct trouble trouble = {"no memory"};
    struct driver *driver = calloc(1, sizeof(*driver)), unnamed;
    if (!driver)
        return BIND_NO_MEMORY;
    va_start(arguments, made);
    bool is_callable = take_callbacks(driver, arguments);
    va_end(arguments);
    unnamed = (struct driver){.name = (char *)name, .log = driver->log};
    bool is_read = is_callable && argc > 0
                   && read_options(&driver->options, argc - 1, argv + 1, log_error, &unnamed);
    if (is_read && prepare(driver, name) && open_source(driver, &trouble)) {
        *made = driver;
        return BIND_SUCCESS;
    }
    if (is_read)
        log_error(&unnamed, trouble.text);
    dlz_destroy(driver);
    return BIND_FAILURE;
}
