/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits and permits, as people look at them. */
#include "core/base/clock.h"
#include "core/engine/engine.h"
#include "core/engine/waits.h"
#include "core/loop/health_checks.h"
#include "core/loop/loop.h"
#include "core/loop/loop_state.h"
#include "core/loop/scope_search.h"
#include "core/value/json.h"

/* Those that are left out, together. */
struct others {
    uint64_t scopes;
    uint64_t waiting;
    uint64_t allowed;
    uint64_t delayed;
    int64_t frozen_until;
};

static void append_count(const char *key, uint64_t count, struct strbuf *out)
{
    strbuf_append_format(out, ",\"%s\":%llu", key, (unsigned long long)count);
}

static void append_others(const char *key, const struct others *others, struct strbuf *out)
{
    strbuf_append_format(out, "],\"%s\":{\"scopes\":%llu", key, (unsigned long long)others->scopes);
    append_count("waiting", others->waiting, out);
    append_count("allowed", others->allowed, out);
    append_count("delayed", others->delayed, out);
    append_count("frozen_until", (uint64_t)others->frozen_until, out);
    strbuf_append_char(out, '}');
}

/* ---- rate limits ---- */

struct rates {
    struct engine_limiter items[LOOP_LIMITS_MOST];
    size_t count;
    struct others others;
};

static void take_rate(struct rates *rates, const struct engine_limiter *limiter)
{
    struct others *others = &rates->others;
    if (rates->count < LOOP_LIMITS_MOST) {
        rates->items[rates->count++] = *limiter;
        return;
    }
    others->scopes++;
    others->waiting += limiter->waiting;
    others->allowed += limiter->allowed;
    others->delayed += limiter->delayed;
    if (limiter->frozen_until > others->frozen_until) {
        others->frozen_until = limiter->frozen_until;
    }
}

static bool is_urgent(const struct engine_limiter *limiter)
{
    return limiter->waiting > 0 || limiter->frozen_until > 0;
}

static void collect_rates(const struct loop *loop, enum loop_limits_order order, int64_t now,
                          struct rates *out)
{
    struct engine_limiter limiter;
    const void *cursor = NULL;
    while (order == LOOP_LIMITS_URGENT &&
           engine_next_limiter(loop->engine, &cursor, now, &limiter)) {
        if (is_urgent(&limiter)) {
            take_rate(out, &limiter);
        }
    }
    cursor = NULL;
    while (engine_next_limiter(loop->engine, &cursor, now, &limiter)) {
        if (order == LOOP_LIMITS_OLDEST || !is_urgent(&limiter)) {
            take_rate(out, &limiter);
        }
    }
}

static void append_rate(const struct engine_limiter *limiter, struct strbuf *out)
{
    strbuf_append_text(out, "{\"scope\":");
    json_write_string(limiter->key, out);
    append_count("limit", limiter->settings.limit, out);
    append_count("period_ms", (uint64_t)limiter->settings.period_ms, out);
    append_count("burst", limiter->settings.burst, out);
    append_count("left", limiter->left, out);
    append_count("next_at", (uint64_t)limiter->next_at, out);
    append_count("frozen_until", (uint64_t)limiter->frozen_until, out);
    append_count("waiting", limiter->waiting, out);
    append_count("allowed", limiter->allowed, out);
    append_count("delayed", limiter->delayed, out);
    strbuf_append_char(out, '}');
}

static void append_rates(const struct loop *loop, enum loop_limits_order order, struct strbuf *out)
{
    struct rates rates = {0};
    collect_rates(loop, order, clock_unix_ms(), &rates);
    strbuf_append_text(out, "{\"rate_limits\":[");
    for (size_t i = 0; i < rates.count; i++) {
        strbuf_append_text(out, i > 0 ? "," : "");
        append_rate(&rates.items[i], out);
    }
    append_others("rate_limits_left_out", &rates.others, out);
}

/* ---- permits ---- */

struct permits {
    struct engine_limit items[LOOP_LIMITS_MOST];
    size_t count;
    struct others others;
};

