/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/breakers.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/suggest.h"
#include "core/engine/engine.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/loop_state.h"
#include "core/value/value.h"

enum { NAMED_MOST = 5, MESSAGE_SIZE = 32 };

/* ---- from an earlier process ---- */

static int load_breaker(void *user, const struct journal_scope_row *row)
{
    struct loop *loop = user;
    struct error err = {0};
    int status = engine_restore_breaker(loop->engine, row->key, row->state, clock_unix_ms(), &err);
    if (status == E_NOMEM) {
        return status;
    }
    if (status != 0) {
        log_write(LOG_LEVEL_WARN, "the state of a breaker cannot be read: it begins closed",
                  LOG_FIELDS(log_str("scope", row->key), log_text("why", err.message)));
    }
    return 0;
}

int breakers_load(struct loop *loop, struct error *err)
{
    if (!journal_sqlite_has_scopes(loop->journal)) {
        return 0;
    }
    return journal_reader_scopes(loop->reader, STR(ENGINE_SCOPE_BREAKER), load_breaker, loop, err);
}

/* ---- the log ---- */

static void log_change(struct str scope, const struct value *map)
{
    const struct value *name = value_get(map, STR("state"));
    const struct value *due = value_get(map, STR("due_at"));
    struct str state = value_is(name, VALUE_STRING) ? value_str(name) : STR("unknown");
    bool is_away = str_equal_text(state, "open") || str_equal_text(state, "forced_open");
    struct log_field fields[2] = {log_str("scope", scope)};
    char message[MESSAGE_SIZE];
    char until[CLOCK_TEXT_SIZE];
    size_t count = 1;
    (void)snprintf(message, sizeof(message), "breaker %.*s", STR_ARG(state));
    if (value_is(due, VALUE_INT)) {
        clock_format_rfc3339(value_int(due), until);
        fields[count++] = log_text("until", until);
    }
    log_write(is_away ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, message, fields, count);
}

static void count_change(struct loop *loop, const struct value *map)
{
    const struct value *name = value_get(map, STR("state"));
    for (int i = 0; value_is(name, VALUE_STRING) && i < BREAKER_STATES; i++) {
        bool is_it = str_equal_text(value_str(name), breaker_state_name((enum breaker_state)i));
        loop->numbers.breaker_changes[i] += is_it ? 1u : 0u;
    }
}

void breakers_note(struct loop *loop, const struct batch *batch)
{
    for (size_t i = 0; !loop->holds_starts && i < batch->scope_count; i++) {
        const struct scope_change *change = &batch->scopes[i];
        if (change->state != NULL && strcmp(change->kind, ENGINE_SCOPE_BREAKER) == 0) {
            count_change(loop, document_root(change->state));
            log_change(change->key, document_root(change->state));
        }
    }
}

/* ---- finding one by a part of its scope ---- */

struct search {
    struct str part;
    struct str found;
    size_t count; /* that have the part */
    struct suggest nearest;
    struct str nearest_scope;
    struct strbuf names; /* of those that have it, and when there are none, of all */
};

static bool has_part(struct str scope, struct str part)
{
    return part.n > 0 && scope.n >= part.n && memmem(scope.p, scope.n, part.p, part.n) != NULL;
}

static void add_name(struct strbuf *names, size_t i, struct str scope)
{
    if (i < NAMED_MOST) {
        strbuf_append_format(names, "%s'%.*s'", i > 0 ? ", " : "", STR_ARG(scope));
    } else if (i == NAMED_MOST) {
        strbuf_append_text(names, " and more");
    }
}

static void offer(struct search *search, struct str scope, struct str candidate)
{
    size_t before = search->nearest.best_distance;
    suggest_offer(&search->nearest, candidate);
    if (search->nearest.best_distance < before) {
        search->nearest_scope = scope;
    }
}

/* People write the whole, or the host, with its port or without. */
static void offer_parts(struct search *search, struct str scope)
{
    const char *mark = scope.n > 0 ? memmem(scope.p, scope.n, "://", 3) : NULL;
    offer(search, scope, scope);
    if (mark == NULL) {
        return;
    }
    struct str host = str_make(mark + 3, (size_t)(scope.p + scope.n - (mark + 3)));
    const char *colon = memchr(host.p, ':', host.n);
    offer(search, scope, host);
    if (colon != NULL) {
        offer(search, scope, str_make(host.p, (size_t)(colon - host.p)));
    }
}

/* True: it is the one. */
static bool look_at(struct search *search, struct str scope)
{
    if (str_equal(scope, search->part)) {
        search->found = scope;
        search->count = 1;
        return true;
    }
    if (has_part(scope, search->part)) {
        add_name(&search->names, search->count++, scope);
        search->found = scope;
    }
    offer_parts(search, scope);
    return false;
}

static int refuse_unknown(struct loop *loop, struct search *search, struct error *err)
{
    struct engine_breaker breaker;
    size_t i = 0;
    if (search->nearest_scope.n > 0) {
        return error_set(err, E_NOT_FOUND, "there is no breaker '%.*s'; did you mean '%.*s'?",
                         STR_ARG(search->part), STR_ARG(search->nearest_scope));
    }
    for (; engine_breaker_at(loop->engine, i, &breaker) && i <= NAMED_MOST; i++) {
        add_name(&search->names, i, breaker.key);
    }
    if (i == 0) {
        return error_set(err, E_NOT_FOUND,
                         "there is no breaker '%.*s': a service has one from its first call on",
                         STR_ARG(search->part));
    }
    return error_set(err, E_NOT_FOUND, "there is no breaker '%.*s'; there are: %.*s",
                     STR_ARG(search->part), STR_ARG(strbuf_str(&search->names)));
}

int loop_find_breaker(struct loop *loop, struct str part, struct str *out_scope, struct error *err)
{
    struct search search = {.part = part, .nearest = suggest_start(part)};
    struct engine_breaker breaker;
    size_t i = 0;
    int status = 0;
    while (engine_breaker_at(loop->engine, i, &breaker) && !look_at(&search, breaker.key)) {
        i++;
    }
    if (search.count == 0) {
        status = refuse_unknown(loop, &search, err);
    } else if (search.count > 1) {
        status = error_set(err, E_CONFLICT, "'%.*s' is in %zu scopes: %.*s", STR_ARG(part),
                           search.count, STR_ARG(strbuf_str(&search.names)));
    }
    strbuf_finish(&search.names);
    *out_scope = search.found;
    return status;
}
