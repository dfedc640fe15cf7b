/* See routeport.h. */
#include "routeport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "paths.h"

#define MAX_OUTPUT 65536 /* octets; a prefix with a hundred paths has some 20,000 */
#define PAUSE_MS 1000 /* in which a server that failed is not asked again */
#define MAX_PROMPT 128

enum { IAC = 255, WILL = 251, DONT = 254 }; /* RFC 854 */

/* An answer that is kept. */
struct kept {
    uint8_t address[16];
    unsigned length; /* 0 for none */
    uint64_t asn;
    int64_t until_ms;
};

struct route_port {
    const struct options *options;
    struct sockaddr_storage server;
    socklen_t server_length;
    pthread_mutex_t lock; /* of all below */
    int socket;           /* -1 where nothing is connected */
    char prompt[MAX_PROMPT];
    char output[MAX_OUTPUT + 1];
    size_t output_length;
    int64_t deadline_ms;
    int64_t asleep_until_ms;
    bool has_failed;
    struct kept *kept; /* `cache_size` of them, the one used last in front */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The connection. */

static void disconnect(struct route_port *port)
{
    if (port->socket >= 0)
        close(port->socket);
    port->socket = -1;
}

/* Wait until the socket can be read or written, until the deadline. */
static bool wait_ready(struct route_port *port, short events, struct trouble *trouble)
{
    for (;;) {
        int64_t left = port->deadline_ms - now_ms();
        struct pollfd waiting = {port->socket, events, 0};
        int count = left > 0 ? poll(&waiting, 1, (int)left) : 0;
        if (count > 0)
            return true;
        if (count == 0)
            return fail(trouble, "no answer within %u s", port->options->timeout_s);
        if (errno != EINTR)
            return fail(trouble, "%s", strerror(errno));
    }
}

static bool start_connection(struct route_port *port, struct trouble *trouble)
{
    int error = 0;
    socklen_t size = sizeof(error);
    const struct sockaddr *server = (const void *)&port->server;
    port->socket = socket(server->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->socket < 0)
        return fail(trouble, "%s", strerror(errno));
    if (connect(port->socket, server, port->server_length) == 0)
        return true;
    if (errno != EINPROGRESS)
        return fail(trouble, "%s", strerror(errno));
    if (!wait_ready(port, POLLOUT, trouble))
        return false;
    if (getsockopt(port->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error)
        return fail(trouble, "%s", strerror(error ? error : errno));
    return true;
}

static bool send_line(struct route_port *port, const char *text, struct trouble *trouble)
{
    char line[512];
    /* A carriage return would be a line of its own. */
    int length = snprintf(line, sizeof(line), "%s\n", text);
    size_t done = 0;
    if (length < 0 || (size_t)length >= sizeof(line))
        return fail(trouble, "the password is too long");
    while (done < (size_t)length) {
        if (!wait_ready(port, POLLOUT, trouble))
            return false;
        ssize_t count = send(port->socket, line + done, (size_t)length - done, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return fail(trouble, "%s", strerror(errno));
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* Take out what telnet negotiates, three octets each, and NULs. What is cut stays until the rest
 * is there. */
static void drop_telnet(struct route_port *port)
{
    const uint8_t *from = (const uint8_t *)port->output, *end = from + port->output_length;
    char *to = port->output;
    while (from < end) {
        if (*from == IAC && end - from < 3)
            break;
        if (*from == IAC)
            from += from[1] >= WILL && from[1] <= DONT ? 3 : 2;
        else if (*from)
            *to++ = (char)*from++;
        else
            from++;
    }
    memmove(to, from, (size_t)(end - from));
    port->output_length = (size_t)(to - port->output) + (size_t)(end - from);
    port->output[port->output_length] = '\0';
}

static bool receive_some(struct route_port *port, struct trouble *trouble)
{
    if (port->output_length == MAX_OUTPUT)
        return fail(trouble, "it says more than %d octets", MAX_OUTPUT);
    if (!wait_ready(port, POLLIN, trouble))
        return false;
    ssize_t count = recv(port->socket, port->output + port->output_length,
                         MAX_OUTPUT - port->output_length, 0);
    if (count == 0)
        return fail(trouble, "it closed the connection");
    if (count < 0)
        return errno == EAGAIN || errno == EINTR || fail(trouble, "%s", strerror(errno));
    port->output_length += (size_t)count;
    drop_telnet(port);
    return true;
}

static bool ends_with(const struct route_port *port, const char *ending)
{
    size_t length = strlen(ending);
    return port->output_length >= length
           && memcmp(port->output + port->output_length - length, ending, length) == 0;
}

/* The session. */

/* Keep the last line, where it is a prompt: a word, and "> " or "# ". */
static bool keep_prompt(struct route_port *port)
{
    const char *line = strrchr(port->output, '\n');
    line = line ? line + 1 : port->output;
    size_t length = strlen(line);
    if (length < 3 || length >= MAX_PROMPT - 1 || !(ends_with(port, "> ") || ends_with(port, "# ")))
        return false;
    snprintf(port->prompt, sizeof(port->prompt), "\n%s", line);
    return true;
}

static void forget_output(struct route_port *port)
{
    port->output_length = 0;
    port->output[0] = '\0';
}

static bool log_in(struct route_port *port, struct trouble *trouble)
{
    bool is_told = false;
    forget_output(port);
    while (!keep_prompt(port)) {
        if (ends_with(port, "Password: ")) {
            if (is_told)
                return fail(trouble, "it refuses the password");
            is_told = true;
            forget_output(port);
            const char *password = port->options->password;
            if (!send_line(port, password ? password : "", trouble))
                return false;
        }
        if (!receive_some(port, trouble))
            return false;
    }
    return true;
}

static bool log_in_anew(struct route_port *port, struct trouble *trouble)
{
    disconnect(port);
    return start_connection(port, trouble) && log_in(port, trouble);
}

/* Run a command; its output stays in `output`. */
static bool run_command(struct route_port *port, const char *command, struct trouble *trouble)
{
    forget_output(port);
    if (!send_line(port, command, trouble))
        return false;
    while (!ends_with(port, port->prompt))
        if (!receive_some(port, trouble))
            return false;
    return true;
}

/* Ask once, over the connection that is there or a new one: one that was idle may be closed. */
static bool run_question(struct route_port *port, const char *question, struct trouble *trouble)
{
    bool was_connected = port->socket >= 0;
    port->deadline_ms = now_ms() + (int64_t)port->options->timeout_s * 1000;
    if (was_connected && run_command(port, question, trouble))
        return true;
    if (was_connected && now_ms() >= port->deadline_ms)
        return false;
    return log_in_anew(port, trouble) && run_command(port, question, trouble);
}

/* Answers. */

/* Peers that may be met on a path, and the one that was. */
struct meeting {
    const struct options *options;
    uint64_t met;
};

static bool meet_peer(void *whom, uint32_t asn)
{
    struct meeting *meeting = whom;
    for (size_t peer = 0; peer < meeting->options->peer_count; peer++)
        if (meeting->options->peers[peer].asn == asn) {
            meeting->met = asn;
            return true;
        }
    return false;
}

static bool ask_server(struct route_port *port, const uint8_t *address, unsigned length,
                       uint64_t *asn, struct trouble *trouble)
{
    char text[INET6_ADDRSTRLEN], question[96];
    struct meeting meeting = {port->options, NO_ASN};
    inet_ntop(length == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
    snprintf(question, sizeof(question), "show %s %s", length == 4 ? "ip bgp" : "bgp ipv6", text);
    if (!run_question(port, question, trouble))
        return false;
    read_best_path(port->output, meet_peer, &meeting);
    *asn = meeting.met;
    return true;
}

/* Give the kept answer for an address, moved to the front; NULL for none that is still good. */
static const struct kept *find_kept(struct route_port *port, const uint8_t *address,
                                    unsigned length)
{
    for (uint32_t at = 0; at < port->options->cache_size; at++) {
        struct kept found = port->kept[at];
        if (found.length != length || memcmp(found.address, address, length) != 0)
            continue;
        if (found.until_ms < now_ms())
            return NULL;
        memmove(port->kept + 1, port->kept, at * sizeof(found));
        port->kept[0] = found;
        return port->kept;
    }
    return NULL;
}

static void keep_answer(struct route_port *port, const uint8_t *address, unsigned length,
                        uint64_t asn)
{
    uint32_t size = port->options->cache_size, at = 0;
    if (size == 0)
        return;
    while (at < size - 1
           && (port->kept[at].length != length
               || memcmp(port->kept[at].address, address, length) != 0))
        at++;
    memmove(port->kept + 1, port->kept, at * sizeof(*port->kept));
    port->kept[0] = (struct kept){
        .length = length,
        .asn = asn,
        .until_ms = now_ms() + (int64_t)port->options->cache_timeout_s * 1000,
    };
    memcpy(port->kept[0].address, address, length);
}

static uint64_t ask_locked(struct route_port *port, const uint8_t *address, unsigned length,
                           struct trouble *trouble)
{
    struct trouble found;
    uint64_t asn = NO_ASN;
    const struct kept *kept = find_kept(port, address, length);
    if (kept)
        return kept->asn;
    if (now_ms() < port->asleep_until_ms)
        return NO_ASN;
    if (ask_server(port, address, length, &asn, &found)) {
        port->has_failed = false;
        keep_answer(port, address, length, asn);
        return asn;
    }
    disconnect(port);
    port->asleep_until_ms = now_ms() + PAUSE_MS;
    if (!port->has_failed)
        fail(trouble, "the route port %s %s: %.300s; --self is answered", port->options->host,
             port->options->port, found.text);
    port->has_failed = true;
    return NO_ASN;
}

uint64_t ask_route_port(struct route_port *port, const uint8_t *address, unsigned length,
                        struct trouble *trouble)
{
    trouble->text[0] = '\0';
    pthread_mutex_lock(&port->lock);
    uint64_t asn = ask_locked(port, address, length, trouble);
    pthread_mutex_unlock(&port->lock);
    return asn;
}

static bool find_server(struct route_port *port, struct trouble *trouble)
{
    const struct options *options = port->options;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC}, *found;
    hints.ai_flags = options->is_numeric ? AI_NUMERICHOST : 0;
    int result = getaddrinfo(options->host, options->port, &hints, &found);
    if (result != 0)
        return fail(trouble, "--host %.200s --port %.100s: %s", options->host, options->port,
                    gai_strerror(result));
    memcpy(&port->server, found->ai_addr, found->ai_addrlen);
    port->server_length = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

struct route_port *open_route_port(const struct options *options, struct trouble *trouble)
{
    struct route_port *port = calloc(1, sizeof(*port));
    if (!port) {
        fail(trouble, "no memory");
        return NULL;
    }
    port->options = options;
    port->socket = -1;
    pthread_mutex_init(&port->lock, NULL);
    port->kept = calloc(options->cache_size + 1u, sizeof(*port->kept));
    if ((port->kept || fail(trouble, "no memory")) && find_server(port, trouble))
        return port;
    close_route_port(port);
    return NULL;
}

void close_route_port(struct route_port *port)
{
    disconnect(port);
    pthread_mutex_destroy(&port->lock);
    free(port->kept);
    free(port);
}
