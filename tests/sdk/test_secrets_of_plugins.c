/* SPDX-License-Identifier: Apache-2.0 */

/* What a plugin does with secrets of its config, with the capability and without. The plugins are
 * plugins/secrets.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/host/secret.h"
#include "opstream/abi.h"
#include "tests/sdk/rig.h"

static struct rig rig;
static uint64_t last_token;

#define CONFIG "{\"a\":1,\"key\":\"http://hunter22/\"}"
#define WRONG                                                                                      \
    "\"a_map\":2,\"flags\":15,\"no_parts\":16,\"many\":2,\"stale\":14,\"stale_scope\":14,"         \
    "\"no_out\":16}"

static void test_secrets__are_used_and_not_read(void **state)
{
    (void)state;
    assert_string_equal(
        rig_run(&rig, ++last_token, "keeper.look", CONFIG),
        "done {\"type\":5,\"text\":\"status 4\",\"bytes\":4,\"count\":0,"
        "\"json\":\"{\\\"a\\\":1,\\\"key\\\":\\\"***\\\"}\",\"kept\":\"status 4\","
        "\"in_list\":\"status 4\",\"digest\":32,\"join\":0,\"joined\":\"status 4\","
        "\"open\":\"YWJhYg==\",\"prefixed\":\"Bearer ab\",\"no_text\":false," WRONG);
}

static void test_secrets__are_read_by_who_was_granted_it(void **state)
{
    (void)state;
    assert_string_equal(
        rig_run(&rig, ++last_token, "reader.look", CONFIG),
        "done {\"type\":5,\"text\":\"http://hunter22/\",\"bytes\":0,\"count\":16,"
        "\"json\":\"{\\\"a\\\":1,\\\"key\\\":\\\"http://hunter22/\\\"}\","
        "\"kept\":\"http://hunter22/\",\"in_list\":\"http://hunter22/\",\"digest\":32,\"join\":0,"
        "\"joined\":\"aHR0cDovL2h1bnRlcjIyL2Fi\",\"open\":\"YWJhYg==\","
        "\"prefixed\":\"Bearer ab\",\"no_text\":false," WRONG);
}

static void answer(struct rig_call *call)
{
    const struct host_http_response response = {.status = 200,
                                                .effective_url = STR("http://hunter22/")};
    call->is_open = false;
    call->done(call->user, &response, NULL);
}

static const char *send_by(const char *type, const char *config, const char *sent)
{
    struct error err = {0};
    assert_int_equal(rig_start(&rig, ++last_token, type, config, &err), 0);
    struct rig_call *call = rig_wait_call(&rig, rig.call_count + 1);
    assert_string_equal(call->text.p, sent);
    answer(call);
    return rig_wait(&rig, last_token);
}

static void test_secrets__go_into_headers_and_addresses(void **state)
{
    (void)state;
    static const char hidden[] = "{\"hidden_url\":true,\"key\":\"http://hunter22/\"}";
    const char *end = send_by("keeper.send", CONFIG, "GET http://a/ A=open B=http://hunter22/ ");
    assert_string_equal(end, "done {\"url\":\"http://hunter22/\"}");
    /* where it went is part of what may not be read */
    end = send_by("keeper.send", hidden, "GET http://hunter22/ A=open B=http://hunter22/ ");
    assert_string_equal(end, "done {\"url\":\"\"}");
    end = send_by("reader.send", hidden, "GET http://hunter22/ A=open B=http://hunter22/ ");
    assert_string_equal(end, "done {\"url\":\"http://hunter22/\"}");
    /* a request of older headers ends before them */
    end = send_by("keeper.send", "{\"old\":true}", "GET http://a/ A=open B=not sent ");
    assert_string_equal(end, "done {\"url\":\"http://hunter22/\"}");
}

static void test_secrets__no_text_is_no_header(void **state)
{
    (void)state;
    const char *end = rig_run(&rig, ++last_token, "keeper.send", "{\"bad\":true}");
    assert_non_null(strstr(end, "\"code\":\"INTERNAL\""));
}

/* ---- adopt ---- */

static int keeper_status;
static char keeper_saw[128];

static int keep(void *self, const struct host_secret_adoption *adoption)
{
    (void)self;
    (void)snprintf(keeper_saw, sizeof keeper_saw, "%d of %.*s: %.*s for %d",
                   adoption->token == last_token, STR_ARG(adoption->of), STR_ARG(adoption->text),
                   (int)adoption->ttl_ms);
    return keeper_status;
}

static const struct host_secrets keeper = {.adopt = keep};

static const char *adopt_by(const char *type, const char *config, int status)
{
    keeper_status = status;
    keeper_saw[0] = '\0';
    return rig_run(&rig, ++last_token, type, config);
}

