/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/expected_rows.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/engine/record.h"
#include "core/value/value.h"

static void free_node(struct expected_node *node)
{
    free(node->path);
    free(node);
}

void expected_rows_finish(struct expected_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        free_node(rows->nodes[i]);
    }
    free(rows->nodes);
    strmap_finish(&rows->by_path);
    document_unref(rows->spent);
    *rows = EXPECTED_ROWS_INIT;
}

struct expected_node *expected_rows_find(const struct expected_rows *rows, struct str path)
{
    return strmap_get(&rows->by_path, path);
}

static struct expected_node *add(struct expected_rows *rows, const char *path)
{
    struct expected_node **nodes =
        array_reserve(rows->nodes, &rows->cap, rows->count + 1, sizeof(struct expected_node *));
    struct expected_node *node = calloc(1, sizeof(*node));
    rows->nodes = nodes != NULL ? nodes : rows->nodes;
    if (nodes == NULL || node == NULL) {
        free(node);
        return NULL;
    }
    node->path = str_dup(str_from(path));
    if (node->path == NULL || strmap_add(&rows->by_path, str_from(node->path), node) != 0) {
        free_node(node);
        return NULL;
    }
    nodes[rows->count++] = node;
    return node;
}

/* ---- nodes ---- */

static int note_started(struct expected_rows *rows, const struct record *record)
{
    struct expected_node *node = expected_rows_find(rows, str_from(record->path));
    node = node != NULL ? node : add(rows, record->path);
    if (node == NULL) {
        return E_NOMEM;
    }
    node->state = "running";
    node->attempt = record->attempt;
    node->wake_at = record->due_unix_ms;
    node->started_at = record->at_unix_ms;
    node->ended_at = 0;
    node->body = 0;
    return 0;
}

static int note_ended(struct expected_rows *rows, const struct record *record, struct str body)
{
    struct expected_node *node = expected_rows_find(rows, str_from(record->path));
    bool is_new = node == NULL;
    node = is_new ? add(rows, record->path) : node;
    if (node == NULL) {
        return E_NOMEM;
    }
    node->state = record->type == RECORD_NODE_AGAIN     ? "completed"
                  : record->type == RECORD_NODE_RETRY   ? "retry_wait"
                  : record->type == RECORD_NODE_UNKNOWN ? (record->is_dead ? "dead" : "unknown")
                                                        : node_state_name(record->node_state);
    node->attempt = record->attempt;
    node->wake_at = record->due_unix_ms;
    node->started_at = is_new ? record->at_unix_ms : node->started_at;
    node->ended_at = record->at_unix_ms;
    node->body = str_hash(body);
    return 0;
}

/* What stands in goes on: that is no start, and no end. */
static int note_fallback(struct expected_rows *rows, const struct record *record)
{
    struct expected_node *node = expected_rows_find(rows, str_from(record->path));
    bool is_new = node == NULL;
    node = is_new ? add(rows, record->path) : node;
    if (node == NULL) {
        return E_NOMEM;
    }
    node->state = "running";
    node->attempt = record->attempt;
    node->wake_at = 0;
    node->started_at = is_new ? 0 : node->started_at;
    node->ended_at = 0;
    node->body = 0;
    return 0;
}

static void note_state(struct expected_rows *rows, const struct record *record, const char *state)
{
    struct expected_node *node = expected_rows_find(rows, str_from(record->path));
    if (node != NULL) {
        node->state = state;
    }
}

/* What an iteration left behind is of no interest once it has ended. */
static int drop_inside(struct expected_rows *rows, struct str path)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++) {
        struct expected_node *node = rows->nodes[i];
        if (str_starts_with(str_from(node->path), path)) {
            free_node(node);
        } else {
            rows->nodes[kept++] = node;
        }
    }
    if (kept == rows->count) {
        return 0;
    }
    rows->count = kept;
    strmap_finish(&rows->by_path);
    for (size_t i = 0; i < kept; i++) {
        struct expected_node *node = rows->nodes[i];
        if (strmap_add(&rows->by_path, str_from(node->path), node) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int note_node(struct expected_rows *rows, const struct record *record, struct str body)
{
    switch (record->type) {
    case RECORD_NODE_STARTED:
        return note_started(rows, record);
    case RECORD_NODE_ENDED:
    case RECORD_NODE_AGAIN:
    case RECORD_NODE_RETRY:
        return note_ended(rows, record, body);
    case RECORD_NODE_FALLBACK:
        return note_fallback(rows, record);
    case RECORD_NODE_STOPPING:
        note_state(rows, record, "stopping");
        return 0;
    case RECORD_NODE_LOST:
        note_state(rows, record, "ready");
        return 0;
    case RECORD_NODE_UNKNOWN:
        if (record->error != NULL) {
            return note_ended(rows, record, body);
        }
        note_state(rows, record, "unknown");
        return 0;
    case RECORD_FRAME_ENDED:
        return record->kind == FRAME_ITEM ? drop_inside(rows, str_from(record->path)) : 0;
    default:
        return 0;
    }
}

/* ---- the run ---- */

/* Nodes of the root body, each once: a state that is visited again has a '#' in its path. */
static void count(struct expected_rows *rows, const struct record *record)
{
    if (record->type != RECORD_NODE_ENDED || record->frame != 0 || record->path == NULL) {
        return;
    }
    bool is_again = strchr(record->path, '#') != NULL;
    bool is_failure = record->node_state == NODE_FAILED && !(is_again && record->is_handled);
    rows->nodes_done += is_again ? 0u : 1u;
    rows->nodes_failed += is_failure ? 1u : 0u;
}

static void note_run(struct expected_rows *rows, const struct record *record)
{
    rows->last_seq = record->seq;
    count(rows, record);
    if (record->type == RECORD_RUN_STARTED && rows->started_at == 0) {
        rows->started_at = record->at_unix_ms;
        rows->turn_at = record->at_unix_ms;
    }
    rows->turn_at = record->type == RECORD_NODE_RETRY ? record->due_unix_ms : rows->turn_at;
    rows->priority = record->has_priority ? record->priority : rows->priority;
    if (record->type == RECORD_NODE_SPENT) {
        document_unref(rows->spent);
        rows->spent = document_ref(record->output);
    }
    if (record->type == RECORD_RUN_ENDED && rows->end == NULL) {
        rows->end = run_state_name(record->run_state);
        rows->ended_at = record->at_unix_ms;
    }
    if (record->type == RECORD_RUN_PAUSED || record->type == RECORD_RUN_RESUMED) {
        rows->is_paused = record->type == RECORD_RUN_PAUSED;
    }
}

int expected_rows_note(struct expected_rows *rows, const struct record *record, struct str body)
{
    note_run(rows, record);
    return record->path != NULL ? note_node(rows, record, body) : 0;
}

const char *expected_rows_state(const struct expected_rows *rows)
{
    if (rows->end != NULL) {
        return rows->end;
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->nodes[i]->state, "unknown") == 0) {
            return "approval_required";
        }
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (strcmp(rows->nodes[i]->state, "dead") == 0) {
            return "dead";
        }
    }
    if (rows->is_paused) {
        return "paused";
    }
    return rows->started_at == 0 ? "pending" : "running";
}
