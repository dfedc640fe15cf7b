/* Loads the driver as BIND does, calls it from many threads, and says what it does.
 *
 *     harness DRIVER WORD...
 *
 * The words are those that stand behind the driver's path in named.conf. First it prints
 * CREATED or REFUSED; then it obeys lines on stdin until they end:
 *
 *     ask ADDRESS  prints what a client at that address is given: type, TTL and text of each
 *                  record, or FAILURE; ask - is a question of BIND's own
 *     zone NAME    prints whether the driver has the zone: for a client, then for BIND itself
 *     name NAME    prints whether the name exists in the zone
 *     run COUNT    starts so many threads that ask for addresses of 127.0.0.0/8
 *     stop         ends them and prints each address that was given, and how often
 *     again        destroys the driver and creates it anew
 *
 * Where it was refused, nothing but "again" is obeyed.
 *
 * What the driver logs is printed as LOG LEVEL TEXT, each answer ends with a line ".".
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindabi.h"

#define MAX_THREADS 64
#define MAX_VALUES 64

struct bind_client {
    struct bind_sockaddr address;
};

struct bind_lookup {
    bool is_printed;
    char value[64]; /* of the A record that was put last */
};

static struct {
    __typeof__(dlz_create) *create;
    __typeof__(dlz_destroy) *destroy;
    __typeof__(dlz_findzonedb) *find;
    __typeof__(dlz_lookup) *look_up;
} calls;

static void *driver;
static atomic_bool is_over;

/* What threads were given. */
struct tally {
    pthread_t thread;
    unsigned seed;
    unsigned value_count, failures;
    char values[MAX_VALUES][64];
    unsigned long counts[MAX_VALUES];
};
static struct tally tallies[MAX_THREADS];
static int thread_count;

static void write_log(int level, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    printf("LOG %d %s\n", level, text);
}

static bind_result put_record(struct bind_lookup *lookup, const char *type, uint32_t ttl,
                              const char *text)
{
    if (lookup->is_printed)
        printf("%s %u %s\n", type, ttl, text);
    else if (strcmp(type, "A") == 0)
        snprintf(lookup->value, sizeof(lookup->value), "%s", text);
    return BIND_SUCCESS;
}

static bind_result give_source(struct bind_client *client, struct bind_sockaddr **address)
{
    *address = &client->address;
    return BIND_SUCCESS;
}

static struct bind_methods methods = {BIND_METHODS, 1, give_source};

static bool set_source(struct bind_client *client, const char *text)
{
    memset(client, 0, sizeof(*client));
    struct sockaddr_in *v4 = (void *)&client->address;
    struct sockaddr_in6 *v6 = (void *)&client->address;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        v4->sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        v6->sin6_family = AF_INET6;
    else
        return false;
    return true;
}

static void ask(const char *address)
{
    struct bind_client client;
    struct bind_lookup lookup = {.is_printed = true};
    bool has_client = set_source(&client, address);
    bind_result result = calls.look_up("www.example.org", "@", driver, &lookup,
                                       has_client ? &methods : NULL, has_client ? &client : NULL);
    if (result != BIND_SUCCESS)
        printf("FAILURE %u\n", result);
}

static void ask_zone(const char *name)
{
    printf("%s\n", calls.find(driver, name, &methods, NULL) == BIND_SUCCESS ? "yes" : "no");
    printf("%s\n", calls.find(driver, name, NULL, NULL) == BIND_SUCCESS ? "yes" : "no");
}

static void ask_name(const char *name)
{
    struct bind_lookup lookup = {.is_printed = true};
    bind_result result = calls.look_up("www.example.org", name, driver, &lookup, NULL, NULL);
    printf("%s\n", result == BIND_NOT_FOUND ? "no" : "yes");
}

static void count(struct tally *tally, const char *value)
{
    unsigned at = 0;
    while (at < tally->value_count && strcmp(tally->values[at], value) != 0)
        at++;
    if (at == tally->value_count && at < MAX_VALUES)
        strcpy(tally->values[tally->value_count++], value);
    if (at < MAX_VALUES)
        tally->counts[at]++;
}