/* Nodes with other rates have permits of their own: people see one name, and one limit. */
static struct engine_limit *find_same(struct permits *permits, const struct engine_limit *limit)
{
    for (size_t i = 0; i < permits->count; i++) {
        struct engine_limit *item = &permits->items[i];
        if (item->limit == limit->limit && str_equal(item->scope, limit->scope)) {
            return item;
        }
    }
    return NULL;
}

static void take_permit(struct permits *permits, const struct engine_limit *limit)
{
    struct engine_limit *same = find_same(permits, limit);
    if (same != NULL) {
        same->in_use += limit->in_use;
        same->waiting += limit->waiting;
        same->allowed += limit->allowed;
        same->delayed += limit->delayed;
    } else if (permits->count < LOOP_LIMITS_MOST) {
        permits->items[permits->count++] = *limit;
    } else {
        permits->others.scopes++;
        permits->others.waiting += limit->waiting;
        permits->others.allowed += limit->allowed;
        permits->others.delayed += limit->delayed;
    }
}

static void collect_permits(const struct loop *loop, enum loop_limits_order order,
                            struct permits *out)
{
    struct engine_limit limit;
    const void *cursor = NULL;
    while (order == LOOP_LIMITS_URGENT && engine_next_limit(loop->engine, &cursor, &limit)) {
        if (limit.waiting > 0) {
            take_permit(out, &limit);
        }
    }
    cursor = NULL;
    while (engine_next_limit(loop->engine, &cursor, &limit)) {
        if (order == LOOP_LIMITS_OLDEST || limit.waiting == 0) {
            take_permit(out, &limit);
        }
    }
}

static void append_permits(const struct loop *loop, enum loop_limits_order order,
                           struct strbuf *out)
{
    struct permits permits = {0};
    collect_permits(loop, order, &permits);
    strbuf_append_text(out, ",\"limits\":[");
    for (size_t i = 0; i < permits.count; i++) {
        const struct engine_limit *limit = &permits.items[i];
        strbuf_append_text(out, i > 0 ? ",{\"scope\":" : "{\"scope\":");
        json_write_string(limit->scope, out);
        append_count("limit", limit->limit, out);
        append_count("in_use", limit->in_use, out);
        append_count("waiting", limit->waiting, out);
        append_count("allowed", limit->allowed, out);
        append_count("delayed", limit->delayed, out);
        strbuf_append_char(out, '}');
    }
    append_others("limits_left_out", &permits.others, out);
}

void loop_append_limits(const struct loop *loop, enum loop_limits_order order, struct strbuf *out)
{
    append_rates(loop, order, out);
    append_permits(loop, order, out);
    strbuf_append_char(out, '}');
}

void loop_append_counts(const struct loop *loop, struct strbuf *out)
{
    append_rates(loop, LOOP_LIMITS_OLDEST, out);
    append_permits(loop, LOOP_LIMITS_OLDEST, out);
    strbuf_append_text(out, ",\"services\":");
    health_checks_append(&loop->health, out);
    strbuf_append_char(out, '}');
}

/* ---- finding one ---- */

/* The shortest that has the part: the service, if it is there. */
static struct str find_shortest(const struct loop *loop, struct str part, int64_t now)
{
    struct engine_limiter limiter;
    struct str found = STR("");
    const void *cursor = NULL;
    while (engine_next_limiter(loop->engine, &cursor, now, &limiter)) {
        bool has_part = scope_search_has(limiter.key, part);
        if (has_part && (found.n == 0 || limiter.key.n < found.n)) {
            found = limiter.key;
        }
    }
    return found;
}

int loop_find_limit(struct loop *loop, struct str part, struct str *out_scope, struct error *err)
{
    static const struct scope_search_noun noun = {
        "limit", "a service has one from its first call with a 'rate_limit' on, or when it asks "
                 "for a pause"};
    const int64_t now = clock_unix_ms();
    struct str service = find_shortest(loop, part, now);
    struct scope_search search;
    struct engine_limiter limiter;
    const void *cursor = NULL;
    scope_search_init(&search, part);
    while (engine_next_limiter(loop->engine, &cursor, now, &limiter)) {
        if (service.n == 0 || !engine_is_rate_of(service, limiter.key)) {
            scope_search_look(&search, limiter.key);
        }
    }
    return scope_search_finish(&search, &noun, out_scope, err);
}
