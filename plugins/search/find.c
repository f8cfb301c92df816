/* SPDX-License-Identifier: Apache-2.0 */
/* Finds documents: first their numbers in order, then what is shown of each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "moment.h"
#include "terms.h"

enum { LIMIT_DEFAULT = 10, ANSWER_BYTES_MAX = 8 * 1024 * 1024 };

struct hit {
    int64_t number;
    double score;
};

struct search {
    struct index *index;
    ops_task task;
    ops_val config;
    ops_str collection;
    struct terms terms;
    ops_str query;      /* of FTS5; empty: all documents, the newest first */
    int is_asked;       /* there is a query */
    int is_fts;         /* as somebody wrote it */
    double least_score; /* 0: any */
    int64_t limit;
    struct hit *hits;
    ops_val *results; /* of the hits that are still there */
    uint64_t count;
    uint64_t bytes; /* of the answer so far */
};

static int fail_memory(const struct search *search)
{
    return fault_set(search->index->fault, OPS_E_RESOURCE, "search.memory", "out of memory");
}

static int read_query(struct search *search)
{
    ops_val config = search->config;
    ops_str text = ops_get_str(config, "query", NULL);
    int is_all = ops_equal(ops_get_str(config, "match", "any"), "all");
    search->is_asked = ops_get(config, "query") != 0;
    search->is_fts = ops_equal(ops_get_str(config, "syntax", "plain"), "fts");
    if (!terms_read(text, is_all ? TERMS_ALL : TERMS_ANY, &search->terms)) {
        return fail_memory(search);
    }
    search->query = search->is_fts ? text : ops_text(search->terms.query);
    if (!search->is_asked && search->least_score > 0) {
        search->index->fault->path = "/min_score";
        return fault_set(search->index->fault, OPS_E_INPUT, "search.min_score",
                         "'min_score' needs a 'query': without one there is no score");
    }
    return 1;
}

static int read_config(struct search *search)
{
    ops_val config = search->config;
    search->collection = ops_get_str(config, "collection", DEFAULT_COLLECTION);
    search->limit = ops_get_i64(config, "limit", LIMIT_DEFAULT);
    search->least_score = ops_get_f64(config, "min_score", 0);
    search->hits = calloc((size_t)search->limit, sizeof(*search->hits));
    search->results = calloc((size_t)search->limit, sizeof(*search->results));
    if (search->hits == NULL || search->results == NULL) {
        return fail_memory(search);
    }
    return read_query(search);
}

/* What SQLite says of a query that a person wrote is about the query. */
static int step_query(const struct search *search, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    struct fault *fault = search->index->fault;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        return rc;
    }
    if (search->is_fts && rc == SQLITE_ERROR && fault->code == OPS_OK) {
        fault->path = "/query";
        fault->hint = "leave 'syntax' out to look for the words as they are";
        return fault_set(fault, OPS_E_INPUT, "search.query", "the query cannot be read: %s",
                         sqlite3_errmsg(search->index->db));
    }
    return fault_set_sqlite(fault, search->index->db, rc, place_name(search->index->place));
}

static int bind_search(const struct search *search, sqlite3_stmt *statement)
{
    ops_val tags = ops_get(search->config, "tags");
    ops_str list = ops_text("[]");
    if (tags != 0 && ops.value->to_json(ops.h, tags, &list) != OPS_OK) {
        return fail_memory(search);
    }
    index_bind(statement, 1, search->query);
    index_bind(statement, 2, search->collection);
    index_bind(statement, 3, list);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)ops.value->count(ops.h, tags));
    (void)sqlite3_bind_int64(statement, 5, search->limit);
    return 1;
}

static int find_hits(struct search *search)
{
    enum index_statement which = search->is_asked ? STATEMENT_FIND : STATEMENT_FIND_ALL;
    sqlite3_stmt *statement = index_statement(search->index, which);
    if (statement == NULL || !bind_search(search, statement)) {
        return 0;
    }
    int rc = step_query(search, statement);
    while (rc == SQLITE_ROW && search->count < (uint64_t)search->limit) {
        struct hit hit = {sqlite3_column_int64(statement, 0), sqlite3_column_double(statement, 1)};
        if (hit.score < search->least_score) {
            break; /* those behind it have less */
        }
        search->hits[search->count++] = hit;
        rc = step_query(search, statement);
    }
    (void)sqlite3_reset(statement); /* a fault was told by the step */
    return rc != 0;
}

/* A text from the index, which somebody may have damaged: it is counted, and must be UTF-8. */
static int add_text(struct search *search, struct ops_map *map, const char *key, ops_str text)
{
    search->bytes += text.n;
    ops_map_str(map, key, text);
    return map->status == OPS_OK;
}

