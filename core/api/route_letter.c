/* SPDX-License-Identifier: Apache-2.0 */
/* GET /api/v1/dlq/{id}: one item of the queue or dead letter, with its input and what it met. */
#include "core/api/item_write.h"
#include "core/api/json_text.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/journal/journal_reader.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { ERRORS_MOST = 20 };

/* What the records of its run say; the latest errors in a ring. */
struct past {
    struct document *input;
    struct {
        struct document *error;
        uint32_t attempt;
        int64_t at;
    } errors[ERRORS_MOST];
    size_t count;
    uint32_t edits;
};

static void past_finish(struct past *past)
{
    document_unref(past->input);
    for (size_t i = 0; i < ERRORS_MOST; i++) {
        document_unref(past->errors[i].error);
    }
}

static bool is_type(const struct journal_row *row, const char *type)
{
    return str_equal_text(row->type, type);
}

/* A member of the body as a document of its own; NULL: it has none. Owned. */
static int take(const struct document *body, struct str key, struct document **out)
{
    const struct value *value = value_get(document_root(body), key);
    struct builder *b = NULL;
    if (value == NULL) {
        return 0;
    }
    b = builder_create();
    builder_embed(b, body, value);
    return builder_finish(b, out, NULL);
}

static int keep_error(struct past *past, const struct journal_row *row, struct document *error)
{
    size_t at = past->count % ERRORS_MOST;
    if (error == NULL) {
        return 0;
    }
    document_unref(past->errors[at].error);
    past->errors[at].error = error;
    past->errors[at].attempt = row->attempt;
    past->errors[at].at = row->at;
    past->count++;
    return 0;
}

static int note_row(void *user, const struct journal_row *row)
{
    struct past *past = user;
    cleanup_document struct document *body = NULL;
    struct document *found = NULL;
    bool is_input = is_type(row, "run_started") || is_type(row, "node_lost");
    bool is_end = is_type(row, "node_retry") || is_type(row, "node_unknown") ||
                  is_type(row, "run_ended");
    if (!is_input && !is_end) {
        return 0;
    }
    int status = json_read(row->body, NULL, &body, NULL);
    if (status == 0) {
        status = take(body, is_input ? STR("output") : STR("error"), &found);
    }
    if (status != 0 || is_end) {
        return status != 0 ? status : keep_error(past, row, found);
    }
    if (found != NULL) {
        document_unref(past->input);
        past->input = found;
        past->edits += is_type(row, "node_lost") ? 1u : 0u;
    }
    return 0;
}

/* Oldest first. */
static void write_errors(struct builder *b, const struct past *past)
{
    size_t first = past->count > ERRORS_MOST ? past->count - ERRORS_MOST : 0;
    builder_key(b, STR("errors"));
    builder_list_begin(b);
    for (size_t i = first; i < past->count; i++) {
        size_t at = i % ERRORS_MOST;
        builder_map_begin(b);
        json_text_time(b, STR("at"), past->errors[at].at);
        builder_member_int(b, STR("attempt"), past->errors[at].attempt);
        builder_key(b, STR("error"));
        json_text_part(b, past->errors[at].error, document_root(past->errors[at].error), 6);
        builder_map_end(b);
    }
    builder_list_end(b);
}

struct letter {
    struct builder *b;
    bool is_found;
};

static int note_item(void *user, const struct journal_item *item)
{
    struct letter *letter = user;
    letter->is_found = true;
    item_write_members(letter->b, item);
    return 0;
}

static int write(struct builder *b, struct journal_reader *reader, uint64_t number, struct str id,
                 struct error *err)
{
    struct past past = {0};
    struct letter letter = {.b = b};
    const struct journal_item_filter filter = {.number = number};
    builder_map_begin(b);
    int status = journal_reader_items(reader, &filter, note_item, &letter, err);
    if (status == 0 && !letter.is_found) {
        status = error_set(err, E_NOT_FOUND,
                           "'%.*s' is no item of the queue and no dead letter; 'opstream status' "
                           "shows a run",
                           STR_ARG(id));
    }
    if (status == 0) {
        status = journal_reader_rows(reader, number, 0, 0, note_row, &past, err);
    }
    if (status == 0) {
        builder_key(b, STR("input"));
        json_text_part(b, past.input, past.input != NULL ? document_root(past.input) : NULL, 4);
        builder_member_int(b, STR("edits"), past.edits);
        builder_member_int(b, STR("failures"), (int64_t)past.count);
        write_errors(b, &past);
        builder_map_end(b);
    }
    past_finish(&past);
    return status;
}

static int note_number(void *user, const struct journal_run *run)
{
    uint64_t *number = user;
    *number = run->number;
    return 0;
}

int route_letter(const struct route_call *call, struct answer *answer, struct error *err)
{
    char id[ROUTE_ID_SIZE];
    uint64_t number = 0;
    struct journal_reader *reader = call->request->reader;
    int status = route_resolve_id(reader, str_from(call->id), id, answer, err);
    if (status != ROUTE_FOUND) {
        return status == ROUTE_REFUSED ? 0 : status;
    }
    status = journal_reader_run(reader, str_from(id), note_number, &number, err);
    if (status != 0) {
        return status;
    }
    struct builder *b = builder_create();
    status = write(b, reader, number, str_from(id), err);
    if (status != 0) {
        builder_destroy(b);
        return status;
    }
    return route_finish(b, answer, err);
}
