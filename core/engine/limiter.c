/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/limiter.h"

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/engine/resource.h"
#include "core/engine/service.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

void limiters_finish(struct limiters *limiters)
{
    strmap_finish(&limiters->by_key);
    arena_finish(&limiters->arena);
    *limiters = (struct limiters){0};
}

static int make_limiter(struct limiters *limiters, struct str key, struct limiter **out_limiter)
{
    struct limiter *limiter = arena_calloc(&limiters->arena, 1, sizeof(*limiter));
    struct str kept = arena_dup_str(&limiters->arena, key);
    if (limiter == NULL || kept.p == NULL || strmap_add(&limiters->by_key, kept, limiter) != 0) {
        return E_NOMEM;
    }
    limiter->key = kept;
    if (limiters->last != NULL) {
        limiters->last->next = limiter;
    } else {
        limiters->first = limiter;
    }
    limiters->last = limiter;
    *out_limiter = limiter;
    return 0;
}

int limiters_find(struct limiters *limiters, struct str key, const struct rate_settings *settings,
                  struct limiter **out_limiter)
{
    struct limiter *limiter = strmap_get(&limiters->by_key, key);
    bool is_new = limiter == NULL;
    if (is_new && make_limiter(limiters, key, &limiter) != 0) {
        return E_NOMEM;
    }
    if (is_new || limiter->lacks_settings) {
        limiter->settings = *settings;
        limiter->lacks_settings = false;
    }
    *out_limiter = limiter;
    return 0;
}

/* ---- over a restart ---- */

static bool read_number(const struct value *map, struct str key, int64_t *out)
{
    const struct value *number = value_get(map, key);
    if (!value_is(number, VALUE_INT) || value_int(number) < 0) {
        return false;
    }
    *out = value_int(number);
    return true;
}

/* A resource is one of its service, which may have no row. */
static int restore_limiter(struct limiters *limiters, struct str key, struct limiter **out_limiter)
{
    struct str name = service_resource(key);
    struct limiter *service = NULL;
    *out_limiter = strmap_get(&limiters->by_key, key);
    int status = *out_limiter != NULL ? 0 : make_limiter(limiters, key, out_limiter);
    if (status != 0 || name.n == 0) {
        return status;
    }
    service = strmap_get(&limiters->by_key, service_of_resource(key));
    if (service == NULL && make_limiter(limiters, service_of_resource(key), &service) != 0) {
        return E_NOMEM;
    }
    return resources_add(limiters, service, *out_limiter);
}

int limiters_restore(struct limiters *limiters, struct str key, struct str text, int64_t now,
                     struct error *err)
{
    struct document *document = NULL;
    struct rate_limit_saved saved = {0};
    struct limiter *limiter = NULL;
    int status = json_read(text, NULL, &document, NULL);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    const struct value *map = status == 0 ? document_root(document) : NULL;
    bool is_whole = read_number(map, STR("arrival_ns"), &saved.arrival_ns) &&
                    read_number(map, STR("frozen_until"), &saved.frozen_until);
    document_unref(document);
    if (!is_whole) {
        return error_set(err, E_CORRUPT, "it is not what a rate limit saves");
    }
    if (restore_limiter(limiters, key, &limiter) != 0) {
        return error_nomem(err);
    }
    limiter->rate = rate_limit_is_over(&saved, now) ? (struct rate_limit){.saved = saved}
                                                    : rate_limit_restore(saved);
    limiter->lacks_settings = true;
    return 0;
}

static void note_unsaved(struct limiters *limiters, struct limiter *limiter)
{
    if (!limiter->is_unsaved && rate_limit_must_save(&limiter->rate)) {
        limiter->is_unsaved = true;
        limiter->next_unsaved = limiters->first_unsaved;
        limiters->first_unsaved = limiter;
    }
}

struct limiter *limiters_next_unsaved(struct limiters *limiters)
{
    struct limiter *limiter = limiters->first_unsaved;
    if (limiter != NULL) {
        limiters->first_unsaved = limiter->next_unsaved;
        limiter->is_unsaved = false;
    }
    return limiter;
}

