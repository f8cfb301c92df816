/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include "answer.h"

enum {
    BYTES_PER_TOKEN = 2,
    DEFAULT_MAX_TOKENS = 4000,
    WRITES_MOST = 20, /* others wrote in between so often */
};

static const struct {
    const char *unit;
    uint64_t ms;
} units[] = {{"s", 1000},
             {"m", UINT64_C(60) * 1000},
             {"h", UINT64_C(3600) * 1000},
             {"d", UINT64_C(86400) * 1000}};

/* "30m", as the schema has it; 0: it is none. */
static uint64_t read_duration(ops_str text)
{
    uint64_t number = 0;
    uint64_t i = 0;
    for (; i < text.n && i < 9 && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(text.p[i] - '0');
    }
    for (size_t unit = 0; unit < sizeof units / sizeof units[0]; unit++) {
        if (ops_equal(ops_slice(text.p + i, text.n - i), units[unit].unit)) {
            return number * units[unit].ms;
        }
    }
    return 0;
}

int session_read(struct session *session, ops_task task, ops_val config, const char **fault)
{
    struct text name = {NULL, 0, 0, 0};
    ops_val said = ops_get(config, "session");
    ops_task_info info;
    ops_str own = {NULL, 0};
    memset(session, 0, sizeof *session);
    memset(&info, 0, sizeof info);
    info.size = (uint32_t)sizeof info;
    if (said == 0) {
        return 0;
    }
    if (ops.value->get_str(ops.h, said, &own) != OPS_OK) {
        own = ops_get_str(said, "name", NULL);
    }
    text_append_literal(&name, "session:");
    text_append_str(&name, own);
    session->task = task;
    session->name = answer_keep(task, text_str(&name));
    text_finish(&name);
    session->max_tokens = ops_get_i64(said, "max_tokens", DEFAULT_MAX_TOKENS);
    ops_str ttl = ops_get_str(said, "ttl", NULL);
    session->ttl_ms = ttl.n > 0 ? read_duration(ttl) : 0;
    if (ttl.n > 0 && session->ttl_ms == 0) {
        *fault = "'ttl' must be longer than nothing: 30m, 24h or 7d, for example";
        return -1;
    }
    if (session->name.n == 0 || ops.exec->info(ops.h, task, &info) != OPS_OK) {
        *fault = "out of memory";
        return -1;
    }
    session->key = info.idempotency_key;
    return 1;
}

/* ---- ends ---- */

static void fail(const struct session *session, ops_status status, const char *message)
{
    ops_error e = ops_error_make(status, message);
    e.symbol = ops_text("llm.session");
    e.flags = OPS_ERROR_REPEATABLE;                 /* a turn takes the place of its own */
    (void)ops.exec->fail(ops.h, session->task, &e); /* STALE: it has ended already */
    session->cb(session->user, 0);
}

static void fail_by(const struct session *session, ops_status status)
{
    fail(session, status == OPS_E_INPUT ? OPS_E_CONFIG : status,
         status == OPS_E_RESOURCE    ? "there is no room for the session"
         : status == OPS_E_CANCELLED ? "cancelled before the session was there"
         : status == OPS_E_INPUT     ? "the name of the session is too long"
                                     : "the session cannot be read or written");
}

/* ---- what is kept ---- */

static int is_own(const struct session *session, ops_val turn)
{
    ops_str key = ops_get_str(turn, "key", NULL);
    return key.n == session->key.n && memcmp(key.p, session->key.p, (size_t)key.n) == 0;
}

static ops_val turn_at(ops_val turns, uint64_t i)
{
    ops_val turn = 0;
    (void)ops.value->at(ops.h, turns, i, &turn); /* i is below the count; else 0 */
    return turn;
}

/* What is not as we write it counts as nothing: the conversation begins anew. */
static void take(struct session *session, const ops_kv_entry *entry)
{
    ops_val whole = 0;
    session->turns = 0;
    session->version = entry != NULL ? entry->version : 0;
    if (entry != NULL &&
        ops.value->from_json(ops.h, session->task, entry->value, &whole, NULL) == OPS_OK) {
        session->turns = ops_get(whole, "turns");
    }
}

static void on_found(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct session *session = user;
    (void)task;
    if (status != OPS_OK && status != OPS_E_NOT_FOUND) {
        fail_by(session, status);
        return;
    }
    take(session, entry);
    session->cb(session->user, 1);
}

void session_open(struct session *session, session_cb cb, void *user)
{
    session->cb = cb;
    session->user = user;
    ops_status status = ops_kv_get(session->task, session->name, on_found, session);
    if (status != OPS_OK) {
        fail_by(session, status);
    }
}

