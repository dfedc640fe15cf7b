/* Why something did not work, in words.
 *
 * Law: who meets trouble says so with `fail` and passes false on; who decides logs it.
 */
#ifndef SPARROW_TROUBLE_H
#define SPARROW_TROUBLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct trouble {
    char text[512];
};

/* Write down what is wrong; false, always. */
static inline __attribute__((format(printf, 2, 3))) bool
fail(struct trouble *trouble, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trouble->text, sizeof(trouble->text), format, arguments);
    va_end(arguments);
    return false;
}

#endif
