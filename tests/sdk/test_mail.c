/* SPDX-License-Identifier: Apache-2.0 */

/* ops.mail, as a plugin meets it, over a mail service that the test turns by hand. The plugin:
 * plugins/mail.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/host/mail.h"
#include "opstream/abi.h"
#include "tests/sdk/rig.h"

static struct rig rig;
static uint64_t last_token;

/* ---- the service ---- */

static struct {
    char text[512]; /* of the last request: "smtps://mail.test:465 user:password sender > to ..." */
    char message[4096];
    host_mail_done_cb done;
    void *user;
    bool holds;
    bool is_aborted;
    const struct host_mail_failure *failure; /* NULL: it is sent */
    char part[64];                           /* the first of the parts */
} service;

static void answer(void)
{
    static const struct host_mail_result sent = {.code = 250, .reply = {"queued as 7", 11}};
    host_mail_done_cb done = service.done;
    service.done = NULL;
    done(service.user, service.failure == NULL ? &sent : NULL, service.failure);
}

static void on_later(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
    answer();
}

static int take(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                void *user, void **out_call, struct error *err)
{
    static uv_timer_t timer;
    int n = snprintf(service.text, sizeof service.text, "%.*s tls %d %.*s:%.*s %.*s >",
                     STR_ARG(request->url), (int)request->tls, STR_ARG(request->username),
                     STR_ARG(request->password), STR_ARG(request->sender));
    (void)self;
    (void)err;
    for (size_t i = 0; i < request->recipient_count; i++) {
        n += snprintf(service.text + n, sizeof service.text - (size_t)n, " %.*s",
                      STR_ARG(request->recipients[i]));
    }
    (void)snprintf(service.message, sizeof service.message, "%.*s", STR_ARG(request->message));
    (void)snprintf(service.part, sizeof service.part, "%.*s", STR_ARG(request->parts[0]));
    service.done = done;
    service.user = user;
    *out_call = &service;
    if (!service.holds) {
        assert_int_equal(uv_timer_init(&rig.loop, &timer), 0);
        assert_int_equal(uv_timer_start(&timer, on_later, 0, 0), 0);
    }
    return 0;
}

static void give_up(void *self, void *call)
{
    static const struct host_mail_failure cancelled = {.code = "CANCELLED",
                                                       .symbol = "mail.cancelled"};
    (void)self;
    assert_ptr_equal(call, &service);
    service.is_aborted = true;
    service.failure = &cancelled;
    answer();
}

static const struct host_mail mail = {.send = take, .abort = give_up};

