/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/utf8.h"

const char *error_code_text(int code)
{
    switch (code) {
#define X(name, number, text)                                                                      \
    case name:                                                                                     \
        return text;
        ERROR_CODES(X)
#undef X
    default:
        return "unknown error";
    }
}

/* Cuts a buffer that vsnprintf filled to the brim back to a whole character. */
static void cut_to_whole_character(char *buffer, size_t size, int wanted)
{
    if (wanted < 0) {
        buffer[0] = '\0';
        return;
    }
    if ((size_t)wanted >= size) {
        buffer[utf8_whole_prefix(buffer, size - 1)] = '\0';
    }
}

static void format_into(char *buffer, size_t size, const char *format, va_list args)
{
    int wanted = vsnprintf(buffer, size, format, args);
    cut_to_whole_character(buffer, size, wanted);
}

int error_set(struct error *err, int code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    *err = (struct error){.code = code};
    va_list args;
    va_start(args, format);
    format_into(err->message, sizeof(err->message), format, args);
    va_end(args);
    return code;
}

int error_set_errno(struct error *err, int code, int errnum, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    *err = (struct error){.code = code};
    va_list args;
    va_start(args, format);
    format_into(err->message, sizeof(err->message), format, args);
    va_end(args);
    const char *why = strerrordesc_np(errnum);
    size_t used = strlen(err->message);
    int wanted = snprintf(err->message + used, sizeof(err->message) - used, ": %s",
                          why != NULL ? why : "unknown system error");
    cut_to_whole_character(err->message + used, sizeof(err->message) - used, wanted);
    return code;
}

int error_nomem(struct error *err)
{
    return error_set(err, E_NOMEM, "out of memory");
}

void error_set_place(struct error *err, const char *file, uint32_t line, uint32_t column)
{
    if (err == NULL) {
        return;
    }
    if (file != NULL) {
        int wanted = snprintf(err->file, sizeof(err->file), "%s", file);
        cut_to_whole_character(err->file, sizeof(err->file), wanted);
    }
    err->line = line;
    err->column = column;
}

void error_prefix(struct error *err, const char *format, ...)
{
    if (err == NULL) {
        return;
    }
    char old[sizeof(err->message)];
    memcpy(old, err->message, sizeof(old));
    va_list args;
    va_start(args, format);
    format_into(err->message, sizeof(err->message), format, args);
    va_end(args);
    size_t used = strlen(err->message);
    int wanted = snprintf(err->message + used, sizeof(err->message) - used, "%s", old);
    cut_to_whole_character(err->message + used, sizeof(err->message) - used, wanted);
}

int error_copy(struct error *to, const struct error *from)
{
    if (to != NULL && to != from) {
        *to = *from;
    }
    return from->code;
}
