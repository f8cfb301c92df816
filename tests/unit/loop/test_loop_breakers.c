/* SPDX-License-Identifier: Apache-2.0 */
/* Breakers that one engine leaves in a state folder, found and steered by another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/journal/journal_reader.h"
#include "core/loop/breakers.h"
#include "core/loop/loop.h"
#include "core/loop/loop_state.h"
#include "core/model/load.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/journal/store_fixture.h"
#include "tests/unit/loop/kept_scopes.h"

#define A      "http https://api.example.com:443"
#define A_SLOW A " ~0badcafe"
#define B      "http http://b.example:8080"

#define OPEN                                                                                       \
    "{\"breaker\":1,\"state\":\"open\",\"generation\":1,\"changed_at\":1800000000000,"             \
    "\"due_at\":1800000060000,\"openings\":1}"

static struct kept_scopes kept;

static int set_up(void **state)
{
    (void)state;
    kept_scopes_init(&kept);
    kept_scopes_add(&kept, "breaker", A, OPEN);
    kept_scopes_add(&kept, "breaker", A_SLOW, OPEN);
    kept_scopes_add(&kept, "breaker", B, OPEN);
    kept_scopes_open(&kept);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kept_scopes_finish(&kept);
    return 0;
}

/* ---- finding ---- */

static void expect_found(const char *part, const char *scope)
{
    kept_scopes_expect_found(&kept, loop_find_breaker, part, scope);
}

static void expect_refused(const char *part, int status, const char *words)
{
    kept_scopes_expect_refused(&kept, loop_find_breaker, part, status, words);
}

static void test_breakers__are_named_by_any_part_that_is_unique(void **state)
{
    (void)state;
    expect_found(B, B);
    expect_found("b.example", B);
    expect_found("8080", B);
    expect_found(A, A);
    expect_found("api.example", A); /* the service, with all its breakers */
    expect_found("~0bad", A_SLOW);
}

static void test_breakers__that_are_not_there_are_told_with_the_nearest(void **state)
{
    (void)state;
    expect_refused("example", E_CONFLICT, "is in 3 scopes");
    expect_refused("b.exmaple", E_NOT_FOUND, "did you mean '" B "'?");
    expect_refused("api.exmaple.com:443", E_NOT_FOUND, "did you mean '" A "'?");
    expect_refused("nothing-like-it", E_NOT_FOUND, "there are: '" B "', '" A "', '" A_SLOW "'");
    expect_refused("", E_NOT_FOUND, "there is no breaker ''");
}

static void test_breakers__of_no_state_are_none(void **state)
{
    (void)state;
    struct store_fixture empty;
    struct error err = {0};
    const struct loop_options options = {0};
    loop_close(kept.loop);
    store_fixture_init(&empty);
    store_fixture_close(&empty);
    assert_int_equal(loop_create(&options, &kept.loop, &err), 0);
    assert_int_equal(loop_keep_state(kept.loop, empty.folder, &kept.loading, &err), 0);
    expect_refused(B, E_NOT_FOUND, "from its first call on");
    loop_close(kept.loop);
    kept.loop = NULL;
    store_fixture_finish(&empty);
}

/* ---- orders ---- */

static void order(const char *scope, enum breaker_order what)
{
    const struct loop_breaker_order asked = {
        .scope = str_from(scope), .order = what, .who = STR("uid 7")};
    bool is_answered = false;
    loop_order_breaker(kept.loop, &asked, kept_scopes_on_answer, &is_answered);
    loop_wait(kept.loop, &is_answered);
}

static enum breaker_state state_of(const char *scope)
{
    struct engine_breaker found;
    for (const void *at = NULL; engine_next_breaker(kept.loop->engine, &at, &found);) {
        if (str_equal_text(found.key, scope)) {
            return found.breaker->state;
        }
    }
    fail_msg("there is no '%s'", scope);
    return BREAKER_CLOSED;
}

