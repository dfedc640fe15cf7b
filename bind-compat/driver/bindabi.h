/* What BIND 9.18 and later say to a driver that its `dlz dlopen` loads.
 *
 * Law: numbers and layouts are BIND's (interface version 3, client information version 3, its
 * methods version 2); of a structure that BIND owns only what all these versions have at the
 * same place is declared. BIND finds the `dlz_` functions by name.
 */
#ifndef SPARROW_BINDABI_H
#define SPARROW_BINDABI_H

#include <stdint.h>
#include <sys/socket.h>

#define BIND_INTERFACE 3
#define BIND_METHODS 2 /* version of `struct bind_methods` that is known here */

enum { BIND_THREADSAFE = 1, BIND_RELATIVE_OWNER = 2 }; /* flags of dlz_version */

typedef unsigned int bind_result;
enum { BIND_SUCCESS = 0, BIND_NO_MEMORY = 1, BIND_NOT_FOUND = 23, BIND_FAILURE = 25 };

enum { BIND_INFO = -1, BIND_NOTICE = -2, BIND_WARNING = -3, BIND_ERROR = -4 };

struct bind_lookup; /* where the records of a name are put; BIND's own */
struct bind_client; /* who asks; BIND's own */

/* An address of BIND's: the socket address comes first. */
struct bind_sockaddr {
    union {
        struct sockaddr any;
        struct sockaddr_storage room;
    } type;
};

struct bind_methods {
    uint16_t version;
    uint16_t age; /* so many versions back it may be taken for */
    bind_result (*sourceip)(struct bind_client *client, struct bind_sockaddr **address);
};

typedef void bind_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
typedef bind_result bind_putrr(struct bind_lookup *lookup, const char *type, uint32_t ttl,
                               const char *text);

/* All that is seen from outside. */
#pragma GCC visibility push(default)
int dlz_version(unsigned int *flags);
bind_result dlz_create(const char *name, unsigned int argc, char *argv[], void **driver, ...);
void dlz_destroy(void *driver);
bind_result dlz_findzonedb(void *driver, const char *name, struct bind_methods *methods,
                           struct bind_client *client);
bind_result dlz_lookup(const char *zone, const char *name, void *driver,
                       struct bind_lookup *lookup, struct bind_methods *methods,
                       struct bind_client *client);
#pragma GCC visibility pop

#endif
