/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

void note_set_key(struct note *note, const char *kind, ops_str first, ops_str second, ops_str third)
{
    int has_more = second.n > 0;
    (void)snprintf(note->key, sizeof note->key, "%s/%.*s%s%.*s%s%.*s", kind, (int)first.n,
                   first.n > 0 ? first.p : "", has_more ? "/" : "", (int)second.n,
                   has_more ? second.p : "", third.n > 0 ? "/" : "", (int)third.n,
                   third.n > 0 ? third.p : "");
}

static void on_done(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct note *note = user;
    ops_str value = entry != NULL ? entry->value : ops_text(NULL);
    (void)task;
    note->done(note->call, status == OPS_E_NOT_FOUND ? OPS_OK : status, value);
}

static void end_if_refused(struct note *note, ops_status status)
{
    if (status != OPS_OK) {
        note->done(note->call, status, ops_text(NULL));
    }
}

void note_get(struct note *note, note_cb done)
{
    note->done = done;
    end_if_refused(note, ops_kv_get(note->call->task, ops_text(note->key), on_done, note));
}

static ops_kv_req request_of(struct note *note, note_cb done)
{
    ops_kv_req req = {0};
    note->done = done;
    req.size = (uint32_t)sizeof req;
    req.key = ops_text(note->key);
    req.done = on_done;
    req.user = note;
    return req;
}

void note_put(struct note *note, ops_str value, int is_first, note_cb done)
{
    ops_kv_req req = request_of(note, done);
    req.flags = is_first ? OPS_KV_IF_ABSENT : 0;
    req.value = value;
    req.ttl_ms = NOTE_MS;
    end_if_refused(note, ops.kv->put(ops.h, note->call->task, &req, NULL));
}

void note_remove(struct note *note, note_cb done)
{
    ops_kv_req req = request_of(note, done);
    end_if_refused(note, ops.kv->remove(ops.h, note->call->task, &req, NULL));
}
