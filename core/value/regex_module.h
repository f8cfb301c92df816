/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_REGEX_MODULE_H
#define CORE_VALUE_REGEX_MODULE_H

/*
 * The table of the private module opstream-re2.so: what crosses between the program and libre2.
 * Plain C; no exception crosses it.
 *
 * Used by:  regex.c (calls it), re2_module.cc (fills it).
 * Uses:     nothing.
 * Threads:  [any]; a compiled expression never changes.
 */

#include <stdbool.h>
#include <stddef.h>

/* The results; the table knows nothing of core's codes. */
enum regex_module_result {
    REGEX_MODULE_OK = 0,
    REGEX_MODULE_BAD_PATTERN = 1, /* the text of the fault is in `out_message` */
    REGEX_MODULE_TOO_LARGE = 2,   /* the compiled expression needs too much memory */
    REGEX_MODULE_NOMEM = 3,
};

struct regex_module {
    /*
     * Compiles `n` bytes of UTF-8 into at most `max_memory_bytes`. On REGEX_MODULE_OK `*out_regex`
     * is owned by the caller: destroy(). Else `out_message` (`message_size` bytes) may hold
     * NUL-terminated text.
     */
    int (*compile)(const char *pattern, size_t n, size_t max_memory_bytes, void **out_regex,
                   char *out_message, size_t message_size);
    void (*destroy)(void *regex);
    /* The number of instructions. */
    size_t (*size)(const void *regex);
    /* 1 when any part of the text matches, 0 when none does, -1 when memory ran out. */
    int (*search)(const void *regex, const char *text, size_t n);
    /* The same for the first part from byte `from` on that matches: [*out_begin, *out_end). */
    int (*find)(const void *regex, const char *text, size_t n, size_t from, size_t *out_begin,
                size_t *out_end);
};

#endif
