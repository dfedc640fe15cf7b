/* See json.h. */
#include "json.h"

#include <string.h>

#define DEEPEST 32

static bool spoil(struct json *json)
{
    json->is_wrong = true;
    return false;
}

static void skip_blanks(struct json *json)
{
    while (json->at < json->end && memchr(" \t\r\n", *json->at, 4))
        json->at++;
}

/* The next octet that is no blank; NUL at the end. */
static char peek(struct json *json)
{
    skip_blanks(json);
    return json->at < json->end ? *json->at : '\0';
}

static bool take(struct json *json, char octet)
{
    if (json->is_wrong || peek(json) != octet || octet == '\0')
        return spoil(json);
    json->at++;
    return true;
}

struct json json_begin(const void *octets, size_t length)
{
    return (struct json){octets, (const char *)octets + length, false, false};
}

bool json_enter(struct json *json, char opening)
{
    json->is_first = true;
    return take(json, opening);
}

bool json_next(struct json *json, char closing)
{
    if (json->is_wrong)
        return false;
    bool is_first = json->is_first;
    json->is_first = false;
    if (peek(json) == closing) {
        take(json, closing);
        return false;
    }
    return is_first || take(json, ',');
}

bool json_key(struct json *json, char *key, size_t size)
{
    return json_text(json, key, size) && take(json, ':');
}

static bool read_hex(struct json *json, uint32_t *code)
{
    *code = 0;
    for (int count = 0; count < 4; count++) {
        char digit = json->at < json->end ? *json->at++ : '\0';
        if (digit >= '0' && digit <= '9')
            *code = *code << 4 | (uint32_t)(digit - '0');
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            *code = *code << 4 | (uint32_t)((digit | 0x20) - 'a' + 10);
        else
            return spoil(json);
    }
    return true;
}

/* Read what follows "\u": one code point, of two escapes where the first is half of a pair. */
static bool read_code(struct json *json, uint32_t *code)
{
    if (!read_hex(json, code))
        return false;
    bool is_half = *code >= 0xd800 && *code < 0xdc00;
    if (!is_half || json->end - json->at < 2 || memcmp(json->at, "\\u", 2) != 0)
        return true;
    const char *start = json->at;
    uint32_t other;
    json->at += 2;
    if (!read_hex(json, &other))
        return false;
    if (other >= 0xdc00 && other < 0xe000)
        *code = 0x10000 + ((*code - 0xd800) << 10) + (other - 0xdc00);
    else
        json->at = start;
    return true;
}

/* Write a code point in UTF-8 to four octets of room; give how many. */
static size_t write_code(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t at = size - 1; at > 0; at--, code >>= 6)
        out[at] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(0xf00 >> size | code);
    return size;
}

/* Read one character of a text, escaped or not; give its octets, 0 for one that is wrong. */
static size_t read_character(struct json *json, char octets[4])
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    octets[0] = *json->at++;
    if ((uint8_t)octets[0] < 0x20)
        return 0;
    if (octets[0] != '\\')
        return 1;
    char letter = json->at < json->end ? *json->at++ : '\0';
    uint32_t code;
    if (letter == 'u')
        return read_code(json, &code) && code ? write_code(octets, code) : 0;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found)
        return 0;
    octets[0] = meant[found - letters];
    return 1;
}

/* Take a text; what does not fit into `size` octets is wrong, unless there are none. */
static bool read_text(struct json *json, char *text, size_t size)
{
    size_t length = 0;
    if (!take(json, '"'))
        return false;
    while (json->at < json->end && *json->at != '"') {
        char octets[4];
        size_t count = read_character(json, octets);
        if (count == 0 || (size && length + count >= size))
            return spoil(json);
        if (size)
            memcpy(text + length, octets, count);
        length += count;
    }
    if (json->at == json->end)
        return spoil(json);
    json->at++;
    if (size)
        text[length] = '\0';
    return true;
}

bool json_text(struct json *json, char *text, size_t size)
{
    return read_text(json, text, size);
}

bool json_number(struct json *json, uint64_t *number)
{
    char digit = peek(json);
    const char *start = json->at;
    if (json->is_wrong || digit < '0' || digit > '9')
        return spoil(json);
    for (*number = 0; json->at < json->end && *json->at >= '0' && *json->at <= '9'; json->at++)
        if (__builtin_mul_overflow(*number, 10, number)
            || __builtin_add_overflow(*number, (uint64_t)(*json->at - '0'), number))
            return spoil(json);
    bool is_whole = json->at == json->end || !memchr(".eE", *json->at, 3);
    bool is_plain = *start != '0' || json->at - start == 1;
    return (is_whole && is_plain) || spoil(json);
}

/* Take a number of any kind, true, false or null. */
static bool skip_word(struct json *json)
{
    const char *start = json->at;
    const char letters[] = "+-.0123456789abcdefghijklmnopqrstuvwxyzE";
    while (json->at < json->end && memchr(letters, *json->at, sizeof(letters) - 1))
        json->at++;
    size_t length = (size_t)(json->at - start);
    bool is_number = length && (*start == '-' || (*start >= '0' && *start <= '9'));
    bool is_word = (length == 4 && (!memcmp(start, "true", 4) || !memcmp(start, "null", 4)))
                   || (length == 5 && !memcmp(start, "false", 5));
    return is_number || is_word || spoil(json);
}

static bool skip_value(struct json *json, int depth)
{
    char opening = peek(json);
    if (opening == '"')
        return read_text(json, NULL, 0);
    if (opening != '{' && opening != '[')
        return skip_word(json);
    if (depth == DEEPEST || !json_enter(json, opening))
        return spoil(json);
    while (json_next(json, opening == '{' ? '}' : ']')) {
        if (opening == '{' && !(read_text(json, NULL, 0) && take(json, ':')))
            return false;
        if (!skip_value(json, depth + 1))
            return false;
    }
    return !json->is_wrong;
}

bool json_skip(struct json *json)
{
    return !json->is_wrong && skip_value(json, 0);
}

bool json_is_over(struct json *json)
{
    skip_blanks(json);
    return !json->is_wrong && json->at == json->end;
}
