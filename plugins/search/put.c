/* SPDX-License-Identifier: Apache-2.0 */
/* Documents into the index and out of it, each with the words and tags that it has. */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "moment.h"

enum { TAGS_MAX = 32 };

/* As it is to be; texts live as long as the config. */
struct paper {
    ops_str collection;
    ops_str id;
    ops_str title;
    ops_str text;
    ops_str data; /* JSON */
    ops_str tags; /* JSON, sorted, each once */
    ops_str names[TAGS_MAX];
    uint64_t name_count;
    int has_time;
    int64_t at;
};

struct counts {
    int64_t added;
    int64_t replaced;
    int64_t unchanged;
};

static int compare_names(const void *a, const void *b)
{
    const ops_str *x = a;
    const ops_str *y = b;
    int order = memcmp(x->p, y->p, (size_t)(x->n < y->n ? x->n : y->n));
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

/* Sorted and each once, so that their order makes no document another one. */
static int read_tags(struct index *index, ops_task task, ops_val list, struct paper *paper)
{
    ops_val values[TAGS_MAX];
    ops_val sorted = 0;
    int is_made = 1;
    uint64_t n = ops.value->count(ops.h, list);
    for (uint64_t i = 0; i < n && i < TAGS_MAX; i++) {
        ops_val tag = 0;
        (void)ops.value->at(ops.h, list, i, &tag);
        (void)ops.value->get_str(ops.h, tag, &paper->names[i]);
    }
    qsort(paper->names, (size_t)n, sizeof(paper->names[0]), compare_names);
    for (uint64_t i = 0; i < n; i++) {
        ops_str name = paper->names[i];
        if (i > 0 && compare_names(&name, &paper->names[paper->name_count - 1]) == 0) {
            continue;
        }
        is_made = is_made &&
                  ops.value->new_str(ops.h, task, name, &values[paper->name_count]) == OPS_OK;
        paper->names[paper->name_count++] = name;
    }
    is_made = is_made &&
              ops.value->new_list(ops.h, task, values, paper->name_count, &sorted) == OPS_OK &&
              ops.value->to_json(ops.h, sorted, &paper->tags) == OPS_OK;
    return is_made || fault_set(index->fault, OPS_E_RESOURCE, "search.memory", "out of memory");
}

static int read_data(struct index *index, ops_val document, struct paper *paper)
{
    ops_val data = ops_get(document, "data");
    paper->data = ops_text("null");
    if (data == 0) {
        return 1;
    }
    if (ops.value->to_json(ops.h, data, &paper->data) != OPS_OK) {
        return fault_set(index->fault, OPS_E_RESOURCE, "search.memory", "'data' cannot be read");
    }
    if (paper->data.n > DATA_BYTES_MAX) {
        index->fault->hint = "keep what later runs need, and where the rest is";
        return fault_set(index->fault, OPS_E_INPUT, "search.data",
                         "the data of '%.*s' has %llu bytes, the limit is %d", (int)paper->id.n,
                         paper->id.p, (unsigned long long)paper->data.n, (int)DATA_BYTES_MAX);
    }
    return 1;
}

static int read_paper(struct index *index, ops_task task, ops_val document, struct paper *paper)
{
    ops_str time = ops_get_str(document, "time", NULL);
    paper->id = ops_get_str(document, "id", NULL);
    paper->title = ops_get_str(document, "title", NULL);
    paper->text = ops_get_str(document, "text", NULL);
    paper->has_time = time.n > 0;
    paper->at = ops.timer->unix_ms(ops.h);
    if (paper->has_time && !moment_read(time, &paper->at)) {
        return fault_set(index->fault, OPS_E_INPUT, "search.time",
                         "the time of '%.*s' is none that RFC 3339 knows: '%.*s'", (int)paper->id.n,
                         paper->id.p, (int)time.n, time.p);
    }
    return read_data(index, document, paper) &&
           read_tags(index, task, ops_get(document, "tags"), paper);
}

static int is_text(sqlite3_stmt *statement, int at, ops_str text)
{
    ops_str column = index_column(statement, at);
    return column.n == text.n &&
           memcmp(column.p != NULL ? column.p : "", text.n > 0 ? text.p : "", (size_t)text.n) == 0;
}

static char *copy(sqlite3_stmt *statement, int at, uint64_t *out_n)
{
    ops_str column = index_column(statement, at);
    char *text = malloc((size_t)column.n + 1);
    if (text != NULL) {
        memcpy(text, column.n > 0 ? column.p : "", (size_t)column.n);
        text[column.n] = '\0';
        *out_n = column.n;
    }
    return text;
}

/* The words of a document that is there, out of the index: FTS5 wants the text that they came of.
 */
static int remove_words(struct index *index, int64_t number, ops_str title, ops_str text)
{
    sqlite3_stmt *statement = index_statement(index, STATEMENT_REMOVE_WORDS);
    if (statement == NULL) {
        return 0;
    }
    (void)sqlite3_bind_int64(statement, 1, number); /* a failure is told by the step */
    index_bind(statement, 2, title);
    index_bind(statement, 3, text);
    return index_run(index, statement);
}

static int run_with_number(struct index *index, enum index_statement which, int64_t number)
{
    sqlite3_stmt *statement = index_statement(index, which);
    if (statement == NULL) {
        return 0;
    }
    (void)sqlite3_bind_int64(statement, 1, number);
    return index_run(index, statement);
}

static int add_words(struct index *index, int64_t number, const struct paper *paper)
{
    sqlite3_stmt *statement = index_statement(index, STATEMENT_ADD_WORDS);
    if (statement == NULL) {
        return 0;
    }
    (void)sqlite3_bind_int64(statement, 1, number);
    index_bind(statement, 2, paper->title);
    index_bind(statement, 3, paper->text);
    int is_added = index_run(index, statement);
    for (uint64_t i = 0; i < paper->name_count && is_added; i++) {
        statement = index_statement(index, STATEMENT_ADD_TAG);
        if (statement == NULL) {
            return 0;
        }
        (void)sqlite3_bind_int64(statement, 1, number);
        index_bind(statement, 2, paper->names[i]);
        is_added = index_run(index, statement);
    }
    return is_added;
}

static void bind_paper(sqlite3_stmt *statement, const struct paper *paper, int64_t at)
{
    index_bind(statement, 1, paper->title);
    index_bind(statement, 2, paper->text);
    index_bind(statement, 3, paper->data);
    index_bind(statement, 4, paper->tags);
    (void)sqlite3_bind_int64(statement, 5, at);
}

static int add(struct index *index, const struct paper *paper)
{
    sqlite3_stmt *statement = index_statement(index, STATEMENT_INSERT);
    if (statement == NULL) {
        return 0;
    }
    bind_paper(statement, paper, paper->at);
    index_bind(statement, 6, paper->collection);
    index_bind(statement, 7, paper->id);
    return index_run(index, statement) &&
           add_words(index, sqlite3_last_insert_rowid(index->db), paper);
}

/* Takes out what belongs to the document that the statement is at; it is reset. */
static int take_out(struct index *index, sqlite3_stmt *statement, int64_t number)
{
    uint64_t title_n = 0;
    uint64_t text_n = 0;
    char *title = copy(statement, 1, &title_n);
    char *text = copy(statement, 2, &text_n);
    (void)sqlite3_reset(statement); /* it has been read */
    int is_out = title != NULL && text != NULL;
    if (!is_out) {
        (void)fault_set(index->fault, OPS_E_RESOURCE, "search.memory", "out of memory");
    }
    is_out = is_out &&
             remove_words(index, number, ops_slice(title, title_n), ops_slice(text, text_n)) &&
             run_with_number(index, STATEMENT_REMOVE_TAGS, number);
    free(title);
    free(text);
    return is_out;
}

static int replace(struct index *index, const struct paper *paper, int64_t number)
{
    sqlite3_stmt *statement = index_statement(index, STATEMENT_UPDATE);
    if (statement == NULL) {
        return 0;
    }
    bind_paper(statement, paper, paper->at);
    (void)sqlite3_bind_int64(statement, 6, number);
    return index_run(index, statement) && add_words(index, number, paper);
}

/* Without a time a document keeps that of its first indexing, as long as it stays as it is. */
static int is_same(sqlite3_stmt *statement, const struct paper *paper)
{
    return is_text(statement, 1, paper->title) && is_text(statement, 2, paper->text) &&
           is_text(statement, 3, paper->data) && is_text(statement, 4, paper->tags) &&
           (!paper->has_time || sqlite3_column_int64(statement, 5) == paper->at);
}

/* The row of a document: SQLITE_ROW, SQLITE_DONE, or 0 after a failure. */
static int find(struct index *index, ops_str collection, ops_str id, sqlite3_stmt **out)
{
    *out = index_statement(index, STATEMENT_GET);
    if (*out == NULL) {
        return 0;
    }
    index_bind(*out, 1, collection);
    index_bind(*out, 2, id);
    return index_step(index, *out);
}

static int put(struct index *index, const struct paper *paper, struct counts *counts)
{
    sqlite3_stmt *statement = NULL;
    int found = find(index, paper->collection, paper->id, &statement);
    if (found == SQLITE_DONE) {
        counts->added++;
        return add(index, paper);
    }
    if (found != SQLITE_ROW) {
        return 0;
    }
    if (is_same(statement, paper)) {
        counts->unchanged++;
        (void)sqlite3_reset(statement); /* it has been read */
        return 1;
    }
    int64_t number = sqlite3_column_int64(statement, 0);
    counts->replaced++;
    return take_out(index, statement, number) && replace(index, paper, number);
}

static int put_one(struct index *index, ops_task task, ops_str collection, ops_val document,
                   struct counts *counts)
{
    struct paper paper = {.collection = collection};
    ops_scope scope = 0;
    if (ops.value->scope_open(ops.h, task, &scope) != OPS_OK) {
        return fault_set(index->fault, OPS_E_RESOURCE, "search.memory", "out of memory");
    }
    int is_put = read_paper(index, scope, document, &paper) && put(index, &paper, counts);
    (void)ops.value->scope_close(ops.h, scope); /* it was opened just now */
    return is_put;
}

static int put_all(struct index *index, ops_task task, ops_val config, struct counts *counts)
{
    ops_str collection = ops_get_str(config, "collection", DEFAULT_COLLECTION);
    ops_val documents = ops_get(config, "documents");
    uint64_t n = ops.value->count(ops.h, documents);
    if (documents == 0) {
        return put_one(index, task, collection, config, counts);
    }
    for (uint64_t i = 0; i < n; i++) {
        ops_val document = 0;
        if (ops.exec->cancelled(ops.h, task)) {
            return fault_set(index->fault, OPS_E_CANCELLED, "search.cancelled", "cancelled");
        }
        (void)ops.value->at(ops.h, documents, i, &document); /* it is there */
        if (!put_one(index, task, collection, document, counts)) {
            return 0;
        }
    }
    return 1;
}

static int finish_map(struct index *index, struct ops_map *map, ops_val *out)
{
    return ops_map_end(map, out) == OPS_OK ||
           fault_set(index->fault, OPS_E_RESOURCE, "search.memory", "out of memory");
}

int put_documents(struct index *index, ops_task task, ops_val config, ops_val *out)
{
    struct counts counts = {0};
    if (!index_begin(index)) {
        return 0;
    }
    int is_done = put_all(index, task, config, &counts) && index_commit(index);
    index_end(index);
    if (!is_done) {
        return 0;
    }
    struct ops_map map = ops_map_begin(task);
    ops_map_str(&map, "collection", ops_get_str(config, "collection", DEFAULT_COLLECTION));
    ops_map_i64(&map, "count", counts.added + counts.replaced + counts.unchanged);
    ops_map_i64(&map, "added", counts.added);
    ops_map_i64(&map, "replaced", counts.replaced);
    ops_map_i64(&map, "unchanged", counts.unchanged);
    return finish_map(index, &map, out);
}

static int delete_one(struct index *index, ops_str collection, ops_str id, int64_t *count)
{
    sqlite3_stmt *statement = NULL;
    int found = find(index, collection, id, &statement);
    if (found != SQLITE_ROW) {
        return found == SQLITE_DONE;
    }
    int64_t number = sqlite3_column_int64(statement, 0);
    ++*count;
    return take_out(index, statement, number) && run_with_number(index, STATEMENT_REMOVE, number);
}

static int delete_all(struct index *index, ops_val config, int64_t *count)
{
    ops_str collection = ops_get_str(config, "collection", DEFAULT_COLLECTION);
    ops_val ids = ops_get(config, "ids");
    uint64_t n = ops.value->count(ops.h, ids);
    if (ids == 0) {
        return delete_one(index, collection, ops_get_str(config, "id", NULL), count);
    }
    for (uint64_t i = 0; i < n; i++) {
        ops_val value = 0;
        ops_str id = {NULL, 0};
        (void)ops.value->at(ops.h, ids, i, &value); /* a text, as the schema has it */
        (void)ops.value->get_str(ops.h, value, &id);
        if (!delete_one(index, collection, id, count)) {
            return 0;
        }
    }
    return 1;
}

int put_deletion(struct index *index, ops_task task, ops_val config, ops_val *out)
{
    int64_t count = 0;
    if (!index_begin(index)) {
        return 0;
    }
    int is_done = delete_all(index, config, &count) && index_commit(index);
    index_end(index);
    if (!is_done) {
        return 0;
    }
    struct ops_map map = ops_map_begin(task);
    ops_map_str(&map, "collection", ops_get_str(config, "collection", DEFAULT_COLLECTION));
    ops_map_i64(&map, "deleted", count);
    return finish_map(index, &map, out);
}
