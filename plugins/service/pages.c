/* SPDX-License-Identifier: Apache-2.0 */
#include "service/pages.h"

#include <stdio.h>

#include "service/url.h"

/* A million items: who names pages without end is not followed for ever. */
enum { MOST_PAGES = 10000 };

static const struct service_pages *pages_of(const struct service_call *call)
{
    return call->operation->pages;
}

static int is_enough(const struct service_call *call)
{
    return call->most > 0 && call->count >= call->most;
}

/* ---- The end ---- */

static void finish(struct service_call *call)
{
    struct ops_map out = ops_map_begin(call->task);
    ops_map_i64(&out, "count", call->count);
    ops_map_i64(&out, "pages", call->pages);
    if ((call->operation->flags & SERVICE_CONDITIONAL) != 0) {
        ops_map_i64(&out, "unchanged", (int64_t)call->unchanged);
    }
    if (pages_of(call)->latest != NULL && call->latest[0] != '\0') {
        ops_map_text(&out, "latest", call->latest);
    } else if (pages_of(call)->latest != NULL) {
        ops_map_null(&out, "latest");
    }
    ops_complete_map(call->task, &out);
}

static void fetch(struct service_call *call, ops_str query);

/* The query of the page behind the `seen` items and the pages so far; 0: the task has ended. */
static int note_counted(struct service_call *call)
{
    const struct service_pages *pages = pages_of(call);
    struct text query = {NULL, 0, 0, 0};
    char number[24];
    int64_t behind = pages->counts_items ? call->seen : (int64_t)call->pages;
    (void)snprintf(number, sizeof number, "%lld", (long long)(pages->first + behind));
    url_append_query(&query, &call->operation->request, call->config);
    text_append_literal(&query, query.n > 0 ? "&" : "");
    text_append_encoded(&query, ops_text(pages->counted), TEXT_QUERY);
    text_append_literal(&query, "=");
    text_append_literal(&query, number);
    int fits = !query.failed && query.n < sizeof call->next;
    if (fits) {
        (void)snprintf(call->next, sizeof call->next, "%.*s", (int)query.n, query.p);
    } else {
        problem_fail_config(call, pages->counted, "makes a query that is too long");
    }
    text_finish(&query);
    return fits;
}

/* The page is done with. */
static void go_on(struct service_call *call)
{
    char note[48];
    (void)ops.value->scope_close(ops.h, call->page); /* or it ends with the task */
    call->page = 0;
    if (call->next[0] == '\0' || is_enough(call)) {
        finish(call);
        return;
    }
    (void)snprintf(note, sizeof note, "%lld so far", (long long)call->count);
    (void)ops.exec->progress(ops.h, call->task, -1, ops_text(note)); /* only for who looks on */
    fetch(call, ops_text(call->next));
}

/* ---- One page ---- */

/* Times in RFC 3339 UTC are in the order of their texts. */
static void note_latest(struct service_call *call, ops_val item)
{
    ops_str at = {NULL, 0};
    if (pages_of(call)->latest != NULL) {
        at = pick_str(item, pages_of(call)->latest);
    }
    char text[sizeof call->latest];
    (void)snprintf(text, sizeof text, "%.*s", (int)(at.n < sizeof text ? at.n : 0), at.p);
    if (strcmp(text, call->latest) > 0) {
        memcpy(call->latest, text, sizeof text);
    }
}

/* What tells the item apart; INT64_MIN: nothing does. */
static int64_t read_unique(const struct service_call *call, ops_val item)
{
    const char *unique = pages_of(call)->unique;
    return unique != NULL ? ops_get_i64(item, unique, INT64_MIN) : INT64_MIN;
}

/* Whether it was on the page before. */
static int is_again(const struct service_call *call, ops_val item)
{
    int64_t number = read_unique(call, item);
    int64_t n = call->count < CALL_LAST_ITEMS ? call->count : CALL_LAST_ITEMS;
    for (int64_t i = 0; i < n && number != INT64_MIN; i++) {
        if (call->last[i] == number) {
            return 1;
        }
    }
    return 0;
}