static int add_json(struct search *search, struct ops_map *map, const char *key, ops_str text)
{
    ops_val value = 0;
    search->bytes += text.n;
    ops_status made = ops.value->from_json(ops.h, search->task, text, &value, NULL);
    ops_map_made(map, key, made, value);
    return map->status == OPS_OK;
}

static int add_snippet(struct search *search, struct ops_map *map, int64_t number, ops_str begin)
{
    if (!search->is_asked) {
        return add_text(search, map, "snippet", begin);
    }
    sqlite3_stmt *statement = index_statement(search->index, STATEMENT_SNIPPET);
    if (statement == NULL) {
        return 0;
    }
    index_bind(statement, 1, search->query);
    (void)sqlite3_bind_int64(statement, 2, number);
    int rc = step_query(search, statement);
    int is_added = rc == SQLITE_ROW && add_text(search, map, "snippet", index_column(statement, 0));
    (void)sqlite3_reset(statement); /* a fault was told by the step */
    return is_added;
}

static int fail_result(const struct search *search, ops_status status)
{
    struct fault *fault = search->index->fault;
    if (status == OPS_E_INPUT) {
        return fault_set_sqlite(fault, NULL, SQLITE_CORRUPT, place_name(search->index->place));
    }
    return fail_memory(search); /* unless a fault was told already */
}

static int make_result(struct search *search, const struct hit *hit, sqlite3_stmt *statement,
                       ops_val *out)
{
    char time[MOMENT_BYTES];
    struct ops_map map = ops_map_begin(search->task);
    moment_write(sqlite3_column_int64(statement, 4), time);
    int is_made = add_text(search, &map, "id", index_column(statement, 0)) &&
                  add_text(search, &map, "title", index_column(statement, 1));
    ops_map_f64(&map, "score", hit->score);
    is_made = is_made && add_snippet(search, &map, hit->number, index_column(statement, 5)) &&
              add_json(search, &map, "tags", index_column(statement, 3));
    ops_map_text(&map, "time", time);
    is_made = is_made && add_json(search, &map, "data", index_column(statement, 2));
    ops_status status = is_made ? ops_map_end(&map, out) : map.status;
    return status == OPS_OK && is_made ? 1 : fail_result(search, status);
}

static int read_hit(struct search *search, const struct hit *hit, ops_val *out)
{
    sqlite3_stmt *statement = index_statement(search->index, STATEMENT_DOCUMENT);
    if (statement == NULL) {
        return 0;
    }
    (void)sqlite3_bind_int64(statement, 1, hit->number);
    int rc = index_step(search->index, statement);
    if (rc == SQLITE_DONE) {
        return fail_result(search, OPS_E_INPUT); /* words of a document that is not there */
    }
    int is_made = rc == SQLITE_ROW && make_result(search, hit, statement, out);
    (void)sqlite3_reset(statement); /* a fault was told by the step */
    if (is_made && search->bytes > ANSWER_BYTES_MAX) {
        search->index->fault->hint = "lower 'limit', or index less 'data'";
        return fault_set(search->index->fault, OPS_E_RESOURCE, "search.results",
                         "the results have more than 8 MiB");
    }
    return is_made;
}

static int complete(const struct search *search, ops_val *out)
{
    ops_val results = 0;
    struct ops_map map = ops_map_begin(search->task);
    ops_status status =
        ops.value->new_list(ops.h, search->task, search->results, search->count, &results);
    ops_map_str(&map, "collection", search->collection);
    ops_map_i64(&map, "count", (int64_t)search->count);
    ops_map_made(&map, "results", status, results);
    ops_map_i64(&map, "words_left_out", search->is_fts ? 0 : (int64_t)search->terms.left_out);
    return ops_map_end(&map, out) == OPS_OK || fail_memory(search);
}

/* One view of the index for all its statements. */
static int search_all(struct search *search)
{
    int rc = sqlite3_exec(search->index->db, "BEGIN", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        return fault_set_sqlite(search->index->fault, search->index->db, rc,
                                place_name(search->index->place));
    }
    int is_found = find_hits(search);
    for (uint64_t i = 0; i < search->count && is_found; i++) {
        is_found = read_hit(search, &search->hits[i], &search->results[i]);
    }
    sqlite3_progress_handler(search->index->db, 0, NULL, NULL);          /* nothing stops the end */
    (void)sqlite3_exec(search->index->db, "ROLLBACK", NULL, NULL, NULL); /* it only read */
    return is_found;
}

int find_documents(struct index *index, ops_task task, ops_val config, ops_val *out)
{
    struct search search = {.index = index, .task = task, .config = config};
    int is_done = read_config(&search);
    /* A text without any word finds nothing: that is no fault of who asks with it. */
    if (is_done && (!search.is_asked || search.query.n > 0)) {
        is_done = search_all(&search);
    }
    is_done = is_done && complete(&search, out);
    terms_finish(&search.terms);
    free(search.hits);
    free(search.results);
    return is_done;
}
