/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/state_check.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/engine/restore.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/loop/definition_store.h"
#include "core/loop/expected_rows.h"
#include "core/loop/loop.h"
#include "core/loop/run_rows.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { PAGE = 500 };

struct check {
    struct journal_reader *reader;
    const struct load_options *options;
    struct journal_findings *findings;
    struct state_check_numbers *numbers;
    struct error *err;
    struct definition_store *definitions;
};

/* One run, while it is replayed. */
struct replay {
    struct check *check;
    const struct journal_run *row;
    struct run *run;
    struct expected_rows expected;
    struct str body; /* of the record at hand */
    int status;
    bool is_refused; /* the rest of its records means nothing */
};

static int differs(struct check *check, const struct journal_run *row, const char *what,
                   const char *is, const char *has_to_be)
{
    return journal_findings_add(check->findings, JOURNAL_DIFFERS, row->id, 0,
                                "its %s is '%s', by its records '%s'", what, is, has_to_be);
}

/* ---- replaying ---- */

static void note_record(void *user, const struct record *record)
{
    struct replay *replay = user;
    replay->status = expected_rows_note(&replay->expected, record, replay->body);
}

static int apply_row(void *user, const struct journal_row *row)
{
    struct replay *replay = user;
    struct check *check = replay->check;
    struct error err = {0};
    const struct restore_row restored = journal_row_to_restore(row);
    check->numbers->records++;
    if (replay->is_refused) {
        return 0;
    }
    replay->body = row->body;
    int status = restore_row(replay->run, &restored, note_record, replay, &err);
    if (status == 0 && replay->status != 0) {
        return error_nomem(check->err);
    }
    if (status != E_CORRUPT) {
        return status == 0 ? 0 : error_copy(check->err, &err);
    }
    replay->is_refused = true;
    return journal_findings_add(check->findings, JOURNAL_DIFFERS, replay->row->id, row->seq, "%s",
                                err.message);
}

/* What cannot be read of a run is a finding; that nothing can be read is none. */
static int or_finding(struct replay *replay, int status, const struct error *err)
{
    struct check *check = replay->check;
    if (status == 0 || check->findings->status != 0) {
        return check->findings->status;
    }
    if (status != E_CORRUPT && status != E_NOT_FOUND) {
        return error_copy(check->err, err);
    }
    replay->is_refused = true;
    return journal_findings_add(check->findings, JOURNAL_DIFFERS, replay->row->id, 0, "%s",
                                err->message);
}

/* ---- comparing ---- */

static int compare_number(struct replay *replay, const char *what, int64_t is, int64_t has_to_be)
{
    return is == has_to_be
               ? 0
               : journal_findings_add(replay->check->findings, JOURNAL_DIFFERS, replay->row->id, 0,
                                      "its %s is %" PRId64 ", by its records %" PRId64, what, is,
                                      has_to_be);
}

/* What its calls took, as the record says it that the row names. */
static int compare_spent(struct replay *replay)
{
    const struct document *record = replay->expected.spent;
    struct str text = replay->row->spent;
    cleanup_document struct document *row = NULL;
    int status = text.n > 0 ? json_read(text, NULL, &row, NULL) : 0;
    if (status == E_NOMEM) {
        return error_nomem(replay->check->err);
    }
    const struct value *expected = record != NULL ? value_get(document_root(record), STR("total"))
                                                  : NULL;
    bool is_same = (row == NULL && expected == NULL) ||
                   (row != NULL && expected != NULL && value_equal(document_root(row), expected));
    return is_same ? 0
                   : journal_findings_add(replay->check->findings, JOURNAL_DIFFERS, replay->row->id,
                                          0, "what its calls took is not what its records say");
}

