/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/refusal.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/engine/attempts.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/dispatch.h"
#include "core/engine/dispatch_guard.h"
#include "core/engine/failure.h"
#include "core/engine/queue.h"
#include "core/engine/run_state.h"
#include "core/engine/stand_in.h"
#include "core/model/policy.h"
#include "core/policy/breaker.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static void append_message(const struct breaker *breaker, struct str service, struct strbuf *out)
{
    char since[CLOCK_TEXT_SIZE];
    char due[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(breaker->changed_at, since);
    strbuf_append_format(out, "no call was made: the circuit breaker of '%.*s' ", STR_ARG(service));
    switch (breaker->state) {
    case BREAKER_HALF_OPEN:
        strbuf_append_format(out, "lets only its trial calls pass since %s", since);
        return;
    case BREAKER_FORCED_OPEN:
        strbuf_append_format(out, "was opened by a person at %s", since);
        return;
    case BREAKER_OPEN:
        clock_format_rfc3339(breaker->due_at, due);
        strbuf_append_format(out, "is open since %s and tries the service again from %s on", since,
                             due);
        return;
    case BREAKER_CLOSED:
    case BREAKER_DISABLED:
        break; /* it lets all calls pass */
    }
    unreachable_state("breaker", (int)breaker->state);
}

struct document *refusal_describe(const struct dispatch_guard *guard)
{
    const struct breaker *breaker = dispatch_guard_breaker(guard);
    struct str service = dispatch_guard_key(guard);
    const char *hint = breaker->state == BREAKER_FORCED_OPEN
                           ? "'opstream breakers reset SERVICE' lets calls pass again"
                           : "'on_open: wait' would wait for it; 'opstream breakers' shows it";
    struct document *failure = NULL;
    struct strbuf text = STRBUF_INIT;
    struct builder *b = builder_create();
    append_message(breaker, service, &text);
    builder_map_begin(b);
    builder_member_string(b, STR("code"), STR(FAILURE_CIRCUIT_OPEN));
    builder_member_string(b, STR("message"), strbuf_str(&text));
    builder_member_string(b, STR("hint"), str_from(hint));
    builder_member_string(b, STR("effect"), STR("none"));
    builder_member_string(b, STR("service"), service);
    builder_map_end(b);
    int status = strbuf_status(&text);
    if (builder_finish(b, &failure, NULL) == 0 && status != 0) {
        document_unref(failure);
        failure = NULL;
    }
    strbuf_finish(&text);
    return failure;
}

static void act(const struct decision *d, uint32_t node, const struct document *failure)
{
    bool has_fallback = decision_node(d, node)->policies->on_open == ON_OPEN_FALLBACK;
    if (!has_fallback || !stand_in_take(d, node, failure)) {
        decision_end_failed(d, node, failure);
    }
}

/* With the failure of the attempt before, which this one was to make good. */
static void act_at_last(const struct decision *d, uint32_t node, const struct document *failure)
{
    const struct run_node *state = decision_state(d, node);
    if (!state->is_retrying) {
        act(d, node, failure);
        return;
    }
    struct document *whole = decision_with_cause(d, failure, state->error);
    act(d, node, whole);
    document_unref(whole);
}

void refusal_decide(const struct decision *d, uint32_t node, const struct document *failure)
{
    if (decision_state(d, node)->state != NODE_QUEUED) {
        return; /* it wants no permits any more */
    }
    switch (decision_node(d, node)->policies->on_open) {
    case ON_OPEN_WAIT: /* it may not wait that long, see tickets.c */
        attempts_end_late(d, node, failure);
        return;
    case ON_OPEN_FAIL:
    case ON_OPEN_FALLBACK:
        act_at_last(d, node, failure);
        return;
    case ON_OPEN_QUEUE:
        if (run_number(d->run) == 0) { /* what nobody keeps cannot be queued: it waited */
            attempts_end_late(d, node, failure);
        } else {
            queue_put(d, node);
        }
        return;
    }
    unreachable_state("on_open", (int)decision_node(d, node)->policies->on_open);
}
