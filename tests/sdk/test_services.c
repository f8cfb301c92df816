/* SPDX-License-Identifier: Apache-2.0 */

/* ops.process and ops.job, as a plugin meets them. The plugin is plugins/services.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "opstream/abi.h"
#include "tests/sdk/rig.h"

static struct rig rig;
static uint64_t last_token;

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in '%s'", part, text);
    }
}

static const char *run(const char *type, const char *config)
{
    return rig_run(&rig, ++last_token, type, config);
}

static void test_services__bad_calls_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        ops_status status;
    } cases[] = {
        {"no_argv", OPS_E_INPUT},         {"empty_program", OPS_E_INPUT},
        {"nul_in_argv", OPS_E_INPUT},     {"no_text", OPS_E_INPUT},
        {"too_many", OPS_E_RESOURCE},     {"no_pair", OPS_E_INPUT},
        {"env_missing", OPS_E_INTERNAL},  {"relative_cwd", OPS_E_INPUT},
        {"no_input", OPS_E_INTERNAL},     {"limits_size", OPS_E_INTERNAL},
        {"size", OPS_E_INTERNAL},         {"no_on_exit", OPS_E_INTERNAL},
        {"stale_task", OPS_E_STALE},      {"no_spec", OPS_E_INTERNAL},
        {"kill_no_signal", OPS_E_INPUT},  {"kill_far_signal", OPS_E_INPUT},
        {"kill_stale", OPS_E_STALE},      {"find_nul", OPS_E_NOT_FOUND},
        {"find_stale", OPS_E_STALE},      {"job_no_work", OPS_E_INTERNAL},
        {"job_no_done", OPS_E_INTERNAL},  {"job_stale_task", OPS_E_STALE},
        {"job_abort_stale", OPS_E_STALE},
    };
    const char *end = run("services.refused", "{}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char part[64];
        (void)snprintf(part, sizeof part, "\"%s\":%d", cases[i].name, (int)cases[i].status);
        assert_contains(end, part);
    }
}

static void test_services__find_looks_in_the_path(void **state)
{
    (void)state;
    assert_contains(run("services.find", "{\"name\":\"sh\"}"), "\"status\":0,\"path\":\"/");
    assert_string_equal(run("services.find", "{\"name\":\"no-such-program\"}"),
                        "done {\"status\":5,\"path\":\"nowhere\"}");
}

static void test_services__children_get_what_the_spec_says(void **state)
{
    (void)state;
    assert_int_equal(setenv("SERVICES_TEST", "here", 1), 0);
    assert_int_equal(setenv("SERVICES_OTHER", "not asked for", 1), 0);
    const char *end =
        run("services.shell",
            "{\"line\":\"echo $A $B $SERVICES_TEST [$SERVICES_OTHER] [${NOT_SET-}]; cat; pwd\","
            "\"input\":\"x y\\n\",\"cwd\":\"/usr\"}");
    assert_string_equal(end, "done {\"out\":\"3 2 here [] []\\nx y\\n/usr\\n\",\"code\":0,"
                             "\"signal\":0,\"limit\":0}");
    end = run("services.shell", "{\"line\":\"echo $SERVICES_OTHER $A; echo e >&2\",\"flags\":3}");
    assert_contains(end, "\"out\":\"not asked for 3\\ne\\n\"");
    assert_int_equal(unsetenv("SERVICES_TEST") + unsetenv("SERVICES_OTHER"), 0);
}

/* Neither the plugin nor what we inherited has the last word. */
static void test_services__children_have_the_mark_of_their_owner(void **state)
{
    (void)state;
    static const char line[] = "{\"line\":\"echo [$A] [$OPSTREAM_OWNER]\",\"flags\":1}";
    static const char bare[] = "{\"line\":\"echo [$A] [$OPSTREAM_OWNER]\"}";
    const char *folder = SERVICES_DIR;
    struct rig marked;
    struct rig_options options = {
        .folders = &folder, .folder_count = 1, .child_mark = "OPSTREAM_OWNER=i1-2-3-4"};
    assert_int_equal(setenv("OPSTREAM_OWNER", "outer", 1), 0);
    assert_contains(run("services.shell", bare), "\"out\":\"[3] []\\n\"");
    assert_contains(run("services.shell", line), "\"out\":\"[3] [outer]\\n\"");
    rig_open(&marked, &options);
    marked.memory_bytes = 0;
    assert_contains(rig_run(&marked, 1, "services.shell", line), "\"out\":\"[3] [i1-2-3-4]\\n\"");
    assert_contains(rig_run(&marked, 2, "services.shell", bare), "\"out\":\"[3] [i1-2-3-4]\\n\"");
    rig_close(&marked);
    options.child_mark = "A=mark";
    rig_open(&marked, &options);
    marked.memory_bytes = 0;
    assert_contains(rig_run(&marked, 1, "services.shell", bare), "\"out\":\"[mark] []\\n\"");
    rig_close(&marked);
    assert_int_equal(unsetenv("OPSTREAM_OWNER"), 0);
}

