/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/random.h"

enum { NOTHING = -1, NO_WISH = -1 };

/* One thing after the other happens to one service. */
struct row {
    int64_t at;
    int64_t wish;            /* interval, or NO_WISH */
    int answer;              /* enum health_answer, or NOTHING */
    enum health_step step;   /* then */
    enum health_news news;   /* of the answer */
    enum health_state state; /* after all */
    int64_t due;             /* likewise */
};

static void play(const struct row *rows, size_t count)
{
    struct health health = {0};
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        if (row->wish != NO_WISH) {
            health_want(&health, row->wish);
        }
        if (row->answer != NOTHING) {
            assert_int_equal(health_answer(&health, (enum health_answer)row->answer), row->news);
        }
        assert_int_equal(health_step(&health, row->at), row->step);
        assert_int_equal(health.state, row->state);
        assert_int_equal(health_due(&health), row->due);
    }
}

#define PLAY(rows) play(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_health__who_is_wanted_is_asked_at_once_and_every_interval(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {5, NO_WISH, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UNKNOWN, INT64_MAX},
        {100, 30000, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UNKNOWN, 10100},
        {200, NO_WISH, HEALTH_GOOD, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 30100},
        {30099, NO_WISH, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 30100},
        {30101, NO_WISH, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UP, 40101},
        {30102, NO_WISH, HEALTH_GOOD, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 60101},
        /* a shorter interval counts from the last question */
        {35000, 5000, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 35101},
        {35101, NO_WISH, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UP, 40101},
        {35102, NO_WISH, HEALTH_GOOD, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 40101},
        /* nobody wants to know, then somebody does */
        {35103, 0, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UP, INT64_MAX},
        {35104, 30000, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 65101},
        {35105, 0, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UP, INT64_MAX},
        {99999, 1000, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UP, 100999},
    };
    PLAY(rows);
}

static void test_health__each_answer_in_each_state(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {0, 1000, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UNKNOWN, 1000},
        {1, NO_WISH, HEALTH_NO_ANSWER, HEALTH_REST, HEALTH_SAME, HEALTH_UNKNOWN, 1000},
        {1000, NO_WISH, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UNKNOWN, 2000},
        {2000, NO_WISH, HEALTH_BAD, HEALTH_ASK, HEALTH_HAS_GONE, HEALTH_DOWN, 3000},
        {3000, NO_WISH, HEALTH_BAD, HEALTH_ASK, HEALTH_SAME, HEALTH_DOWN, 4000},
        {4000, NO_WISH, HEALTH_NO_ANSWER, HEALTH_ASK, HEALTH_SAME, HEALTH_DOWN, 5000},
        {5000, NO_WISH, HEALTH_GOOD, HEALTH_ASK, HEALTH_HAS_COME, HEALTH_UP, 6000},
        {6000, NO_WISH, HEALTH_GOOD, HEALTH_ASK, HEALTH_SAME, HEALTH_UP, 7000},
        {7000, NO_WISH, HEALTH_NO_ANSWER, HEALTH_ASK, HEALTH_SAME, HEALTH_UP, 8000},
        {8000, NO_WISH, HEALTH_BAD, HEALTH_ASK, HEALTH_HAS_GONE, HEALTH_DOWN, 9000},
    };
    PLAY(rows);
}

static void test_health__a_late_question_is_stopped_once_and_no_other_begins(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {0, 60000, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UNKNOWN, 10000},
        {9999, NO_WISH, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UNKNOWN, 10000},
        {10000, NO_WISH, NOTHING, HEALTH_STOP, HEALTH_SAME, HEALTH_UNKNOWN, INT64_MAX},
        {90000, NO_WISH, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UNKNOWN, INT64_MAX},
        /* too late is not good */
        {90001, NO_WISH, HEALTH_GOOD, HEALTH_ASK, HEALTH_HAS_GONE, HEALTH_DOWN, 100001},
        {90002, NO_WISH, HEALTH_GOOD, HEALTH_REST, HEALTH_HAS_COME, HEALTH_UP, 150001},
        /* nobody waits any more for the one that is out: it still ends */
        {150001, NO_WISH, NOTHING, HEALTH_ASK, HEALTH_SAME, HEALTH_UP, 160001},
        {150002, 0, NOTHING, HEALTH_REST, HEALTH_SAME, HEALTH_UP, 160001},
        {160001, NO_WISH, NOTHING, HEALTH_STOP, HEALTH_SAME, HEALTH_UP, INT64_MAX},
        {160002, NO_WISH, HEALTH_BAD, HEALTH_REST, HEALTH_HAS_GONE, HEALTH_DOWN, INT64_MAX},
    };
    PLAY(rows);
}

static void test_health__what_does_not_end_is_never_asked_again(void **state)
{
    (void)state;
    static const enum health_answer before[] = {HEALTH_NO_ANSWER, HEALTH_GOOD, HEALTH_BAD};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        struct health health = {0};
        health_want(&health, 1000);
        assert_int_equal(health_step(&health, 0), HEALTH_ASK);
        (void)health_answer(&health, before[i]);
        assert_int_equal(health_step(&health, 1000), HEALTH_ASK);
        assert_int_equal(health_step(&health, 2000), HEALTH_STOP);
        assert_int_equal(health_answer(&health, HEALTH_NO_END), HEALTH_IS_LOST);
        assert_int_equal(health.state, HEALTH_GIVEN_UP);
        assert_int_equal(health_due(&health), INT64_MAX);
        health_want(&health, 5000);
        assert_int_equal(health_step(&health, 100000), HEALTH_REST);
    }
}

