/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/breaker.h"

#include <stddef.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/policy/jitter.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum {
    SECOND_MS = 1000,
    JITTER_PARTS = 5, /* from the second opening in a row on: less or more by 1/5 */
    SAVED_VERSION = 1,
};

#define TO(state) (1u << (state))
/* Where an operator can send it from anywhere. */
#define TO_ORDERED (TO(BREAKER_CLOSED) | TO(BREAKER_FORCED_OPEN) | TO(BREAKER_DISABLED))

static const struct {
    const char *name;
    unsigned next; /* states that may follow */
} states[] = {
    [BREAKER_CLOSED] = {"closed", TO(BREAKER_OPEN) | TO_ORDERED},
    [BREAKER_OPEN] = {"open", TO(BREAKER_HALF_OPEN) | TO_ORDERED},
    [BREAKER_HALF_OPEN] = {"half_open", TO(BREAKER_OPEN) | TO_ORDERED},
    [BREAKER_FORCED_OPEN] = {"forced_open", TO_ORDERED},
    [BREAKER_DISABLED] = {"disabled", TO_ORDERED},
};

enum { STATE_COUNT = sizeof states / sizeof states[0] };

static int64_t within(int64_t low, int64_t value, int64_t high)
{
    if (value < low) {
        return low;
    }
    return value < high ? value : high;
}

static int64_t second_of(int64_t now)
{
    return now > 0 ? now / SECOND_MS : 0;
}

static void window_clear(struct breaker *breaker, int64_t second)
{
    memset(breaker->buckets, 0, breaker->window_seconds * sizeof breaker->buckets[0]);
    breaker->window = (struct breaker_bucket){0};
    breaker->window_second = second;
}

/* The bucket of the present second; those that have left the window are empty then. */
static struct breaker_bucket *window_advance(struct breaker *breaker, int64_t now)
{
    int64_t second = second_of(now);
    int64_t size = breaker->window_seconds;
    int64_t passed = second - breaker->window_second;
    if (passed >= size || passed <= -size) {
        window_clear(breaker, second);
    }
    /* A clock that was set back a little counts into the newest bucket. */
    while (breaker->window_second < second) {
        breaker->window_second++;
        struct breaker_bucket *oldest = &breaker->buckets[breaker->window_second % size];
        breaker->window.calls -= oldest->calls;
        breaker->window.failures -= oldest->failures;
        breaker->window.slow -= oldest->slow;
        *oldest = (struct breaker_bucket){0};
    }
    return &breaker->buckets[breaker->window_second % size];
}

static void count_call(struct breaker_bucket *bucket, bool is_failure, bool is_slow)
{
    bucket->calls++;
    bucket->failures += is_failure;
    bucket->slow += is_slow;
}

static bool is_share_reached(uint32_t part, uint32_t whole, double share)
{
    return share > 0 && (double)part >= share * (double)whole;
}

static bool is_rate_reached(const struct breaker *breaker)
{
    const struct breaker_bucket *window = &breaker->window;
    const struct breaker_settings *settings = &breaker->settings;
    return window->calls >= settings->minimum_calls &&
           (is_share_reached(window->failures, window->calls, settings->failure_rate) ||
            is_share_reached(window->slow, window->calls, settings->slow_call_rate));
}

static void set_state(struct breaker *breaker, enum breaker_state state, int64_t now)
{
    CHECK_NAMED((states[breaker->state].next & TO(state)) != 0, states[state].name);
    breaker->state = state;
    breaker->generation++;
    breaker->changed_at = now;
    breaker->due_at = BREAKER_NEVER;
    breaker->wait_ms = 0;
    breaker->failures_in_row = 0;
    breaker->trials_under_way = 0;
    breaker->trials_good = 0;
    window_clear(breaker, second_of(now));
}

static void wait_from(struct breaker *breaker, int64_t now, int64_t wait_ms)
{
    breaker->wait_ms = wait_ms;
    breaker->due_at = now + wait_ms;
}

