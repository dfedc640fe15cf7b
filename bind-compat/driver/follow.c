/* See follow.h. */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bindabi.h"

#define POLL_MS 50 /* between two looks; sparrow's own workers look every 100 ms at the latest */
#define RETRY_POLLS 20 /* until what was refused is tried again: a second, */
#define MAX_RETRY_POLLS (64 * RETRY_POLLS) /* and twice as long each time, up to a minute */
#define MAX_NEWS 8
#define MAGIC "SPRWGEN1"
#define CACHE_LINE 64

/* What the file `generation` says, and which file that is: the directory may be made anew. The file
 * stays open as long as it is the one seen last, so that no other has its inode. */
struct sign {
    int file;
    dev_t device;
    ino_t inode;
    uint64_t number;
};

struct follower {
    const struct options *options;

    /* Written by the thread, read by every look-up. */
    _Alignas(CACHE_LINE) _Atomic(struct generation *) present;
    atomic_uint phase;
    struct {
        _Alignas(CACHE_LINE) atomic_ulong count;
    } readers[2]; /* look-ups under way, by the phase in which they began */

    /* The thread's own. */
    struct sign seen;
    unsigned waited; /* polls since something was refused */
    unsigned patience; /* polls until that is tried again */
    bool is_refused;
    char last_refusal[512];
    char last_misfit[512];

    /* Between the thread and all others. */
    _Alignas(CACHE_LINE) atomic_bool has_news;
    pthread_mutex_t lock;
    pthread_cond_t ending;
    bool is_ending;
    struct news news[MAX_NEWS];
    size_t news_count;
    pthread_t thread;
};

/* News. */

static __attribute__((format(printf, 3, 4))) void
leave_news(struct follower *follower, int level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&follower->lock);
    if (follower->news_count < MAX_NEWS) {
        struct news *news = follower->news + follower->news_count++;
        news->level = level;
        vsnprintf(news->text, sizeof(news->text), format, arguments);
        atomic_store(&follower->has_news, true);
    }
    pthread_mutex_unlock(&follower->lock);
    va_end(arguments);
}

