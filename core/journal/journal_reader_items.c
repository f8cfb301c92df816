/* SPDX-License-Identifier: Apache-2.0 */
/* Items of the retry queue and dead letters, in pages. */
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"

enum { LIST_USUAL = 50, LIST_MOST = 1000, BODY_COLUMN = 15 };

/* `r` is the run, `n` its node when it is an item, `j` the record of the last attempt or the end.
 */
static const char columns[] =
    "SELECT r.run, r.id, r.queued_by, r.workflow, r.parent_path, r.state, r.blocked, n.state,"
    " n.attempt, coalesce(r.wake_at, n.wake_at), r.created_at, coalesce(n.ended_at, r.ended_at),"
    " r.ended_at, r.priority, r.turn_at, j.body, j.blob FROM runs r";

static const char joins[] = " LEFT JOIN nodes n ON n.run = r.run AND r.queued_by IS NOT NULL"
                            " LEFT JOIN journal j ON j.id = coalesce(n.record, r.record) WHERE ";

static const char live[] =
    "r.queued_by IS NOT NULL AND r.ended_at IS NULL"
    " AND r.state NOT IN ('dead', 'approval_required')"
    " AND (r.priority, r.turn_at, r.run) > (:after_priority, :after_turn, :after)";

/* What waits for a person is little beside what waits for its service. */
static const char dead[] =
    "r.run IN (SELECT run FROM runs WHERE state = 'dead' AND run > :after"
    " UNION ALL SELECT run FROM runs WHERE state = 'approval_required' AND queued_by IS NOT NULL"
    " AND run > :after"
    " UNION ALL SELECT run FROM runs WHERE dead <> 0 AND run > :after)";

/* The ids of items begin with that of their run and a slash; a zero is what comes behind that. */
static const char of_run[] = "r.queued_by IS NOT NULL AND r.ended_at IS NULL AND r.run > :after"
                             " AND r.id > :of_run || '/' AND r.id < :of_run || '0'";

static void make_list(const struct journal_item_filter *filter, struct strbuf *sql)
{
    bool is_queue = filter->number == 0 && filter->of_run.n == 0 && !filter->is_dead;
    strbuf_append_text(sql, columns);
    strbuf_append_text(sql, is_queue ? " INDEXED BY runs_queue" : "");
    strbuf_append_text(sql, joins);
    if (filter->number != 0) { /* also one that has ended */
        strbuf_append_text(sql, "r.run = :number AND (r.queued_by IS NOT NULL OR r.dead <> 0)");
    } else if (filter->of_run.n > 0) {
        strbuf_append_text(sql, of_run);
    } else {
        strbuf_append_text(sql, filter->is_dead ? dead : live);
    }
    if (filter->workflow.n > 0) {
        strbuf_append_text(sql, " AND coalesce(r.queued_by, r.workflow) = :workflow");
    }
    if (filter->node.n > 0) {
        strbuf_append_text(sql, " AND (r.workflow = r.queued_by || '/' || :node"
                                " OR r.workflow GLOB r.queued_by || '/' || :node || '@[0-9]*')");
    }
    if (filter->code.n > 0) {
        strbuf_append_text(sql, " AND j.body ->> '$.error.code' = :code");
    }
    if (filter->tried_before != 0) {
        strbuf_append_text(sql, " AND coalesce(n.ended_at, r.ended_at) < :before");
    }
    if (filter->tried_after != 0) {
        strbuf_append_text(sql, " AND coalesce(n.ended_at, r.ended_at) > :since");
    }
    if (filter->has_priority) {
        strbuf_append_text(sql, " AND r.priority = :priority");
    }
    strbuf_append_text(sql, is_queue ? " ORDER BY r.priority, r.turn_at, r.run LIMIT :limit"
                                     : " ORDER BY r.run LIMIT :limit");
}

static struct journal_item read_item(const struct reader_query *query)
{
    return (struct journal_item){
        .number = (uint64_t)reader_query_column_int(query, 0),
        .id = reader_query_column_str(query, 1),
        .queued_by = reader_query_column_str(query, 2),
        .workflow = reader_query_column_str(query, 3),
        .path = reader_query_column_str(query, 4),
        .state = reader_query_column_str(query, 5),
        .blocked = reader_query_column_str(query, 6),
        .node_state = reader_query_column_str(query, 7),
        .attempt = (uint32_t)reader_query_column_int(query, 8),
        .wake_at = reader_query_column_int(query, 9),
        .created_at = reader_query_column_int(query, 10),
        .tried_at = reader_query_column_int(query, 11),
        .priority = (enum queue_priority)reader_query_column_int(query, 13),
        .turn_at = reader_query_column_int(query, 14),
    };
}

static int give_items(struct reader_query *query, journal_item_cb each, void *user)
{
    while (reader_query_next(query)) {
        struct journal_item item = read_item(query);
        if (reader_query_column_body(query, BODY_COLUMN, &item.body)) {
            reader_query_stop(query, each(user, &item));
        }
    }
    return reader_query_end(query);
}

/* Without a place it is one before all. */
static int64_t first_of(const struct journal_item_place *after)
{
    return after->number != 0 ? (int64_t)after->priority : INT64_MIN;
}

int journal_reader_items(struct journal_reader *reader, const struct journal_item_filter *filter,
                         journal_item_cb each, void *user, struct error *err)
{
    struct reader_query query;
    struct strbuf sql = STRBUF_INIT;
    uint32_t limit = filter->limit == 0 ? LIST_USUAL : filter->limit;
    make_list(filter, &sql);
    if (strbuf_status(&sql) != 0) {
        strbuf_finish(&sql);
        return error_nomem(err);
    }
    reader_query_begin_text(&query, reader, strbuf_str(&sql), err);
    strbuf_finish(&sql);
    reader_query_named_int(&query, ":number", (int64_t)filter->number);
    reader_query_named_int(&query, ":after", (int64_t)filter->after.number);
    reader_query_named_int(&query, ":after_priority", first_of(&filter->after));
    reader_query_named_int(&query, ":after_turn", filter->after.turn_at);
    reader_query_named_int(&query, ":priority", filter->priority);
    reader_query_named_str(&query, ":workflow", filter->workflow);
    reader_query_named_str(&query, ":node", filter->node);
    reader_query_named_str(&query, ":code", filter->code);
    reader_query_named_str(&query, ":of_run", filter->of_run);
    reader_query_named_int(&query, ":before", filter->tried_before);
    reader_query_named_int(&query, ":since", filter->tried_after);
    reader_query_named_int(&query, ":limit", limit > LIST_MOST ? LIST_MOST : (int64_t)limit);
    return give_items(&query, each, user);
}
