/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/breakers.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/loop/loop_state.h"
#include "core/loop/scope_search.h"
#include "core/value/value.h"

enum { MESSAGE_SIZE = 32 };

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

/* The shortest that has the part. */
static struct str find_shortest(const struct loop *loop, struct str part)
{
    struct engine_breaker breaker;
    struct str found = STR("");
    for (const void *at = NULL; engine_next_breaker(loop->engine, &at, &breaker);) {
        if (scope_search_has(breaker.key, part) && (found.n == 0 || breaker.key.n < found.n)) {
            found = breaker.key;
        }
    }
    return found;
}

int loop_find_breaker(struct loop *loop, struct str part, struct str *out_scope, struct error *err)
{
    static const struct scope_search_noun noun = {"breaker",
                                                  "a service has one from its first call on"};
    struct str service = engine_breaker_service(find_shortest(loop, part));
    bool is_service = false;
    struct scope_search search;
    struct engine_breaker breaker;
    scope_search_init(&search, part);
    for (const void *at = NULL; engine_next_breaker(loop->engine, &at, &breaker);) {
        bool is_of_it = engine_is_breaker_of(service, breaker.key) &&
                        scope_search_has(service, part);
        if (!is_of_it || !is_service) {
            scope_search_look(&search, is_of_it ? service : breaker.key);
        }
        is_service |= is_of_it;
    }
    return scope_search_finish(&search, &noun, out_scope, err);
}
