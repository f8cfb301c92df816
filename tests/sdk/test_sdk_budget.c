/* SPDX-License-Identifier: Apache-2.0 */

/* ops.budget, as a plugin meets it, over a keeper that the test turns by hand. The plugin:
   plugins/spend.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/host/budget.h"
#include "opstream/abi.h"
#include "tests/sdk/rig.h"

static struct rig rig;
static uint64_t last_token;

/* ---- the keeper ---- */

static struct {
    char asked[128]; /* the last wish, and what was used last */
    char used[128];
    host_budget_done_cb done;
    void *user;
    bool holds; /* the answer comes when the test says so */
    struct host_budget_answer answer;
    unsigned aborts;
    uint64_t token;
} keeper;

static void answer(void)
{
    host_budget_done_cb done = keeper.done;
    keeper.done = NULL;
    done(keeper.user, &keeper.answer);
}

static void keeper_reserve(void *self, uint64_t token, const struct host_budget_wish *wish,
                           host_budget_done_cb done, void *user, void **out_wait)
{
    (void)self;
    (void)snprintf(keeper.asked, sizeof keeper.asked, "%lld %lld %g", (long long)wish->calls,
                   (long long)wish->tokens, wish->cost);
    keeper.token = token;
    keeper.done = done;
    keeper.user = user;
    *out_wait = &keeper;
    if (!keeper.holds) {
        answer();
    }
}

static void keeper_abort(void *self, void *wait)
{
    (void)self;
    assert_ptr_equal(wait, &keeper);
    keeper.aborts++;
    keeper.answer = (struct host_budget_answer){.status = HOST_BUDGET_GONE};
    answer();
}

static void keeper_settle(void *self, uint64_t token, const struct host_budget_use *use)
{
    (void)self;
    keeper.token = token;
    (void)snprintf(keeper.used, sizeof keeper.used, "%llu: %lld %lld %lld %lld %g",
                   (unsigned long long)use->reservation, (long long)use->calls,
                   (long long)use->input_tokens, (long long)use->output_tokens,
                   (long long)use->cached_tokens, use->cost);
}

static const struct host_budget budget = {
    .settle = keeper_settle, .reserve = keeper_reserve, .abort = keeper_abort};

static const char *run(const char *type, const char *config)
{
    return rig_run(&rig, ++last_token, type, config);
}

/* ---- tests ---- */

static void test_budget__what_is_asked_and_used_reaches_the_keeper(void **state)
{
    (void)state;
    keeper.answer = (struct host_budget_answer){.status = HOST_BUDGET_GRANTED, .reservation = 7};
    assert_string_equal(run("spend.call", "{\"tokens\":50,\"cost\":0.5,\"calls\":2,\"input\":20,"
                                          "\"output\":4,\"paid\":0.25}"),
                        "done {\"held\":true}");
    assert_string_equal(keeper.asked, "2 50 0.5");
    assert_string_equal(keeper.used, "7: 2 20 4 -1 0.25");
    assert_int_equal(keeper.token, last_token);
}

static void test_budget__a_use_comes_before_the_end_also_of_a_task_that_fails(void **state)
{
    (void)state;
    keeper.answer = (struct host_budget_answer){.status = HOST_BUDGET_GRANTED, .reservation = 8};
    assert_non_null(strstr(run("spend.call", "{\"input\":1,\"fail\":true}"), "failed"));
    assert_string_equal(keeper.used, "8: 1 1 0 -1 -1");
}

static void test_budget__a_refusal_says_why_and_what_to_ask(void **state)
{
    (void)state;
    keeper.answer = (struct host_budget_answer){
        .status = HOST_BUDGET_REFUSED, .model = STR("small"), .why = STR("it is spent")};
    const char *end = run("spend.call", "{\"tokens\":50}");
    assert_non_null(strstr(end, "\"code\":\"BUDGET\""));
    assert_non_null(strstr(end, "it is spent"));
    assert_non_null(strstr(end, "\"hint\":\"small\""));
    assert_string_equal(keeper.used, "");
}

