/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/fake_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/api/route.h"
#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* ---- the functions of journal_reader.h ---- */

static int failure(const struct journal_reader *reader, struct error *err)
{
    return reader->fails_with == 0 ? 0 : error_set(err, reader->fails_with, "the disk is broken");
}

static bool is_child(const struct journal_run *run)
{
    return run->parent != 0;
}

int journal_reader_run(struct journal_reader *reader, struct str id, journal_run_cb each,
                       void *user, struct error *err)
{
    const struct journal_run *found = NULL;
    size_t count = 0;
    int status = failure(reader, err);
    for (size_t i = 0; i < reader->run_count; i++) {
        const struct journal_run *run = &reader->runs[i];
        if (str_equal(run->id, id)) {
            return status != 0 ? status : each(user, run);
        }
        if (id.n >= 4 && !is_child(run) && str_starts_with(run->id, id)) {
            found = run;
            count++;
        }
    }
    if (status == 0 && count == 0) {
        status = error_set(err, E_NOT_FOUND, "there is no run '%.*s'", STR_ARG(id));
    } else if (status == 0 && count > 1) {
        status = error_set(err, E_CONFLICT, "'%.*s' is the beginning of several ids", STR_ARG(id));
    }
    return status != 0 ? status : each(user, found);
}

int journal_reader_run_by_number(struct journal_reader *reader, uint64_t number,
                                 journal_run_cb each, void *user, struct error *err)
{
    int status = failure(reader, err);
    for (size_t i = 0; i < reader->run_count && status == 0; i++) {
        if (reader->runs[i].number == number) {
            return each(user, &reader->runs[i]);
        }
    }
    return status != 0 ? status : error_set(err, E_NOT_FOUND, "no such number");
}

int journal_reader_run_by_key(struct journal_reader *reader, struct str key, journal_run_cb each,
                              void *user, struct error *err)
{
    int status = failure(reader, err);
    for (size_t i = 0; i < reader->run_count && status == 0; i++) {
        if (str_equal(reader->runs[i].key, key)) {
            return each(user, &reader->runs[i]);
        }
    }
    return status != 0 ? status : error_set(err, E_NOT_FOUND, "no such key");
}

int journal_reader_list(struct journal_reader *reader, const struct journal_filter *filter,
                        journal_run_cb each, void *user, struct error *err)
{
    uint32_t count = 0;
    int status = failure(reader, err);
    reader->asked = *filter;
    for (size_t i = reader->run_count; i > 0 && status == 0 && count < filter->limit; i--) {
        const struct journal_run *run = &reader->runs[i - 1];
        bool is_wanted = (filter->before == 0 || run->number < filter->before) &&
                         (filter->parent != 0 ? run->parent == filter->parent
                                              : filter->has_children || !is_child(run)) &&
                         (!filter->is_live || run->ended_at == 0) &&
                         (filter->state.n == 0 || str_equal(filter->state, run->state));
        if (is_wanted) {
            count++;
            status = each(user, run);
        }
    }
    return status;
}

int journal_reader_unique_size(struct journal_reader *reader, struct str id, size_t *out_size,
                               struct error *err)
{
    int status = failure(reader, err);
    *out_size = 1;
    for (size_t i = 0; i < reader->run_count && status == 0; i++) {
        struct str other = reader->runs[i].id;
        bool is_other = !str_equal(other, id) && !is_child(&reader->runs[i]);
        for (size_t n = 0; is_other && n < id.n && n < other.n && id.p[n] == other.p[n]; n++) {
            *out_size = n + 2 > *out_size ? n + 2 : *out_size;
        }
    }
    return status;
}

int journal_reader_rows(struct journal_reader *reader, uint64_t run, uint64_t after_seq,
                        uint32_t limit, journal_row_cb each, void *user, struct error *err)
{
    uint32_t count = 0;
    int status = failure(reader, err);
    for (size_t i = 0; i < reader->row_count && status == 0 && count < limit; i++) {
        if (reader->rows[i].run == run && reader->rows[i].seq > after_seq) {
            count++;
            status = each(user, &reader->rows[i]);
        }
    }
    return status;
}

int journal_reader_tree_rows(struct journal_reader *reader, uint64_t root, uint64_t after_id,
                             uint32_t limit, journal_row_cb each, void *user, struct error *err)
{
    uint32_t count = 0;
    int status = failure(reader, err);
    assert_int_equal(root, reader->runs[0].root);
    for (size_t i = 0; i < reader->row_count && status == 0 && count < limit; i++) {
        if (reader->rows[i].id > after_id) {
            count++;
            status = each(user, &reader->rows[i]);
        }
    }
    return status;
}

int journal_reader_nodes(struct journal_reader *reader, uint64_t run, journal_node_cb each,
                         void *user, struct error *err)
{
    int status = failure(reader, err);
    bool has_nodes = reader->nodes_of == 0 || run == reader->nodes_of;
    assert_int_not_equal(run, 0);
    for (size_t i = 0; has_nodes && i < reader->node_count && status == 0; i++) {
        status = each(user, &reader->nodes[i]);
    }
    return status;
}

int journal_reader_definition(struct journal_reader *reader, struct str digest,
                              struct strbuf *out_source, struct strbuf *out_compiled_by,
                              struct error *err)
{
    int status = failure(reader, err);
    if (status == 0 && !str_equal_text(digest, "d2")) {
        status = error_set(err, E_NOT_FOUND, "there is no definition '%.*s'", STR_ARG(digest));
    }
    strbuf_append_text(out_source, status == 0 ? "{\"bundle\": 1}" : "");
    strbuf_append_text(out_compiled_by, status == 0 ? "opstream 0.1" : "");
    return status;
}