static void test_services__kill_reaches_the_group(void **state)
{
    (void)state;
    const char *end =
        run("services.shell", "{\"line\":\"sleep 60 & echo go; wait; echo no\",\"signal\":9}");
    assert_string_equal(end, "done {\"out\":\"go\\n\",\"code\":-1,\"signal\":9,\"limit\":0}");
}

static void test_services__what_cannot_run_is_told_to_on_exit(void **state)
{
    (void)state;
    const char *end = run("services.shell", "{\"program\":\"no-such-program\"}");
    assert_contains(end, "NOT_FOUND");
    assert_contains(end, "'no-such-program' is not in ");
    end = run("services.shell", "{\"program\":\"/etc/passwd\"}");
    assert_contains(end, "PERMISSION");
    assert_contains(end, "'/etc/passwd': cannot run the program: Permission denied");
    end = run("services.shell", "{\"line\":\":\",\"cwd\":\"/no/such/folder\"}");
    assert_contains(end, "cannot enter the working folder: No such file or directory");
}

static void test_services__the_pipeline_s_limits_reach_the_child(void **state)
{
    (void)state;
    rig.memory_bytes = 256u << 20;
    rig.output_bytes = 1000;
    rig.cpu_ms = 60001;
    rig.file_bytes = 1u << 20;
    rig.open_files = 64;
    assert_contains(run("services.shell", "{\"line\":\"for i in d c t f n; do ulimit -$i; done\"}"),
                    "\"out\":\"262144\\n0\\n61\\n2048\\n64\\n\"");
    rig.cpu_ms = 0;
    rig.file_bytes = 0;
    rig.open_files = 0;
    assert_contains(run("services.shell", "{\"line\":\"yes\"}"), "\"signal\":9,\"limit\":4}");
    rig.memory_bytes = 0;
    rig.output_bytes = 0;
}

static void test_services__a_job_is_taken_back_or_done(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        const char *end = run("services.jobs", "{}");
        assert_true(strcmp(end, "done {\"status\":0}") == 0 ||
                    strcmp(end, "done {\"status\":11}") == 0);
    }
}