static const char *run(const char *type, const char *config)
{
    return rig_run(&rig, ++last_token, type, config);
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

/* ---- tests ---- */

static void test_mail__what_is_asked_reaches_the_service(void **state)
{
    (void)state;
    assert_has(run("mail.send", "{\"to\":\"B <b@two.test>\",\"bcc\":\"c@two.test\",\"subject\":"
                                "\"Hi\",\"text\":\"there\",\"username\":\"me\",\"password\":\"pw\","
                                "\"label\":\"x y\",\"file\":\"a.txt\"}"),
               "done {\"code\":250,\"reply\":\"queued as 7\",\"message_id\":\"<");
    assert_string_equal(service.text,
                        "smtps://mail.test:465 tls 0 me:pw a@one.test > b@two.test c@two.test");
    assert_has(service.message, "To: \"B\"\r\n <b@two.test>\r\nSubject: Hi\r\nMessage-ID: <");
    assert_has(service.message, ".x-y@one.test>\r\n");
    assert_has(service.message, "filename=\"a.txt\"");
    assert_null(strstr(service.message, "c@two.test"));
    assert_string_equal(service.part, "Hi");
}

static void test_mail__ports_are_the_usual_ones(void **state)
{
    (void)state;
    (void)run("mail.send", "{\"to\":\"b@two.test\",\"tls\":1}");
    assert_has(service.text, "smtp://mail.test:587 tls 1 ");
    (void)run("mail.send", "{\"to\":\"b@two.test\",\"tls\":2,\"host\":\"::1\"}");
    assert_has(service.text, "smtp://[::1]:25 tls 2 ");
    (void)run("mail.send", "{\"to\":\"b@two.test\",\"port\":2525}");
    assert_has(service.text, "smtps://mail.test:2525 ");
}

static void test_mail__a_failure_keeps_what_is_known_of_it(void **state)
{
    (void)state;
    static const struct host_mail_failure failure = {.code = "INPUT",
                                                     .symbol = "mail.recipient",
                                                     .is_final = true,
                                                     .is_maybe_done = true,
                                                     .message = {"no such user", 12},
                                                     .hint = {"look", 4}};
    service.failure = &failure;
    const char *end = run("mail.send", "{\"to\":\"b@two.test\"}");
    assert_has(end, "failed {\"code\":\"INPUT\",\"message\":\"no such user\",\"hint\":\"look\"");
    assert_has(end, "\"symbol\":\"mail.recipient\"");
    assert_has(end, "\"effect\":\"maybe\",\"retry\":\"no\"");
}

static void test_mail__what_is_wrong_with_a_request_is_told(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{}", "there is no recipient"},
        {"{\"to\":\"nobody\"}", "'to': 'nobody' is no address"},
        {"{\"to\":\"b@two.test\",\"from\":\"x@\"}", "'from': 'x@' is no address"},
        {"{\"to\":\"b@two.test\",\"bcc\":\"b@two.test\\r\\nDATA\"}", "'bcc'"},
        {"{\"to\":\"b@two.test\",\"reply_to\":\"a\"}", "'reply_to'"},
        {"{\"to\":\"b@two.test\",\"subject\":\"a\\r\\nBcc: x@y.test\"}", "'subject' has a control"},
        {"{\"to\":\"b@two.test\",\"file\":\"a/b\"}", "attachment 1: its name"},
        {"{\"to\":\"b@two.test\",\"password\":\"x\"}", "no user's name"},
        {"{\"to\":\"b@two.test\",\"username\":\"x\\n\"}", "a line end"},
        {"{\"to\":\"b@two.test\",\"port\":70000}", "a port up to 65535"},
        {"{\"to\":\"b@two.test\",\"host\":\"\"}", "has a host"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *end = run("mail.send", rows[i][0]);
        assert_has(end, "failed {\"code\":\"CONFIG\"");
        assert_has(end, rows[i][1]);
        assert_has(end, "mail.request");
    }
    assert_string_equal(service.text, "");
}

static void test_mail__an_abort_is_answered(void **state)
{
    (void)state;
    service.holds = true;
    assert_has(run("mail.send", "{\"to\":\"b@two.test\",\"abort\":true}"),
               "failed {\"code\":\"CANCELLED\"");
    assert_true(service.is_aborted);
}

static void test_mail__bad_calls_are_refused(void **state)
{
    (void)state;
    assert_string_equal(
        run("mail.refused", "{}"),
        "done {\"no_request\":16,\"size\":16,\"no_text\":16,\"stale\":14,\"no_done\":"
        "16,\"flags\":15,\"tls\":15,\"recipients\":16,\"attachment\":16,\"no_attachment\":16,"
        "\"abort_stale\":14}");
    assert_string_equal(service.text, "");
}

static int set_up(void **state)
{
    static const char *const folder = MAIL_DIR;
    (void)state;
    memset(&service, 0, sizeof service);
    rig_open(&rig, &(struct rig_options){.folders = &folder, .folder_count = 1, .mail = &mail});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(&rig);
    last_token = 0;
    return 0;
}

static void test_mail__without_mail_the_plugin_is_refused(void **state)
{
    (void)state;
    rig_expect_lacking(MAIL_DIR, "mail.send", "{}", "ops.mail");
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_mail__what_is_asked_reaches_the_service),
        WITH_RIG(test_mail__ports_are_the_usual_ones),
        WITH_RIG(test_mail__a_failure_keeps_what_is_known_of_it),
        WITH_RIG(test_mail__what_is_wrong_with_a_request_is_told),
        WITH_RIG(test_mail__an_abort_is_answered),
        WITH_RIG(test_mail__bad_calls_are_refused),
        cmocka_unit_test(test_mail__without_mail_the_plugin_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