bool take_news(struct follower *follower, struct news *news)
{
    if (!atomic_load_explicit(&follower->has_news, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&follower->lock);
    bool is_there = follower->news_count > 0;
    if (is_there) {
        *news = follower->news[0];
        follower->news_count--;
        memmove(follower->news, follower->news + 1, sizeof(*news) * follower->news_count);
    }
    atomic_store(&follower->has_news, follower->news_count > 0);
    pthread_mutex_unlock(&follower->lock);
    return is_there;
}

/* Look-ups, and the change of what they see. */

const struct generation *enter_plan(struct follower *follower, unsigned *phase)
{
    *phase = atomic_load(&follower->phase) & 1;
    atomic_fetch_add(&follower->readers[*phase].count, 1);
    return atomic_load(&follower->present);
}

void leave_plan(struct follower *follower, unsigned phase)
{
    atomic_fetch_sub(&follower->readers[phase].count, 1);
}

static void sleep_ms(long count)
{
    struct timespec time = {count / 1000, count % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Whoever may still hold the generation before was counted before the exchange, and leaves its
 * count when it is done. So once each count was found to be 0 after the exchange, nobody holds it.
 * The phase is changed so that those who come meanwhile are counted elsewhere, and each count
 * does come to 0 under any load. */
static void swap_generation(struct follower *follower, struct generation *made)
{
    struct generation *before = atomic_exchange(&follower->present, made);
    for (int turn = 0; turn < 2; turn++) {
        unsigned phase = atomic_fetch_xor(&follower->phase, 1) & 1;
        while (atomic_load(&follower->readers[phase].count) > 0)
            sleep_ms(1);
    }
    free_generation(before);
}

/* What comes. The file `generation` is looked at often, as that costs nothing; what it tells of is
 * read when it tells something else, and again after a while where it was refused. */

bool check_fit(const struct options *options, const struct generation *generation,
               tell_error *tell, const void *whom)
{
    char text[512];
    bool is_fit = true;
    if (!generation->is_served) {
        snprintf(text, sizeof(text), "the plan in %.200s has no service %.200s", options->plan,
                 options->service);
        tell(whom, text);
        is_fit = false;
    }
    for (size_t peer = 0; peer < options->peer_count; peer++) {
        if (generation->peer_sites[peer] != NO_SITE)
            continue;
        snprintf(text, sizeof(text), "--peer %u=%s: no site of the plan in %.200s has this AS",
                 options->peers[peer].asn, options->peers[peer].value.text, options->plan);
        tell(whom, text);
        is_fit = false;
    }
    return is_fit;
}

static void keep_text(const void *whom, const char *text)
{
    char *place = *(char *const *)whom;
    if (!*place)
        snprintf(place, sizeof(((struct follower *)0)->last_misfit), "%s", text);
}

/* Tell of a generation that is taken, as far as it is worth it. */
static void tell_taken(struct follower *follower, const struct generation *made)
{
    char misfit[sizeof(follower->last_misfit)] = "", *place = misfit;
    check_fit(follower->options, made, keep_text, &place);
    if (*misfit && strcmp(misfit, follower->last_misfit) != 0)
        leave_news(follower, BIND_WARNING, "%s", misfit);
    memcpy(follower->last_misfit, misfit, sizeof(misfit));
    if (*follower->last_refusal || follower->options->is_verbose)
        leave_news(follower, BIND_NOTICE, "generation %llu of the plan in %s is taken",
                   (unsigned long long)made->number, follower->options->plan);
    *follower->last_refusal = '\0';
    follower->is_refused = false;
}

static void refuse(struct follower *follower, const struct trouble *trouble)
{
    follower->is_refused = true;
    follower->waited = 0;
    if (strcmp(trouble->text, follower->last_refusal) == 0)
        return;
    snprintf(follower->last_refusal, sizeof(follower->last_refusal), "%s", trouble->text);
    leave_news(follower, BIND_WARNING, "the plan in %s is not taken: %s; %s",
               follower->options->plan, trouble->text,
               atomic_load(&follower->present) ? "the one before stays"
                                               : "--self is answered until there is one");
}

/* Read the file `generation`, which stays open. */
static bool read_sign(const struct options *options, struct sign *sign, struct trouble *trouble)
{
    char magic[sizeof(MAGIC) - 1];
    struct stat found;
    int directory = open(options->plan, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return fail(trouble, "%s", strerror(errno));
    int file = open_regular(directory, "generation", trouble);
    close(directory);
    if (file < 0)
        return false;
    bool is_right = fstat(file, &found) == 0 && found.st_size == 16
                    && read_octets(file, magic, sizeof(magic)) == sizeof(magic)
                    && memcmp(magic, MAGIC, sizeof(magic)) == 0
                    && read_word(file, 8, &sign->number);
    if (!is_right) {
        close(file);
        return fail(trouble, "generation: it does not hold the number of a generation");
    }
    sign->file = file;
    sign->device = found.st_dev;
    sign->inode = found.st_ino;
    return true;
}

static bool is_same_place(const struct sign *one, const struct sign *other)
{
    return one->device == other->device && one->inode == other->inode;
}

static bool is_same_sign(const struct sign *one, const struct sign *other)
{
    return is_same_place(one, other) && one->number == other->number;
}

/* Whether another generation came meanwhile: then the files of this one may be gone already. */
static bool is_overtaken(const struct follower *follower)
{
    struct sign sign;
    struct trouble trouble;
    if (!read_sign(follower->options, &sign, &trouble))
        return false;
    close(sign.file);
    return !is_same_sign(&sign, &follower->seen);
}

/* Take the generation that a sign tells of, or refuse it. */
static void take_generation(struct follower *follower, const struct sign *sign)
{
    struct trouble trouble;
    const struct generation *present = atomic_load(&follower->present);
    bool is_same = is_same_place(sign, &follower->seen);
    if (follower->seen.file >= 0)
        close(follower->seen.file);
    follower->seen = *sign;
    if (present && is_same && present->number == sign->number && !follower->is_refused)
        return; /* `current` was there before its number was */
    struct generation *made = open_generation(follower->options, present, &trouble);
    if (made && made->number < sign->number) {
        fail(&trouble, "current: it still has generation %llu", (unsigned long long)made->number);
        free_generation(made);
        made = NULL;
    }
    if (!made) {
        if (!is_overtaken(follower))
            refuse(follower, &trouble);
        return;
    }
    tell_taken(follower, made);
    swap_generation(follower, made);
}

static void look(struct follower *follower)
{
    struct sign sign = {0};
    struct trouble trouble;
    if (!read_sign(follower->options, &sign, &trouble)) {
        refuse(follower, &trouble);
        return;
    }
    bool is_known = is_same_sign(&sign, &follower->seen);
    bool is_due = follower->is_refused && ++follower->waited >= follower->patience;
    if (is_known && !is_due) {
        close(sign.file);
        return;
    }
    bool is_longer = is_known && follower->patience < MAX_RETRY_POLLS;
    follower->patience = is_known ? follower->patience << is_longer : RETRY_POLLS;
    take_generation(follower, &sign);
}

/* The thread. */

static bool wait_for_end(struct follower *follower)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&follower->lock);
    int result = 0;
    while (!follower->is_ending && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&follower->ending, &follower->lock, &until);
    bool is_ending = follower->is_ending;
    pthread_mutex_unlock(&follower->lock);
    return is_ending;
}

static void *follow(void *argument)
{
    while (!wait_for_end(argument))
        look(argument);
    return NULL;
}

/* Start the thread with all signals blocked: they are BIND's. */
static int start_thread(struct follower *follower)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&follower->thread, NULL, follow, follower);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void free_follower(struct follower *follower)
{
    free_generation(atomic_load(&follower->present));
    if (follower->seen.file >= 0)
        close(follower->seen.file);
    pthread_cond_destroy(&follower->ending);
    pthread_mutex_destroy(&follower->lock);
    free(follower);
}

struct follower *follow_plan(const struct options *options, struct trouble *trouble)
{
    pthread_condattr_t attributes;
    struct follower *follower = aligned_alloc(CACHE_LINE, sizeof(*follower));
    if (!follower) {
        fail(trouble, "no memory");
        return NULL;
    }
    memset(follower, 0, sizeof(*follower));
    follower->options = options;
    follower->seen.file = -1;
    pthread_mutex_init(&follower->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&follower->ending, &attributes);
    pthread_condattr_destroy(&attributes);
    look(follower);
    int result = start_thread(follower);
    if (result == 0)
        return follower;
    fail(trouble, "no thread can be started: %s", strerror(result));
    free_follower(follower);
    return NULL;
}

void end_following(struct follower *follower)
{
    pthread_mutex_lock(&follower->lock);
    follower->is_ending = true;
    pthread_cond_signal(&follower->ending);
    pthread_mutex_unlock(&follower->lock);
    pthread_join(follower->thread, NULL);
    free_follower(follower);
}
