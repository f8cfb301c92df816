/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/shared.h"

#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/dispatch_scope.h"
#include "core/engine/engine_state.h"
#include "core/engine/limiter.h"
#include "core/engine/service.h"
#include "core/engine/sleepers.h"
#include "core/engine/tickets.h"
#include "core/engine/waits.h"
#include "core/value/value.h"

static int note_breakers(struct dispatch *dispatch, int64_t now, struct batch *batch)
{
    struct dispatch_guard *guard = NULL;
    while ((guard = dispatch_next_changed(dispatch)) != NULL) {
        struct scope_change change = {
            .kind = ENGINE_SCOPE_BREAKER, .key = dispatch_guard_key(guard), .at_unix_ms = now};
        struct document *state = NULL;
        if (breaker_save(dispatch_guard_breaker(guard), &state, NULL) != 0) {
            return E_NOMEM;
        }
        change.state = state;
        batch_add_scope(batch, &change);
        document_unref(state);
    }
    return batch->has_failed ? E_NOMEM : 0;
}

/* They are saved before what they let go out does. */
static int note_limiters(struct dispatch *dispatch, int64_t now, struct batch *batch)
{
    struct limiters *limiters = dispatch_limiters(dispatch);
    struct limiter *limiter = NULL;
    while ((limiter = limiters_next_unsaved(limiters)) != NULL) {
        struct scope_change change = {
            .kind = ENGINE_SCOPE_LIMITER, .key = limiter->key, .at_unix_ms = now};
        struct document *state = NULL;
        if (limiter_save(limiter, &state) != 0) {
            return E_NOMEM;
        }
        change.state = state;
        batch_add_scope(batch, &change);
        document_unref(state);
    }
    return batch->has_failed ? E_NOMEM : 0;
}

int shared_note_changes(struct dispatch *dispatch, int64_t now, struct batch *batch)
{
    int status = note_breakers(dispatch, now, batch);
    return status == 0 ? note_limiters(dispatch, now, batch) : status;
}

int64_t engine_next_due(const struct engine *engine)
{
    int64_t due = dispatch_next_due(engine->dispatch);
    int64_t sleepers_due = sleepers_next_due(engine->sleepers, engine->dispatch);
    return sleepers_due < due ? sleepers_due : due;
}

int engine_restore_breaker(struct engine *engine, struct str key, struct str state,
                           int64_t now_unix_ms, struct error *err)
{
    dispatch_set_now(engine->dispatch, now_unix_ms);
    return dispatch_restore_guard(engine->dispatch, key, state, err);
}

bool engine_next_breaker(const struct engine *engine, const void **cursor,
                         struct engine_breaker *out)
{
    const struct dispatch_guard *guard = dispatch_next_guard(engine->dispatch, *cursor);
    if (guard != NULL) {
        *cursor = guard;
        *out = (struct engine_breaker){.key = dispatch_guard_key(guard),
                                       .breaker = dispatch_guard_breaker(guard),
                                       .waiting = dispatch_guard_waiting(guard) +
                                                  sleepers_waiting(engine->sleepers, guard)};
    }
    return guard != NULL;
}

struct str engine_breaker_service(struct str key)
{
    return service_of_breaker(key);
}

bool engine_is_breaker_of(struct str service, struct str key)
{
    return service_is_breaker(service, key);
}

int engine_restore_limiter(struct engine *engine, struct str key, struct str state,
                           int64_t now_unix_ms, struct error *err)
{
    return limiters_restore(dispatch_limiters(engine->dispatch), key, state, now_unix_ms, err);
}

