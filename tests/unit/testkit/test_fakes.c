/* SPDX-License-Identifier: Apache-2.0 */

/* What stands in the place of HTTP, kv, mail, budgets and secrets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/testkit/kit.h"

/* ---- HTTP ---- */

static void test_fake_http__shows_the_call_as_it_was_sent(void **state)
{
    const ops_test_answer answer = {
        .status = 201, .body = ops_test_text("0123456789"), .piece_bytes = 3};
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "PUT", "http://x/", 0, &answer), OPS_OK);
    assert_string_equal(kit_run(host, "deeds", "{\"do\":\"http_stream\"}")->output,
                        "{\"streamed\":10}");
    assert_int_equal(ops_test_steps(host, 1), 6); /* execute(), four pieces, the end */
    const ops_test_http_call *call = ops_test_http_call_at(host, 0);
    assert_string_equal(call->method, "PUT");
    assert_string_equal(call->url, "http://x/");
    assert_int_equal(call->task, 1);
    assert_int_equal(call->has_chunks, 1);
    assert_int_equal(call->is_open, 0);
    assert_int_equal(call->body.n, 4);
    assert_memory_equal(call->body.p, "body", 4);
    assert_string_equal(ops_test_http_header(call, "idempotency-KEY"), "key-1.first");
    assert_null(ops_test_http_header(call, "Accept"));
    assert_null(ops_test_http_call_at(host, 1));
    kit_close(host);
}

static void test_fake_http__headers_and_body_arrive(void **state)
{
    const ops_test_answer answer = {
        .status = 200, .headers = "A: one\nB:  two \n", .body = ops_test_text("hey")};
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, "GET", "*", 0, &answer), OPS_OK);
    const char *output = kit_run(host, "deeds", "{\"do\":\"http_late\"}")->output;
    kit_expect_part(output, "\"h0\":\"one\",\"h1\":\"two\",\"body\":\"hey\",\"url\":\"http://x/\"");
    kit_expect_part(output, "\"bytes\":3");
    kit_close(host);
}

static void test_fake_http__rules_hold_in_order_for_so_many_calls(void **state)
{
    const ops_test_answer busy = {.code = OPS_E_UNAVAILABLE, .effect = OPS_EFFECT_MAYBE};
    const ops_test_answer good = {.status = 200, .late_ms = 40};
    ops_test_host *host = kit_open(DEEDS, NULL);
    int64_t began_ms = ops_test_unix_ms(host);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "http://x/*", 2, &busy), OPS_OK);
    assert_int_equal(ops_test_http_rule(host, NULL, "http://x/", 1, &good), OPS_OK);
    const ops_test_result *end = kit_run(host, "deeds", "{\"do\":\"http_stream\"}");
    assert_int_equal(end->code, OPS_E_UNAVAILABLE);
    assert_int_equal(end->effect, OPS_EFFECT_MAYBE);
    assert_string_equal(end->message, "the test wants this call to fail");
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"http_stream\"}")->code, OPS_E_UNAVAILABLE);
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"http_stream\"}")->kind, OPS_TEST_DONE);
    assert_int_equal(ops_test_unix_ms(host) - began_ms, 40);
    /* and then none holds */
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"http_stream\"}");
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    assert_int_equal(kit_complaints(host, OPS_TEST_UNEXPECTED), 1);
    kit_expect_part(ops_test_complaints(host), "PUT http://x/ is called, and no rule is for it");
    kit_close(host);
}

static int handle(void *user, const ops_test_http_call *call, ops_test_answer *answer)
{
    int *said = user;
    answer->status = call->has_chunks != 0 ? 200 : 0;
    return *said;
}

static void test_fake_http__a_handler_is_asked_for_the_rest(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    int said = 1;
    (void)state;
    ops_test_http_handle(host, handle, &said);
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"http_stream\"}")->kind, OPS_TEST_DONE);
    said = 0;
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"http_stream\"}");
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    assert_string_equal(ops_test_complaints(host), "");
    said = 1; /* with an answer that is none */
    task = kit_start(host, "deeds", "{\"do\":\"http_late\"}");
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    kit_expect_part(ops_test_complaints(host), "what is no answer");
    said = 7;
    task = kit_start(host, "deeds", "{\"do\":\"http_stream\"}");
    assert_int_equal(ops_test_run(host, task), OPS_E_WOULD_BLOCK);
    kit_expect_part(ops_test_complaints(host), "no rule is for it");
    kit_close(host);
}

