/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: one, or lists of them in pages. */
#include <stdio.h>

#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"

enum { LIST_USUAL = 50, LIST_MOST = 1000, SHORTEST_ID = 4 };

/* `r` is a run, `e` the record that ended it, `s` the last that says what its calls took. */
#define RUN_ROW                                                                                    \
    "SELECT r.run, r.id, r.definition, r.workflow, r.name, r.version, r.labels, r.state,"          \
    " r.blocked, r.last_seq, r.root, r.parent, r.call, r.parent_path, r.key, r.request,"           \
    " r.triggered_by, r.options, r.wake_at, r.crashes, r.nodes_total, r.nodes_done,"               \
    " r.nodes_failed, r.created_at, r.started_at, r.ended_at, r.queued_by, r.priority,"            \
    " r.turn_at, r.dead, "
#define SPENT      "s.body ->> '$.output.total', "
#define SPENT_FROM "LEFT JOIN journal s ON s.id = r.spent "
#define RUN_COLUMNS                                                                                \
    RUN_ROW SPENT "e.body, e.blob FROM runs r LEFT JOIN journal e ON e.id = r.record " SPENT_FROM
/* For lists. */
#define RUN_SHORT RUN_ROW SPENT "NULL, NULL FROM runs r " SPENT_FROM

enum { RUN_BODY_COLUMN = 31 };

static struct journal_run read_run(const struct reader_query *query)
{
    int column = 0;
#define NEXT_STR reader_query_column_str(query, column++)
#define NEXT_INT reader_query_column_int(query, column++)
    struct journal_run run = {0};
    run.number = (uint64_t)NEXT_INT;
    run.id = NEXT_STR;
    run.definition = NEXT_STR;
    run.workflow = NEXT_STR;
    run.name = NEXT_STR;
    run.version = NEXT_STR;
    run.labels = NEXT_STR;
    run.state = NEXT_STR;
    run.blocked = NEXT_STR;
    run.last_seq = (uint64_t)NEXT_INT;
    run.root = (uint64_t)NEXT_INT;
    run.parent = (uint64_t)NEXT_INT;
    run.call = NEXT_STR;
    run.parent_path = NEXT_STR;
    run.key = NEXT_STR;
    run.request = NEXT_STR;
    run.triggered_by = NEXT_STR;
    run.options = NEXT_STR;
    run.wake_at = NEXT_INT;
    run.crashes = (uint32_t)NEXT_INT;
    run.nodes_total = (uint32_t)NEXT_INT;
    run.nodes_done = (uint32_t)NEXT_INT;
    run.nodes_failed = (uint32_t)NEXT_INT;
    run.created_at = NEXT_INT;
    run.started_at = NEXT_INT;
    run.ended_at = NEXT_INT;
    run.queued_by = NEXT_STR;
    run.priority = (int)NEXT_INT;
    run.turn_at = NEXT_INT;
    run.is_dead = NEXT_INT != 0;
    run.spent = NEXT_STR;
#undef NEXT_STR
#undef NEXT_INT
    return run;
}

/* Gives all rows to `each` and ends the query; `*out_count` is their number. */
static int give_runs(struct reader_query *query, journal_run_cb each, void *user, size_t *out_count)
{
    *out_count = 0;
    while (reader_query_next(query)) {
        struct journal_run run = read_run(query);
        if (reader_query_column_body(query, RUN_BODY_COLUMN, &run.result)) {
            ++*out_count;
            reader_query_stop(query, each(user, &run));
        }
    }
    return reader_query_end(query);
}

static int give_list(struct reader_query *query, journal_run_cb each, void *user)
{
    size_t count = 0;
    return give_runs(query, each, user, &count);
}

static int64_t page_of(uint32_t limit)
{
    return limit > 0 ? (int64_t)limit : -1;
}

/* ---- one run ---- */

static int give_by_id(struct journal_reader *reader, struct str id, journal_run_cb each, void *user,
                      size_t *out_count, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, RUN_COLUMNS "WHERE r.id = ?", err);
    reader_query_str(&query, id);
    return give_runs(&query, each, user, out_count);
}

struct prefix_matches {
    uint64_t number; /* of the first */
    size_t count;
};

/* Ids of runs that begin with `id`, of roots only. `behind`: the text behind all of those. */
static int find_matches(struct journal_reader *reader, struct str id, struct str behind,
                        struct prefix_matches *out, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "SELECT run FROM runs WHERE id >= ? AND id < ? AND parent IS NULL"
                       " AND queued_by IS NULL ORDER BY id LIMIT 2",
                       err);
    reader_query_str(&query, id);
    reader_query_str(&query, behind);
    while (reader_query_next(&query)) {
        out->number = out->count == 0 ? (uint64_t)reader_query_column_int(&query, 0) : out->number;
        out->count++;
    }
    return reader_query_end(&query);
}

