/* SPDX-License-Identifier: Apache-2.0 */

/* Opening and closing, options, starts, and want of memory. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"
#include "tests/unit/testkit/kit.h"

static void expect_closed(const char *path, const ops_test_options *options, ops_status status,
                          const char *part)
{
    ops_test_problem why = {""};
    ops_test_host *host = NULL;
    assert_int_equal(ops_test_open(path, options, &host, &why), status);
    assert_null(host);
    kit_expect_part(why.text, part);
}

static void test_host__says_why_it_does_not_open(void **state)
{
    (void)state;
    expect_closed("/nowhere.so", NULL, OPS_E_NOT_FOUND, "/nowhere.so");
    expect_closed("/etc/passwd", NULL, OPS_E_UPSTREAM, "/etc/passwd");
    expect_closed(DEEDS, &(ops_test_options){.flags = 8}, OPS_E_CONFIG, "flag");
    expect_closed(DEEDS, &(ops_test_options){.state_folder = "here"}, OPS_E_CONFIG, "absolute");
    expect_closed(DEEDS, &(ops_test_options){.without = "ops.kv ops.none"}, OPS_E_CONFIG,
                  "'ops.none', which is no interface");
    expect_closed(DEEDS, &(ops_test_options){.without = "ops.exec"}, OPS_E_CONFIG, "'ops.exec'");
    expect_closed(DEEDS, &(ops_test_options){.without = " ops.http "}, OPS_E_UNSUPPORTED,
                  "the manifest requires ops.http, which this host is without");
    const ops_test_fault unknown = {.where = "ops.none"};
    expect_closed(DEEDS, &(ops_test_options){.fault = &unknown}, OPS_E_CONFIG,
                  "the fault among the options names no function");
    assert_int_equal(ops_test_open("/nowhere.so", NULL, NULL, NULL), OPS_E_NOT_FOUND);
    assert_int_equal(ops_test_close(NULL), OPS_OK);
}

static void copy_file(const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(in >= 0 && out >= 0 && fstat(in, &st) == 0);
    assert_int_equal(sendfile(out, in, NULL, (size_t)st.st_size), st.st_size);
    assert_int_equal(close(in), 0);
    assert_int_equal(close(out), 0);
}

/* As `sudo opstream plugin check` meets it: no copy is made, so no folder for one is needed. */
static void test_host__opens_what_another_user_owns(void **state)
{
    struct scratch_folder scratch;
    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    scratch_folder_make(&scratch);
    char *path = scratch_folder_path(&scratch, "deeds.so");
    copy_file(DEEDS, path);
    assert_int_equal(chown(path, 4242, 4242), 0);
    ops_test_host *host = kit_open(path, NULL);
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"now\"}")->kind, OPS_TEST_DONE);
    kit_close(host);
    assert_int_equal(chmod(path, 0646), 0);
    expect_closed(path, NULL, OPS_E_UPSTREAM, "can be written to by others");
    free(path);
    scratch_folder_remove(&scratch);
}

static void test_host__shows_what_the_manifest_says(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    kit_expect_part(ops_test_manifest(host), "{\"id\":\"deeds\",\"version\":\"1.0.0\"");
    assert_string_equal(ops_test_type(host, 0), "deeds");
    assert_string_equal(ops_test_type(host, 4), "deeds.stateful");
    assert_null(ops_test_type(host, 5));
    assert_null(ops_test_type(host, 99));
    kit_close(host);
}

static void test_host__takes_a_fault_before_it_opens(void **state)
{
    ops_test_fault fault = {.where = "ops.timer.after", .n = 1};
    ops_test_host *host = kit_open(DEEDS, &(ops_test_options){.fault = &fault});
    (void)state;
    fault.n = 7; /* it has been copied */
    kit_expect_part(kit_run(host, "deeds", "{\"do\":\"later\"}")->error, "no timer");
    assert_int_equal(ops_test_fault_hits(host), 1);
    kit_close(host);
}

static void test_host__is_without_what_is_optional(void **state)
{
    ops_test_host *host = kit_open(DEEDS, &(ops_test_options){.without = "ops.job"});
    (void)state;
    assert_int_equal(kit_run(host, "deeds", "{\"do\":\"now\"}")->kind, OPS_TEST_DONE);
    kit_close(host);
}

static void test_host__tells_tasks_what_they_are(void **state)
{
    const ops_test_options options = {.state_folder = "/nowhere/state"};
    const ops_test_spec spec = {.type = "deeds",
                                .config = "{\"do\":\"info\"}",
                                .idempotency_key = "mine",
                                .run_id = "r7",
                                .node = "a/b",
                                .attempt = 3};
    ops_test_host *host = kit_open(DEEDS, &options);
    ops_test_task task = 0;
    (void)state;
    assert_int_equal(ops_test_start(host, &spec, &task, NULL), OPS_OK);
    assert_int_equal(ops_test_run(host, task), OPS_OK);
    const char *output = ops_test_end(host, task)->output;
    kit_expect_part(output, "\"attempt\":3");
    kit_expect_part(output, "mine");
    kit_expect_part(output, "r7");
    kit_expect_part(output, "a/b");
    kit_expect_part(output, "/nowhere/state/plugins/deeds");
    kit_close(host);
}

