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
#include "tests/unit/loop/kept_scopes.h"

#define A      "http https://api.example.com:443"
#define A_RATE A " 5/hour"
#define A_KEY  A " TOKEN"
#define B      "http http://b.example:8080"
#define OLD    "http http://old.example:80"

enum { AHEAD_MS = 3000000 };

static struct kept_scopes kept;
static int64_t until;

static void add_scope(const char *key, int64_t arrival_ms, int64_t frozen)
{
    char json[128];
    (void)snprintf(json, sizeof(json), "{\"arrival_ns\":%lld,\"frozen_until\":%lld}",
                   (long long)arrival_ms * 1000000, (long long)frozen);
    kept_scopes_add(&kept, "limiter", key, json);
}

static int set_up(void **state)
{
    (void)state;
    kept_scopes_init(&kept);
    until = clock_unix_ms() + AHEAD_MS;
    add_scope(A, 0, until);
    add_scope(A_RATE, until, 0);
    add_scope(A_KEY, 0, until);
    add_scope(B, 0, until);
    add_scope(OLD, 5000, 6000);
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
    kept_scopes_expect_found(&kept, loop_find_limit, part, scope);
}

static void expect_refused(const char *part, int status, const char *words)
{
    kept_scopes_expect_refused(&kept, loop_find_limit, part, status, words);
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

static void reset(const char *scope)
{
    const struct loop_limit_reset asked = {.scope = str_from(scope), .who = STR("uid 7")};
    bool is_answered = false;
    loop_reset_limit(kept.loop, &asked, kept_scopes_on_answer, &is_answered);
    loop_wait(kept.loop, &is_answered);
}

static void test_limits__one_is_lifted_with_its_audit_row(void **state)
{
    (void)state;
    reset(B);
    reset(A);
    store_fixture_expect(&kept.store, "SELECT who, action, run, detail FROM audit ORDER BY id",
                         "uid 7|limit|-|{\"order\":\"reset\",\"scope\":\"" B "\"}\n"
                         "uid 7|limit|-|{\"order\":\"reset\",\"scope\":\"" A "\"}");
    store_fixture_expect(&kept.store, "SELECT key FROM scopes ORDER BY key", OLD "\n" A_KEY);
}

static void test_limits__what_is_not_there_cannot_be_lifted(void **state)
{
    (void)state;
    int status = 0;
    const struct loop_limit_reset asked = {.scope = STR("b.example"), .who = STR("uid 7")};
    loop_reset_limit(kept.loop, &asked, kept_scopes_on_refused, &status);
    assert_int_equal(status, E_NOT_FOUND);
    kept_scopes_reopen(&kept);
    store_fixture_expect(&kept.store, "SELECT count(*) FROM audit", "0");
    expect_found("b.example", B);
}

/* ---- what is over ---- */

static void on_tick(void *user)
{
    (void)user;
    loop_stop(kept.loop);
}

static void test_limits__what_bounds_nothing_any_more_goes(void **state)
{
    (void)state;
    struct error err = {0};
    loop_tick(kept.loop, 1, on_tick, NULL);
    assert_int_equal(loop_run(kept.loop, &err), 0);
    kept_scopes_reopen(&kept);
    store_fixture_expect(&kept.store, "SELECT key FROM scopes ORDER BY key",
                         B "\n" A "\n" A_RATE "\n" A_KEY);
}

/* ---- looking ---- */

static const char *limits(enum loop_limits_order order)
{
    static char text[64 * 1024];
    struct strbuf out = STRBUF_INIT;
    loop_append_limits(kept.loop, order, &out);
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
        assert_int_equal(engine_restore_limiter(kept.loop->engine, str_from(key), str_from(json),
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