/* How long the opening that has begun lasts. */
static int64_t reset_wait_ms(const struct breaker *breaker)
{
    int64_t wait = breaker->settings.reset_timeout_ms;
    if (breaker->openings == 1) {
        return wait;
    }
    int64_t longest = wait > BREAKER_RESET_MAX_MS ? wait : BREAKER_RESET_MAX_MS;
    for (uint32_t i = 1; i < breaker->openings && wait < longest && wait > 0; i++) {
        wait = within(0, wait * 2, longest);
    }
    /* Drawn below the limit, not cut off at it: else many breakers would end up in step. */
    int64_t part = wait / JITTER_PARTS;
    return jitter_between(breaker->seed, breaker->generation, wait - part,
                          within(0, wait + part, longest));
}

static void open_breaker(struct breaker *breaker, int64_t now)
{
    breaker->openings += breaker->openings < UINT32_MAX;
    set_state(breaker, BREAKER_OPEN, now);
    wait_from(breaker, now, reset_wait_ms(breaker));
}

static void close_breaker(struct breaker *breaker, int64_t now)
{
    breaker->openings = 0;
    set_state(breaker, BREAKER_CLOSED, now);
}

/* A rate that is no number, or none at all, is off. */
static double rate_within(double rate)
{
    bool is_on = rate > 0;
    if (!is_on) {
        return 0;
    }
    return rate < 1 ? rate : 1;
}

void breaker_init(struct breaker *breaker, const struct breaker_settings *settings, uint64_t seed,
                  int64_t now)
{
    struct breaker_settings own = *settings;
    own.failure_rate = rate_within(own.failure_rate);
    own.slow_call_rate = own.slow_call_ms > 0 ? rate_within(own.slow_call_rate) : 0;
    own.minimum_calls += own.minimum_calls == 0;
    own.half_open_calls += own.half_open_calls == 0;
    own.reset_timeout_ms = within(0, own.reset_timeout_ms, BREAKER_TIME_MAX_MS);
    own.half_open_timeout_ms = within(1, own.half_open_timeout_ms, BREAKER_TIME_MAX_MS);
    int64_t seconds = within(1, own.window_ms, BREAKER_TIME_MAX_MS) + SECOND_MS - 1;
    seconds = within(1, seconds / SECOND_MS, BREAKER_WINDOW_MAX_S);
    bool has_window = own.failure_rate > 0 || own.slow_call_rate > 0;
    *breaker = (struct breaker){
        .settings = own,
        .seed = seed,
        .state = BREAKER_CLOSED,
        .changed_at = now,
        .due_at = BREAKER_NEVER,
        .window_second = second_of(now),
        .window_seconds = has_window ? (uint32_t)seconds : 0,
    };
}

const char *breaker_state_name(enum breaker_state state)
{
    return states[state].name;
}

static struct breaker_answer rule(const struct breaker *breaker, int64_t now)
{
    struct breaker_answer refused = {.ruling = BREAKER_REFUSED, .due_at = breaker->due_at};
    struct breaker_answer trial = {.ruling = BREAKER_TRIAL};
    uint64_t trials = (uint64_t)breaker->trials_under_way + breaker->trials_good;
    switch (breaker->state) {
    case BREAKER_CLOSED:
    case BREAKER_DISABLED:
        return (struct breaker_answer){.ruling = BREAKER_ADMIT};
    case BREAKER_OPEN:
        return now >= breaker->due_at ? trial : refused;
    case BREAKER_HALF_OPEN:
        return trials < breaker->settings.half_open_calls ? trial : refused;
    case BREAKER_FORCED_OPEN:
        return refused;
    }
    unreachable_state("breaker", (int)breaker->state);
}

struct breaker_answer breaker_peek(struct breaker *breaker, int64_t now)
{
    bool has_changed = breaker_tick(breaker, now);
    struct breaker_answer answer = rule(breaker, now);
    answer.has_changed = has_changed;
    return answer;
}

struct breaker_answer breaker_ask(struct breaker *breaker, int64_t now)
{
    struct breaker_answer answer = breaker_peek(breaker, now);
    if (answer.ruling == BREAKER_TRIAL) {
        if (breaker->state == BREAKER_OPEN) {
            set_state(breaker, BREAKER_HALF_OPEN, now);
            answer.has_changed = true;
        }
        if (breaker->trials_under_way++ == 0) {
            wait_from(breaker, now, breaker->settings.half_open_timeout_ms);
        }
    }
    answer.permit.generation = breaker->generation;
    return answer;
}

