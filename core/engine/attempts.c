/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/attempts.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/engine/decision.h"
#include "core/engine/decision_end.h"
#include "core/engine/failure.h"
#include "core/engine/last_attempt.h"
#include "core/engine/queue.h"
#include "core/engine/run_state.h"
#include "core/engine/stand_in.h"
#include "core/model/catalogue.h"
#include "core/policy/retry.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* The same for each replay, another for each execution of a node. */
static uint64_t seed_of(const struct decision *d, uint32_t node)
{
    char key[32] = "";
    uint64_t seed = 0;
    if (run_idempotency_key(d->run, d->frame->id, node, key) != 0) {
        d->batch->has_failed = true;
    }
    memcpy(&seed, key + strlen("ops1_"), sizeof(seed));
    return seed;
}

static int64_t read_int(const struct value *failure, struct str key)
{
    const struct value *value = value_get(failure, key);
    return value_is(value, VALUE_INT) ? value_int(value) : 0;
}

static bool says(const struct value *failure, struct str key, const char *word)
{
    const struct value *value = value_get(failure, key);
    return value_is(value, VALUE_STRING) && str_equal_text(value_str(value), word);
}

/* As the host (host.h) and the engine itself write it. */
static struct retry_failure read_failure(const struct document *document)
{
    const struct value *failure = document_root(document);
    return (struct retry_failure){
        .code = failure_code(document),
        .status = (int32_t)read_int(failure, STR("upstream_status")),
        .word = says(failure, STR("retry"), "yes")  ? RETRY_WORD_YES
                : says(failure, STR("retry"), "no") ? RETRY_WORD_NO
                                                    : RETRY_WORD_DEFAULT,
        .effect = says(failure, STR("effect"), "maybe")  ? RETRY_EFFECT_MAYBE
                  : says(failure, STR("effect"), "done") ? RETRY_EFFECT_DONE
                                                         : RETRY_EFFECT_NONE,
        .retry_after_ms = read_int(failure, STR("retry_after_ms")),
    };
}

/* Run again it does no harm, whatever became of the attempt before. */
static bool is_repeatable(const struct node *def, const struct document *failure)
{
    unsigned harmless = NODE_TYPE_IDEMPOTENT | NODE_TYPE_PURE;
    bool is_harmless = (def->type->flags & harmless) != 0 ||
                       value_get(document_root(failure), STR("repeatable")) != NULL;
    return def->may_repeat || (is_harmless && !def->is_at_most_once);
}

static struct retry_answer ask(const struct decision *d, uint32_t node,
                               const struct document *document)
{
    const struct node *def = decision_node(d, node);
    const struct run_node *state = decision_state(d, node);
    const struct retry_failure failure = read_failure(document);
    const struct retry_question question = {
        .settings = &def->policies->retry,
        .failure = &failure,
        .attempt = state->failures + 1,
        .first_started_at = state->first_try_at,
        .now = d->now,
        .seed = seed_of(d, node),
        .is_repeatable = is_repeatable(def, document),
    };
    return retry_ask(&question);
}

/* One that is like `failure`; NULL: none is. */
static const struct document *find_failure(const struct run *run, const struct document *failure)
{
    for (size_t i = 0; i < RUN_FAILURES_KEPT; i++) {
        const struct document *kept = run->failures[i];
        bool is_like = kept == failure ||
                       (kept != NULL && value_equal(document_root(kept), document_root(failure)));
        if (is_like) {
            return kept;
        }
    }
    return NULL;
}

const struct document *attempts_keep(struct run *run, const struct document *failure)
{
    const struct document *kept = failure != NULL ? find_failure(run, failure) : NULL;
    if (failure == NULL || kept != NULL) {
        return document_ref(kept);
    }
    const struct document **place = &run->failures[run->next_failure++ % RUN_FAILURES_KEPT];
    document_unref(*place);
    *place = document_pack(failure);
    return document_ref(*place);
}

/* Whoever keeps the record shares it with those that wait for the same reason. */
static const struct document *share(const struct decision *d, const struct document *failure)
{
    const struct document *kept = find_failure(d->run, failure);
    return kept != NULL ? document_ref(kept) : document_pack(failure);
}

static void try_again(const struct decision *d, uint32_t node, const struct document *failure,
                      int64_t wait_ms)
{
    struct record record = decision_node_record(d, RECORD_NODE_RETRY, node);
    const struct document *shared = share(d, failure);
    record.error = shared;
    record.due_unix_ms = d->now + wait_ms;
    batch_add_record(d->batch, &record);
    decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                           .node = node,
                                           .attempt = record.attempt,
                                           .timer = TIMER_WAIT,
                                           .at_unix_ms = record.due_unix_ms});
    document_unref(shared);
}

static void ask_a_person(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct record record = decision_node_record(d, RECORD_NODE_UNKNOWN, node);
    record.error = failure;
    batch_add_record(d->batch, &record);
}