static void test_fake_http__what_is_open_is_answered_once(void **state)
{
    const ops_test_answer good = {.status = 200};
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task task = kit_start(host, "deeds", "{\"do\":\"http_stream\"}");
    ops_test_counts counts;
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, NULL), OPS_OK);
    assert_int_equal(ops_test_idle(host), OPS_OK);
    ops_test_count(host, &counts);
    assert_int_equal(counts.http_open, 1);
    assert_int_equal(counts.operations, 1);
    assert_int_equal(counts.tasks, 1);
    assert_true(counts.task_values > 0);
    assert_true(counts.task_bytes > 0);
    assert_int_equal(ops_test_http_reply(host, 0, &good), OPS_OK);
    assert_int_equal(ops_test_http_reply(host, 0, &good), OPS_E_STALE);
    assert_int_equal(ops_test_http_reply(host, 1, &good), OPS_E_STALE);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_int_equal(ops_test_http_reply(host, 0, &good), OPS_E_STALE);
    ops_test_count(host, &counts);
    assert_int_equal(counts.http_open + counts.operations + counts.tasks + counts.task_values, 0);
    kit_close(host);
}

static void test_fake_http__bad_answers_are_refused(void **state)
{
    static const ops_test_answer bad[] = {
        {.status = 0},
        {.status = 200, .code = OPS_E_TIMEOUT},
        {.status = 99},
        {.code = 99},
        {.code = OPS_E_TIMEOUT, .effect = OPS_EFFECT_DONE},
        {.status = 200, .headers = "no colon"},
        {.status = 200, .headers = ": no name"},
        {.status = 200, .body = {NULL, 1}},
        {.status = 200, .reserved0 = 1},
    };
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &bad[i]), OPS_E_INPUT);
    }
    assert_int_equal(ops_test_http_rule(host, NULL, NULL, 0, NULL), OPS_E_INPUT);
    kit_close(host);
}

/* The piece at which it is cancelled ends the call: the rest does not come. */
static void test_fake_http__a_cancel_ends_it_between_pieces(void **state)
{
    const ops_test_answer answer = {
        .status = 200, .body = ops_test_text("0123456789"), .piece_bytes = 1};
    (void)state;
    for (uint32_t moment = OPS_TEST_BEFORE; moment <= OPS_TEST_LATER; moment++) {
        ops_test_host *host = kit_open(DEEDS, NULL);
        ops_test_task task = kit_start(host, "deeds", "{\"do\":\"http_stream\"}");
        assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &answer), OPS_OK);
        assert_int_equal(ops_test_cancel_at(host, task, 4, moment, OPS_CANCEL_REQUESTED), OPS_OK);
        assert_int_equal(ops_test_run(host, task), OPS_OK);
        assert_int_equal(ops_test_end(host, task)->ends, 1);
        kit_close(host);
    }
}

static void test_fake_http__limits_of_the_plugin_hold(void **state)
{
    const ops_test_answer large = {.status = 200, .body = ops_test_text("0123456789")};
    ops_test_host *host = kit_open(HTTP, NULL);
    int64_t began_ms = ops_test_unix_ms(host);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "http://x/open", 0, NULL), OPS_OK);
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &large), OPS_OK);
    assert_int_equal(kit_run(host, "http", "{\"url\":\"http://x/open\",\"timeout\":\"7s\"}")->code,
                     OPS_E_TIMEOUT);
    assert_int_equal(ops_test_unix_ms(host) - began_ms, 7000);
    assert_int_equal(ops_test_http_call_at(host, 0)->is_open, 0);
    assert_int_equal(
        kit_run(host, "http", "{\"url\":\"http://x/\",\"max_response_bytes\":9}")->code,
        OPS_E_RESOURCE);
    assert_int_equal(
        kit_run(host, "http", "{\"url\":\"http://x/\",\"max_response_bytes\":10}")->kind,
        OPS_TEST_DONE);
    kit_close(host);
}

/* ---- kv ---- */