int journal_reader_logs(struct journal_reader *reader, const struct journal_log_query *query,
                        journal_log_cb each, void *user, struct error *err)
{
    uint32_t count = 0;
    int status = failure(reader, err);
    for (size_t i = 0; i < reader->log_count && status == 0 && count < query->limit; i++) {
        const struct journal_log_row *row = &reader->logs[i];
        if (row->id > query->after_id && str_starts_with(row->path, query->path)) {
            count++;
            status = each(user, row);
        }
    }
    return status;
}

int journal_reader_audit(struct journal_reader *reader, uint64_t root, uint64_t after_id,
                         uint32_t limit, journal_audit_cb each, void *user, struct error *err)
{
    uint32_t count = 0;
    int status = failure(reader, err);
    assert_int_not_equal(root, 0);
    for (size_t i = 0; i < reader->audit_count && status == 0 && count < limit; i++) {
        if (reader->audits[i].id > after_id) {
            count++;
            status = each(user, &reader->audits[i]);
        }
    }
    return status;
}

int journal_reader_scopes(struct journal_reader *reader, struct str kind, journal_scope_cb each,
                          void *user, struct error *err)
{
    int status = failure(reader, err);
    assert_true(str_equal_text(kind, "breaker") || str_equal_text(kind, "limiter"));
    for (size_t i = 0; i < reader->scope_count && status == 0; i++) {
        status = each(user, &reader->scopes[i]);
    }
    return status;
}

int journal_reader_usual_ms(struct journal_reader *reader, struct str workflow, int64_t *out_ms,
                            struct error *err)
{
    assert_true(workflow.n > 0);
    *out_ms = reader->usual_ms;
    return failure(reader, err);
}

int journal_reader_counts(struct journal_reader *reader, journal_count_cb each, void *user,
                          struct error *err)
{
    int status = failure(reader, err);
    for (size_t i = 0; i < reader->run_count && status == 0; i++) {
        status = each(user, reader->runs[i].workflow, reader->runs[i].state, i + 1);
    }
    return status;
}

int journal_reader_meta(struct journal_reader *reader, struct str *out_instance,
                        uint64_t *out_epoch, uint32_t *out_schema, struct error *err)
{
    *out_instance = STR("iabc123def456");
    *out_epoch = 7;
    *out_schema = 1;
    return failure(reader, err);
}

/* ---- requests ---- */

struct fake_answer fake_ask(const struct fake_request *request)
{
    struct fake_answer got = {.answer = ANSWER_INIT};
    struct error err = {0};
    assert_int_equal(query_text_read(str_from(request->query), &got.query, &err), 0);
    struct route_request asked = {
        .query = {.params = got.query.params, .count = got.query.count},
        .reader = request->reader,
        .numbers = request->numbers,
        .live = str_from(request->live),
        .now_unix_ms = (int64_t)FAKE_NOW * 1000,
    };
    struct str method = str_from(request->method != NULL ? request->method : "GET");
    assert_int_equal(route_answer(method, str_from(request->path), &asked, &got.answer, &err), 0);
    if (strcmp(got.answer.content_type, ANSWER_TYPE_JSON) == 0) {
        struct str body = strbuf_str(&got.answer.body);
        assert_int_equal(json_read(str_trim(body), NULL, &got.document, &err), 0);
        got.root = document_root(got.document);
    }
    return got;
}

struct fake_answer fake_get(struct journal_reader *reader, const char *path, const char *query)
{
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = path, .query = query, .reader = reader});
    if (got.answer.status != ANSWER_OK) {
        fail_msg("%s: %d %s", path, got.answer.status, strbuf_str(&got.answer.body).p);
    }
    return got;
}

void fake_answer_finish(struct fake_answer *got)
{
    document_unref(got->document);
    answer_finish(&got->answer);
    query_text_finish(&got->query);
    *got = (struct fake_answer){0};
}

void fake_expect(const struct fake_answer *got, const char *pointer, const char *json)
{
    struct strbuf text = STRBUF_INIT;
    const struct value *value = value_pointer(got->root, str_from(pointer));
    if (value == NULL) {
        fail_msg("there is no %s in %s", pointer, strbuf_str(&got->answer.body).p);
        return;
    }
    json_write(value, JSON_COMPACT, &text);
    if (!str_equal_text(strbuf_str(&text), json)) {
        fail_msg("%s is %s, not %s", pointer, strbuf_str(&text).p, json);
    }
    strbuf_finish(&text);
}

void fake_refused(struct journal_reader *reader, const char *path, const char *query, int status,
                  const char *text)
{
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = path, .query = query, .reader = reader});
    const struct value *message = value_pointer(got.root, STR("/error/message"));
    assert_int_equal(got.answer.status, status);
    assert_true(value_is(message, VALUE_STRING));
    struct strbuf copy = STRBUF_INIT;
    strbuf_append_str(&copy, value_str(message));
    if (strstr(strbuf_str(&copy).p, text) == NULL) {
        fail_msg("'%s' is not in '%s'", text, strbuf_str(&copy).p);
    }
    strbuf_finish(&copy);
    fake_answer_finish(&got);
}
