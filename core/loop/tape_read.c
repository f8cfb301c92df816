/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a tape: each line is a tree of its own, so that all that is wrong has its place. */
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/base/utf8.h"
#include "core/loop/tape_call.h"
#include "core/loop/tape_text.h"
#include "core/model/failure_codes.h"
#include "core/model/json_tree.h"
#include "core/model/report.h"
#include "core/model/tree.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* One line, and where what is wrong with it goes. `status`: E_INVALID, E_NOMEM, or 0 so far. */
struct reader {
    struct report report;
    struct tape_row *row;
    int status;
};

static const char not_a_tape[] = "this is no tape: its first line must be {\"opstream_tape\":1}";

static void fail(struct reader *reader, const struct tree *at, const char *what)
{
    report_error(&reader->report, at->place, "%s", what);
    reader->status = reader->status != 0 ? reader->status : E_INVALID;
}

static struct str keep(struct reader *reader, struct str text)
{
    struct str kept = arena_dup_str(&reader->row->arena, text);
    reader->status = kept.p != NULL ? reader->status : E_NOMEM;
    return kept;
}

/* Nothing that is written is passed over. `keys` end with NULL. */
static void check_keys(struct reader *reader, const struct tree *map, const char *const *keys)
{
    for (uint32_t i = 0; i < map->count; i++) {
        struct str key = map->as.members[i].key.text;
        struct suggest nearest = suggest_start(key);
        bool is_known = false;
        for (size_t k = 0; keys[k] != NULL; k++) {
            is_known = is_known || str_equal_text(key, keys[k]);
            suggest_offer(&nearest, str_from(keys[k]));
        }
        if (!is_known) {
            report_error(&reader->report, map->as.members[i].key.place, "unknown key '%.*s'",
                         STR_ARG(key));
            report_nearest(&reader->report, &nearest);
            reader->status = reader->status != 0 ? reader->status : E_INVALID;
        }
    }
}

/* The map under `key`; NULL when it is not there, or is no map, which is reported. */
static const struct tree *find_map(struct reader *reader, const struct tree *map, const char *key,
                                   const char *const *keys)
{
    const struct tree *found = tree_get(map, str_from(key));
    if (found == NULL) {
        return NULL;
    }
    if (!tree_is(found, TREE_MAP)) {
        report_error(&reader->report, found->place, "'%s' must be a map, not %s", key,
                     tree_kind_name(found));
        reader->status = reader->status != 0 ? reader->status : E_INVALID;
        return NULL;
    }
    check_keys(reader, found, keys);
    return found;
}

/* `*out` stays as it is when the key is not there. */
static void read_text(struct reader *reader, const struct tree *map, const char *key,
                      struct str *out)
{
    const struct tree *found = tree_get(map, str_from(key));
    if (found == NULL) {
        return;
    }
    if (!tree_is(found, TREE_TEXT)) {
        report_error(&reader->report, found->place, "'%s' must be text, not %s", key,
                     tree_kind_name(found));
        reader->status = reader->status != 0 ? reader->status : E_INVALID;
        return;
    }
    *out = keep(reader, found->text);
}

static void need_text(struct reader *reader, const struct tree *map, const char *key,
                      struct str *out)
{
    if (tree_get(map, str_from(key)) == NULL) {
        report_error(&reader->report, map->place, "the key '%s' is missing", key);
        reader->status = reader->status != 0 ? reader->status : E_INVALID;
    }
    read_text(reader, map, key, out);
}

static bool is_pair(const struct tree *pair)
{
    return tree_is(pair, TREE_LIST) && pair->count == 2 && tree_is(&pair->as.items[0], TREE_TEXT) &&
           tree_is(&pair->as.items[1], TREE_TEXT);
}

