/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/run_waits.h"

#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "core/engine/waits.h"
#include "core/loop/budget_desk.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_table.h"
#include "core/value/json.h"

/* So many times a second is as good as at once for people, and costs nothing. */
enum { TELL_MS = 250 };

/* ---- as JSON ---- */

static void append_member(const char *key, struct str text, struct strbuf *out)
{
    strbuf_append_format(out, ",\"%s\":", key);
    json_write_string(text, out);
}

static void append_time(const char *key, int64_t unix_ms, struct strbuf *out)
{
    char text[CLOCK_TEXT_SIZE];
    if (unix_ms != BREAKER_NEVER) {
        clock_format_rfc3339(unix_ms, text);
        append_member(key, str_from(text), out);
    } else {
        strbuf_append_format(out, ",\"%s\":null", key);
    }
}

struct listing {
    const struct run *root;
    struct strbuf *out;
    struct strbuf path;
    uint64_t count;
    uint64_t left_out;
};

static void append_wait_at(struct str path, const struct engine_wait *wait, struct strbuf *out)
{
    strbuf_append_text(out, "{\"path\":");
    json_write_string(path, out);
    append_member("for", str_from(engine_wait_name(wait->kind)), out);
    append_time("until", wait->until, out);
    strbuf_append_text(out, ",\"event\":null");
    append_member("scope", wait->scope, out);
    if (wait->kind == ENGINE_WAIT_BREAKER) {
        append_member("state", str_from(breaker_state_name(wait->state)), out);
    } else if (wait->kind == ENGINE_WAIT_LIMIT) {
        strbuf_append_text(out, wait->is_frozen ? ",\"frozen\":true" : ",\"frozen\":false");
    } else {
        strbuf_append_format(out, ",\"limit\":%u,\"in_use\":%u", wait->limit, wait->in_use);
    }
    strbuf_append_char(out, '}');
}

static void append_wait(void *user, const struct engine_wait *wait)
{
    struct listing *listing = user;
    strbuf_append_text(listing->out, listing->count++ > 0 ? "," : "");
    strbuf_clear(&listing->path);
    engine_append_wait_path(listing->root, wait, &listing->path);
    append_wait_at(strbuf_str(&listing->path), wait, listing->out);
}

/* Its task is at work, and a call of it waits for what others may give back to a budget. */
static void append_spender(void *user, const struct spender *spender, struct str why)
{
    struct listing *listing = user;
    const struct engine_wait at = {
        .run = spender->run, .frame = spender->frame, .node = spender->node};
    struct strbuf *out = listing->out;
    if (listing->count >= LOOP_WAITS_MOST) {
        listing->left_out++;
        return;
    }
    strbuf_append_text(out, listing->count++ > 0 ? ",{\"path\":" : "{\"path\":");
    strbuf_clear(&listing->path);
    engine_append_wait_path(listing->root, &at, &listing->path);
    json_write_string(strbuf_str(&listing->path), out);
    append_member("for", STR("spending"), out);
    strbuf_append_text(out, ",\"until\":null,\"event\":null");
    append_member("why", why, out);
    strbuf_append_char(out, '}');
}

/* Of a run that is not in memory since it waits for a breaker: the first of its nodes. */
static void append_sleeper(const struct engine_sleeper *sleeper, struct strbuf *out)
{
    bool is_open = sleeper->breaker->state == BREAKER_OPEN;
    const struct engine_wait wait = {.kind = ENGINE_WAIT_BREAKER,
                                     .scope = sleeper->key,
                                     .state = sleeper->breaker->state,
                                     .until = is_open ? sleeper->breaker->due_at : BREAKER_NEVER};
    strbuf_append_text(out, "{\"waits\":[");
    append_wait_at(sleeper->node, &wait, out);
    strbuf_append_format(out, "],\"left_out\":%u}", sleeper->nodes - 1);
}

static void append_waits(const struct loop *loop, const struct run *root, struct strbuf *out)
{
    struct listing listing = {.root = root, .out = out, .path = STRBUF_INIT};
    strbuf_append_text(out, "{\"waits\":[");
    if (root != NULL && engine_waiting(loop->engine) > 0) {
        listing.left_out =
            engine_each_wait(loop->engine, root, LOOP_WAITS_MOST, append_wait, &listing);
    }
    if (root != NULL) {
        budget_desk_each_wait(loop, root, append_spender, &listing);
    }
    strbuf_append_format(out, "],\"left_out\":%llu}", (unsigned long long)listing.left_out);
    strbuf_finish(&listing.path);
}

bool loop_has_waits(const struct loop *loop)
{
    return engine_waiting(loop->engine) > 0 || loop->desk.first != NULL;
}

void loop_append_waits(const struct loop *loop, uint64_t number, struct strbuf *out)
{
    const struct loop_run *run = run_table_find(loop, number);
    struct engine_sleeper sleeper;
    if (run == NULL && engine_find_sleeper(loop->engine, number, &sleeper)) {
        append_sleeper(&sleeper, out);
        return;
    }
    append_waits(loop, run != NULL ? run->run : NULL, out);
}