ops_val session_messages(const struct session *session)
{
    uint64_t n = 0;
    uint64_t n_turns = ops.value->count(ops.h, session->turns);
    void *memory = NULL;
    ops_val list = 0;
    for (uint64_t i = 0; i < n_turns; i++) {
        n += ops.value->count(ops.h, ops_get(turn_at(session->turns, i), "messages"));
    }
    if (ops.value->alloc(ops.h, session->task, (n + 1) * sizeof(ops_val), &memory) != OPS_OK) {
        return 0;
    }
    ops_val *messages = memory;
    n = 0;
    for (uint64_t i = 0; i < n_turns; i++) {
        ops_val turn = turn_at(session->turns, i);
        ops_val own = ops_get(turn, "messages");
        uint64_t n_own = is_own(session, turn) ? 0 : ops.value->count(ops.h, own);
        for (uint64_t k = 0; k < n_own; k++) {
            messages[n++] = turn_at(own, k);
        }
    }
    return ops.value->new_list(ops.h, session->task, messages, n, &list) == OPS_OK ? list : 0;
}

/* ---- one more turn ---- */

static ops_val make_turn(const struct session *session)
{
    ops_val turn = 0;
    struct ops_map map = ops_map_begin(session->task);
    ops_map_str(&map, "key", session->key);
    ops_map_val(&map, "messages", session->added);
    return ops_map_end(&map, &turn) == OPS_OK ? turn : 0;
}

/* The turns with the new one, where the step's own was or behind them; `*out_n` of them. */
static ops_val *merge(const struct session *session, ops_val turn, uint64_t *out_n)
{
    uint64_t n = ops.value->count(ops.h, session->turns);
    void *memory = NULL;
    int is_there = 0;
    if (ops.value->alloc(ops.h, session->task, (n + 1) * sizeof(ops_val), &memory) != OPS_OK) {
        return NULL;
    }
    ops_val *turns = memory;
    for (uint64_t i = 0; i < n; i++) {
        int is_this = is_own(session, turn_at(session->turns, i));
        turns[i] = is_this ? turn : turn_at(session->turns, i);
        is_there = is_there || is_this;
    }
    turns[n] = turn;
    *out_n = is_there ? n : n + 1;
    return turns;
}

/* The first that is kept: the newest is, whatever it takes. */
static uint64_t trim(const struct session *session, const ops_val *turns, uint64_t n)
{
    uint64_t most = (uint64_t)session->max_tokens * BYTES_PER_TOKEN;
    uint64_t bytes = 0;
    uint64_t first = n;
    most = most < OPS_KV_VALUE_BYTES / 2 ? most : OPS_KV_VALUE_BYTES / 2;
    while (first > 0) {
        ops_str json = {NULL, 0};
        if (ops.value->to_json(ops.h, turns[first - 1], &json) != OPS_OK ||
            (first < n && bytes + json.n > most)) {
            break;
        }
        bytes += json.n;
        first--;
    }
    return first;
}

static ops_status make_value(const struct session *session, ops_str *out)
{
    uint64_t n = 0;
    ops_val list = 0;
    ops_val whole = 0;
    struct ops_map map = ops_map_begin(session->task);
    ops_val turn = make_turn(session);
    ops_val *turns = turn != 0 ? merge(session, turn, &n) : NULL;
    if (turns == NULL) {
        return OPS_E_RESOURCE;
    }
    uint64_t first = trim(session, turns, n);
    ops_status status = ops.value->new_list(ops.h, session->task, turns + first, n - first, &list);
    ops_map_made(&map, "turns", status, list);
    status = ops_map_end(&map, &whole);
    return status == OPS_OK ? ops.value->to_json(ops.h, whole, out) : status;
}

static void write(struct session *session);

static void on_written(void *user, ops_task task, ops_status status, const ops_kv_entry *entry)
{
    struct session *session = user;
    (void)task;
    if (status == OPS_OK) {
        session->cb(session->user, 1);
    } else if (status != OPS_E_CONFLICT && status != OPS_E_NOT_FOUND) {
        fail_by(session, status);
    } else if (session->n_writes >= WRITES_MOST) {
        fail(session, OPS_E_UNAVAILABLE, "others write to the session all the time");
    } else { /* somebody else's turn came first; or its time was over */
        take(session, entry);
        write(session);
    }
}

static void write(struct session *session)
{
    ops_kv_req req;
    memset(&req, 0, sizeof req);
    req.size = (uint32_t)sizeof req;
    req.flags = session->version > 0 ? OPS_KV_IF_VERSION : OPS_KV_IF_ABSENT;
    req.key = session->name;
    req.version = session->version;
    req.ttl_ms = session->ttl_ms;
    req.done = on_written;
    req.user = session;
    session->n_writes++;
    ops_status status = make_value(session, &req.value);
    if (status == OPS_OK) {
        status = ops.kv->put(ops.h, session->task, &req, NULL);
    }
    if (status != OPS_OK) {
        fail_by(session, status == OPS_E_INPUT ? OPS_E_RESOURCE : status); /* a very large turn */
    }
}

void session_add(struct session *session, ops_val messages, session_cb cb, void *user)
{
    session->added = messages;
    session->cb = cb;
    session->user = user;
    write(session);
}
