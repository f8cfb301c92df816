/* SPDX-License-Identifier: Apache-2.0 */
#include "service/etag.h"

#include <stdio.h>

#include "service/call.h"
#include "service/etag_entry.h"

static ops_scope scope_of(const struct service_call *call)
{
    return call->out.scope != 0 ? call->out.scope : call->task;
}

/* ---- Places ---- */

/* The secret that the service knows the asker by; 0: out of memory. */
static ops_val find_asker(struct service_call *call)
{
    const ops_node *node = call->node;
    ops_val nobody = 0;
    if (call_has_made_credential(node)) {
        return node->service->credential->secret(node);
    }
    if (node->token != 0) {
        return node->token;
    }
    (void)ops.value->new_str(ops.h, scope_of(call), ops_text("nobody"), &nobody); /* 0 stays */
    return nobody;
}

/* 0: it cannot be told who asks, and nothing is kept. */
static int make_id(struct service_call *call, ops_str url, ops_str *out)
{
    struct text data = {NULL, 0, 0, 0};
    ops_val asker = find_asker(call);
    if (call_has_made_credential(call->node)) {
        text_append_str(&data, call->node->service->credential->name(call->node));
    }
    text_append_literal(&data, "\n");
    text_append_str(&data, url);
    int is_made = asker != 0 && !data.failed &&
                  ops.secret->digest(ops.h, scope_of(call), asker, text_str(&data), out) == OPS_OK;
    text_finish(&data);
    return is_made;
}

static void find_place(struct service_call *call, ops_str url)
{
    struct etag_place *place = &call->place;
    ops_str id = {NULL, 0};
    place->key[0] = '\0';
    if (ops.kv == NULL || ops.secret == NULL || call->pages >= ETAG_PAGES ||
        !make_id(call, url, &id)) {
        return;
    }
    for (uint64_t i = 0; i < OPS_SECRET_DIGEST_BYTES; i++) {
        (void)snprintf(place->id + 2 * i, 3, "%02x", (unsigned)(unsigned char)id.p[i]);
    }
    if (call->pages == 0) {
        memcpy(&place->first, id.p, sizeof place->first);
    }
    (void)snprintf(place->key, sizeof place->key, "etag/%s/%u", call->operation->type,
                   (unsigned)((place->first + call->pages) % ETAG_SLOTS));
}

/* ---- Finding ---- */

/* Copies what is borrowed into the memory of the request's scope; 0: nothing is kept there. */
static int take(struct service_call *call, ops_str value)
{
    struct etag_entry entry = {.id = {NULL, 0}};
    void *memory = NULL;
    if (!etag_entry_read(value, &entry) || !ops_equal(entry.id, call->place.id) ||
        ops.value->alloc(ops.h, scope_of(call), value.n, &memory) != OPS_OK) {
        return 0;
    }
    memcpy(memory, value.p, (size_t)value.n);
    (void)etag_entry_read(ops_slice(memory, value.n), &entry); /* as before */
    call->place.answer =
        (struct etag_answer){.etag = entry.etag, .next = entry.next, .body = entry.body};
    return 1;
}

static void on_found(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct service_call *call = user;
    (void)task;
    if (status == OPS_OK) {
        (void)take(call, entry->value); /* or it is asked for anew */
    }
    call->place.then(call);
}

void etag_find(struct service_call *call, ops_str url, etag_cb then)
{
    find_place(call, url);
    call->place.answer = (struct etag_answer){.etag = {NULL, 0}};
    call->place.then = then;
    if (call->place.key[0] == '\0' ||
        ops_kv_get(call->task, ops_text(call->place.key), on_found, call) != OPS_OK) {
        then(call);
    }
}

/* ---- Keeping ---- */

/* What could not be put is asked for anew the next time. */
static void on_put(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct service_call *call = user;
    (void)task;
    (void)status;
    (void)entry;
    call->place.then(call);
}

static ops_status put(struct service_call *call, ops_str value)
{
    ops_kv_req req = {0};
    req.size = (uint32_t)sizeof req;
    req.key = ops_text(call->place.key);
    req.value = value;
    req.ttl_ms = ETAG_MS;
    req.done = on_put;
    req.user = call;
    return ops.kv->put(ops.h, call->task, &req, NULL);
}

void etag_put(struct service_call *call, const struct service_answer *answer, ops_str json,
              etag_cb then)
{
    const struct etag_entry entry = {.id = ops_text(call->place.id),
                                     .etag = problem_find_header(answer->res, "etag"),
                                     .next = answer->next,
                                     .body = json};
    struct text value = {NULL, 0, 0, 0};
    int is_kept = call->place.key[0] != '\0' && entry.etag.n > 0 && json.n <= ETAG_BYTES &&
                  etag_entry_write(&entry, &value) && value.n <= ETAG_BYTES;
    call->place.then = then;
    if (!is_kept || put(call, text_str(&value)) != OPS_OK) {
        then(call);
    }
    text_finish(&value);
}
