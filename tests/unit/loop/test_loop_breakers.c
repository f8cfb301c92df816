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

#define A      "http https://api.example.com:443"
#define A_SLOW A " ~0badcafe"
#define B      "http http://b.example:8080"

#define OPEN                                                                                       \
    "{\"breaker\":1,\"state\":\"open\",\"generation\":1,\"changed_at\":1800000000000,"             \
    "\"due_at\":1800000060000,\"openings\":1}"

static struct store_fixture store;
static struct load_options loading;
static struct loop *loop;

static void add_scope(struct batch *batch, const char *key, const char *json)
{
    struct document *known = pipeline_fixture_json(json);
    batch_add_scope(
        batch, &(struct scope_change){.kind = "breaker", .key = str_from(key), .state = known});
    document_unref(known);
}

static void begin(void)
{
    const struct loop_options options = {0};
    struct error err = {0};
    if (loop_create(&options, &loop, &err) != 0 ||
        loop_keep_state(loop, store.folder, &loading, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void begin_again(void)
{
    loop_close(loop);
    begin();
}

static int set_up(void **state)
{
    struct batch batch = BATCH_INIT;
    (void)state;
    loading = (struct load_options){.engine_types = pipeline_fixture_options()->engine_types};
    store_fixture_init(&store);
    add_scope(&batch, A, OPEN);
    add_scope(&batch, A_SLOW, OPEN);
    add_scope(&batch, B, OPEN);
    store_fixture_write(&store, &batch);
    store_fixture_close(&store);
    batch_finish(&batch);
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop_close(loop);
    store_fixture_finish(&store);
    return 0;
}

/* ---- finding ---- */

static void expect_found(const char *part, const char *scope)
{
    struct str found = STR("");
    struct error err = {0};
    if (loop_find_breaker(loop, str_from(part), &found, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_true(str_equal_text(found, scope));
}

static void expect_refused(const char *part, int status, const char *words)
{
    struct str found = STR("");
    struct error err = {0};
    assert_int_equal(loop_find_breaker(loop, str_from(part), &found, &err), status);
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' has no '%s'", err.message, words);
    }
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
    loop_close(loop);
    store_fixture_init(&empty);
    store_fixture_close(&empty);
    assert_int_equal(loop_create(&options, &loop, &err), 0);
    assert_int_equal(loop_keep_state(loop, empty.folder, &loading, &err), 0);
    expect_refused(B, E_NOT_FOUND, "from its first call on");
    loop_close(loop);
    loop = NULL;
    store_fixture_finish(&empty);
}

/* ---- orders ---- */

static bool is_answered;

static void on_answer(void *user, int status, const struct error *err)
{
    (void)user;
    is_answered = true;
    if (status != 0) {
        fail_msg("%s", err->message);
    }
}

static void order(const char *scope, enum breaker_order what)
{
    const struct loop_breaker_order asked = {
        .scope = str_from(scope), .order = what, .who = STR("uid 7")};
    is_answered = false;
    loop_order_breaker(loop, &asked, on_answer, NULL);
    loop_wait(loop, &is_answered);
}

static enum breaker_state state_of(const char *scope)
{
    struct engine_breaker found;
    for (const void *at = NULL; engine_next_breaker(loop->engine, &at, &found);) {
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
    store_fixture_expect(&store, "SELECT who, action, run, detail FROM audit ORDER BY id",
                         "uid 7|breaker|-|{\"order\":\"open\",\"scope\":\"" B "\"}\n"
                         "uid 7|breaker|-|{\"order\":\"disable\",\"scope\":\"" A "\"}\n"
                         "uid 7|breaker|-|{\"order\":\"reset\",\"scope\":\"" A_SLOW "\"}");
    store_fixture_expect(&store,
                         "SELECT key, json_extract(state, '$.state') FROM scopes ORDER BY key",
                         B "|forced_open\n" A "|disabled\n" A_SLOW "|closed");
    begin_again();
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

static void on_refused(void *user, int status, const struct error *err)
{
    *(int *)user = status;
    assert_int_equal(err->code, status);
}

static void test_breakers__an_order_for_nobody_changes_nothing(void **state)
{
    (void)state;
    int status = 0;
    const struct loop_breaker_order asked = {.scope = STR("b.example"), .who = STR("uid 7")};
    loop_order_breaker(loop, &asked, on_refused, &status);
    assert_int_equal(status, E_NOT_FOUND);
    begin_again();
    store_fixture_expect(&store, "SELECT count(*) FROM audit", "0");
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
    breakers_note(loop, batch);
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
    struct batch batch = BATCH_INIT;
    add_scope(&batch, A, OPEN);
    add_scope(&batch, B, "{\"state\":\"closed\"}");
    const char *text = logged(&batch);
    assert_non_null(
        strstr(text, " warn breaker open scope=\"" A "\" until=2027-01-15T08:01:00.000Z\n"));
    assert_non_null(strstr(text, " info breaker closed scope=\"" B "\"\n"));
    loop_hold_starts(loop);
    assert_string_equal(logged(&batch), "");
    batch_finish(&batch);
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
