/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_READING_H
#define CORE_MODEL_READING_H

/*
 * Reading: one name in one expression, as the checks of references see it: who reads it, from
 * where, and whether it is asked for before.
 *
 * Used by:  model (references, absent).
 * Uses:     draft, reach, guards.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/draft.h"

struct expr_reference;
struct reach;

struct reading {
    struct draft *draft;
    struct reach *reach; /* NULL when there are cycles */
    int *status;         /* E_NOMEM, once that happened */
    const struct use *use;
    const struct expr_reference *reference;
};

/* From where an expression looks at a node: from a place of the node's own body. */
enum reading_view_kind {
    VIEW_START,  /* when `node` starts */
    VIEW_INSIDE, /* when something in the body of `node` is evaluated */
    VIEW_END,    /* when `node` has ended */
    VIEW_ALL,    /* when the body is at its end */
    VIEW_ENDING, /* when the run ends, somehow; `node` is the body that runs then */
};

struct reading_view {
    enum reading_view_kind kind;
    uint32_t node;
};

typedef void (*reading_report_cb)(const struct report *report, struct place place,
                                  const char *format, ...);

const struct report *reading_report(const struct reading *reading);

/* What is an error when one of `flags` (LOAD_*) is set, and else a warning. */
reading_report_cb reading_reporter(const struct reading *reading, unsigned flags);

/* A place in the expression; that of the reference. */
struct place reading_place_at(const struct reading *reading, size_t offset);
struct place reading_place(const struct reading *reading);

/* Who says it: "node 'a'". */
struct label reading_who(const struct reading *reading);

bool reading_is_one_of(struct str name, const struct str *names, size_t count);

/* Whether absence is no surprise: `has(a.output) ? a.output.x : 0` asks before it reads. */
bool reading_is_guarded(const struct reading *reading);

/* `has(a.output) ? a.x : 0`: the short form is asked for by the long one. */
bool reading_asks_output(const struct reading *reading, size_t first);

/* guards_hold() for the use. */
bool reading_is_asked(const struct reading *reading, int slot, struct str field);

/* Whether there is a way from `before` to `node`, of one body; false when out of memory. */
bool reading_is_before(const struct reading *reading, uint32_t before, uint32_t node);

/* The view of `body`, which is that of the use or one around it. */
struct reading_view reading_find_view(const struct reading *reading, uint32_t body);

/* A node that is repeated sees what the round before left; in the first there is nothing. */
bool reading_is_round_before(const struct reading *reading, const struct reading_view *view,
                             uint32_t node);

/* Whether `node` may have no output. */
bool reading_may_be_absent(const struct reading *reading, const struct reading_view *view,
                           uint32_t node);

#endif