static bool is_slow(const struct breaker *breaker, int64_t took_ms)
{
    return breaker->settings.slow_call_ms > 0 && took_ms > breaker->settings.slow_call_ms;
}

static enum breaker_news report_call(struct breaker *breaker, bool is_bad, bool is_slow_call,
                                     int64_t now)
{
    bool is_failure = is_bad || (is_slow_call && breaker->settings.slow_call_rate <= 0);
    breaker->failures_in_row = is_failure ? breaker->failures_in_row + 1 : 0;
    bool is_open = is_failure && breaker->settings.failure_threshold > 0 &&
                   breaker->failures_in_row >= breaker->settings.failure_threshold;
    if (breaker->window_seconds > 0) {
        count_call(window_advance(breaker, now), is_failure, is_slow_call);
        count_call(&breaker->window, is_failure, is_slow_call);
        is_open = is_open || is_rate_reached(breaker);
    }
    if (!is_open) {
        return BREAKER_SAME;
    }
    open_breaker(breaker, now);
    return BREAKER_CHANGED;
}

static enum breaker_news report_trial(struct breaker *breaker, enum breaker_result result,
                                      bool is_bad, int64_t now)
{
    breaker->trials_under_way--;
    if (breaker->trials_under_way == 0) {
        breaker->due_at = BREAKER_NEVER;
    }
    if (result == BREAKER_CANCELLED || result == BREAKER_IGNORED) {
        return BREAKER_PERMIT_FREE;
    }
    if (is_bad) {
        open_breaker(breaker, now);
        return BREAKER_CHANGED;
    }
    breaker->trials_good++;
    if (breaker->trials_good >= breaker->settings.half_open_calls) {
        close_breaker(breaker, now);
        return BREAKER_CHANGED;
    }
    if (breaker->trials_under_way > 0) { /* it does answer: the others get the whole time again */
        wait_from(breaker, now, breaker->settings.half_open_timeout_ms);
    }
    return BREAKER_SAME;
}

enum breaker_news breaker_report(struct breaker *breaker, struct breaker_permit permit,
                                 enum breaker_result result, int64_t took_ms, int64_t now)
{
    if (breaker_tick(breaker, now)) {
        return BREAKER_CHANGED; /* its permit is of before */
    }
    if (permit.generation != breaker->generation) {
        return BREAKER_SAME;
    }
    bool is_slow_call = is_slow(breaker, took_ms);
    bool is_bad = result == BREAKER_BAD;
    if (breaker->state == BREAKER_HALF_OPEN && breaker->trials_under_way > 0) {
        return report_trial(breaker, result, is_bad || is_slow_call, now);
    }
    bool is_counted = result == BREAKER_GOOD || is_bad;
    if (breaker->state != BREAKER_CLOSED || !is_counted) {
        return BREAKER_SAME;
    }
    return report_call(breaker, is_bad, is_slow_call, now);
}

/* After the clock was set back nothing lasts longer than it would if it began now. */
static void hold_to_clock(struct breaker *breaker, int64_t now)
{
    if (breaker->changed_at > now) {
        breaker->changed_at = now;
    }
    if (breaker->due_at != BREAKER_NEVER && breaker->due_at > now + breaker->wait_ms) {
        breaker->due_at = now + breaker->wait_ms;
    }
}

bool breaker_tick(struct breaker *breaker, int64_t now)
{
    hold_to_clock(breaker, now);
    if (breaker->state != BREAKER_HALF_OPEN || now < breaker->due_at) {
        return false;
    }
    open_breaker(breaker, now);
    return true;
}

int64_t breaker_next_due(const struct breaker *breaker)
{
    return breaker->due_at;
}