/* None comes so: a line's end would be another header, a ':' the end of the name. */
static bool has_any(struct str text, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text.n > 0 && memchr(text.p, bytes[i], text.n) != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_header(struct reader *reader, const struct tree *pair)
{
    if (!is_pair(pair)) {
        fail(reader, pair, "a header is a pair [NAME, VALUE] of texts");
        return false;
    }
    const struct tree *name = &pair->as.items[0];
    const struct tree *value = &pair->as.items[1];
    if (name->text.n == 0 || has_any(name->text, "\r\n:", 4)) {
        fail(reader, name, "the name of a header is not empty, and has no line's end, NUL or ':'");
        return false;
    }
    if (has_any(value->text, "\r\n", 3)) {
        fail(reader, value, "the value of a header has no line's end or NUL");
        return false;
    }
    return true;
}

static void read_headers(struct reader *reader, const struct tree *map, struct tape_headers *out)
{
    const struct tree *list = tree_get(map, STR("headers"));
    if (list == NULL) {
        return;
    }
    if (!tree_is(list, TREE_LIST) || list->count > TAPE_MAX_HEADERS) {
        fail(reader, list, "'headers' must be a list of pairs [NAME, VALUE], at most 1,000");
        return;
    }
    out->items = arena_calloc(&reader->row->arena, (size_t)list->count + 1, sizeof(*out->items));
    if (out->items == NULL) {
        reader->status = E_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct tree *pair = &list->as.items[i];
        if (!is_header(reader, pair)) {
            continue;
        }
        out->items[out->count++] =
            (struct tape_header){.name = keep(reader, pair->as.items[0].text),
                                 .value = keep(reader, pair->as.items[1].text)};
    }
}

/* ---- bodies ---- */

static void read_json(struct reader *reader, const struct tree *json, struct tape_body *out)
{
    cleanup_document struct document *document = NULL;
    struct error err = {0};
    struct strbuf text = STRBUF_INIT;
    struct builder *b = builder_create();
    tree_write(json, NULL, NULL, b);
    int status = builder_finish(b, &document, &err);
    if (status == 0) {
        json_write(document_root(document), JSON_COMPACT, &text);
        out->bytes = keep(reader, strbuf_str(&text));
    } else if (status == E_NOMEM) {
        reader->status = E_NOMEM;
    } else {
        fail(reader, json, err.message);
    }
    reader->status = strbuf_status(&text) != 0 ? E_NOMEM : reader->status;
    strbuf_finish(&text);
}

static void read_bytes(struct reader *reader, const struct tree *text, struct tape_body *out)
{
    char *bytes = arena_alloc(&reader->row->arena, text->text.n + 1);
    size_t n = 0;
    if (bytes == NULL) {
        reader->status = E_NOMEM;
        return;
    }
    for (size_t at = 0; tree_is(text, TREE_TEXT) && at < text->text.n;) {
        uint32_t code = 0;
        at += utf8_decode(text->text.p + at, text->text.n - at, &code);
        if (code > 0xFF) {
            break;
        }
        bytes[n++] = (char)(unsigned char)code;
        if (at == text->text.n) {
            out->bytes = str_make(bytes, n);
            return;
        }
    }
    fail(reader, text, "'bytes' must be text with characters from U+0000 to U+00FF");
}

static void read_left_out(struct reader *reader, const struct tree *number, struct tape_body *out)
{
    if (!tree_is(number, TREE_INT) || number->as.integer <= 0) {
        fail(reader, number, "'left_out' must be a whole number above 0");
        return;
    }
    out->left_out = (uint64_t)number->as.integer;
}

static void read_body(struct reader *reader, const struct tree *map, struct tape_body *out)
{
    static const char *const names[] = {"json", "body", "bytes", "left_out"};
    const struct tree *found = NULL;
    const char *name = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct tree *at = tree_get(map, str_from(names[i]));
        if (at != NULL && found != NULL) {
            fail(reader, at, "one of 'json', 'body', 'bytes' and 'left_out' says what the body is");
        }
        found = at != NULL ? at : found;
        name = at != NULL ? names[i] : name;
    }
    if (found == NULL) {
        return;
    }
    if (name == names[0]) {
        read_json(reader, found, out);
    } else if (name == names[1]) {
        read_text(reader, map, "body", &out->bytes);
    } else if (name == names[2]) {
        read_bytes(reader, found, out);
    } else {
        read_left_out(reader, found, out);
    }
}

