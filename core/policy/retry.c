/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/retry.h"

#include <stddef.h>

#include "core/policy/jitter.h"

enum {
    STATUS_RATE_LIMITED = 429,
    STATUS_FIRST = 400, /* statuses that say what went wrong: 400 to 599 */
    STATUS_LAST = 599,
    RETRY_AFTER_JITTER_PARTS = 10, /* 0 to 1/10 of what the server asked for goes on top */
};

#define CODE_RATE_LIMITED "RATE_LIMITED"

/* All that is retried. A status or code that is not here is a fault that stays. */
static const struct {
    int32_t status;
    const char *code;
} transient[] = {
    {408, "TIMEOUT"},         /* request timeout; refused, reset and DNS are UNAVAILABLE */
    {425, NULL},              /* too early */
    {429, CODE_RATE_LIMITED}, /* too many requests */
    {500, NULL},              /* internal server error */
    {502, NULL},              /* bad gateway */
    {503, "UNAVAILABLE"},     /* service unavailable */
    {504, NULL},              /* gateway timeout */
    {529, NULL},              /* site is overloaded */
};

static bool is_code(struct str code, struct str name)
{
    return code.n > 0 && str_equal_caseless(code, name);
}

static bool has_status(const struct retry_failure *failure)
{
    return failure->status >= STATUS_FIRST && failure->status <= STATUS_LAST;
}

bool retry_is_rate_limited(const struct retry_failure *failure)
{
    return failure->status == STATUS_RATE_LIMITED || is_code(failure->code, STR(CODE_RATE_LIMITED));
}

bool retry_is_transient(const struct retry_failure *failure)
{
    if (failure->word != RETRY_WORD_DEFAULT) {
        return failure->word == RETRY_WORD_YES;
    }
    if (retry_is_rate_limited(failure)) {
        return true; /* some services say it with 403 */
    }
    for (size_t i = 0; i < sizeof transient / sizeof transient[0]; i++) {
        bool is_it = has_status(failure) ? failure->status == transient[i].status
                                         : is_code(failure->code, str_from(transient[i].code));
        if (is_it) {
            return true;
        }
    }
    return false;
}

/* A decimal number that is the failure's status. */
static bool is_status(struct str item, int32_t status)
{
    int32_t number = 0;
    for (size_t i = 0; i < item.n; i++) {
        if (item.p[i] < '0' || item.p[i] > '9' || number > STATUS_LAST) {
            return false;
        }
        number = number * 10 + (item.p[i] - '0');
    }
    return number != 0 && number == status;
}

static bool is_listed(const struct retry_settings *settings, const struct retry_failure *failure)
{
    for (uint32_t i = 0; i < settings->on_count; i++) {
        struct str item = settings->on[i];
        if (is_code(failure->code, item) || is_status(item, failure->status)) {
            return true;
        }
    }
    return false;
}

/* Whether the failure is one to retry at all. */
static enum retry_end judge(const struct retry_settings *settings,
                            const struct retry_failure *failure)
{
    if (failure->effect == RETRY_EFFECT_DONE) {
        return RETRY_END_HAD_EFFECT;
    }
    if (failure->word == RETRY_WORD_DEFAULT && settings->on_count > 0) {
        return is_listed(settings, failure) ? RETRY_END_NONE : RETRY_END_NOT_LISTED;
    }
    if (retry_is_transient(failure)) {
        return RETRY_END_NONE;
    }
    return failure->word == RETRY_WORD_NO ? RETRY_END_WORD : RETRY_END_NOT_TRANSIENT;
}

/* `multiplier` to the power of `exponent`; infinity is fine, a NaN cannot come out of it. */
static double power(double multiplier, uint32_t exponent)
{
    double result = 1;
    for (double square = multiplier; exponent > 0; exponent >>= 1) {
        result *= (exponent & 1) != 0 ? square : 1;
        square *= square;
    }
    return result;
}

static int64_t within(int64_t low, int64_t value, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value < high ? value : high;
}

/* min(initial * multiplier^(attempt - 1), max) */
static int64_t backoff_ms(const struct retry_settings *settings, uint32_t attempt)
{
    int64_t longest = within(0, settings->max_interval_ms, RETRY_WAIT_MAX_MS);
    int64_t initial = within(0, settings->initial_interval_ms, longest);
    bool grows = settings->backoff_multiplier > 1; /* false for a NaN */
    if (initial == 0 || attempt <= 1 || !grows) {
        return initial;
    }
    double wait = (double)initial * power(settings->backoff_multiplier, attempt - 1);
    return wait < (double)longest ? (int64_t)wait : longest;
}

static int64_t asked_for_ms(const struct retry_question *question)
{
    int64_t asked = within(1, question->failure->retry_after_ms, RETRY_AFTER_MAX_MS);
    int64_t extra =
        jitter_between(question->seed, question->attempt, 0, asked / RETRY_AFTER_JITTER_PARTS);
    return within(1, asked + extra, RETRY_AFTER_MAX_MS);
}

static int64_t wait_ms(const struct retry_question *question)
{
    if (question->failure->retry_after_ms > 0) {
        return asked_for_ms(question);
    }
    int64_t wait = backoff_ms(question->settings, question->attempt);
    /* Full jitter can fall near zero, and a limiter that is asked too early says no again. */
    enum retry_jitter jitter =
        retry_is_rate_limited(question->failure) ? RETRY_JITTER_EQUAL : question->settings->jitter;
    if (jitter == RETRY_JITTER_FULL) {
        return jitter_between(question->seed, question->attempt, 0, wait);
    }
    if (jitter == RETRY_JITTER_EQUAL) {
        return jitter_between(question->seed, question->attempt, wait - wait / 2, wait);
    }
    return wait;
}

/* What is left of the deadline; a clock that was set back gives no time back. */
static int64_t time_left_ms(const struct retry_question *question)
{
    int64_t deadline = question->settings->deadline_ms;
    if (deadline <= 0) {
        return INT64_MAX;
    }
    if (question->now <= question->first_started_at) {
        return deadline;
    }
    uint64_t spent = (uint64_t)question->now - (uint64_t)question->first_started_at;
    return spent > (uint64_t)deadline ? -1 : deadline - (int64_t)spent;
}

struct retry_answer retry_ask(const struct retry_question *question)
{
    const struct retry_settings *settings = question->settings;
    const struct retry_failure *failure = question->failure;
    enum retry_end end = judge(settings, failure);
    if (end != RETRY_END_NONE) {
        return (struct retry_answer){.verdict = RETRY_NOT_TRANSIENT, .end = end};
    }
    if (settings->max_attempts > 0 && question->attempt >= settings->max_attempts) {
        return (struct retry_answer){.verdict = RETRY_SPENT, .end = RETRY_END_ATTEMPTS};
    }
    int64_t wait = wait_ms(question);
    if (wait > time_left_ms(question)) {
        end = failure->retry_after_ms > 0 ? RETRY_END_RETRY_AFTER : RETRY_END_DEADLINE;
        return (struct retry_answer){.verdict = RETRY_TOO_LATE, .end = end};
    }
    if (failure->effect == RETRY_EFFECT_MAYBE && !question->is_repeatable) {
        return (struct retry_answer){.verdict = RETRY_UNKNOWN, .end = RETRY_END_MAYBE_TWICE};
    }
    return (struct retry_answer){.verdict = RETRY_AGAIN, .wait_ms = wait};
}