static ops_status emit_next(struct service_call *call)
{
    const struct service_pages *pages = pages_of(call);
    ops_val item = 0;
    ops_status status = ops.value->at(ops.h, call->items, call->at, &item);
    if (status != OPS_OK) {
        return status;
    }
    if (!is_again(call, item) && (pages->wants == NULL || pages->wants(call, item))) {
        status = ops.exec->emit(ops.h, call->task, ops_text(NULL), item);
        if (status != OPS_OK) {
            return status;
        }
        call->last[call->count % CALL_LAST_ITEMS] = read_unique(call, item);
        call->count++;
    }
    note_latest(call, item);
    call->at++;
    return OPS_OK;
}

/* Emits until the consumer is behind, then waits to be called again; also called by a cancel. */
static void on_writable(void *user, ops_task task)
{
    struct service_call *call = user;
    uint64_t n = ops.value->count(ops.h, call->items);
    ops_status status = OPS_OK;
    if (ops.exec->cancelled(ops.h, task) != 0) {
        ops_fail_text(task, OPS_E_CANCELLED, "stopped while items were taken");
        return;
    }
    while (status == OPS_OK && call->at < n && !is_enough(call)) {
        status = emit_next(call);
    }
    if (status == OPS_E_WOULD_BLOCK) {
        status = ops.exec->on_writable(ops.h, task, on_writable, call);
    } else if (status == OPS_OK) {
        go_on(call);
        return;
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "an item could not be emitted");
    }
}

/* ---- Fetching ---- */

static ops_status pick_items(struct service_call *call, const struct service_answer *answer)
{
    const struct pick list[] = {{"items", pages_of(call)->list, pages_of(call)->items},
                                {NULL, NULL, NULL}};
    ops_val picked = 0;
    ops_status status = pick_make(call->page, answer->value, list, &picked);
    call->items = ops_get(picked, "items");
    return status;
}

static void emit_items(struct service_call *call)
{
    on_writable(call, call->task);
}

/* 0: the task has ended. */
static int note_next(struct service_call *call, const struct service_answer *answer, uint64_t items)
{
    if (pages_of(call)->counted == NULL) {
        return call_note_next(call, answer);
    }
    call->next[0] = '\0';
    return items == 0 || note_counted(call);
}

static void on_page(struct service_call *call, const struct service_answer *answer)
{
    ops_val list = answer->kept != NULL ? answer->value
                                        : pick_find(answer->value, pages_of(call)->list);
    ops_status status = OPS_OK;
    if (ops.value->type(ops.h, list) != OPS_TYPE_LIST) {
        problem_fail_body(call, answer, "bad_body", " answered something else than a list");
        return;
    }
    call->items = list;
    if (answer->kept == NULL) {
        status = pick_items(call, answer);
    }
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the items of a page could not be kept");
        return;
    }
    call->pages++;
    call->seen += (int64_t)ops.value->count(ops.h, list);
    if (!note_next(call, answer, ops.value->count(ops.h, list))) {
        return;
    }
    if (call->pages > MOST_PAGES) {
        problem_fail_body(call, answer, "too_many_pages", " names more than 10000 pages");
        return;
    }
    call->at = 0;
    ops_str json = {NULL, 0};
    if (call->out.is_conditional && answer->kept == NULL &&
        ops.value->to_json(ops.h, call->items, &json) == OPS_OK) {
        etag_put(call, answer, json, emit_items);
    } else {
        emit_items(call);
    }
}

static void fetch(struct service_call *call, ops_str query)
{
    ops_status status = ops.value->scope_open(ops.h, call->task, &call->page);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "no page could be begun");
        return;
    }
    const struct call_request out = {
        .request = &call->operation->request,
        .query = query,
        .scope = call->page,
        .is_conditional = (call->operation->flags & SERVICE_CONDITIONAL) != 0,
        .on_answer = on_page,
    };
    call_send(call, &out);
}

void pages_start(struct service_call *call)
{
    const char *limit = pages_of(call)->limit;
    call->most = limit != NULL ? ops_get_i64(call->config, limit, 0) : 0;
    if (pages_of(call)->counted == NULL) {
        fetch(call, ops_text(""));
    } else if (note_counted(call)) {
        fetch(call, ops_text(call->next));
    }
}
