/* SPDX-License-Identifier: Apache-2.0 */
/* Records, and the last states of nodes. */
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/journal/reader_query.h"

/* `j` is a record, `r` its run. */
#define ROW_COLUMNS                                                                                \
    "SELECT j.id, j.run, r.id, j.seq, j.type, j.path, j.attempt, j.at, j.body, j.blob"

enum { ROW_BODY_COLUMN = 8, NODE_BODY_COLUMN = 6 };

static const char rows_of_run[] = ROW_COLUMNS
    " FROM runs r CROSS JOIN journal j ON j.run = r.run"
    " WHERE r.run = ? AND j.seq > ? ORDER BY j.seq LIMIT ?";

static const char row_of_id[] = ROW_COLUMNS
    " FROM journal j JOIN runs r ON r.run = j.run WHERE j.id = ?";

/* What is sorted is ids alone; runs that have no record above the first are not looked at. */
static const char ids_of_tree[] =
    "SELECT j.id FROM runs r CROSS JOIN journal j ON j.run = r.run"
    " WHERE r.root = ?1 AND r.last_id > ?2 AND j.id > ?2 ORDER BY j.id LIMIT ?3";

/* All records there are in a window, and of these the tree's: nothing is sorted. */
static const char ids_of_window[] =
    "SELECT j.id FROM journal j CROSS JOIN runs r ON r.run = j.run"
    " WHERE r.root = ?1 AND j.id > ?2 AND j.id <= ?4 ORDER BY j.id LIMIT ?3";

/* A window with fewer rows of the tree is mostly others' rows. */
enum { WINDOW_ROWS = 512, WINDOW_SPARSE = 32 };

static int64_t page_of(uint32_t limit)
{
    return limit > 0 ? (int64_t)limit : -1;
}

static void give_row(struct reader_query *query, journal_row_cb each, void *user)
{
    struct journal_row row = {
        .id = (uint64_t)reader_query_column_int(query, 0),
        .run = (uint64_t)reader_query_column_int(query, 1),
        .run_id = reader_query_column_str(query, 2),
        .seq = (uint64_t)reader_query_column_int(query, 3),
        .type = reader_query_column_str(query, 4),
        .path = reader_query_column_str(query, 5),
        .attempt = (uint32_t)reader_query_column_int(query, 6),
        .at = reader_query_column_int(query, 7),
    };
    if (reader_query_column_body(query, ROW_BODY_COLUMN, &row.body)) {
        reader_query_stop(query, each(user, &row));
    }
}

int journal_reader_rows(struct journal_reader *reader, uint64_t run, uint64_t after_seq,
                        uint32_t limit, journal_row_cb each, void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, rows_of_run, err);
    reader_query_int(&query, (int64_t)run);
    reader_query_int(&query, (int64_t)after_seq);
    reader_query_int(&query, page_of(limit));
    while (reader_query_next(&query)) {
        give_row(&query, each, user);
    }
    return reader_query_end(&query);
}

/* The records of a tree, a part at a time. */
struct tree_reading {
    struct journal_reader *reader;
    uint64_t root;
    uint64_t after;
    int64_t left; /* negative: all */
    journal_row_cb each;
    void *user;
    struct error *err;
};

static int give_row_of_id(struct tree_reading *reading, int64_t id)
{
    struct reader_query query;
    reader_query_begin(&query, reading->reader, row_of_id, reading->err);
    reader_query_int(&query, id);
    while (reader_query_next(&query)) {
        give_row(&query, reading->each, reading->user);
    }
    return reader_query_end(&query);
}

static int give_ids(struct tree_reading *reading, const char *sql, uint64_t upto,
                    int64_t *out_count)
{
    struct reader_query query;
    int64_t count = 0;
    reader_query_begin(&query, reading->reader, sql, reading->err);
    reader_query_int(&query, (int64_t)reading->root);
    reader_query_int(&query, (int64_t)reading->after);
    reader_query_int(&query, reading->left);
    if (upto != 0) {
        reader_query_int(&query, (int64_t)upto);
    }
    while (reader_query_next(&query)) {
        count++;
        reader_query_stop(&query, give_row_of_id(reading, reader_query_column_int(&query, 0)));
    }
    reading->left -= reading->left > 0 ? count : 0;
    *out_count = count;
    return reader_query_end(&query);
}

static int find_last_id(struct journal_reader *reader, uint64_t *out_id, struct error *err)
{
    struct reader_query query;
    reader_query_begin(&query, reader, "SELECT max(id) FROM journal", err);
    while (reader_query_next(&query)) {
        *out_id = (uint64_t)reader_query_column_int(&query, 0);
    }
    return reader_query_end(&query);
}

/*
 * Who follows a run asks again and again for the little that is new, and who reads a large one for
 * page after page: either is next to each other in the file. Where it is not, the index of each run
 * is gone through, as a whole.
 */
int journal_reader_tree_rows(struct journal_reader *reader, uint64_t root, uint64_t after_id,
                             uint32_t limit, journal_row_cb each, void *user, struct error *err)
{
    struct tree_reading reading = {.reader = reader,
                                   .root = root,
                                   .after = after_id,
                                   .left = page_of(limit),
                                   .each = each,
                                   .user = user,
                                   .err = err};
    uint64_t last = 0;
    int64_t count = WINDOW_ROWS;
    int status = find_last_id(reader, &last, err);
    while (status == 0 && reading.left != 0 && reading.after < last && count >= WINDOW_SPARSE) {
        status = give_ids(&reading, ids_of_window, reading.after + WINDOW_ROWS, &count);
        reading.after += WINDOW_ROWS;
    }
    if (status == 0 && reading.left != 0 && reading.after < last) {
        status = give_ids(&reading, ids_of_tree, 0, &count);
    }
    return status;
}

int journal_reader_nodes(struct journal_reader *reader, uint64_t run, journal_node_cb each,
                         void *user, struct error *err)
{
    struct reader_query query;
    reader_query_begin(
        &query, reader,
        "SELECT n.path, n.state, n.attempt, n.wake_at, n.started_at, n.ended_at,"
        " e.body, e.blob, n.record FROM nodes n LEFT JOIN journal e ON e.id = n.record"
        " WHERE n.run = ? ORDER BY n.path",
        err);
    reader_query_int(&query, (int64_t)run);
    while (reader_query_next(&query)) {
        struct journal_node node = {
            .path = reader_query_column_str(&query, 0),
            .state = reader_query_column_str(&query, 1),
            .attempt = (uint32_t)reader_query_column_int(&query, 2),
            .wake_at = reader_query_column_int(&query, 3),
            .started_at = reader_query_column_int(&query, 4),
            .ended_at = reader_query_column_int(&query, 5),
            .record = (uint64_t)reader_query_column_int(&query, 8),
        };
        if (reader_query_column_body(&query, NODE_BODY_COLUMN, &node.body)) {
            reader_query_stop(&query, each(user, &node));
        }
    }
    return reader_query_end(&query);
}