static int find_by_prefix(struct journal_reader *reader, struct str id, uint64_t *out_number,
                          struct error *err)
{
    struct prefix_matches matches = {0};
    struct strbuf behind = STRBUF_INIT;
    strbuf_append_str(&behind, id);
    if (strbuf_status(&behind) != 0) {
        return error_nomem(err);
    }
    behind.p[behind.n - 1]++;
    int status = find_matches(reader, id, strbuf_str(&behind), &matches, err);
    strbuf_finish(&behind);
    if (status != 0) {
        return status;
    }
    if (matches.count > 1) {
        return error_set(err, E_CONFLICT, "'%.*s' is the beginning of several ids", STR_ARG(id));
    }
    *out_number = matches.number;
    return 0;
}

static int no_run(struct str id, struct error *err)
{
    return error_set(err, E_NOT_FOUND, "there is no run '%.*s'; 'opstream list' shows them",
                     STR_ARG(id));
}

static int look_for_run(struct journal_reader *reader, struct str id, journal_run_cb each,
                        void *user, struct error *err)
{
    size_t count = 0;
    uint64_t number = 0;
    int status = give_by_id(reader, id, each, user, &count, err);
    if (status != 0 || count > 0) {
        return status;
    }
    if (id.n >= SHORTEST_ID && (unsigned char)id.p[id.n - 1] < 0x7f) {
        status = find_by_prefix(reader, id, &number, err);
    }
    if (status != 0) {
        return status;
    }
    return number != 0 ? journal_reader_run_by_number(reader, number, each, user, err)
                       : no_run(id, err);
}

int journal_reader_run(struct journal_reader *reader, struct str id, journal_run_cb each,
                       void *user, struct error *err)
{
    int status = reader_query_open_view(reader, err);
    if (status == 0) {
        status = look_for_run(reader, id, each, user, err);
        reader_query_close_view(reader);
    }
    return status;
}

/* How many characters the row's id and `id` begin with alike; 0 without a row. */
static int shared_size(struct reader_query *query, struct str id, size_t *out_size)
{
    *out_size = 0;
    reader_query_str(query, id);
    if (reader_query_next(query)) {
        struct str other = reader_query_column_str(query, 0);
        while (*out_size < id.n && *out_size < other.n && id.p[*out_size] == other.p[*out_size]) {
            ++*out_size;
        }
    }
    return reader_query_end(query);
}

/* The ids before and behind it in their order share most with it. */
int journal_reader_unique_size(struct journal_reader *reader, struct str id, size_t *out_size,
                               struct error *err)
{
    struct reader_query query;
    size_t before = 0;
    size_t behind = 0;
    reader_query_begin(&query, reader,
                       "SELECT id FROM runs WHERE id < ? AND parent IS NULL"
                       " AND queued_by IS NULL ORDER BY id DESC LIMIT 1",
                       err);
    int status = shared_size(&query, id, &before);
    if (status != 0) {
        return status;
    }
    reader_query_begin(&query, reader,
                       "SELECT id FROM runs WHERE id > ? AND parent IS NULL"
                       " AND queued_by IS NULL ORDER BY id LIMIT 1",
                       err);
    status = shared_size(&query, id, &behind);
    size_t size = (before > behind ? before : behind) + 1;
    *out_size = size < id.n ? size : id.n;
    return status;
}

int journal_reader_run_by_number(struct journal_reader *reader, uint64_t number,
                                 journal_run_cb each, void *user, struct error *err)
{
    struct reader_query query;
    size_t count = 0;
    reader_query_begin(&query, reader, RUN_COLUMNS "WHERE r.run = ?", err);
    reader_query_int(&query, (int64_t)number);
    int status = give_runs(&query, each, user, &count);
    if (status == 0 && count == 0) {
        return error_set(err, E_NOT_FOUND, "there is no run with the number %llu",
                         (unsigned long long)number);
    }
    return status;
}

/* A key may be used again when its time is over: the latest counts. */
int journal_reader_run_by_key(struct journal_reader *reader, struct str key, journal_run_cb each,
                              void *user, struct error *err)
{
    struct reader_query query;
    size_t count = 0;
    reader_query_begin(&query, reader, RUN_COLUMNS "WHERE r.key = ? ORDER BY r.run DESC LIMIT 1",
                       err);
    reader_query_str(&query, key);
    int status = give_runs(&query, each, user, &count);
    if (status == 0 && count == 0) {
        return error_set(err, E_NOT_FOUND, "there is no run with the key '%.*s'", STR_ARG(key));
    }
    return status;
}