static void test_breakers__orders_are_kept_with_their_audit_rows(void **state)
{
    (void)state;
    order(B, BREAKER_ORDER_OPEN);
    order(A, BREAKER_ORDER_DISABLE);
    order(A_SLOW, BREAKER_ORDER_RESET);
    store_fixture_expect(&kept.store, "SELECT who, action, run, detail FROM audit ORDER BY id",
                         "uid 7|breaker|-|{\"order\":\"open\",\"scope\":\"" B "\"}\n"
                         "uid 7|breaker|-|{\"order\":\"disable\",\"scope\":\"" A "\"}\n"
                         "uid 7|breaker|-|{\"order\":\"reset\",\"scope\":\"" A_SLOW "\"}");
    store_fixture_expect(&kept.store,
                         "SELECT key, json_extract(state, '$.state') FROM scopes ORDER BY key",
                         B "|forced_open\n" A "|disabled\n" A_SLOW "|closed");
    kept_scopes_reopen(&kept);
    assert_int_equal(state_of(B), BREAKER_FORCED_OPEN);
    assert_int_equal(state_of(A), BREAKER_DISABLED);
    assert_int_equal(state_of(A_SLOW), BREAKER_CLOSED);
}

static void test_breakers__an_order_for_a_service_is_for_all_it_has(void **state)
{
    (void)state;
    order(A, BREAKER_ORDER_OPEN);
    assert_int_equal(state_of(A), BREAKER_FORCED_OPEN);
    assert_int_equal(state_of(A_SLOW), BREAKER_FORCED_OPEN);
    assert_int_equal(state_of(B), BREAKER_OPEN);
    order(A_SLOW, BREAKER_ORDER_RESET);
    assert_int_equal(state_of(A), BREAKER_FORCED_OPEN);
    assert_int_equal(state_of(A_SLOW), BREAKER_CLOSED);
}

static void test_breakers__an_order_for_nobody_changes_nothing(void **state)
{
    (void)state;
    int status = 0;
    const struct loop_breaker_order asked = {.scope = STR("b.example"), .who = STR("uid 7")};
    loop_order_breaker(kept.loop, &asked, kept_scopes_on_refused, &status);
    assert_int_equal(status, E_NOT_FOUND);
    kept_scopes_reopen(&kept);
    store_fixture_expect(&kept.store, "SELECT count(*) FROM audit", "0");
    assert_int_equal(state_of(B), BREAKER_OPEN);
}

/* ---- the log ---- */

/* What is written to the log while `scopes` become durable. */
static const char *logged(struct batch *batch)
{
    static char text[1024];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    log_set_fd(ends[1]);
    breakers_note(kept.loop, batch);
    log_set_fd(STDERR_FILENO);
    assert_int_equal(close(ends[1]), 0);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_int_equal(close(ends[0]), 0);
    return text;
}

static void test_breakers__changes_are_lines_in_the_log(void **state)
{
    (void)state;
    kept_scopes_add(&kept, "breaker", A, OPEN);
    kept_scopes_add(&kept, "breaker", B, "{\"state\":\"closed\"}");
    const char *text = logged(&kept.batch);
    assert_non_null(
        strstr(text, " warn breaker open scope=\"" A "\" until=2027-01-15T08:01:00.000Z\n"));
    assert_non_null(strstr(text, " info breaker closed scope=\"" B "\"\n"));
    loop_hold_starts(kept.loop);
    assert_string_equal(logged(&kept.batch), "");
    batch_finish(&kept.batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_breakers__are_named_by_any_part_that_is_unique, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_breakers__that_are_not_there_are_told_with_the_nearest,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_breakers__of_no_state_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_breakers__an_order_for_a_service_is_for_all_it_has,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_breakers__orders_are_kept_with_their_audit_rows,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_breakers__an_order_for_nobody_changes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_breakers__changes_are_lines_in_the_log, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