int limiter_save(struct limiter *limiter, struct document **out_document)
{
    struct rate_limit_saved saved = rate_limit_save(&limiter->rate);
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("arrival_ns"), saved.arrival_ns);
    builder_member_int(b, STR("frozen_until"), saved.frozen_until);
    builder_map_end(b);
    return builder_finish(b, out_document, NULL);
}

/* ---- asking ---- */

int64_t limiter_peek(struct limiter *limiter, int64_t now)
{
    int64_t turn = rate_limit_peek(&limiter->rate, &limiter->settings, now);
    int64_t wait = server_window_wait(&limiter->window, limiter->in_flight, now);
    return turn > wait ? turn : wait;
}

bool limiter_is_behind(const struct limiter *limiter, const struct dispatch_ticket *ticket)
{
    const struct dispatch_ticket *first = queue_first(&limiter->waiting);
    return first != NULL && turn_queue_is_before(&first->place.turn, &ticket->place.turn);
}

void limiter_take(struct limiters *limiters, struct limiter *limiter, int64_t now)
{
    (void)rate_limit_take(&limiter->rate, &limiter->settings, now); /* nothing is given back */
    limiter->allowed++;
    limiter->in_flight++;
    note_unsaved(limiters, limiter);
}

void limiter_end(struct limiter *limiter)
{
    CHECK(limiter->in_flight > 0);
    limiter->in_flight--;
}

void limiter_look(struct limiter *limiter, int64_t now)
{
    limiter->due_at = now + limiter_peek(limiter, now);
}

void limiter_await(struct limiters *limiters, struct limiter *limiter)
{
    if (!limiter->is_awaited && !queue_is_empty(&limiter->waiting)) {
        limiter->is_awaited = true;
        limiter->next_awaited = limiters->first_awaited;
        limiters->first_awaited = limiter;
    }
}

void limiter_push(struct limiters *limiters, struct limiter *limiter,
                  struct dispatch_ticket *ticket, int64_t now)
{
    queue_push(&limiter->waiting, ticket);
    limiter_look(limiter, now);
    limiter_await(limiters, limiter);
}

void limiter_freeze(struct limiters *limiters, struct limiter *limiter, int64_t until, int64_t now)
{
    rate_limit_freeze(&limiter->rate, until);
    limiter_look(limiter, now);
    note_unsaved(limiters, limiter);
}

void limiter_lower(struct limiters *limiters, struct limiter *limiter, uint32_t remaining,
                   int64_t now)
{
    rate_limit_lower(&limiter->rate, &limiter->settings, remaining, now);
    limiter_look(limiter, now);
    note_unsaved(limiters, limiter);
}

void limiter_forget(struct limiter *limiter, int64_t now)
{
    limiter->rate = (struct rate_limit){0};
    limiter_look(limiter, now);
}

void limiter_lift(struct limiter *limiter, int64_t now)
{
    limiter->window = (struct server_window){0};
    limiter_forget(limiter, now);
}

bool limiter_is_over(const struct limiter *limiter, int64_t now)
{
    const struct rate_limit *rate = &limiter->rate;
    bool is_saved = rate->saved.arrival_ns > 0 || rate->saved.frozen_until > 0;
    return is_saved && rate_limit_is_over(&rate->saved, now) && queue_is_empty(&limiter->waiting);
}

void limiter_hear(struct limiter *limiter, uint32_t remaining, int64_t until, int64_t now)
{
    server_window_hear(&limiter->window, remaining, until, now);
    limiter_look(limiter, now);
}

int64_t limiters_next_due(const struct limiters *limiters)
{
    int64_t due = INT64_MAX;
    for (const struct limiter *at = limiters->first_awaited; at != NULL; at = at->next_awaited) {
        if (!queue_is_empty(&at->waiting) && at->due_at < due) {
            due = at->due_at;
        }
    }
    return due;
}

uint32_t limiter_waiting(const struct limiter *limiter)
{
    return limiter->waiting.turns.count;
}