/* ---- calls ---- */

static void read_request(struct reader *reader, const struct tree *root, struct tape_call *call)
{
    static const char *const keys[] = {"method", "url",   "headers",  "json",
                                       "body",   "bytes", "left_out", NULL};
    const struct tree *map = find_map(reader, root, "request", keys);
    if (map == NULL) {
        if (tree_get(root, STR("request")) == NULL) {
            fail(reader, root, "a call needs a 'request'");
        }
        return;
    }
    need_text(reader, map, "method", &call->request.method);
    need_text(reader, map, "url", &call->request.url);
    read_headers(reader, map, &call->request.headers);
    read_body(reader, map, &call->request.body);
}

/* Of an answer that a person has written: with no headers at all nobody would know what it is. */
static struct tape_header json_headers[] = {{{"content-type", 12}, {"application/json", 16}}};

static void read_took(struct reader *reader, const struct tree *took, double *out_ms)
{
    double ms = tree_is(took, TREE_INT)      ? (double)took->as.integer
                : tree_is(took, TREE_DOUBLE) ? took->as.number
                                             : -1;
    if (took == NULL) {
        return;
    }
    if (ms < 0 || ms > TAPE_MAX_TOOK_MS) {
        fail(reader, took, "'took_ms' must be a number from 0 to 1,000,000,000");
        return;
    }
    *out_ms = ms;
}

static void read_response(struct reader *reader, const struct tree *map, struct tape_call *call)
{
    const struct tree *status = tree_get(map, STR("status"));
    bool is_status = tree_is(status, TREE_INT) && status->as.integer >= 100 &&
                     status->as.integer <= 599;
    if (!is_status) {
        fail(reader, status != NULL ? status : map,
             "a response needs a 'status', a whole number from 100 to 599");
    } else {
        call->response.status = (int32_t)status->as.integer;
    }
    read_took(reader, tree_get(map, STR("took_ms")), &call->response.took_ms);
    read_headers(reader, map, &call->response.headers);
    read_body(reader, map, &call->response.body);
    if (tree_get(map, STR("headers")) == NULL && tree_get(map, STR("json")) != NULL) {
        call->response.headers = (struct tape_headers){json_headers, 1};
    }
    read_text(reader, map, "url", &call->response.url);
    call->outcome = TAPE_RESPONSE;
}

static void check_code(struct reader *reader, const struct tree *code)
{
    struct str name = {0};
    struct suggest nearest = suggest_start(code->text);
    for (size_t i = 0; (name = failure_codes_at(i)).n > 0; i++) {
        if (str_equal(name, code->text)) {
            return;
        }
        suggest_offer(&nearest, name);
    }
    report_error(&reader->report, code->place, "there is no code '%.*s'", STR_ARG(code->text));
    report_nearest(&reader->report, &nearest);
    reader->status = reader->status != 0 ? reader->status : E_INVALID;
}

static void read_failure(struct reader *reader, const struct tree *map, struct tape_call *call)
{
    const struct tree *code = tree_get(map, STR("code"));
    const struct tree *maybe = tree_get(map, STR("maybe_done"));
    need_text(reader, map, "code", &call->failure.code);
    if (tree_is(code, TREE_TEXT)) {
        check_code(reader, code);
    }
    need_text(reader, map, "message", &call->failure.message);
    call->failure.symbol = STR("http.failed");
    read_text(reader, map, "symbol", &call->failure.symbol);
    read_text(reader, map, "hint", &call->failure.hint);
    if (maybe != NULL && !tree_is(maybe, TREE_BOOL)) {
        fail(reader, maybe, "'maybe_done' must be true or false");
    } else if (maybe != NULL) {
        call->failure.is_maybe_done = maybe->as.boolean;
    }
    call->outcome = TAPE_FAILURE;
}

