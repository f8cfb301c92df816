/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_REPORT_H
#define CORE_MODEL_REPORT_H

/*
 * Report: what the checks of one file say, with the file's name put in; that of another file,
 * when the place is in one that the checks took something from.
 *
 * Used by:  model.
 * Uses:     base.
 * Threads:  [any]; one report belongs to one thread at a time.
 */

#include <stddef.h>

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct diagnostics;
struct suggest;

struct report {
    struct diagnostics *diagnostics;
    const char *file;  /* NULL: none */
    struct str source; /* the whole text */
    const char *holds; /* what the file is: "config", "settings"; NULL: a pipeline */
    bool is_json;
    uint32_t number; /* of the file, as places have it */
    /* All files that places can be in, by number; NULL while there is only this one. */
    const struct report *const *files;
};

/* The report of the file that `place` is in; its own for a place that is unknown. */
const struct report *report_of_place(const struct report *report, struct place place);

/* The place of a byte of the report's source. */
struct place report_place(const struct report *report, size_t offset);

void report_error(const struct report *report, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* That nothing of what should be is in the file: `why` tells what there is. */
void report_empty(const struct report *report, struct place place, const char *why);
void report_warning(const struct report *report, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A hint for what was reported last. */
void report_hint(const struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "did you mean 'x'?", when something is near. */
void report_nearest(const struct report *report, const struct suggest *nearest);

/* Looking for near names among thousands is worth it only while somebody reads the result. */
bool report_wants_nearest(const struct report *report);

#endif
