/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/guard.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/service.h"
#include "core/value/json.h"
#include "core/value/value.h"

void guards_finish(struct guards *guards)
{
    strmap_finish(&guards->by_key);
    arena_finish(&guards->arena);
}

static struct dispatch_guard *find_guard(const struct guards *guards, struct str key)
{
    return strmap_get(&guards->by_key, key);
}

/* The jitter of one breaker is not that of another. */
static uint64_t seed_of(struct str key)
{
    return service_hash(key);
}

static int make_guard(struct guards *guards, struct str key, struct dispatch_guard **out_guard)
{
    struct dispatch_guard *guard = arena_calloc(&guards->arena, 1, sizeof(*guard));
    struct str kept = arena_dup_str(&guards->arena, key);
    if (guard == NULL || kept.p == NULL || strmap_add(&guards->by_key, kept, guard) != 0) {
        return E_NOMEM;
    }
    guard->key = kept;
    if (guards->last != NULL) {
        guards->last->next = guard;
    } else {
        guards->first = guard;
    }
    guards->last = guard;
    *out_guard = guard;
    return 0;
}

/* What is known of it stays; how it goes on is now said by `settings`. */
static int give_settings(struct dispatch_guard *guard, const struct breaker_settings *settings,
                         int64_t now)
{
    struct document *state = NULL;
    struct strbuf text = STRBUF_INIT;
    int status = breaker_save(&guard->breaker, &state, NULL);
    if (status == 0) {
        json_write(document_root(state), JSON_COMPACT, &text);
        status = strbuf_status(&text);
    }
    if (status == 0) {
        breaker_init(&guard->breaker, settings, seed_of(guard->key), now);
        status = breaker_restore(&guard->breaker, strbuf_str(&text), NULL);
    }
    guard->lacks_settings = status != 0;
    strbuf_finish(&text);
    document_unref(state);
    return status;
}

/* An order for its service came before it did. */
static void follow_order(struct guards *guards, struct dispatch_guard *guard, int64_t now)
{
    const struct dispatch_guard *service = find_guard(guards, service_of_breaker(guard->key));
    enum breaker_state state = service != NULL ? service->breaker.state : BREAKER_CLOSED;
    if (state == BREAKER_FORCED_OPEN || state == BREAKER_DISABLED) {
        enum breaker_order order = state == BREAKER_DISABLED ? BREAKER_ORDER_DISABLE
                                                             : BREAKER_ORDER_OPEN;
        (void)breaker_obey(&guard->breaker, order, now); /* it was closed, so it changes */
        guards_note_change(guards, guard);
    }
}

int guards_find(struct guards *guards, struct str key, const struct breaker_settings *settings,
                int64_t now, struct dispatch_guard **out_guard)
{
    struct dispatch_guard *guard = find_guard(guards, key);
    if (guard == NULL) {
        int status = make_guard(guards, key, &guard);
        if (status != 0) {
            return status;
        }
        breaker_init(&guard->breaker, settings, seed_of(key), now);
        follow_order(guards, guard, now);
    } else if (guard->lacks_settings && give_settings(guard, settings, now) != 0) {
        return E_NOMEM;
    }
    *out_guard = guard;
    return 0;
}

/* One of which nobody has said yet which settings it has. */
static int make_without_settings(struct guards *guards, struct str key,
                                 const struct breaker *breaker, struct error *err)
{
    struct dispatch_guard *guard = NULL;
    if (make_guard(guards, key, &guard) != 0) {
        return error_nomem(err);
    }
    guard->breaker = *breaker;
    guard->lacks_settings = true;
    return 0;
}

int guards_restore(struct guards *guards, struct str key, struct str text, int64_t now,
                   struct error *err)
{
    struct breaker breaker;
    breaker_init(&breaker, &BREAKER_SETTINGS_DEFAULT, seed_of(key), now);
    int status = breaker_restore(&breaker, text, err);
    if (status != 0) {
        return status;
    }
    CHECK(find_guard(guards, key) == NULL);
    return make_without_settings(guards, key, &breaker, err);
}

int guards_prepare(struct guards *guards, struct str key, enum breaker_order order, int64_t now,
                   struct error *err)
{
    const struct dispatch_guard *at = guards->first;
    while (at != NULL && !service_is_breaker(key, at->key)) {
        at = at->next;
    }
    if (at == NULL) {
        return error_set(err, E_NOT_FOUND, "there is no breaker '%.*s'", STR_ARG(key));
    }
    if (order == BREAKER_ORDER_RESET || find_guard(guards, key) != NULL) {
        return 0;
    }
    struct breaker breaker;
    breaker_init(&breaker, &BREAKER_SETTINGS_DEFAULT, seed_of(key), now);
    return make_without_settings(guards, key, &breaker, err);
}

void guards_note_change(struct guards *guards, struct dispatch_guard *guard)
{
    if (guard->is_changed) {
        return;
    }
    guard->is_changed = true;
    guard->next_changed = NULL;
    if (guards->last_changed != NULL) {
        guards->last_changed->next_changed = guard;
    } else {
        guards->first_changed = guard;
    }
    guards->last_changed = guard;
}

struct dispatch_guard *guards_next_changed(struct guards *guards)
{
    struct dispatch_guard *guard = guards->first_changed;
    if (guard != NULL) {
        guards->first_changed = guard->next_changed;
        guard->is_changed = false;
        if (guards->first_changed == NULL) {
            guards->last_changed = NULL;
        }
    }
    return guard;
}