static int open_rig(void **state)
{
    (void)state;
    rig_open_folder(&rig, SERVICES_DIR);
    rig.memory_bytes = 0;
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void test_services__values_are_checked_by_a_schema(void **state)
{
    (void)state;
    static const char schema[] = "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{"
                                 "\"a\":{\"enum\":[1,2]},\"l\":{\"items\":{\"type\":\"string\"}}}}";
    static const struct {
        const char *schema;
        const char *value;
        const char *end;
    } cases[] = {
        {schema, "{\"a\":1,\"l\":[\"x\"]}", "{\"status\":0,\"message\":\"fine\",\"no_err\":0"},
        {schema, "{\"a\":3,\"l\":[\"x\",2]}",
         "{\"status\":2,\"message\":\"/a must be one of 1 or 2, found 3; /l/1 must be text, found "
         "2"},
        {schema, "{}", "{\"status\":2,\"message\":\"must have the key 'a'"},
        {"{\"type\":\"thing\"}", "1", "{\"status\":1,\"message\":\"/type"},
        {"7", "1", "{\"status\":1,\"message\":"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char config[512];
        (void)snprintf(config, sizeof config, "{\"schema\":%s,\"value\":%s}", cases[i].schema,
                       cases[i].value);
        const char *end = run("services.schema", config);
        assert_contains(end, cases[i].end);
        assert_contains(end, "\"stale_schema\":14,\"stale_value\":14,\"stale_scope\":14,"
                             "\"no_host\":16}");
    }
    /* without a value only the schema is looked at */
    assert_contains(run("services.schema", "{\"schema\":{\"type\":\"string\"}}"),
                    "{\"status\":0,\"message\":\"fine\",\"no_err\":0,\"bytes\":2");
    assert_contains(run("services.schema", "{\"schema\":{\"minimum\":\"x\"}}"),
                    "{\"status\":1,\"message\":\"/minimum");
}

static void test_services__the_host_signs_with_a_key_of_the_config(void **state)
{
    (void)state;
    static const char wrong[] =
        ",\"of_map\":2,\"of_stale\":14,\"in_stale\":14,\"no_out\":16,\"no_bytes\":16,\"no_host\":"
        "16,"
        "\"stale_key\":14,\"stale_task\":14,\"algorithm\":15,\"size\":16,\"no_request\":16,"
        "\"bad_data\":16,\"no_done\":16,\"abort_stale\":14,";
    static const struct {
        const char *config;
        const char *end;
    } cases[] = {
        {"{\"key\":\"Jefe\",\"data\":\"what do ya want for nothing?\"}",
         "\"status\":0,\"message\":\"fine\",\"bytes\":32,\"hex\":"
         "\"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843\""},
        {"{\"key\":7}", "\"status\":1,\"message\":\"the key must be text\""},
        {"{\"key\":\"\"}", "\"status\":1,\"message\":\"the key must not be empty\""},
        {"{\"key\":\"Jefe\",\"way\":\"rs256\"}",
         "\"status\":1,\"message\":\"the key is no private key in PEM, which begins with "
         "'-----BEGIN' and has several lines\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *end = run("services.sign", cases[i].config);
        assert_contains(end, cases[i].end);
        if (i != 1) { /* there the key is none for a digest either */
            assert_contains(end, wrong);
        }
    }
    /* what has begun goes to its end */
    assert_contains(run("services.sign", "{\"key\":\"Jefe\",\"abort\":true}"),
                    "\"status\":0,\"message\":\"fine\",\"bytes\":32,");
}

/* The same on all machines and for ever: what plugins keep by it is found again. */
static void test_services__a_digest_tells_keys_and_data_apart(void **state)
{
    (void)state;
    assert_contains(run("services.sign", "{\"key\":\"Jefe\"}"),
                    "\"digest\":0,\"digest_hex\":"
                    "\"512f8b77cc96ea49c3e92926226b9e5f0e6151f0529a93883d59200efa1b932c\"");
    assert_contains(run("services.sign", "{\"key\":\"Jeff\"}"),
                    "\"digest\":0,\"digest_hex\":"
                    "\"5e141230ea73ea541263d3f275f5719e703b769a9caed2810eb8aa416526e0ad\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_services__bad_calls_are_refused),
        cmocka_unit_test(test_services__find_looks_in_the_path),
        cmocka_unit_test(test_services__children_get_what_the_spec_says),
        cmocka_unit_test(test_services__kill_reaches_the_group),
        cmocka_unit_test(test_services__what_cannot_run_is_told_to_on_exit),
        cmocka_unit_test(test_services__the_pipeline_s_limits_reach_the_child),
        cmocka_unit_test(test_services__a_job_is_taken_back_or_done),
        cmocka_unit_test(test_services__values_are_checked_by_a_schema),
        cmocka_unit_test(test_services__the_host_signs_with_a_key_of_the_config),
        cmocka_unit_test(test_services__a_digest_tells_keys_and_data_apart),
        /* Last: the library is loaded once, and knows the newest host only. */
        cmocka_unit_test(test_services__children_have_the_mark_of_their_owner),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
