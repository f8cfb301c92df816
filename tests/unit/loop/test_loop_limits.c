/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits that one engine leaves in a state folder, found, lifted and forgotten by another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/engine/record.h"
#include "core/loop/loop.h"
#include "core/loop/loop_state.h"
#include "core/model/load.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/unit/journal/store_fixture.h"

#define A      "http https://api.example.com:443"
#define A_RATE A " 5/hour"
#define A_KEY  A " TOKEN"
#define B      "http http://b.example:8080"
#define OLD    "http http://old.example:80"

enum { AHEAD_MS = 3000000 };

static struct store_fixture store;
static struct load_options loading;
static struct loop *loop;
static int64_t until;

static void add_scope(struct batch *batch, const char *key, int64_t arrival_ms, int64_t frozen)
{
    char json[128];
    (void)snprintf(json, sizeof(json), "{\"arrival_ns\":%lld,\"frozen_until\":%lld}",
                   (long long)arrival_ms * 1000000, (long long)frozen);
    struct document *known = pipeline_fixture_json(json);
    batch_add_scope(
        batch, &(struct scope_change){.kind = "limiter", .key = str_from(key), .state = known});
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

static int set_up(void **state)
{
    struct batch batch = BATCH_INIT;
    (void)state;
    loading = (struct load_options){.engine_types = pipeline_fixture_options()->engine_types};
    store_fixture_init(&store);
    until = clock_unix_ms() + AHEAD_MS;
    add_scope(&batch, A, 0, until);
    add_scope(&batch, A_RATE, until, 0);
    add_scope(&batch, A_KEY, 0, until);
    add_scope(&batch, B, 0, until);
    add_scope(&batch, OLD, 5000, 6000);
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
    if (loop_find_limit(loop, str_from(part), &found, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_true(str_equal_text(found, scope));
}

static void expect_refused(const char *part, int status, const char *words)
{
    struct str found = STR("");
    struct error err = {0};
    assert_int_equal(loop_find_limit(loop, str_from(part), &found, &err), status);
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' has no '%s'", err.message, words);
    }
}

static void test_limits__are_named_by_any_part_that_is_unique(void **state)
{
    (void)state;
    expect_found("b.example", B);
    expect_found(A, A);
    expect_found("TOKEN", A_KEY);
    expect_refused("api.example.com", E_CONFLICT, "is in 2 scopes: '" A "', '" A_KEY "'");
    expect_refused("b.exmaple", E_NOT_FOUND, "did you mean '" B "'?");
    expect_refused("old.example", E_NOT_FOUND, "there is no limit 'old.example'");
    expect_refused("", E_NOT_FOUND, "there is no limit ''");
}

/* ---- lifting ---- */

static bool is_answered;

static void on_answer(void *user, int status, const struct error *err)
{
    (void)user;
    is_answered = true;
    if (status != 0) {
        fail_msg("%s", err->message);
    }
}

static void reset(const char *scope)
{
    const struct loop_limit_reset asked = {.scope = str_from(scope), .who = STR("uid 7")};
    is_answered = false;
    loop_reset_limit(loop, &asked, on_answer, NULL);
    loop_wait(loop, &is_answered);
}

static void test_limits__one_is_lifted_with_its_audit_row(void **state)
{
    (void)state;
    reset(B);
    reset(A);
    store_fixture_expect(&store, "SELECT who, action, run, detail FROM audit ORDER BY id",
                         "uid 7|limit|-|{\"order\":\"reset\",\"scope\":\"" B "\"}\n"
                         "uid 7|limit|-|{\"order\":\"reset\",\"scope\":\"" A "\"}");
    store_fixture_expect(&store, "SELECT key FROM scopes ORDER BY key", OLD "\n" A_KEY);
}

static void on_refused(void *user, int status, const struct error *err)
{
    *(int *)user = status;
    assert_int_equal(err->code, status);
}

static void test_limits__what_is_not_there_cannot_be_lifted(void **state)
{
    (void)state;
    int status = 0;
    const struct loop_limit_reset asked = {.scope = STR("b.example"), .who = STR("uid 7")};
    loop_reset_limit(loop, &asked, on_refused, &status);
    assert_int_equal(status, E_NOT_FOUND);
    loop_close(loop);
    begin();
    store_fixture_expect(&store, "SELECT count(*) FROM audit", "0");
    expect_found("b.example", B);
}

/* ---- what is over ---- */

static void on_tick(void *user)
{
    (void)user;
    loop_stop(loop);
}

static void test_limits__what_bounds_nothing_any_more_goes(void **state)
{
    (void)state;
    struct error err = {0};
    loop_tick(loop, 1, on_tick, NULL);
    assert_int_equal(loop_run(loop, &err), 0);
    loop_close(loop);
    begin();
    store_fixture_expect(&store, "SELECT key FROM scopes ORDER BY key",
                         B "\n" A "\n" A_RATE "\n" A_KEY);
}

/* ---- looking ---- */

static const char *limits(enum loop_limits_order order)
{
    static char text[64 * 1024];
    struct strbuf out = STRBUF_INIT;
    loop_append_limits(loop, order, &out);
    assert_int_equal(strbuf_status(&out), 0);
    assert_true(out.n < sizeof(text));
    memcpy(text, out.p, out.n + 1);
    strbuf_finish(&out);
    return text;
}

static void test_limits__are_seen(void **state)
{
    (void)state;
    char expected[256];
    (void)snprintf(expected, sizeof(expected),
                   "{\"rate_limits\":[{\"scope\":\"" B "\",\"limit\":0,\"period_ms\":0,"
                   "\"burst\":0,\"left\":0,\"next_at\":%lld,\"frozen_until\":%lld,\"waiting\":0,",
                   (long long)until, (long long)until);
    const char *text = limits(LOOP_LIMITS_URGENT);
    assert_true(strncmp(text, expected, strlen(expected)) == 0);
    assert_non_null(strstr(text, "],\"rate_limits_left_out\":{\"scopes\":0,\"waiting\":0,"
                                 "\"allowed\":0,\"delayed\":0,\"frozen_until\":0},\"limits\":[],"
                                 "\"limits_left_out\":{\"scopes\":0,"));
}

static void test_limits__more_than_a_hundred_are_summed_up(void **state)
{
    (void)state;
    struct error err = {0};
    for (int i = 0; i < 150; i++) {
        char key[32];
        char json[96];
        (void)snprintf(key, sizeof(key), "http http://%03d", i);
        (void)snprintf(json, sizeof(json), "{\"arrival_ns\":0,\"frozen_until\":%lld}",
                       (long long)(until + i));
        assert_int_equal(engine_restore_limiter(loop->engine, str_from(key), str_from(json),
                                                clock_unix_ms(), &err),
                         0);
    }
    char others[96];
    (void)snprintf(others, sizeof(others), "\"delayed\":0,\"frozen_until\":%lld},\"limits\":[]",
                   (long long)until + 149);
    const char *text = limits(LOOP_LIMITS_OLDEST);
    assert_non_null(strstr(text, "\"scope\":\"http http://096\""));
    assert_null(strstr(text, "\"scope\":\"http http://097\""));
    assert_non_null(strstr(text, "\"rate_limits_left_out\":{\"scopes\":53,"));
    assert_non_null(strstr(text, others));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(test_limits__##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(are_named_by_any_part_that_is_unique),
        CASE(one_is_lifted_with_its_audit_row),
        CASE(what_is_not_there_cannot_be_lifted),
        CASE(what_bounds_nothing_any_more_goes),
        CASE(are_seen),
        CASE(more_than_a_hundred_are_summed_up),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