static void test_fake_kv__keeps_by_the_rules_of_versions(void **state)
{
    ops_test_host *host = kit_open(KV, NULL);
    ops_str value = {NULL, 0};
    (void)state;
    assert_string_equal(kit_run(host, "kv.get", "{\"key\":\"k\"}")->output, "{\"status\":5}");
    assert_int_equal(ops_test_kv_get(host, "k", &value), OPS_E_NOT_FOUND);
    assert_string_equal(
        kit_run(host, "kv.put", "{\"key\":\"k\",\"value\":\"one\"}")->output,
        "{\"status\":0,\"bytes\":0,\"value\":\"\",\"version\":1,\"expires\":false}");
    kit_expect_part(
        kit_run(host, "kv.put", "{\"key\":\"k\",\"value\":\"two\",\"if_absent\":true}")->output,
        "{\"status\":6,\"bytes\":3,\"value\":\"one\"");
    kit_expect_part(
        kit_run(host, "kv.put", "{\"key\":\"k\",\"value\":\"two\",\"version\":9}")->output,
        "{\"status\":6,");
    kit_expect_part(kit_run(host, "kv.put", "{\"key\":\"n\",\"version\":9}")->output,
                    "{\"status\":5}");
    kit_expect_part(
        kit_run(host, "kv.put", "{\"key\":\"k\",\"value\":\"two\",\"version\":1}")->output,
        "\"version\":2");
    assert_int_equal(ops_test_kv_get(host, "k", &value), OPS_OK);
    assert_memory_equal(value.p, "two", 3);
    kit_expect_part(kit_run(host, "kv.remove", "{\"key\":\"k\",\"version\":1}")->output, "6");
    assert_string_equal(kit_run(host, "kv.remove", "{\"key\":\"k\"}")->output, "{\"status\":0}");
    assert_string_equal(kit_run(host, "kv.remove", "{\"key\":\"k\"}")->output, "{\"status\":5}");
    kit_close(host);
}

static void test_fake_kv__forgets_by_virtual_time_and_is_not_endless(void **state)
{
    ops_test_host *host = kit_open(KV, NULL);
    ops_str value = {NULL, 0};
    char key[16];
    (void)state;
    (void)kit_run(host, "kv.put", "{\"key\":\"k\",\"ttl_ms\":1000}");
    assert_int_equal(ops_test_advance(host, 999), OPS_OK);
    assert_int_equal(ops_test_kv_get(host, "k", &value), OPS_OK);
    assert_int_equal(ops_test_advance(host, 1), OPS_OK);
    assert_int_equal(ops_test_kv_get(host, "k", &value), OPS_E_NOT_FOUND);
    assert_int_equal(ops_test_kv_put(host, "", ops_test_text("x")), OPS_E_INPUT);
    assert_int_equal(ops_test_kv_put(host, "mine", ops_test_text("x")), OPS_OK);
    kit_expect_part(kit_run(host, "kv.get", "{\"key\":\"mine\"}")->output, "\"value\":\"x\"");
    for (int i = 0; i < 63; i++) {
        char config[64];
        (void)snprintf(key, sizeof key, "k%d", i);
        (void)snprintf(config, sizeof config, "{\"key\":\"%s\",\"big\":1048576}", key);
        kit_expect_part(kit_run(host, "kv.put", config)->output, "{\"status\":0,");
    }
    assert_string_equal(kit_run(host, "kv.put", "{\"key\":\"z\",\"big\":1048576}")->output,
                        "{\"status\":12}");
    kit_close(host);
}

/* ---- Mail, budget, secrets ---- */

static void test_fake_mail__takes_and_shows_messages(void **state)
{
    ops_test_host *host = kit_open(MAIL, NULL);
    (void)state;
    const ops_test_result *end = kit_run(
        host, "mail.send",
        "{\"to\":\"b@two.test\",\"bcc\":\"c@three.test\",\"subject\":\"Hey\",\"text\":\"you\"}");
    kit_expect_part(end->output, "\"code\":250");
    const ops_test_mail *mail = ops_test_mail_at(host, 0);
    assert_string_equal(mail->sender, "a@one.test");
    assert_string_equal(mail->recipients, "b@two.test, c@three.test");
    assert_string_equal(mail->username, "");
    kit_expect_part(mail->message.p, "Subject: Hey");
    kit_expect_part(mail->message.p, "Date: Tue, 01 Jan 2030 00:00:00");
    assert_null(ops_test_mail_at(host, 1));
    /* one that is called back was not sent */
    (void)kit_run(host, "mail.send", "{\"to\":\"b@two.test\",\"text\":\"x\",\"abort\":true}");
    assert_null(ops_test_mail_at(host, 1));
    kit_close(host);
}