bool engine_next_limiter(const struct engine *engine, const void **cursor, int64_t now_unix_ms,
                         struct engine_limiter *out)
{
    const struct limiters *limiters = dispatch_limiters(engine->dispatch);
    const struct limiter *last = *cursor;
    struct limiter *limiter = last != NULL ? last->next : limiters->first;
    while (limiter != NULL && limiter->settings.limit == 0 && limiter->rate.frozen_until == 0 &&
           limiter->delayed == 0 && limiter->resources == NULL) {
        limiter = limiter->next;
    }
    if (limiter == NULL) {
        return false;
    }
    int64_t wait = limiter_peek(limiter, now_unix_ms);
    uint32_t left = rate_limit_left(&limiter->rate, &limiter->settings, now_unix_ms);
    uint32_t said = server_window_left(&limiter->window, limiter->in_flight, now_unix_ms);
    bool is_frozen = limiter->rate.frozen_until > now_unix_ms;
    *cursor = limiter;
    *out = (struct engine_limiter){
        .key = limiter->key,
        .settings = limiter->settings,
        .left = said < left ? said : left,
        .next_at = now_unix_ms + wait,
        .frozen_until = is_frozen ? limiter->rate.frozen_until : 0,
        .waiting = limiter_waiting(limiter),
        .allowed = limiter->allowed,
        .delayed = limiter->delayed,
    };
    return true;
}

bool engine_is_rate_of(struct str service, struct str key)
{
    return service_is_rate(service, key);
}

/* Nothing is kept of it. */
static int forget_kept(const struct limiter *limiter, int64_t now, struct batch *batch)
{
    batch_add_scope(batch, &(struct scope_change){.kind = ENGINE_SCOPE_LIMITER,
                                                  .key = limiter->key,
                                                  .at_unix_ms = now});
    return batch->has_failed ? E_NOMEM : 0;
}

int shared_reset_limit(struct dispatch *dispatch, struct str key, int64_t now, struct batch *batch,
                       struct error *err)
{
    struct limiter *at = dispatch_limiters(dispatch)->first;
    bool is_found = false;
    for (; at != NULL; at = at->next) {
        if (!str_equal(at->key, key) && !service_is_rate(key, at->key)) {
            continue;
        }
        is_found = true;
        limiter_lift(at, now);
        if (forget_kept(at, now, batch) != 0) {
            return error_nomem(err);
        }
    }
    if (!is_found) {
        return error_set(err, E_NOT_FOUND, "there is no limit '%.*s'", STR_ARG(key));
    }
    dispatch_tick(dispatch); /* who waited for it may go */
    return 0;
}

int engine_prune_limits(struct engine *engine, size_t most, int64_t now_unix_ms,
                        struct batch *batch)
{
    struct limiter *limiter = dispatch_limiters(engine->dispatch)->first;
    size_t count = 0;
    for (; limiter != NULL && count < most; limiter = limiter->next) {
        if (!limiter_is_over(limiter, now_unix_ms)) {
            continue;
        }
        limiter_forget(limiter, now_unix_ms);
        count++;
        if (forget_kept(limiter, now_unix_ms, batch) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

bool engine_next_limit(const struct engine *engine, const void **cursor,
                       struct engine_limit *out_limit)
{
    const struct dispatch_scope *scope = dispatch_next_scope(engine->dispatch, *cursor);
    if (scope != NULL) {
        *cursor = scope;
        *out_limit = (struct engine_limit){.scope = tickets_scope_name(dispatch_scope_key(scope)),
                                           .limit = dispatch_scope_limit(scope),
                                           .in_use = dispatch_scope_in_use(scope),
                                           .waiting = dispatch_scope_waiting(scope),
                                           .allowed = dispatch_scope_allowed(scope),
                                           .delayed = dispatch_scope_delayed(scope)};
    }
    return scope != NULL;
}

struct dispatch_ticket *engine_next_call(struct engine *engine)
{
    return dispatch_next_call(engine->dispatch);
}

bool engine_call_waits(const struct dispatch_ticket *ticket, struct engine_call_wait *out)
{
    for (uint32_t i = 0; ticket->state == DISPATCH_WAITING && i < ticket->limiter_count; i++) {
        const struct limiter *limiter = ticket->limiters[i];
        if (ticket->queue == &limiter->waiting) {
            *out = (struct engine_call_wait){.key = limiter->key,
                                             .next_at = limiter->due_at,
                                             .is_service = limiter->settings.limit == 0};
            return true;
        }
    }
    return false;
}