bool breaker_obey(struct breaker *breaker, enum breaker_order order, int64_t now)
{
    static const enum breaker_state ordered[] = {
        [BREAKER_ORDER_OPEN] = BREAKER_FORCED_OPEN,
        [BREAKER_ORDER_DISABLE] = BREAKER_DISABLED,
        [BREAKER_ORDER_RESET] = BREAKER_CLOSED,
    };
    enum breaker_state before = breaker->state;
    if (order == BREAKER_ORDER_RESET) {
        close_breaker(breaker, now);
    } else if (before != ordered[order]) {
        breaker->openings = 0;
        set_state(breaker, ordered[order], now);
    }
    return breaker->state != before;
}

int breaker_save(const struct breaker *breaker, struct document **out_document, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("breaker"), SAVED_VERSION);
    builder_member_string(b, STR("state"), str_from(states[breaker->state].name));
    builder_member_int(b, STR("generation"), (int64_t)breaker->generation);
    builder_member_int(b, STR("changed_at"), breaker->changed_at);
    if (breaker->state == BREAKER_OPEN) {
        builder_member_int(b, STR("due_at"), breaker->due_at);
    }
    builder_member_int(b, STR("openings"), breaker->openings);
    builder_map_end(b);
    return builder_finish(b, out_document, err);
}

/* A whole number of the map, within bounds. */
static bool read_int(const struct value *map, struct str key, int64_t most, int64_t *out)
{
    const struct value *value = value_get(map, key);
    if (!value_is(value, VALUE_INT) || value_int(value) < 0 || value_int(value) > most) {
        return false;
    }
    *out = value_int(value);
    return true;
}

static bool read_state(const struct value *map, enum breaker_state *out_state)
{
    const struct value *value = value_get(map, STR("state"));
    for (size_t i = 0; value_is(value, VALUE_STRING) && i < STATE_COUNT; i++) {
        if (str_equal_text(value_str(value), states[i].name)) {
            *out_state = (enum breaker_state)i;
            return true;
        }
    }
    return false;
}

struct saved {
    enum breaker_state state;
    int64_t generation;
    int64_t changed_at;
    int64_t due_at;
    int64_t openings;
};

static int read_saved(const struct value *map, struct saved *out, struct error *err)
{
    int64_t version = 0;
    if (!read_int(map, STR("breaker"), INT64_MAX, &version)) {
        return error_set(err, E_CORRUPT, "what is saved is not of a circuit breaker");
    }
    if (version != SAVED_VERSION) {
        return error_set(err, E_VERSION,
                         "what is saved of a circuit breaker is of version %lld, "
                         "and this program knows %d",
                         (long long)version, SAVED_VERSION);
    }
    bool is_whole = read_state(map, &out->state) &&
                    read_int(map, STR("generation"), INT64_MAX - 1, &out->generation) &&
                    read_int(map, STR("changed_at"), INT64_MAX, &out->changed_at) &&
                    read_int(map, STR("openings"), UINT32_MAX, &out->openings);
    if (is_whole && out->state == BREAKER_OPEN) {
        is_whole = read_int(map, STR("due_at"), INT64_MAX - 1, &out->due_at) && out->openings > 0 &&
                   out->due_at >= out->changed_at &&
                   out->due_at - out->changed_at <= BREAKER_TIME_MAX_MS;
    }
    return is_whole ? 0
                    : error_set(err, E_CORRUPT, "what is saved of a circuit breaker is damaged");
}

int breaker_restore(struct breaker *breaker, struct str text, struct error *err)
{
    cleanup_document struct document *document = NULL;
    struct error why = {0};
    int status = json_read(text, NULL, &document, &why);
    if (status == E_NOMEM) {
        return error_nomem(err);
    }
    if (status != 0) {
        return error_set(err, E_CORRUPT, "what is saved of a circuit breaker is not readable: %s",
                         why.message);
    }
    struct saved saved = {.due_at = BREAKER_NEVER};
    status = read_saved(document_root(document), &saved, err);
    if (status != 0) {
        return status;
    }
    breaker->state = saved.state;
    breaker->generation = (uint64_t)saved.generation + 1;
    breaker->changed_at = saved.changed_at;
    breaker->openings = (uint32_t)saved.openings;
    breaker->due_at = saved.due_at;
    breaker->wait_ms = saved.state == BREAKER_OPEN ? saved.due_at - saved.changed_at : 0;
    return 0;
}