/* ---- lists ---- */

static void add_conditions(const struct journal_filter *filter, struct strbuf *sql)
{
    /* Whoever looks for what waits for a person wants all of it. */
    bool has_all = filter->has_children || filter->parent != 0 ||
                   str_equal_text(filter->state, "approval_required");
    strbuf_append_text(sql, has_all ? "" : " AND parent IS NULL");
    strbuf_append_text(sql, filter->has_queued ? "" : " AND queued_by IS NULL");
    strbuf_append_text(sql, filter->parent != 0 ? " AND root = :root AND parent = :parent" : "");
    strbuf_append_text(sql, filter->is_live ? " AND ended_at IS NULL" : "");
    if (str_equal_text(filter->state, "blocked")) { /* whatever it did when it was */
        strbuf_append_text(sql, " AND blocked IS NOT NULL");
    } else if (filter->state.n > 0) {
        strbuf_append_text(sql, " AND state = :state AND blocked IS NULL");
    }
    strbuf_append_text(sql, filter->created_after != 0 ? " AND created_at > :after" : "");
    strbuf_append_text(sql, filter->created_before != 0 ? " AND created_at < :until" : "");
    strbuf_append_text(sql, filter->before != 0 ? " AND run < :before" : "");
    if (filter->label_key.n > 0) {
        strbuf_append_text(sql, " AND run IN (SELECT run FROM labels WHERE key = :key");
        strbuf_append_text(sql, filter->label_value.n > 0 ? " AND value = :value)" : ")");
    }
}

/* The numbers of one page; each page is found by an index that has its order. */
static void add_page(const struct journal_filter *filter, const char *column, struct strbuf *sql)
{
    strbuf_append_text(sql, "SELECT run FROM (SELECT run FROM runs WHERE ");
    strbuf_append_text(sql, column != NULL ? column : "1");
    strbuf_append_text(sql, column != NULL ? " = :workflow" : "");
    add_conditions(filter, sql);
    strbuf_append_text(sql, " ORDER BY run DESC LIMIT :limit)");
}

static void make_list(const struct journal_filter *filter, struct strbuf *sql)
{
    bool has_workflow = filter->workflow.n > 0;
    strbuf_append_text(sql, RUN_SHORT "WHERE r.run IN (");
    add_page(filter, has_workflow ? "workflow" : NULL, sql);
    if (has_workflow) {
        strbuf_append_text(sql, " UNION ");
        add_page(filter, "name", sql);
    }
    strbuf_append_text(sql, ") ORDER BY r.run DESC LIMIT :limit");
}

static int64_t list_limit(uint32_t limit)
{
    return limit == 0 ? LIST_USUAL : limit > LIST_MOST ? LIST_MOST : (int64_t)limit;
}

int journal_reader_list(struct journal_reader *reader, const struct journal_filter *filter,
                        journal_run_cb each, void *user, struct error *err)
{
    struct reader_query query;
    struct strbuf sql = STRBUF_INIT;
    make_list(filter, &sql);
    if (strbuf_status(&sql) != 0) {
        strbuf_finish(&sql);
        return error_nomem(err);
    }
    reader_query_begin_text(&query, reader, strbuf_str(&sql), err);
    strbuf_finish(&sql);
    reader_query_named_str(&query, ":workflow", filter->workflow);
    reader_query_named_str(&query, ":state", filter->state);
    reader_query_named_str(&query, ":key", filter->label_key);
    reader_query_named_str(&query, ":value", filter->label_value);
    reader_query_named_int(&query, ":after", filter->created_after);
    reader_query_named_int(&query, ":until", filter->created_before);
    reader_query_named_int(&query, ":before", (int64_t)filter->before);
    reader_query_named_int(&query, ":root", (int64_t)filter->root);
    reader_query_named_int(&query, ":parent", (int64_t)filter->parent);
    reader_query_named_int(&query, ":limit", list_limit(filter->limit));
    return give_list(&query, each, user);
}

int journal_reader_live(struct journal_reader *reader, uint64_t after, uint32_t limit,
                        journal_run_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       RUN_COLUMNS "WHERE r.ended_at IS NULL AND r.run > ? ORDER BY r.run LIMIT ?",
                       err);
    reader_query_int(&query, (int64_t)after);
    reader_query_int(&query, page_of(limit));
    return give_list(&query, each, user);
}