static void test_fake_budget__holds_and_settles(void **state)
{
    ops_test_host *host = kit_open(SPEND, NULL);
    ops_test_spent spent;
    (void)state;
    assert_int_equal(ops_test_budget(host, 2, 100, -1, "small"), OPS_OK);
    assert_int_equal(kit_run(host, "spend.call", "{\"tokens\":90,\"input\":10,\"output\":5}")->kind,
                     OPS_TEST_DONE);
    ops_test_budget_spent(host, &spent);
    assert_int_equal(spent.calls, 1);
    assert_int_equal(spent.input_tokens, 10);
    assert_int_equal(spent.output_tokens, 5);
    assert_int_equal(spent.open, 0);
    /* 85 are left */
    const ops_test_result *end = kit_run(host, "spend.call", "{\"tokens\":86}");
    assert_int_equal(end->code, OPS_E_BUDGET);
    kit_expect_part(end->error, "small");
    assert_int_equal(kit_run(host, "spend.call", "{\"tokens\":85,\"settle\":false}")->kind,
                     OPS_TEST_DONE);
    ops_test_budget_spent(host, &spent);
    assert_int_equal(spent.open, 1);
    assert_int_equal(kit_run(host, "spend.call", "{\"tokens\":1}")->code, OPS_E_BUDGET);
    assert_int_equal(ops_test_budget(host, -1, -1, -1, NULL), OPS_OK);
    assert_int_equal(kit_run(host, "spend.call", "{\"tokens\":1000}")->kind, OPS_TEST_DONE);
    kit_close(host);
}

static void test_fake_secrets__stand_in_configs_and_not_in_outputs(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    const ops_test_spec spec = {.type = "deeds",
                                .config = "{\"do\":\"now\",\"x\":[\"a {{secrets.KEY}} {{ "
                                          "secrets.KEY }}\",\"{{ other }}\",1.5,null]}"};
    const ops_test_spec unknown = {.type = "deeds", .config = "{\"do\":\"{{ secrets.NONE }}\"}"};
    ops_test_problem why = {""};
    ops_test_task task = 0;
    (void)state;
    assert_int_equal(ops_test_secret(host, "KEY", "first"), OPS_OK);
    assert_int_equal(ops_test_secret(host, "KEY", "second"), OPS_OK);
    assert_int_equal(ops_test_secret(host, "NO-NAME", "x"), OPS_E_INPUT);
    assert_int_equal(ops_test_secret(host, "", "x"), OPS_E_INPUT);
    assert_int_equal(ops_test_start(host, &spec, &task, &why), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    assert_string_equal(ops_test_end(host, task)->output,
                        "{\"do\":\"now\",\"x\":[\"***\",\"{{ other }}\",1.5,null]}");
    assert_int_equal(ops_test_start(host, &unknown, &task, &why), OPS_E_CONFIG);
    kit_expect_part(why.text, "there is no secret 'NONE'");
    kit_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fake_http__shows_the_call_as_it_was_sent),
        cmocka_unit_test(test_fake_http__headers_and_body_arrive),
        cmocka_unit_test(test_fake_http__rules_hold_in_order_for_so_many_calls),
        cmocka_unit_test(test_fake_http__a_handler_is_asked_for_the_rest),
        cmocka_unit_test(test_fake_http__what_is_open_is_answered_once),
        cmocka_unit_test(test_fake_http__bad_answers_are_refused),
        cmocka_unit_test(test_fake_http__a_cancel_ends_it_between_pieces),
        cmocka_unit_test(test_fake_http__limits_of_the_plugin_hold),
        cmocka_unit_test(test_fake_kv__keeps_by_the_rules_of_versions),
        cmocka_unit_test(test_fake_kv__forgets_by_virtual_time_and_is_not_endless),
        cmocka_unit_test(test_fake_mail__takes_and_shows_messages),
        cmocka_unit_test(test_fake_budget__holds_and_settles),
        cmocka_unit_test(test_fake_secrets__stand_in_configs_and_not_in_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
