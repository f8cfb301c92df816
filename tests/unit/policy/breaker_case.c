/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/policy/breaker_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct breaker_settings settings;
struct breaker breaker;
int64_t now;
struct breaker_answer answer;
enum breaker_news news;

int breaker_case_set_up(void **state)
{
    (void)state;
    settings = BREAKER_SETTINGS_DEFAULT;
    settings.failure_threshold = 3;
    settings.half_open_calls = 2;
    settings.half_open_timeout_ms = 30000;
    now = START;
    breaker_init(&breaker, &settings, 77, now);
    return 0;
}

void call(void)
{
    answer = breaker_ask(&breaker, now);
}

void report(enum breaker_result result)
{
    news = breaker_report(&breaker, answer.permit, result, 10, now);
}

void call_and_report(enum breaker_result result)
{
    call();
    assert_int_not_equal(answer.ruling, BREAKER_REFUSED);
    report(result);
}

void be_closed(void)
{
    call_and_report(BREAKER_BAD);
    call_and_report(BREAKER_BAD);
}

void be_open(void)
{
    be_closed();
    call_and_report(BREAKER_BAD);
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

/* The first trial is under way. */
void be_half_open(void)
{
    be_open();
    now += MINUTE;
    call();
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
}

void be_half_open_without_permits(void)
{
    be_half_open();
    call();
}

void be_forced_open(void)
{
    assert_true(breaker_obey(&breaker, BREAKER_ORDER_OPEN, now));
}

void be_disabled(void)
{
    be_open();
    assert_true(breaker_obey(&breaker, BREAKER_ORDER_DISABLE, now));
}

void open_in_a_row(int64_t *out_waits, size_t count)
{
    be_open();
    for (size_t i = 0; i < count; i++) {
        out_waits[i] = breaker_next_due(&breaker) - now;
        now += out_waits[i];
        call_and_report(BREAKER_BAD);
    }
}