static void test_budget__each_answer_has_its_status(void **state)
{
    (void)state;
    static const struct {
        enum host_budget_status status;
        const char *code;
    } rows[] = {
        {HOST_BUDGET_REFUSED, "BUDGET"},
        {HOST_BUDGET_GONE, "CANCELLED"},
        {HOST_BUDGET_FAILED, "UNAVAILABLE"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        keeper.answer = (struct host_budget_answer){.status = rows[i].status};
        assert_non_null(strstr(run("spend.call", "{}"), rows[i].code));
    }
}

static void test_budget__an_answer_may_come_later(void **state)
{
    (void)state;
    struct error err;
    keeper.holds = true;
    assert_int_equal(rig_start(&rig, ++last_token, "spend.call", "{\"tokens\":1}", &err), 0);
    while (keeper.done == NULL) {
        rig_turn(&rig, 1);
    }
    keeper.answer = (struct host_budget_answer){.status = HOST_BUDGET_GRANTED, .reservation = 3};
    answer();
    assert_string_equal(rig_wait(&rig, last_token), "done {\"held\":true}");
}

static void test_budget__a_cancel_ends_the_wait(void **state)
{
    (void)state;
    struct error err;
    keeper.holds = true;
    assert_int_equal(rig_start(&rig, ++last_token, "spend.call", "{\"tokens\":1}", &err), 0);
    while (keeper.done == NULL) {
        rig_turn(&rig, 1);
    }
    host_task_cancel(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, last_token), "CANCELLED"));
    assert_int_equal(keeper.aborts, 1);
}

static void test_budget__a_task_that_was_killed_asks_no_more(void **state)
{
    (void)state;
    struct error err;
    keeper.holds = true;
    assert_int_equal(rig_start(&rig, ++last_token, "spend.call", "{\"tokens\":1}", &err), 0);
    while (keeper.done == NULL) {
        rig_turn(&rig, 1);
    }
    host_task_kill(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_non_null(strstr(rig_wait(&rig, last_token), "failed"));
    rig_turn(&rig, 5);
    assert_int_equal(keeper.aborts, 1);
    assert_string_equal(keeper.used, "");
}

static void test_budget__bad_calls_are_refused(void **state)
{
    (void)state;
    static const struct rig_status rows[] = {
        {"no_request", OPS_E_INTERNAL},
        {"size", OPS_E_INTERNAL},
        {"no_done", OPS_E_INTERNAL},
        {"negative", OPS_E_INPUT},
        {"many", OPS_E_INPUT},
        {"dear", OPS_E_INPUT},
        {"stale", OPS_E_STALE},
        {"used_size", OPS_E_INTERNAL},
        {"nothing_used", OPS_E_INTERNAL},
        {"used_many", OPS_E_INPUT},
        {"used_dear", OPS_E_INPUT},
        {"used_stale", OPS_E_STALE},
        {"abort_stale", OPS_E_STALE},
    };
    rig_expect_statuses(run("spend.refused", "{}"), rows, sizeof rows / sizeof rows[0]);
    assert_string_equal(keeper.asked, "");
    assert_string_equal(keeper.used, "");
}

static int set_up(void **state)
{
    static const char *const folder = SPEND_DIR;
    (void)state;
    memset(&keeper, 0, sizeof keeper);
    rig_open(&rig, &(struct rig_options){.folders = &folder, .folder_count = 1, .budget = &budget});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    last_token = 0;
    return 0;
}

static void test_budget__without_a_keeper_the_plugin_is_refused(void **state)
{
    (void)state;
    rig_expect_lacking(SPEND_DIR, "spend.call", "{}", "ops.budget");
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_budget__what_is_asked_and_used_reaches_the_keeper),
        WITH_RIG(test_budget__a_use_comes_before_the_end_also_of_a_task_that_fails),
        WITH_RIG(test_budget__a_refusal_says_why_and_what_to_ask),
        WITH_RIG(test_budget__each_answer_has_its_status),
        WITH_RIG(test_budget__an_answer_may_come_later),
        WITH_RIG(test_budget__a_cancel_ends_the_wait),
        WITH_RIG(test_budget__a_task_that_was_killed_asks_no_more),
        WITH_RIG(test_budget__bad_calls_are_refused),
        cmocka_unit_test(test_budget__without_a_keeper_the_plugin_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