static int compare_run(struct replay *replay)
{
    const struct journal_run *row = replay->row;
    const struct expected_rows *expected = &replay->expected;
    const char *state = expected_rows_state(expected);
    bool is_item = row->queued_by.n > 0;
    char is[32];
    int status = 0;
    if (!str_equal_text(row->state, state)) {
        (void)snprintf(is, sizeof(is), "%.*s", STR_ARG(row->state));
        status = differs(replay->check, row, "state", is, state);
    }
    const struct {
        const char *what;
        int64_t is;
        int64_t has_to_be;
    } numbers[] = {
        {"last_seq", (int64_t)row->last_seq, (int64_t)expected->last_seq},
        {"started_at", row->started_at, expected->started_at},
        {"ended_at", row->ended_at, expected->ended_at},
        {"nodes_done", row->nodes_done, expected->nodes_done},
        {"nodes_failed", row->nodes_failed, expected->nodes_failed},
        {"priority", row->priority, is_item ? (int64_t)expected->priority : 0},
        {"turn_at", row->turn_at, is_item ? expected->turn_at : 0},
    };
    for (size_t i = 0; status == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        status = compare_number(replay, numbers[i].what, numbers[i].is, numbers[i].has_to_be);
    }
    return status == 0 ? compare_spent(replay) : status;
}

static int compare_node_number(struct replay *replay, const struct journal_node *node,
                               const char *what, int64_t is, int64_t has_to_be)
{
    return is == has_to_be
               ? 0
               : journal_findings_add(replay->check->findings, JOURNAL_DIFFERS, replay->row->id, 0,
                                      "the %s of node '%.*s' is %" PRId64
                                      ", by its records %" PRId64,
                                      what, STR_ARG(node->path), is, has_to_be);
}

static int compare_node(struct replay *replay, const struct journal_node *node,
                        const struct expected_node *expected)
{
    struct journal_findings *findings = replay->check->findings;
    int status = 0;
    if (!str_equal_text(node->state, expected->state)) {
        status = journal_findings_add(findings, JOURNAL_DIFFERS, replay->row->id, 0,
                                      "the state of node '%.*s' is '%.*s', by its records '%s'",
                                      STR_ARG(node->path), STR_ARG(node->state), expected->state);
    }
    if (status == 0 && (node->body.n > 0 ? str_hash(node->body) : 0) != expected->body) {
        status = journal_findings_add(findings, JOURNAL_DIFFERS, replay->row->id, 0,
                                      "node '%.*s' does not name the record that ended it",
                                      STR_ARG(node->path));
    }
    const struct {
        const char *what;
        int64_t is;
        int64_t has_to_be;
    } numbers[] = {
        {"attempt", node->attempt, expected->attempt},
        {"wake_at", node->wake_at, expected->wake_at},
        {"started_at", node->started_at, expected->started_at},
        {"ended_at", node->ended_at, expected->ended_at},
    };
    for (size_t i = 0; status == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        status =
            compare_node_number(replay, node, numbers[i].what, numbers[i].is, numbers[i].has_to_be);
    }
    return status;
}

static int see_node(void *user, const struct journal_node *node)
{
    struct replay *replay = user;
    struct expected_node *expected = expected_rows_find(&replay->expected, node->path);
    replay->check->numbers->nodes++;
    if (replay->is_refused) {
        return 0;
    }
    if (expected == NULL) {
        return journal_findings_add(replay->check->findings, JOURNAL_DIFFERS, replay->row->id, 0,
                                    "there is a row of node '%.*s', which its records do not know",
                                    STR_ARG(node->path));
    }
    expected->is_found = true;
    return compare_node(replay, node, expected);
}

static int find_missing(struct replay *replay)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < replay->expected.count; i++) {
        const struct expected_node *node = replay->expected.nodes[i];
        if (!node->is_found) {
            status = journal_findings_add(replay->check->findings, JOURNAL_DIFFERS, replay->row->id,
                                          0, "there is no row of node '%s'", node->path);
        }
    }
    return status;
}

static int compare(struct replay *replay)
{
    struct error err = {0};
    int status = replay->is_refused ? 0 : compare_run(replay);
    if (status == 0) {
        status = journal_reader_nodes(replay->check->reader, replay->row->number, see_node, replay,
                                      &err);
        status = or_finding(replay, status, &err);
    }
    return status == 0 && !replay->is_refused ? find_missing(replay) : status;
}

