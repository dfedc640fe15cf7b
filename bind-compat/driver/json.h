/* JSON (RFC 8259), read value by value from octets in memory.
 *
 * Law: no octet outside is read and nothing is kept; after the first wrong octet every call
 * gives false. Start from `json_enter` and `json_next`.
 *
 *     if (json_enter(&json, '{'))
 *         while (json_next(&json, '}') && json_key(&json, key, sizeof(key)))
 *             ... take one value ...
 *     if (json.is_wrong) ...
 */
#ifndef SPARROW_JSON_H
#define SPARROW_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    const char *at;
    const char *end;
    bool is_first; /* the next item is its container's first */
    bool is_wrong;
};

struct json json_begin(const void *octets, size_t length);

/* Take '{' or '['. */
bool json_enter(struct json *json, char opening);

/* Whether another item follows, its comma taken; at the end `closing` is taken. */
bool json_next(struct json *json, char closing);

/* Take a key and its colon. */
bool json_key(struct json *json, char *key, size_t size);

/* Take a text of less than `size` octets in UTF-8, without NUL. */
bool json_text(struct json *json, char *text, size_t size);

/* Take a whole number from 0 to 2^64 - 1. */
bool json_number(struct json *json, uint64_t *number);

/* Take any value; containers may be nested 32 deep. */
bool json_skip(struct json *json);

/* Whether all was right and nothing but blanks is left. */
bool json_is_over(struct json *json);

#endif