static int64_t end_of(const struct retry_settings *retry, int64_t first_try_at)
{
    if (retry->deadline_ms <= 0) {
        return 0;
    }
    return retry->deadline_ms < INT64_MAX - first_try_at ? first_try_at + retry->deadline_ms
                                                         : INT64_MAX;
}

/* Which of the two has ended the attempt. */
static struct document *make_late(const struct decision *d, uint32_t node)
{
    char text[80];
    const struct node *def = decision_node(d, node);
    const struct retry_settings *retry = &def->policies->retry;
    bool is_over = d->now >= end_of(retry, decision_state(d, node)->first_try_at);
    if (!retry->has_deadline || (!is_over && def->timeout_ms > 0)) {
        return decision_timeout_failure(d, node);
    }
    (void)snprintf(text, sizeof(text), "did not end within the deadline of its 'retry', %.10g s",
                   (double)retry->deadline_ms / 1000.0);
    return decision_create_failure(d, FAILURE_TIMEOUT, str_from(text),
                                   "raise 'deadline' of its 'retry'");
}

/* The engine's failure, with what the task says of its effect and of another attempt. Owned. */
static struct document *make_timeout(const struct decision *d, uint32_t node,
                                     const struct document *word)
{
    struct document *failure = make_late(d, node);
    const struct value *root = document_root(failure);
    const struct value *said = word != NULL ? document_root(word) : NULL;
    bool has_no_effect = says(said, STR("effect"), "none");
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < value_count(root); i++) {
        const struct value_member *member = value_member_at(root, i);
        builder_key(b, value_str(&member->key));
        builder_embed(b, failure, &member->value);
    }
    builder_member_string(b, STR("effect"), has_no_effect ? STR("none") : STR("maybe"));
    if (says(said, STR("retry"), "no")) {
        builder_member_string(b, STR("retry"), STR("no"));
    }
    if (value_get(said, STR("repeatable")) != NULL) {
        builder_member_bool(b, STR("repeatable"), true);
    }
    builder_map_end(b);
    struct document *whole = NULL;
    if (builder_finish(b, &whole, NULL) != 0) {
        d->batch->has_failed = true;
        return failure;
    }
    document_unref(failure);
    return whole;
}

enum call_result attempts_judge(const struct document *document)
{
    const struct retry_failure failure = read_failure(document);
    bool is_of_credential = failure.status == 401 || failure.status == 403 ||
                            str_equal_text(failure.code, "AUTH") ||
                            str_equal_text(failure.code, "PERMISSION");
    if (is_of_credential || retry_is_rate_limited(&failure)) {
        return CALL_SAYS_NOTHING;
    }
    if (str_equal_text(failure.code, FAILURE_CANCELLED)) {
        return CALL_NOT_MADE;
    }
    if (retry_is_transient(&failure)) {
        return CALL_BAD;
    }
    return failure.status > 0 ? CALL_GOOD : CALL_SAYS_NOTHING;
}

int64_t attempts_frozen_until(const struct document *document, int64_t now)
{
    const struct retry_failure failure = read_failure(document);
    bool is_frozen = retry_is_rate_limited(&failure) && failure.retry_after_ms > 0;
    if (!is_frozen) {
        return 0;
    }
    return now + (failure.retry_after_ms < RETRY_AFTER_MAX_MS ? failure.retry_after_ms
                                                              : RETRY_AFTER_MAX_MS);
}

/*
 * With why there is no further attempt, where somebody has asked for one: who looks at it later
 * has neither the settings at hand nor the time. Owned.
 */
static struct document *explain(const struct decision *d, uint32_t node,
                                const struct document *failure, enum retry_end end)
{
    const struct node *def = decision_node(d, node);
    const struct retry_settings *settings = &def->policies->retry;
    struct strbuf text = STRBUF_INIT;
    if (!settings->is_asked_for || settings->max_attempts == 1) {
        return document_ref(failure);
    }
    const struct retry_failure read = read_failure(failure);
    last_attempt_append(&(struct last_attempt){.node = def,
                                               .document = failure,
                                               .failure = &read,
                                               .end = end,
                                               .is_stopping = d->frame->state != RUN_RUNNING},
                        &text);
    struct document *sentence = NULL;
    struct builder *b = builder_create();
    builder_string(b, strbuf_str(&text));
    d->batch->has_failed |= strbuf_status(&text) != 0;
    strbuf_finish(&text);
    if (builder_finish(b, &sentence, NULL) != 0) {
        d->batch->has_failed = true;
        return document_ref(failure);
    }
    struct document *whole = decision_with_member(d, failure, STR(LAST_ATTEMPT_KEY), sentence);
    document_unref(sentence);
    return whole;
}

/* There is no further attempt. */
static void end_failed(const struct decision *d, uint32_t node, const struct document *failure)
{
    if (!stand_in_take(d, node, failure)) {
        decision_end_failed(d, node, failure);
    }
}

