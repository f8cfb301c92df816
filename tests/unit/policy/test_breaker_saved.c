/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/random.h"
#include "tests/unit/policy/breaker_case.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* As JSON; owned by the test: strbuf_finish(). */
static struct strbuf saved_text(void)
{
    struct document *document = NULL;
    struct strbuf text = STRBUF_INIT;
    assert_int_equal(breaker_save(&breaker, &document, NULL), 0);
    json_write(document_root(document), JSON_COMPACT, &text);
    document_unref(document);
    return text;
}

static void restart(void)
{
    struct strbuf text = saved_text();
    breaker_init(&breaker, &settings, 77, now);
    assert_int_equal(breaker_restore(&breaker, strbuf_str(&text), NULL), 0);
    strbuf_finish(&text);
}

static void test_breaker_saved__each_state_survives_a_restart(void **state)
{
    static void (*const states[])(void) = {be_closed, be_open, be_half_open, be_forced_open,
                                           be_disabled};
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        breaker_case_set_up(state);
        states[i]();
        struct breaker before = breaker;
        restart();
        assert_int_equal(breaker.state, before.state);
        assert_int_equal(breaker.changed_at, before.changed_at);
        assert_int_equal(breaker.openings, before.openings);
        assert_true(breaker.generation > before.generation);
        if (before.state == BREAKER_OPEN) {
            assert_int_equal(breaker_next_due(&breaker), before.due_at);
        } else {
            assert_int_equal(breaker_next_due(&breaker), BREAKER_NEVER);
        }
    }
}

static void test_breaker_saved__openings_in_a_row_survive_a_restart(void **state)
{
    (void)state;
    int64_t waits[2];
    open_in_a_row(waits, COUNT_OF(waits));
    restart();
    assert_int_equal(breaker.openings, 3);
    call();
    assert_int_equal(answer.ruling, BREAKER_REFUSED);
    now = breaker_next_due(&breaker);
    call_and_report(BREAKER_BAD);
    assert_in_range(breaker_next_due(&breaker) - now, 384000, 576000);
}

static void test_breaker_saved__trials_of_before_a_restart_are_gone(void **state)
{
    (void)state;
    be_half_open_without_permits();
    struct breaker_permit old = answer.permit;
    restart();
    assert_int_equal(breaker_report(&breaker, old, BREAKER_BAD, 10, now), BREAKER_SAME);
    call();
    assert_int_equal(answer.ruling, BREAKER_TRIAL);
}

static void test_breaker_saved__a_clock_set_back_over_a_restart(void **state)
{
    (void)state;
    be_open();
    now -= 1000 * MINUTE;
    restart();
    call();
    assert_int_equal(answer.due_at, now + MINUTE);
}

static void test_breaker_saved__what_is_not_its_own_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *message;
    } rows[] = {
        {"", E_CORRUPT, "not readable: "},
        {"{\"breaker\":1", E_CORRUPT, "not readable: "},
        {"[]", E_CORRUPT, "not of a circuit breaker"},
        {"{}", E_CORRUPT, "not of a circuit breaker"},
        {"{\"breaker\":\"1\"}", E_CORRUPT, "not of a circuit breaker"},
        {"{\"breaker\":-1}", E_CORRUPT, "not of a circuit breaker"},
        {"{\"breaker\":2}", E_VERSION, "version 2, and this program knows 1"},
        {"{\"breaker\":1}", E_CORRUPT, "damaged"},
#define SAVED(state, rest) "{\"breaker\":1,\"state\":" state "," rest "}"
#define INTS               "\"generation\":4,\"changed_at\":1000,\"openings\":1"
        {SAVED("\"ajar\"", INTS), E_CORRUPT, "damaged"},
        {SAVED("1", INTS), E_CORRUPT, "damaged"},
        {SAVED("\"closed\"", "\"changed_at\":0,\"openings\":1"), E_CORRUPT, "damaged"},
        {SAVED("\"closed\"", "\"generation\":9223372036854775807"), E_CORRUPT, "damaged"},
        {SAVED("\"closed\"", "\"generation\":1,\"openings\":1"), E_CORRUPT, "damaged"},
        {SAVED("\"closed\"", "\"generation\":1,\"changed_at\":1.5"), E_CORRUPT, "damaged"},
        {SAVED("\"closed\"", "\"generation\":1,\"changed_at\":1"), E_CORRUPT, "damaged"},
        {SAVED("\"closed\"", "\"generation\":1,\"changed_at\":1,\"openings\":4294967296"),
         E_CORRUPT, "damaged"},
        {SAVED("\"open\"", INTS), E_CORRUPT, "damaged"},
        {SAVED("\"open\"", INTS ",\"due_at\":999"), E_CORRUPT, "damaged"},
        {SAVED("\"open\"", INTS ",\"due_at\":9223372036854775806"), E_CORRUPT, "damaged"},
        {SAVED("\"open\"", "\"generation\":4,\"changed_at\":1000,\"openings\":0,\"due_at\":2000"),
         E_CORRUPT, "damaged"},
    };
    be_open();
    struct breaker before = breaker;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct error err = {0};
        assert_int_equal(breaker_restore(&breaker, str_from(rows[i].text), &err), rows[i].status);
        assert_int_equal(err.code, rows[i].status);
        if (strstr(err.message, rows[i].message) == NULL) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
        assert_memory_equal(&breaker, &before, sizeof breaker);
    }
    assert_int_equal(
        breaker_restore(&breaker, STR(SAVED("\"open\"", INTS ",\"due_at\":1000")), NULL), 0);
}