static void expect_refused(ops_test_host *host, ops_test_spec spec, ops_status status,
                           const char *part)
{
    ops_test_problem why = {""};
    ops_test_task task = 7;
    assert_int_equal(ops_test_start(host, &spec, &task, &why), status);
    assert_int_equal(task, 7);
    kit_expect_part(why.text, part);
}

static void test_host__says_why_a_task_does_not_start(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    expect_refused(host, (ops_test_spec){.config = "{}"}, OPS_E_NOT_FOUND, "say which");
    expect_refused(host, (ops_test_spec){.type = "deeds.x"}, OPS_E_NOT_FOUND, "'deeds.x'");
    expect_refused(host, (ops_test_spec){.type = "deeds", .config = "{"}, OPS_E_CONFIG, "config:");
    expect_refused(host, (ops_test_spec){.type = "deeds", .settings = "[", .config = "{}"},
                   OPS_E_CONFIG, "settings:");
    expect_refused(host, (ops_test_spec){.type = "deeds"}, OPS_E_CONFIG, "do");
    expect_refused(host, (ops_test_spec){.type = "deeds", .flags = 4}, OPS_E_CONFIG, "flag");
    expect_refused(host, (ops_test_spec){.type = "deeds", .origin = "x"}, OPS_E_CONFIG, "origin");
    expect_refused(host, (ops_test_spec){.type = "deeds", .flags = OPS_TEST_CHECK}, OPS_E_NOT_FOUND,
                   "no check()");
    expect_refused(host, (ops_test_spec){.type = "deeds", .config = "{}", .flags = OPS_TEST_CHECK},
                   OPS_E_CONFIG, "nothing else");
    expect_refused(
        host,
        (ops_test_spec){.type = "deeds", .settings = "{\"nmae\":1}", .config = "{\"do\":\"now\"}"},
        OPS_E_CONFIG, "nmae");
    assert_int_equal(kit_start(host, "deeds", "{\"do\":\"now\"}"), 1);
    kit_close(host);
}

static void test_host__checks_services(void **state)
{
    const ops_test_answer answer = {.status = 200};
    ops_test_host *host = kit_open(CHECKS, NULL);
    bool has_checked = false;
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, &answer), OPS_OK);
    for (size_t i = 0; ops_test_type(host, i) != NULL; i++) {
        const ops_test_spec spec = {.type = ops_test_type(host, i),
                                    .origin = "http://a",
                                    .deadline_ms = 1000,
                                    .flags = OPS_TEST_CHECK};
        ops_test_task task = 0;
        if (ops_test_start(host, &spec, &task, NULL) == OPS_OK) {
            assert_int_equal(ops_test_run(host, task), OPS_OK);
            has_checked = true;
        }
    }
    assert_true(has_checked);
    kit_close(host);
}

static void test_host__outputs_are_held_to_their_schema(void **state)
{
    ops_test_host *host = kit_open(KV, NULL);
    (void)state;
    (void)kit_run(host, "kv.get", "{\"key\":\"k\"}");
    assert_int_equal(kit_complaints(host, OPS_TEST_BAD_OUTPUT), 0);
    kit_close(host);
}

static void test_host__ports_and_failures_are_told_whole(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    const ops_test_result *end = kit_run(host, "deeds", "{\"do\":\"port\",\"port\":\"maybe\"}");
    assert_int_equal(end->kind, OPS_TEST_DONE);
    assert_string_equal(end->port, "maybe");
    end = kit_run(host, "deeds",
                  "{\"do\":\"fail\",\"code\":7,\"effect\":1,\"retry\":2,\"after\":500}");
    assert_int_equal(end->kind, OPS_TEST_FAILED);
    assert_int_equal(end->code, OPS_E_RATE_LIMITED);
    assert_int_equal(end->effect, OPS_EFFECT_MAYBE);
    assert_int_equal(end->retry, OPS_RETRY_NO);
    assert_int_equal(end->retry_after_ms, 500);
    assert_string_equal(end->message, "as asked");
    kit_expect_part(end->error, "\"symbol\":\"deeds.asked\"");
    assert_string_equal(end->output, "");
    assert_int_equal(end->ends, 1);
    assert_null(ops_test_end(host, 0));
    assert_null(ops_test_end(host, 3));
    kit_close(host);
}