/* ---- who looks ---- */

static void tell_observer(const struct loop_run *run)
{
    struct strbuf text = STRBUF_INIT;
    append_waits(run->loop, run->run, &text);
    if (strbuf_status(&text) == 0) {
        run->observer.on_waits(run->observer.user, strbuf_str(&text));
    }
    strbuf_finish(&text);
}

static void on_timer(uv_timer_t *timer)
{
    const struct run_waits *waits = timer->data;
    for (struct loop_run *run = waits->loop->runs; waits->is_observed && run != NULL;
         run = run->next) {
        if (run->observer.on_waits != NULL && !run->is_ended) {
            tell_observer(run);
        }
    }
    if (waits->on_waits != NULL) {
        waits->on_waits(waits->user);
    }
}

void run_waits_init(struct run_waits *waits, struct loop *loop)
{
    waits->loop = loop;
    (void)uv_timer_init(&loop->uv, &waits->timer); /* always succeeds */
    waits->timer.data = waits;
}

void run_waits_finish(struct run_waits *waits)
{
    uv_close((uv_handle_t *)&waits->timer, NULL);
}

void run_waits_note(struct run_waits *waits)
{
    bool is_looked_at = waits->is_observed || waits->on_waits != NULL;
    if (is_looked_at && !waits->loop->is_leaving && !uv_is_active((uv_handle_t *)&waits->timer)) {
        (void)uv_timer_start(&waits->timer, on_timer, TELL_MS, 0); /* cannot fail */
    }
}

void loop_watch_waits(struct loop *loop, void (*cb)(void *user), void *user)
{
    loop->waits_told.on_waits = cb;
    loop->waits_told.user = user;
}

bool loop_run_asks(const struct loop *loop, uint64_t number, struct str scope)
{
    const struct loop_run *run = run_table_find(loop, number);
    struct engine_sleeper sleeper;
    if (run == NULL && engine_find_sleeper(loop->engine, number, &sleeper)) {
        return str_equal(sleeper.key, scope);
    }
    return run != NULL && engine_run_asks(run->run, scope);
}

/* ---- of all runs ---- */

static void append_limits(const struct loop *loop, struct strbuf *out)
{
    const void *cursor = NULL;
    struct engine_limit limit;
    size_t count = 0;
    while (engine_next_limit(loop->engine, &cursor, &limit) && count < LOOP_WAITS_MOST) {
        if (limit.waiting > 0) {
            strbuf_append_text(out, count++ > 0 ? ",{\"scope\":" : "{\"scope\":");
            json_write_string(limit.scope, out);
            strbuf_append_format(out, ",\"limit\":%u,\"in_use\":%u,\"waiting\":%u}", limit.limit,
                                 limit.in_use, limit.waiting);
        }
    }
}

static void append_breakers(const struct loop *loop, struct strbuf *out)
{
    struct engine_breaker breaker;
    size_t count = 0;
    for (const void *at = NULL;
         count < LOOP_WAITS_MOST && engine_next_breaker(loop->engine, &at, &breaker);) {
        if (breaker.waiting > 0) {
            strbuf_append_text(out, count++ > 0 ? ",{\"scope\":" : "{\"scope\":");
            json_write_string(breaker.key, out);
            strbuf_append_format(out, ",\"waiting\":%u}", breaker.waiting);
        }
    }
}

static void append_rates(const struct loop *loop, struct strbuf *out)
{
    const void *cursor = NULL;
    struct engine_limiter limiter;
    int64_t now = clock_unix_ms();
    size_t count = 0;
    while (engine_next_limiter(loop->engine, &cursor, now, &limiter) && count < LOOP_WAITS_MOST) {
        bool is_frozen = limiter.frozen_until > 0;
        if (limiter.waiting > 0 || is_frozen) {
            strbuf_append_text(out, count++ > 0 ? ",{\"scope\":" : "{\"scope\":");
            json_write_string(limiter.key, out);
            append_time("until", limiter.next_at, out);
            append_time("frozen_until", is_frozen ? limiter.frozen_until : BREAKER_NEVER, out);
            strbuf_append_format(out, ",\"waiting\":%u}", limiter.waiting);
        }
    }
}

void loop_append_queues(const struct loop *loop, struct strbuf *out)
{
    bool has_any = engine_waiting(loop->engine) > 0;
    strbuf_append_text(out, "{\"limits\":[");
    if (has_any) {
        append_limits(loop, out);
    }
    strbuf_append_text(out, "],\"breakers\":[");
    if (has_any) {
        append_breakers(loop, out);
    }
    strbuf_append_text(out, "],\"rate_limits\":[");
    append_rates(loop, out); /* a service may be frozen, and nobody calls it */
    strbuf_append_text(out, "],\"services\":");
    health_checks_append(&loop->health, out);
    strbuf_append_char(out, '}');
}