/* ---- one run ---- */

static int replay_run(struct check *check, const struct journal_run *row,
                      const struct run_options *options)
{
    struct error err = {0};
    struct replay replay = {.check = check, .row = row};
    int status = run_create(options, &replay.run, check->err);
    if (status == 0) {
        replay.expected.priority = (enum queue_priority)run_turn(replay.run).priority;
        status = journal_reader_rows(check->reader, row->number, 0, 0, apply_row, &replay, &err);
        status = status == E_NOMEM ? error_nomem(check->err) : or_finding(&replay, status, &err);
    }
    if (status == 0) {
        status = compare(&replay);
    }
    check->numbers->runs++;
    expected_rows_finish(&replay.expected);
    run_destroy(replay.run);
    return status;
}

static int check_run(void *user, const struct journal_run *row)
{
    struct check *check = user;
    struct error err = {0};
    struct run_options options = {
        .number = row->number, .id = row->id, .triggered_by = row->triggered_by};
    const struct definition_wish wish = {.reader = check->reader,
                                         .options = check->options,
                                         .digest = row->definition,
                                         .workflow = row->workflow};
    int status = definition_store_find(&check->definitions, &wish, &options.pipeline, &err);
    if (status == LOOP_BLOCKED) {
        check->numbers->unchecked++;
        return journal_findings_add(check->findings, JOURNAL_UNCHECKED, row->id, 0, "%s",
                                    err.message);
    }
    if (status == 0) {
        status = run_rows_read_options(row->options, &options, &err);
    }
    if (status == E_CORRUPT) {
        return journal_findings_add(check->findings, JOURNAL_DIFFERS, row->id, 0, "%s",
                                    err.message);
    }
    return status == 0 ? replay_run(check, row, &options) : error_copy(check->err, &err);
}

/* One state of the file for the run, its records and its nodes: an owner may be writing. */
static int check_number(struct check *check, uint64_t number)
{
    struct error err = {0};
    int status = journal_reader_begin(check->reader, check->err);
    if (status != 0) {
        return status;
    }
    status = journal_reader_run_by_number(check->reader, number, check_run, check, &err);
    journal_reader_end(check->reader);
    if (status == E_NOT_FOUND && check->findings->status == 0) {
        return 0; /* it was removed meanwhile */
    }
    if (status == E_CORRUPT && check->findings->status == 0) {
        return journal_findings_add(check->findings, JOURNAL_DIFFERS, STR(""), 0,
                                    "run number %" PRIu64 ": %s", number, err.message);
    }
    return err.code != 0 ? error_copy(check->err, &err) : status;
}

/* ---- all ---- */

static int check_runs(struct check *check)
{
    uint64_t numbers[PAGE];
    uint64_t after = 0;
    size_t count = PAGE;
    struct error err = {0};
    int status = 0;
    while (status == 0 && count == PAGE) {
        status = journal_check_list(check->reader, after, numbers, &count, &err);
        for (size_t i = 0; status == 0 && i < count; i++) {
            after = numbers[i];
            status = check_number(check, after);
        }
    }
    if (status == E_CORRUPT && check->findings->status == 0) {
        return journal_findings_add(check->findings, JOURNAL_DIFFERS, STR(""), 0, "%s",
                                    err.message);
    }
    return err.code != 0 ? error_copy(check->err, &err) : status;
}

int state_check(struct journal_reader *reader, const struct load_options *options,
                struct journal_findings *findings, struct state_check_numbers *out_numbers,
                struct error *err)
{
    struct check check = {.reader = reader,
                          .options = options,
                          .findings = findings,
                          .numbers = out_numbers,
                          .err = err};
    *out_numbers = (struct state_check_numbers){0};
    int status = journal_check_file(reader, findings, &out_numbers->file, err);
    if (status == 0) {
        status = check_runs(&check);
    }
    definition_store_destroy(check.definitions);
    return status;
}
