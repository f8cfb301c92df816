/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/shared.h"

#include "core/base/error.h"
#include "core/engine/dispatch.h"
#include "core/engine/engine_state.h"
#include "core/engine/limiter.h"
#include "core/engine/sleepers.h"
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

bool engine_breaker_at(const struct engine *engine, size_t i, struct engine_breaker *out)
{
    struct dispatch_guard *guard = dispatch_next_guard(engine->dispatch, NULL);
    while (guard != NULL && i-- > 0) {
        guard = dispatch_next_guard(engine->dispatch, guard);
    }
    if (guard != NULL) {
        *out = (struct engine_breaker){.key = dispatch_guard_key(guard),
                                       .breaker = dispatch_guard_breaker(guard),
                                       .waiting = dispatch_guard_waiting(guard) +
                                                  sleepers_waiting(engine->sleepers, guard)};
    }
    return guard != NULL;
}

int engine_restore_limiter(struct engine *engine, struct str key, struct str state,
                           int64_t now_unix_ms, struct error *err)
{
    return limiters_restore(dispatch_limiters(engine->dispatch), key, state, now_unix_ms, err);
}

bool engine_limiter_at(const struct engine *engine, size_t i, int64_t now_unix_ms,
                       struct engine_limiter *out)
{
    struct limiter *limiter = dispatch_limiters(engine->dispatch)->first;
    for (; limiter != NULL; limiter = limiter->next) {
        int64_t wait = limiter_peek(limiter, now_unix_ms);
        bool says_something = limiter->settings.limit > 0 || wait > 0;
        if (!says_something || i-- > 0) {
            continue;
        }
        *out = (struct engine_limiter){
            .key = limiter->key,
            .settings = limiter->settings,
            .left = rate_limit_left(&limiter->rate, &limiter->settings, now_unix_ms),
            .next_at = now_unix_ms + wait,
            .is_frozen = limiter->rate.frozen_until > now_unix_ms,
            .waiting = limiter_waiting(limiter),
        };
        return true;
    }
    return false;
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
            *out = (struct engine_call_wait){.key = limiter->key, .next_at = limiter->due_at};
            return true;
        }
    }
    return false;
}