static void read_call(struct reader *reader, const struct tree *root, uint32_t line)
{
    static const char *const keys[] = {"request", "response", "failure", NULL};
    static const char *const response_keys[] = {"status",   "headers", "json",    "body", "bytes",
                                                "left_out", "url",     "took_ms", NULL};
    static const char *const failure_keys[] = {"code", "symbol",     "message",
                                               "hint", "maybe_done", NULL};
    struct tape_call *call = tape_row_add(reader->row);
    if (call == NULL) {
        reader->status = E_NOMEM;
        return;
    }
    call->line = line;
    check_keys(reader, root, keys);
    read_request(reader, root, call);
    const struct tree *response = find_map(reader, root, "response", response_keys);
    const struct tree *failure = find_map(reader, root, "failure", failure_keys);
    if (response != NULL) {
        read_response(reader, response, call);
    } else if (failure != NULL) {
        read_failure(reader, failure, call);
    }
    if ((response != NULL) == (failure != NULL) && reader->status == 0) {
        fail(reader, root, "a call has either a 'response' or a 'failure'");
    }
}

static void read_head(struct reader *reader, const struct tree *root)
{
    const struct tree *version = tree_get(root, STR("opstream_tape"));
    if (version == NULL) {
        fail(reader, root, not_a_tape);
    } else if (!tree_is(version, TREE_INT) || version->as.integer != TAPE_VERSION) {
        fail(reader, version, "this opstream reads tapes of version 1 alone");
    }
}

static void read_line(struct reader *reader, uint32_t line)
{
    struct arena arena = ARENA_INIT;
    struct tree root = {0};
    if (str_trim(reader->report.source).n == 0) { /* of no tape: others are passed over */
        fail(reader, &(struct tree){.place = {.line = 1, .column = 1}}, not_a_tape);
        return;
    }
    int status = reader->report.source.n > TAPE_MAX_LINE_BYTES
                     ? E_LIMIT
                     : json_tree_read(&reader->report, &arena, &root);
    if (status == E_LIMIT) {
        report_error(&reader->report, (struct place){0}, "the line is longer than 4 MiB");
        status = E_INVALID;
    } else if (status == 0 && !tree_is(&root, TREE_MAP)) {
        report_error(&reader->report, root.place, "a line must be a map, not %s",
                     tree_kind_name(&root));
        status = E_INVALID;
    }
    reader->status = reader->status != 0 ? reader->status : status;
    if (status == 0 && line == 1) {
        read_head(reader, &root);
    } else if (status == 0) {
        read_call(reader, &root, line);
    }
    arena_finish(&arena);
}

/* Each line was read as if it were the first. */
static void move_places(struct diagnostics *diagnostics, size_t from, uint32_t line)
{
    for (size_t i = from; i < diagnostics->count; i++) {
        diagnostics->items[i].place.line = line;
    }
}

int tape_text_read(const char *name, struct str text, struct diagnostics *diagnostics,
                   struct tape_row *row)
{
    struct reader reader = {.report = {.diagnostics = diagnostics, .file = name, .is_json = true},
                            .row = row};
    uint32_t line = 0;
    size_t at = 0;
    do {
        const char *end = text.n > at ? memchr(text.p + at, '\n', text.n - at) : NULL;
        size_t n = end != NULL ? (size_t)(end - text.p) - at : text.n - at;
        size_t before = diagnostics->count;
        reader.report.source = str_make(text.p + at, n);
        line++;
        if (line == 1 || str_trim(reader.report.source).n > 0) {
            read_line(&reader, line);
        }
        move_places(diagnostics, before, line);
        at += n + 1;
    } while (at < text.n && (line > 1 || reader.status == 0));
    return diagnostics_status(diagnostics) != 0 ? E_NOMEM : reader.status;
}