static void *run(void *argument)
{
    struct tally *tally = argument;
    while (!atomic_load(&is_over)) {
        struct bind_client client;
        struct bind_lookup lookup = {.is_printed = false};
        set_source(&client, "127.0.0.0");
        ((struct sockaddr_in *)&client.address)->sin_addr.s_addr |=
            htonl((uint32_t)rand_r(&tally->seed) & 0xffffff);
        if (calls.look_up("www.example.org", "@", driver, &lookup, &methods, &client)
            == BIND_SUCCESS)
            count(tally, lookup.value);
        else
            tally->failures++;
    }
    return NULL;
}

static void start(int threads)
{
    atomic_store(&is_over, false);
    memset(tallies, 0, sizeof(tallies));
    thread_count = threads < MAX_THREADS ? threads : MAX_THREADS;
    for (int at = 0; at < thread_count; at++) {
        tallies[at].seed = (unsigned)at + 1;
        pthread_create(&tallies[at].thread, NULL, run, tallies + at);
    }
}

static void stop(void)
{
    struct tally all = {0};
    atomic_store(&is_over, true);
    for (int at = 0; at < thread_count; at++) {
        pthread_join(tallies[at].thread, NULL);
        all.failures += tallies[at].failures;
        for (unsigned value = 0; value < tallies[at].value_count; value++) {
            count(&all, tallies[at].values[value]);
            for (unsigned same = 0; same < all.value_count; same++)
                if (strcmp(all.values[same], tallies[at].values[value]) == 0)
                    all.counts[same] += tallies[at].counts[value] - 1;
        }
    }
    for (unsigned at = 0; at < all.value_count; at++)
        printf("%s %lu\n", all.values[at], all.counts[at]);
    if (all.failures)
        printf("FAILURE %u\n", all.failures);
}

static bool create(int count, char *words[])
{
    driver = NULL;
    bind_result result = calls.create("www", (unsigned)count, words, &driver, "log", write_log,
                                      "putrr", put_record, "putnamedrr", NULL, NULL);
    printf("%s\n.\n", result == BIND_SUCCESS ? "CREATED" : "REFUSED");
    return result == BIND_SUCCESS;
}

static void obey(const char *order, const char *argument)
{
    if (strcmp(order, "ask") == 0)
        ask(argument);
    else if (strcmp(order, "zone") == 0)
        ask_zone(argument);
    else if (strcmp(order, "name") == 0)
        ask_name(argument);
    else if (strcmp(order, "run") == 0)
        start(atoi(argument));
    else if (strcmp(order, "stop") == 0)
        stop();
    printf(".\n");
}

static void destroy(void)
{
    if (driver)
        calls.destroy(driver);
}

int main(int count, char *words[])
{
    char line[256];
    unsigned flags = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    void *library = count > 1 ? dlopen(words[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    __typeof__(dlz_version) *version = library ? (void *)dlsym(library, "dlz_version") : NULL;
    if (!version || version(&flags) != BIND_INTERFACE || !(flags & BIND_THREADSAFE)) {
        fprintf(stderr, "%s\n", library ? "another interface" : dlerror());
        return 1;
    }
    calls.create = (void *)dlsym(library, "dlz_create");
    calls.destroy = (void *)dlsym(library, "dlz_destroy");
    calls.find = (void *)dlsym(library, "dlz_findzonedb");
    calls.look_up = (void *)dlsym(library, "dlz_lookup");
    create(count - 1, words + 1);
    while (fgets(line, sizeof(line), stdin)) {
        char order[16] = "", argument[200] = "-";
        sscanf(line, "%15s %199s", order, argument);
        if (strcmp(order, "again") == 0) {
            destroy();
            create(count - 1, words + 1);
        } else if (driver) {
            obey(order, argument);
        }
    }
    destroy();
    dlclose(library);
    return 0;
}
