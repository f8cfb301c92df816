/* SPDX-License-Identifier: Apache-2.0 */
#include "service/marker.h"

#include <stdio.h>

enum { MARK_BYTES = 96 };

/* "<!-- opstream:KEY -->", or what the field itself is to be. */
static ops_str make_mark(const struct service_call *call, char out[MARK_BYTES])
{
    const struct service_marker *marker = call->operation->marker;
    if (marker->mark == SERVICE_MARK_VALUE) {
        ops_str own = {NULL, 0};
        (void)ops.value->get_str(ops.h, ops_get(call->config, marker->into), &own);
        return own.n > 0 ? own : call->key;
    }
    int n = snprintf(out, MARK_BYTES, "<!-- opstream:%.*s -->", (int)call->key.n, call->key.p);
    return ops_slice(out, n < MARK_BYTES ? (uint64_t)n : MARK_BYTES - 1);
}

/* The place of the member `key` of the body, which is added if it is not there. */
static ops_val *find_member(struct ops_map *body, const char *key)
{
    for (uint32_t i = 0; i < body->n; i++) {
        if (ops_equal(body->keys[i], key)) {
            return &body->values[i];
        }
    }
    ops_map_val(body, key, 0);
    return body->status == OPS_OK ? &body->values[body->n - 1] : NULL;
}

void marker_add(struct service_call *call, struct ops_map *body)
{
    const struct service_marker *marker = call->operation->marker;
    char buffer[MARK_BYTES];
    ops_str mark = make_mark(call, buffer);
    ops_val *member = mark.n > 0 ? find_member(body, marker->into) : NULL;
    struct text marked = {NULL, 0, 0, 0};
    if (member == NULL) {
        return;
    }
    if (marker->mark == SERVICE_MARK_COMMENT) {
        ops_str text = {NULL, 0};
        (void)ops.value->get_str(ops.h, *member, &text); /* null: there is nothing but the mark */
        text_append_str(&marked, text);
        text_append_literal(&marked, text.n > 0 ? "\n\n" : "");
    }
    text_append_str(&marked, mark);
    ops_status status = marked.failed
                            ? OPS_E_RESOURCE
                            : ops.value->new_str(ops.h, body->scope, text_str(&marked), member);
    body->status = body->status == OPS_OK ? status : body->status;
    text_finish(&marked);
}

/* ---- Looking ---- */

int marker_is_due(const struct service_call *call)
{
    const struct service_marker *marker = call->operation->marker;
    return call->attempt > 1 ||
           (marker->look_first != NULL && ops_get_bool(call->config, marker->look_first, 0));
}

static int has_mark(const struct service_marker *marker, ops_str text, ops_str mark)
{
    if (marker->mark == SERVICE_MARK_VALUE) {
        return text.n == mark.n && memcmp(text.p, mark.p, (size_t)mark.n) == 0;
    }
    for (uint64_t i = 0; i + mark.n <= text.n; i++) {
        const char *found = memchr(text.p + i, '<', (size_t)(text.n - mark.n - i + 1));
        if (found == NULL) {
            return 0;
        }
        i = (uint64_t)(found - text.p);
        if (memcmp(found, mark.p, (size_t)mark.n) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The item that has the mark; 0: none has. */
static ops_val find_marked(struct service_call *call, ops_val list)
{
    const struct service_marker *marker = call->operation->marker;
    char buffer[MARK_BYTES];
    ops_str mark = make_mark(call, buffer);
    uint64_t n = ops.value->count(ops.h, list);
    for (uint64_t i = 0; i < n; i++) {
        ops_val item = 0;
        if (ops.value->at(ops.h, list, i, &item) == OPS_OK &&
            has_mark(marker, pick_str(item, marker->at), mark)) {
            return item;
        }
    }
    return 0;
}

static void look_at_page(struct service_call *call, ops_str query);

/* 1: it is there, and the task has ended. */
static int take_marked(struct service_call *call, ops_val list)
{
    ops_val found = ops.value->type(ops.h, list) == OPS_TYPE_LIST ? find_marked(call, list) : 0;
    if (found == 0) {
        return 0;
    }
    call->is_found = 1;
    call_complete(call, found); /* its page ends with the task */
    return 1;
}

static void close_page(struct service_call *call)
{
    (void)ops.value->scope_close(ops.h, call->page); /* or it ends with the task */
    call->page = 0;
}

static void on_listed(struct service_call *call, const struct service_answer *answer)
{
    const struct service_marker *marker = call->operation->marker;
    call->pages++;
    if (take_marked(call, pick_find(answer->value, marker->list)) ||
        !call_note_next(call, answer)) {
        return;
    }
    close_page(call);
    if (call->next[0] != '\0' && call->pages < marker->most_pages) {
        look_at_page(call, ops_text(call->next));
    } else {
        call_act(call);
    }
}

/* What is looked for, as the service filters by it. */
static ops_status make_look(const struct service_call *call, ops_val *out)
{
    const struct service_marker *marker = call->operation->marker;
    struct ops_map body = ops_map_begin(call->page);
    char buffer[MARK_BYTES];
    ops_map_str(&body, marker->look_for, make_mark(call, buffer));
    return ops_map_end(&body, out);
}

static void look_at_page(struct service_call *call, ops_str query)
{
    const struct service_marker *marker = call->operation->marker;
    struct call_request out = {.request = &marker->look, .query = query, .on_answer = on_listed};
    ops_status status = ops.value->scope_open(ops.h, call->task, &call->page);
    if (status == OPS_OK && marker->look_for != NULL) {
        status = make_look(call, &out.body);
    }
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "no page could be begun");
        return;
    }
    out.scope = call->page;
    call_send(call, &out);
}

static void look_at_all(struct service_call *call)
{
    close_page(call);
    look_at_page(call, ops_text(""));
}

static void on_searched(struct service_call *call, const struct service_answer *answer)
{
    if (!take_marked(call, pick_find(answer->value, call->operation->marker->search_list))) {
        look_at_all(call);
    }
}

/* What is really wrong, the list meets with, too. */
static void on_no_search(struct service_call *call, const struct problem *problem)
{
    (void)problem;
    look_at_all(call);
}

static void search(struct service_call *call)
{
    if (ops.value->scope_open(ops.h, call->task, &call->page) != OPS_OK) {
        ops_fail_text(call->task, OPS_E_RESOURCE, "no page could be begun");
        return;
    }
    const struct call_request out = {
        .request = &call->operation->marker->search,
        .scope = call->page,
        .on_answer = on_searched,
        .on_problem = on_no_search,
    };
    call_send(call, &out);
}

void marker_look(struct service_call *call)
{
    if (call->operation->marker->search.method != NULL && call->attempt == 1) {
        search(call);
    } else {
        look_at_page(call, ops_text(""));
    }
}