int journal_reader_tree_live(struct journal_reader *reader, uint64_t root, journal_run_cb each,
                             void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "WITH RECURSIVE live (run, parent) AS ("
                       "SELECT run, parent FROM runs WHERE root = ? AND ended_at IS NULL"
                       " UNION SELECT a.run, a.parent FROM live JOIN runs a ON a.run = live.parent"
                       ") " RUN_COLUMNS "WHERE r.run IN (SELECT run FROM live) ORDER BY r.run",
                       err);
    reader_query_int(&query, (int64_t)root);
    return give_list(&query, each, user);
}

int journal_reader_tree(struct journal_reader *reader, uint64_t root, journal_run_cb each,
                        void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, RUN_COLUMNS "WHERE r.root = ? ORDER BY r.run", err);
    reader_query_int(&query, (int64_t)root);
    return give_list(&query, each, user);
}

/* Of the parked runs of one priority; the index has them so. */
#define FIRST(priority)                                                                            \
    "SELECT * FROM (SELECT wake_at AS at FROM runs WHERE priority = " priority                     \
    " AND wake_at IS NOT NULL AND parent IS NULL ORDER BY wake_at LIMIT 1)"
#define DUE(priority)                                                                              \
    "SELECT * FROM (SELECT run FROM runs WHERE priority = " priority " AND wake_at <= :now"        \
    " AND wake_at IS NOT NULL AND parent IS NULL ORDER BY wake_at, run LIMIT :limit)"

int journal_reader_next_wake(struct journal_reader *reader, int64_t *out_at, struct error *err)
{
    struct reader_query query;
    int64_t at = INT64_MAX;
    reader_query_begin(&query, reader,
                       FIRST("-1") " UNION ALL " FIRST("0") " UNION ALL " FIRST("1") " ORDER BY at",
                       err);
    if (reader_query_next(&query)) {
        at = reader_query_column_int(&query, 0);
    }
    int status = reader_query_end(&query);
    *out_at = status == 0 ? at : *out_at;
    return status;
}

int journal_reader_parked(struct journal_reader *reader, uint64_t *out_count, struct error *err)
{
    struct reader_query query;
    uint64_t count = 0;
    reader_query_begin(&query, reader,
                       "SELECT count(*) FROM runs WHERE wake_at IS NOT NULL AND parent IS NULL",
                       err);
    if (reader_query_next(&query)) {
        count = (uint64_t)reader_query_column_int(&query, 0);
    }
    int status = reader_query_end(&query);
    *out_count = status == 0 ? count : *out_count;
    return status;
}

int journal_reader_due(struct journal_reader *reader, int64_t now, uint32_t limit,
                       journal_run_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       RUN_COLUMNS
                       "WHERE r.run IN (" DUE("-1") " UNION ALL " DUE("0") " UNION ALL " DUE(
                           "1") ")"
                                " ORDER BY r.priority, r.wake_at, r.run LIMIT :limit",
                       err);
    reader_query_named_int(&query, ":now", now);
    reader_query_named_int(&query, ":limit", page_of(limit));
    return give_list(&query, each, user);
}

int journal_reader_newest(struct journal_reader *reader, struct str after, journal_run_cb each,
                          void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       RUN_SHORT "WHERE r.run = (SELECT max(run) FROM runs"
                                 " WHERE workflow = (SELECT min(workflow) FROM runs"
                                 " WHERE workflow > ?))",
                       err);
    reader_query_str(&query, after);
    return give_list(&query, each, user);
}

/* ---- figures ---- */

int journal_reader_usual_ms(struct journal_reader *reader, struct str workflow, int64_t *out_ms,
                            struct error *err)
{
    struct reader_query query;
    int64_t ms = 0;
    reader_query_begin(
        &query, reader,
        "SELECT CAST(avg(took) AS INTEGER) FROM (SELECT ended_at - started_at AS took"
        " FROM runs WHERE workflow = ? AND state = 'completed'"
        " ORDER BY run DESC LIMIT 20)",
        err);
    reader_query_str(&query, workflow);
    if (reader_query_next(&query)) {
        ms = reader_query_column_int(&query, 0);
    }
    int status = reader_query_end(&query);
    *out_ms = status == 0 ? ms : *out_ms;
    return status;
}

int journal_reader_counts(struct journal_reader *reader, journal_count_cb each, void *user,
                          struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader,
                       "SELECT workflow, state, count(*) FROM runs GROUP BY workflow, state", err);
    while (reader_query_next(&query)) {
        struct str workflow = reader_query_column_str(&query, 0);
        struct str run_state = reader_query_column_str(&query, 1);
        uint64_t count = (uint64_t)reader_query_column_int(&query, 2);
        reader_query_stop(&query, each(user, workflow, run_state, count));
    }
    return reader_query_end(&query);
}