static void test_secrets__what_is_made_of_one_is_adopted(void **state)
{
    (void)state;
    static const char config[] = "{\"key\":\"hunter22\",\"text\":\"a token\"}";
    assert_string_equal(adopt_by("keeper.adopt", config, 0),
                        "done {\"status\":0,\"made\":\"status 4\"}");
    assert_string_equal(keeper_saw, "1 of hunter22: a token for 1000");
    assert_string_equal(adopt_by("reader.adopt", config, 0),
                        "done {\"status\":0,\"made\":\"a token\"}");
    static const struct {
        int status;
        const char *end;
    } cases[] = {
        {E_NOT_FOUND, "done {\"status\":1,\"made\":\"status 14\"}"},
        {E_INVALID, "done {\"status\":1,\"made\":\"status 14\"}"},
        {E_LIMIT, "done {\"status\":12,\"made\":\"status 14\"}"},
        {E_NOMEM, "done {\"status\":12,\"made\":\"status 14\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(adopt_by("keeper.adopt", config, cases[i].status), cases[i].end);
    }
}

static void test_secrets__what_is_made_of_none_is_not_hidden(void **state)
{
    (void)state;
    rig.secret = NULL;
    assert_string_equal(
        adopt_by("keeper.adopt", "{\"key\":\"open\",\"text\":\"a token\"}", E_NOMEM),
        "done {\"status\":0,\"made\":\"a token\"}");
    rig.secret = "key";
    assert_string_equal(keeper_saw, "");
}

static void test_secrets__bad_adoptions_are_refused(void **state)
{
    (void)state;
    assert_string_equal(
        adopt_by("keeper.adopt", "{\"key\":\"hunter22\",\"text\":\"a token\",\"bad\":true}", 0),
        "done {\"short\":2,\"nul\":2,\"no_text\":2,\"no_time\":16,\"no_request\":16,"
        "\"stale\":14,\"of_a_map\":2,\"of_stale\":14,\"flags\":15,\"size\":16,"
        "\"no_done\":16}");
    assert_string_equal(keeper_saw, "");
}

static void test_secrets__reach_a_child_that_the_plugin_does_not_read(void **state)
{
    (void)state;
    assert_string_equal(
        rig_run(&rig, ++last_token, "keeper.run", "{\"key\":\"hun\\\"ter22\",\"in\":{\"x\":[1]}}"),
        "done "
        "{\"text\":\"{\\\"x\\\":[1]}\\nplain|hun\\\"ter22|{\\\"key\\\":"
        "\\\"hun\\\\\\\"ter22\\\","
        "\\\"in\\\":{\\\"x\\\":[1]}}|d|none|none\\n\",\"left_out\":0}");
    assert_string_equal(
        rig_run(&rig, ++last_token, "keeper.run",
                "{\"key\":\"hunter22\",\"null\":null,\"text\":true}"),
        "done "
        "{\"text\":\"hunter22plain|hunter22|{\\\"key\\\":\\\"hunter22\\\",\\\"null\\\":null,"
        "\\\"text\\\":true}|d|none|none\\n\",\"left_out\":0}");
    /* a spec of older headers ends before them */
    assert_string_equal(
        rig_run(&rig, ++last_token, "keeper.run", "{\"key\":\"hunter22\",\"old\":true}"),
        "done {\"text\":\"not readplain|||d|none|none\\n\",\"left_out\":0}");
    const char *end =
        rig_run(&rig, ++last_token, "keeper.run", "{\"stale\":true,\"key\":\"hunter22\"}");
    assert_non_null(strstr(end, "\"code\":\"STALE\""));
}

/* A NUL byte, and more than Linux takes as one variable. */
static void test_secrets__what_no_child_can_be_given_is_left_out(void **state)
{
    struct strbuf config = STRBUF_INIT;
    (void)state;
    strbuf_append_text(
        &config,
        "{\"all\":true,\"key\":\"hunter22\",\"text\":true,\"nul\":\"a\\u0000b\",\"long\":\"");
    for (int i = 0; i < 131070; i++) {
        strbuf_append_char(&config, 'x');
    }
    strbuf_append_text(&config, "\"}");
    assert_string_equal(
        rig_run(&rig, ++last_token, "keeper.run", config.p),
        "done {\"text\":\"hunter22plain|hunter22||d|none|none\\n\",\"left_out\":3}");
    strbuf_finish(&config);
}

static int open_rig(void **state)
{
    static const char *const folders[] = {SECRETS_DIR};
    const struct rig_options options = {.folders = folders, .folder_count = 1, .secrets = &keeper};
    (void)state;
    rig_open(&rig, &options);
    rig.secret = "key";
    rig.memory_bytes = 0; /* children have what the machine has */
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets__are_used_and_not_read),
        cmocka_unit_test(test_secrets__are_read_by_who_was_granted_it),
        cmocka_unit_test(test_secrets__go_into_headers_and_addresses),
        cmocka_unit_test(test_secrets__no_text_is_no_header),
        cmocka_unit_test(test_secrets__what_is_made_of_one_is_adopted),
        cmocka_unit_test(test_secrets__what_is_made_of_none_is_not_hidden),
        cmocka_unit_test(test_secrets__bad_adoptions_are_refused),
        cmocka_unit_test(test_secrets__reach_a_child_that_the_plugin_does_not_read),
        cmocka_unit_test(test_secrets__what_no_child_can_be_given_is_left_out),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