static void test_breaker_saved__saving_and_restoring_without_memory(void **state)
{
    (void)state;
    be_open();
    struct strbuf text = saved_text();
    for (long n = 0;; n++) {
        struct document *document = NULL;
        failing_alloc_arm(n);
        int status = breaker_save(&breaker, &document, NULL);
        bool is_reached = failing_alloc_disarm();
        document_unref(document);
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        if (!is_reached) {
            break;
        }
    }
    for (long n = 0;; n++) {
        struct error err = {0};
        failing_alloc_arm(n);
        int status = breaker_restore(&breaker, strbuf_str(&text), &err);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_int_equal(err.code, status);
        if (!is_reached) {
            break;
        }
    }
    strbuf_finish(&text);
}
enum { MOST_PERMITS = 30 };

struct world {
    struct random random;
    struct breaker_permit permits[MOST_PERMITS];
    size_t permit_count;
};

static void world_call(struct world *world)
{
    enum breaker_state before = breaker.state;
    int64_t due_at = breaker.due_at;
    struct breaker_answer peeked = breaker_peek(&breaker, now);
    call();
    assert_int_equal(peeked.ruling, answer.ruling);
    if (answer.ruling == BREAKER_REFUSED) {
        assert_true(answer.due_at > now); /* a known time, and not a busy loop */
        assert_true(answer.due_at != BREAKER_NEVER || breaker.state == BREAKER_FORCED_OPEN);
        return;
    }
    assert_true(before != BREAKER_OPEN || now >= due_at);
    assert_int_not_equal(before, BREAKER_FORCED_OPEN);
    if (world->permit_count < MOST_PERMITS) {
        world->permits[world->permit_count++] = answer.permit;
    } /* else nobody ever reports it */
}

static void world_report(struct world *world)
{
    if (world->permit_count == 0) {
        return;
    }
    size_t i = random_below(&world->random, (uint32_t)world->permit_count);
    struct breaker_permit permit = world->permits[i];
    world->permits[i] = world->permits[--world->permit_count];
    struct breaker before = breaker;
    bool is_late = before.state == BREAKER_HALF_OPEN && before.due_at <= now;
    enum breaker_result result = (enum breaker_result)random_below(&world->random, 4);
    news = breaker_report(&breaker, permit, result, random_below(&world->random, 1200), now);
    assert_int_equal(news == BREAKER_CHANGED, breaker.generation != before.generation);
    if (permit.generation != before.generation && !is_late) {
        assert_int_equal(news, BREAKER_SAME); /* dropped */
        assert_int_equal(breaker.window.calls, before.window.calls);
        assert_int_equal(breaker.trials_under_way, before.trials_under_way);
    }
}

static void world_step(struct world *world)
{
    uint32_t dice = random_below(&world->random, 1000);
    now += random_below(&world->random, dice % 50 == 0 ? 90000 : 800);
    if (dice < 450) {
        world_call(world);
    } else if (dice < 930) {
        world_report(world);
    } else if (dice < 970) {
        breaker_tick(&breaker, now);
    } else if (dice < 985) {
        restart();
    } else if (dice < 990) {
        now -= random_below(&world->random, 200000);
    } else {
        breaker_obey(&breaker, (enum breaker_order)random_below(&world->random, 3), now);
    }
}

/* Calls, results in any order or never, restarts, operators, a clock that is set back. */
static void test_breaker_saved__holds_in_any_order_of_events_and_restarts(void **state)
{
    (void)state;
    uint32_t seen[5] = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world world = {.random = {.state = seed}};
        settings.half_open_calls = 1 + random_below(&world.random, 3);
        settings.failure_rate = seed % 2 == 0 ? 0.6 : 0;
        settings.slow_call_ms = seed % 3 == 0 ? 1000 : 0;
        breaker_init(&breaker, &settings, seed, now);
        for (int i = 0; i < 2000; i++) {
            world_step(&world);
            seen[breaker.state]++;
            assert_true(breaker.trials_under_way + breaker.trials_good <= settings.half_open_calls);
            assert_true(breaker.state != BREAKER_OPEN || breaker.openings > 0);
            assert_true(breaker.state == BREAKER_HALF_OPEN || breaker.trials_under_way == 0);
            assert_true(breaker.trials_under_way == 0 || breaker.due_at != BREAKER_NEVER);
        }
        /* Whatever came before: a service that is well is called again. */
        breaker_obey(&breaker, BREAKER_ORDER_RESET, now);
        be_open();
        for (int i = 0; breaker.state != BREAKER_CLOSED; i++) {
            assert_true(i < 10);
            now = breaker_next_due(&breaker) != BREAKER_NEVER ? breaker_next_due(&breaker) : now;
            call_and_report(BREAKER_GOOD);
        }
    }
    for (size_t i = 0; i < COUNT_OF(seen); i++) {
        assert_true(seen[i] > 500);
    }
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_breaker_saved__each_state_survives_a_restart,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker_saved__openings_in_a_row_survive_a_restart,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker_saved__trials_of_before_a_restart_are_gone,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker_saved__a_clock_set_back_over_a_restart,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker_saved__what_is_not_its_own_is_refused,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker_saved__saving_and_restoring_without_memory,
                               breaker_case_set_up),
        cmocka_unit_test_setup(test_breaker_saved__holds_in_any_order_of_events_and_restarts,
                               breaker_case_set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
