/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_EXPECTED_ROWS_H
#define CORE_LOOP_EXPECTED_ROWS_H

/*
 * Expected rows: what the tables `runs` and `nodes` have to say of one run, from its records. It
 * is worked out here a second time, so that a mistake of the journal is not made again.
 *
 * Used by:  state_check.
 * Uses:     engine (records).
 * Threads:  [any]; one belongs to one thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/strmap.h"
#include "core/model/queue_priority.h"

struct document;
struct record;

struct expected_node {
    char *path;
    const char *state;
    uint32_t attempt;
    int64_t wake_at; /* 0: none; the same below */
    int64_t started_at;
    int64_t ended_at;
    uint64_t body; /* hash of the body of the record that ended it; 0: none */
    bool is_found; /* for who compares */
};

struct expected_rows {
    struct expected_node **nodes; /* in no order */
    size_t count;
    size_t cap;
    struct strmap by_path;
    const char *end; /* how the run ended; NULL: it has not */
    bool is_paused;
    uint64_t last_seq;
    int64_t started_at;
    int64_t ended_at;
    int64_t turn_at;              /* of an item of the queue */
    enum queue_priority priority; /* the same; that of its definition is set before */
    uint32_t nodes_done;
    uint32_t nodes_failed;
    const struct document *spent; /* the last that says what calls took; owned; NULL: none does */
};

#define EXPECTED_ROWS_INIT ((struct expected_rows){0})

void expected_rows_finish(struct expected_rows *rows);

/* The next record was applied; `body` is its JSON. Fails with E_NOMEM. */
int expected_rows_note(struct expected_rows *rows, const struct record *record, struct str body);

/* The state that people see. */
const char *expected_rows_state(const struct expected_rows *rows);

/* NULL: no such row. */
struct expected_node *expected_rows_find(const struct expected_rows *rows, struct str path);

#endif