static void test_health__intervals_have_limits_and_bound_the_time_for_an_answer(void **state)
{
    (void)state;
    static const struct {
        int64_t wish;
        int64_t interval;
        int64_t timeout;
    } rows[] = {
        {INT64_MIN, 0, HEALTH_TIMEOUT_MS},
        {0, 0, HEALTH_TIMEOUT_MS},
        {1, HEALTH_INTERVAL_MIN_MS, HEALTH_INTERVAL_MIN_MS},
        {HEALTH_INTERVAL_MIN_MS - 1, HEALTH_INTERVAL_MIN_MS, HEALTH_INTERVAL_MIN_MS},
        {HEALTH_INTERVAL_MIN_MS, HEALTH_INTERVAL_MIN_MS, HEALTH_INTERVAL_MIN_MS},
        {HEALTH_TIMEOUT_MS - 1, HEALTH_TIMEOUT_MS - 1, HEALTH_TIMEOUT_MS - 1},
        {HEALTH_TIMEOUT_MS, HEALTH_TIMEOUT_MS, HEALTH_TIMEOUT_MS},
        {30000, 30000, HEALTH_TIMEOUT_MS},
        {HEALTH_INTERVAL_MAX_MS, HEALTH_INTERVAL_MAX_MS, HEALTH_TIMEOUT_MS},
        {INT64_MAX, HEALTH_INTERVAL_MAX_MS, HEALTH_TIMEOUT_MS},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct health health = {0};
        health_want(&health, rows[i].wish);
        assert_int_equal(health.interval_ms, rows[i].interval);
        assert_int_equal(health_timeout_ms(&health), rows[i].timeout);
    }
}

static void test_health__states_have_names(void **state)
{
    (void)state;
    assert_string_equal(health_state_name(HEALTH_UNKNOWN), "unknown");
    assert_string_equal(health_state_name(HEALTH_UP), "up");
    assert_string_equal(health_state_name(HEALTH_DOWN), "down");
    assert_string_equal(health_state_name(HEALTH_GIVEN_UP), "given_up");
}

/* What a service was asked, and when: whatever wishes and answers come in whatever order. */
struct history {
    int64_t asked_at;
    int64_t shortest; /* wish since then */
    bool was_asked;
    bool is_out;
    bool is_lost;
};

static void answer_any(struct health *health, struct history *history, uint64_t draw)
{
    enum health_state before = health->state;
    enum health_answer answer = (enum health_answer)(draw % 100 == 0 ? HEALTH_NO_END : draw % 3);
    enum health_news news = health_answer(health, answer);
    history->is_out = false;
    history->is_lost = answer == HEALTH_NO_END;
    assert_int_equal(news == HEALTH_IS_LOST, history->is_lost);
    assert_int_equal(news == HEALTH_HAS_COME, before == HEALTH_DOWN && health->state == HEALTH_UP);
    assert_int_equal(news == HEALTH_HAS_GONE,
                     before != HEALTH_DOWN && health->state == HEALTH_DOWN);
}

static void step_any(struct health *health, struct history *history, int64_t now)
{
    enum health_step step = health_step(health, now);
    if (step == HEALTH_ASK) {
        assert_false(history->is_out || history->is_lost);
        assert_true(health->interval_ms > 0);
        assert_true(!history->was_asked || now - history->asked_at >= history->shortest);
        *history = (struct history){
            .asked_at = now, .shortest = health->interval_ms, .was_asked = true, .is_out = true};
    } else if (step == HEALTH_STOP) {
        assert_true(history->is_out && now - history->asked_at >= HEALTH_INTERVAL_MIN_MS);
    }
    assert_true(health_due(health) > now);
}

static void test_health__in_any_order_questions_never_overlap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct random random = {.state = seed};
        struct health health = {0};
        struct history history = {0};
        int64_t now = 0;
        for (int i = 0; i < 300 && !history.is_lost; i++) {
            uint64_t draw = random_next(&random);
            now += (int64_t)(random_next(&random) % 4000);
            if (draw % 4 == 0) {
                health_want(&health, (int64_t)(random_next(&random) % 5) * 2000);
                bool is_shorter = health.interval_ms > 0 && health.interval_ms < history.shortest;
                history.shortest = is_shorter ? health.interval_ms : history.shortest;
            } else if (draw % 4 == 1 && history.is_out) {
                answer_any(&health, &history, random_next(&random));
            }
            step_any(&health, &history, now);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_health__who_is_wanted_is_asked_at_once_and_every_interval),
        cmocka_unit_test(test_health__each_answer_in_each_state),
        cmocka_unit_test(test_health__a_late_question_is_stopped_once_and_no_other_begins),
        cmocka_unit_test(test_health__what_does_not_end_is_never_asked_again),
        cmocka_unit_test(test_health__intervals_have_limits_and_bound_the_time_for_an_answer),
        cmocka_unit_test(test_health__states_have_names),
        cmocka_unit_test(test_health__in_any_order_questions_never_overlap),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