/* The service may have done the work, and would do it again. */
static bool may_be_doubled(const struct decision *d, uint32_t node, const struct document *failure)
{
    return read_failure(failure).effect != RETRY_EFFECT_NONE &&
           !is_repeatable(decision_node(d, node), failure);
}

/*
 * No attempt follows. What the queue has lost nobody but a person gives up, who has to know whether
 * it is safe to make the call again.
 */
static void end(const struct decision *d, uint32_t node, const struct document *failure)
{
    if (!queue_is_item(d->run) || d->frame->state != RUN_RUNNING) {
        end_failed(d, node, failure);
    } else if (may_be_doubled(d, node, failure)) {
        ask_a_person(d, node, failure);
    } else {
        queue_bury(d, node, failure);
    }
}

/* `failure` says why it is the last. */
static void end_as(const struct decision *d, uint32_t node, const struct document *failure,
                   enum retry_verdict verdict)
{
    switch (verdict) {
    case RETRY_UNKNOWN:
        if (decision_node(d, node)->policies->retry.is_asked_for || queue_is_item(d->run)) {
            ask_a_person(d, node, failure);
        } else { /* nobody wanted another attempt, so nobody has to decide on it */
            end_failed(d, node, failure);
        }
        return;
    case RETRY_NOT_TRANSIENT:
    case RETRY_SPENT:
    case RETRY_TOO_LATE:
        end(d, node, failure);
        return;
    case RETRY_AGAIN:
        break;
    }
    unreachable_state("verdict", (int)verdict);
}

void attempts_fail(const struct decision *d, uint32_t node, const struct document *failure)
{
    struct retry_answer answer = {.verdict = RETRY_SPENT};
    if (d->frame->state == RUN_RUNNING) {
        answer = ask(d, node, failure);
    }
    if (answer.verdict == RETRY_AGAIN) {
        try_again(d, node, failure, answer.wait_ms);
        return;
    }
    struct document *whole = explain(d, node, failure, answer.end);
    end_as(d, node, whole, answer.verdict);
    document_unref(whole);
}

bool attempts_is_untried(const struct frame *frame, uint32_t node)
{
    const struct run_node *state = frame_node(frame, node);
    bool is_waiting = state->state == NODE_READY || state->state == NODE_QUEUED;
    return queue_is_item(frame->run) && is_waiting && state->failures == 0 &&
           (state->attempt == 0 || state->first_try_at < frame->run->queued_at);
}

int64_t attempts_end_at(const struct frame *frame, uint32_t node)
{
    const struct run_node *state = frame_node(frame, node);
    const struct node_policies *policies = frame->run->pipeline->nodes[node].policies;
    bool is_untried = attempts_is_untried(frame, node);
    if (policies == NULL || (!is_untried && !state->is_retrying)) {
        return 0; /* nodes of the engine's types have none */
    }
    return end_of(&policies->retry, is_untried ? frame->run->queued_at : state->first_try_at);
}

int64_t attempts_cut_at(const struct decision *d, uint32_t node)
{
    const struct run_node *state = decision_state(d, node);
    const struct retry_settings *retry = &decision_node(d, node)->policies->retry;
    int64_t first_try_at = state->failures > 0 ? state->first_try_at : d->now;
    return retry->has_deadline ? end_of(retry, first_try_at) : 0;
}

void attempts_arm_deadline(const struct decision *d, const struct record *start)
{
    int64_t cut_at = attempts_cut_at(d, start->node);
    if (cut_at > 0) {
        decision_add_effect(d, (struct effect){.type = EFFECT_ARM_TIMER,
                                               .node = start->node,
                                               .attempt = start->attempt,
                                               .timer = TIMER_DEADLINE,
                                               .at_unix_ms = cut_at});
    }
}

void attempts_disarm_deadline(const struct decision *d, uint32_t node)
{
    if (decision_node(d, node)->policies->retry.has_deadline) {
        decision_add_effect(d, (struct effect){.type = EFFECT_DISARM,
                                               .node = node,
                                               .attempt = decision_state(d, node)->attempt,
                                               .timer = TIMER_DEADLINE});
    }
}

/* Of a call that nobody has made; `why` may be NULL. Owned. */
static const struct document *untried_failure(const struct decision *d, const struct document *why)
{
    return why != NULL
               ? document_ref(why)
               : decision_create_failure(d, FAILURE_TIMEOUT,
                                         STR("no call was made within the deadline of its 'retry'"),
                                         "'opstream dlq requeue ID' gives it all its time again");
}

void attempts_end_late(const struct decision *d, uint32_t node, const struct document *why)
{
    const struct document *failure =
        attempts_is_untried(d->frame, node)
            ? untried_failure(d, why)
            : explain(d, node, decision_state(d, node)->error, RETRY_END_NONE);
    end(d, node, failure);
    document_unref(failure);
}

void attempts_time_out(const struct decision *d, uint32_t node, const struct document *word)
{
    struct document *failure = make_timeout(d, node, word);
    attempts_fail(d, node, failure);
    document_unref(failure);
}