static void test_host__forgets_what_has_ended(void **state)
{
    ops_test_host *host = kit_open(DEEDS, NULL);
    ops_test_task running = kit_start(host, "deeds", "{\"do\":\"never\"}");
    (void)state;
    (void)kit_run(host, "deeds", "{\"do\":\"now\"}");
    assert_int_equal(ops_test_forget(host, running), OPS_E_STALE);
    assert_int_equal(ops_test_forget(host, 2), OPS_OK);
    assert_int_equal(ops_test_forget(host, 2), OPS_E_STALE);
    assert_null(ops_test_end(host, 2));
    assert_int_equal(ops_test_item_count(host, 2), 0);
    assert_int_equal(ops_test_steps(host, 2), 0);
    kit_close(host);
}

static void test_host__closes_on_tasks_that_run(void **state)
{
    static const char *const configs[] = {"{\"do\":\"never\"}", "{\"do\":\"http_stream\"}",
                                          "{\"do\":\"later\",\"ms\":100}", "{\"do\":\"politely\"}"};
    ops_test_host *host = kit_open(DEEDS, NULL);
    (void)state;
    assert_int_equal(ops_test_http_rule(host, NULL, "*", 0, NULL), OPS_OK);
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        (void)kit_start(host, "deeds", configs[i]);
    }
    (void)kit_start(host, "deeds.blocking", "{\"do\":\"until_cancelled\"}");
    assert_int_equal(ops_test_close(host), OPS_OK);
}

static void test_host__children_need_the_option(void **state)
{
    (void)state;
    for (uint32_t flags = 0; flags <= OPS_TEST_PROCESSES; flags++) {
        ops_test_host *host = kit_open(SERVICES, &(ops_test_options){.flags = flags});
        const ops_test_result *end = kit_run(host, "services.shell", "{\"line\":\"echo hey\"}");
        assert_int_equal(end->kind, flags != 0 ? OPS_TEST_DONE : OPS_TEST_FAILED);
        kit_close(host);
    }
}

/* Each allocation fails in turn: it opens as if nothing was, or says so. */
static void test_host__opens_or_says_that_memory_is_short(void **state)
{
    const ops_test_fault fault = {.where = "ops.timer", .n = 1};
    const ops_test_options options = {
        .without = "ops.kv", .state_folder = "/nowhere", .fault = &fault};
    bool is_reached = true;
    (void)state;
    kit_close(kit_open(DEEDS, &options)); /* what is loaded once is there */
    for (long n = 0; is_reached; n++) {
        ops_test_host *host = NULL;
        ops_test_problem why = {""};
        failing_alloc_arm(n);
        ops_status status = ops_test_open(DEEDS, &options, &host, &why);
        is_reached = failing_alloc_disarm();
        if (status == OPS_OK) {
            kit_close(host);
        } else {
            assert_true(is_reached);
            assert_int_not_equal(why.text[0], '\0');
        }
    }
}

/* The same for a task and all that it tells. */
static void test_host__tasks_end_or_memory_is_said_to_be_short(void **state)
{
    bool is_reached = true;
    (void)state;
    for (long n = 0; is_reached; n++) {
        ops_test_host *host = kit_open(DEEDS, NULL);
        const ops_test_spec spec = {.type = "deeds", .config = "{\"do\":\"progress\"}"};
        ops_test_task task = 0;
        failing_alloc_arm(n);
        ops_status status = ops_test_start(host, &spec, &task, NULL);
        ops_status ran = status == OPS_OK ? ops_test_run(host, task) : OPS_E_RESOURCE;
        is_reached = failing_alloc_disarm();
        assert_true(ran == OPS_OK || ran == OPS_E_RESOURCE);
        assert_true(is_reached || ran == OPS_OK);
        kit_close(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host__says_why_it_does_not_open),
        cmocka_unit_test(test_host__opens_what_another_user_owns),
        cmocka_unit_test(test_host__shows_what_the_manifest_says),
        cmocka_unit_test(test_host__takes_a_fault_before_it_opens),
        cmocka_unit_test(test_host__is_without_what_is_optional),
        cmocka_unit_test(test_host__tells_tasks_what_they_are),
        cmocka_unit_test(test_host__says_why_a_task_does_not_start),
        cmocka_unit_test(test_host__checks_services),
        cmocka_unit_test(test_host__outputs_are_held_to_their_schema),
        cmocka_unit_test(test_host__ports_and_failures_are_told_whole),
        cmocka_unit_test(test_host__forgets_what_has_ended),
        cmocka_unit_test(test_host__closes_on_tasks_that_run),
        cmocka_unit_test(test_host__children_need_the_option),
        cmocka_unit_test(test_host__opens_or_says_that_memory_is_short),
        cmocka_unit_test(test_host__tasks_end_or_memory_is_said_to_be_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
