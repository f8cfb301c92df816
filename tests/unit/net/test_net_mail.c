/* SPDX-License-Identifier: Apache-2.0 */

/* Mail, sent to a server that says what it is told to. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "core/base/error.h"
#include "core/net/mail.h"
#include "tests/unit/net/smtp_server.h"

static uv_loop_t loop;
static struct net *net;
static struct smtp_server *server;

static const struct str recipients[] = {{"b@two.test", 10}, {"c@two.test", 10}};

/* What came of the last mail. */
static struct {
    int dones;
    bool is_sent;
    int code;
    enum net_mail_step step;
    char text[256];
    enum net_failure_class failure_class;
    enum net_effect effect;
    char message[512];
} x;

static void on_done(void *user, const struct net_mail_reply *reply,
                    const struct net_failure *failure)
{
    (void)user;
    x.dones++;
    x.is_sent = failure == NULL;
    x.code = reply->code;
    x.step = reply->step;
    (void)snprintf(x.text, sizeof x.text, "%.*s", STR_ARG(reply->text));
    if (failure != NULL) {
        x.failure_class = failure->failure_class;
        x.effect = failure->effect;
        (void)snprintf(x.message, sizeof x.message, "%.*s", STR_ARG(failure->message));
    }
}

static int set_up(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    memset(&x, 0, sizeof x);
    assert_int_equal(uv_loop_init(&loop), 0);
    return net_create(&loop, NULL, &net, NULL);
}

static void on_closed(void *user)
{
    (void)user;
}

static int tear_down(void **state)
{
    (void)state;
    net_close(net, on_closed, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    smtp_server_stop(server);
    server = NULL;
    return 0;
}

static struct net_mail make_mail(void)
{
    return (struct net_mail){.host = STR("127.0.0.1"),
                             .port = server != NULL ? smtp_server_port(server) : 1,
                             .tls = NET_MAIL_PLAIN,
                             .sender = STR("a@one.test"),
                             .recipients = recipients,
                             .recipient_count = 2,
                             .message = STR("Subject: x\r\n\r\nline\r\n.dot\r\n..two\r\n"),
                             .timeout_ms = 60000,
                             .done = on_done};
}

static void wait_done(void)
{
    while (x.dones == 0) {
        assert_int_not_equal(uv_run(&loop, UV_RUN_ONCE) + 1, 0);
    }
    assert_int_equal(x.dones, 1);
}

static void send_mail(struct net_mail mail)
{
    assert_int_equal(net_send_mail(net, &mail, NULL, NULL), 0);
    assert_int_equal(x.dones, 0); /* never from inside */
    wait_done();
}

#define SERVE(...)                                                                                 \
    static const char *const lines[] = {__VA_ARGS__};                                              \
    server = smtp_server_start(lines, sizeof lines / sizeof lines[0]);                             \
    assert_non_null(server)

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

static void assert_failed(enum net_failure_class failure_class, enum net_effect effect,
                          const char *words)
{
    assert_false(x.is_sent);
    assert_has(x.message, words);
    assert_int_equal(x.failure_class, failure_class);
    assert_int_equal(x.effect, effect);
}

/* ---- what is sent ---- */

static void test_net_mail__a_message_is_sent_and_its_dots_stuffed(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "250 ok", "354 go", "250 2.0.0 queued as 7",
          "221 bye");
    send_mail(make_mail());
    assert_true(x.is_sent);
    assert_int_equal(x.code, 250);
    assert_string_equal(x.text, "2.0.0 queued as 7");
    const char *heard = smtp_server_heard(server);
    assert_has(heard, "MAIL FROM:<a@one.test>\r\nRCPT TO:<b@two.test>\r\nRCPT TO:<c@two.test>\r\n"
                      "DATA\r\nSubject: x\r\n\r\nline\r\n..dot\r\n...two\r\n.\r\nQUIT\r\n");
}

static void test_net_mail__a_login_goes_before_it(void **state)
{
    (void)state;
    struct net_mail mail;
    SERVE("220 hi", "250-me\r\n250 AUTH PLAIN", "334 ", "235 welcome", "250 ok", "250 ok", "250 ok",
          "354 go", "250 queued", "221 bye");
    mail = make_mail();
    mail.username = STR("me");
    mail.password = STR("secret");
    send_mail(mail);
    assert_true(x.is_sent);
    assert_has(smtp_server_heard(server), "AUTH PLAIN\r\nAG1lAHNlY3JldA==\r\nMAIL FROM");
}

static void test_net_mail__many_wait_for_each_other(void **state)
{
    (void)state;
    SERVE("");
    struct net_mail mail = make_mail();
    mail.port = 1;
    for (int i = 0; i < 3 * NET_MAIL_AT_A_TIME; i++) {
        assert_int_equal(net_send_mail(net, &mail, NULL, NULL), 0);
    }
    while (x.dones < 3 * NET_MAIL_AT_A_TIME) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    assert_failed(NET_FAILED_REFUSED, NET_EFFECT_NONE, "cannot connect to 'smtp://127.0.0.1:1'");
}

/* ---- what is refused ---- */

static void test_net_mail__a_recipient_is_refused(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "550 5.1.1 no such user", "221 bye");
    send_mail(make_mail());
    assert_failed(NET_FAILED_REPLY, NET_EFFECT_NONE,
                  "refuses the recipient 'c@two.test': 550 5.1.1 no such user");
    assert_int_equal(x.code, 550);
    assert_int_equal(x.step, NET_MAIL_RECIPIENT);
    assert_null(strstr(smtp_server_heard(server), "DATA"));
}

static void test_net_mail__a_message_is_refused_when_it_was_read(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "250 ok", "354 go", "552 5.3.4 too large",
          "221 bye");
    send_mail(make_mail());
    assert_failed(NET_FAILED_REPLY, NET_EFFECT_NONE, "refuses the message: 552 5.3.4 too large");
    assert_int_equal(x.step, NET_MAIL_MESSAGE);
}

static void test_net_mail__a_login_is_refused(void **state)
{
    (void)state;
    struct net_mail mail;
    SERVE("220 hi", "250-me\r\n250 AUTH PLAIN", "334 ", "535 5.7.8 bad credentials", "221 bye");
    mail = make_mail();
    mail.username = STR("me");
    mail.password = STR("wrong");
    send_mail(mail);
    assert_failed(NET_FAILED_REPLY, NET_EFFECT_NONE, "refuses the login: 535 5.7.8");
    assert_int_equal(x.step, NET_MAIL_LOGIN);
}

static void test_net_mail__a_call_is_refused(void **state)
{
    (void)state;
    SERVE("554 no service", NULL);
    send_mail(make_mail());
    assert_failed(NET_FAILED_REPLY, NET_EFFECT_NONE, "refuses the call: 554 no service");
    assert_int_equal(x.step, NET_MAIL_CALL);
}

static void test_net_mail__what_is_no_smtp_is_told(void **state)
{
    (void)state;
    SERVE("HTTP/1.1 400 Bad Request\r\n", NULL);
    send_mail(make_mail());
    assert_false(x.is_sent);
    assert_int_equal(x.effect, NET_EFFECT_NONE);
}

/* ---- what breaks ---- */

static void test_net_mail__the_end_of_the_message_may_have_been_read(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "250 ok", "354 go", NULL);
    send_mail(make_mail());
    assert_failed(NET_FAILED_RESET, NET_EFFECT_MAYBE, "broke the connection");
}

static void test_net_mail__before_that_it_has_no_effect(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "250 ok", NULL);
    send_mail(make_mail());
    assert_failed(NET_FAILED_RESET, NET_EFFECT_NONE, "broke the connection");
}

static void test_net_mail__silence_has_an_end(void **state)
{
    (void)state;
    struct net_mail mail;
    SERVE("");
    mail = make_mail();
    mail.connect_timeout_ms = 200;
    send_mail(mail);
    assert_failed(NET_FAILED_CONNECT_TIMEOUT, NET_EFFECT_NONE, "no greeting within 200 ms");
}

static void test_net_mail__silence_after_the_message_has_an_end(void **state)
{
    (void)state;
    struct net_mail mail;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "250 ok", "354 go", "");
    mail = make_mail();
    mail.timeout_ms = 1000;
    send_mail(mail);
    assert_false(x.is_sent);
    assert_int_equal(x.effect, NET_EFFECT_MAYBE);
    assert_int_equal(x.failure_class, NET_FAILED_TIMEOUT);
}

/* libcurl would wait as long for it as for any reply. */
static void test_net_mail__nobody_waits_for_a_goodbye(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "250 ok", "354 go", "250 queued", "");
    uint64_t start_ns = uv_hrtime();
    send_mail(make_mail());
    assert_true(x.is_sent);
    assert_true(uv_hrtime() - start_ns < UINT64_C(20000000000));
}

static void test_net_mail__nobody_waits_for_one_after_a_refusal(void **state)
{
    (void)state;
    SERVE("220 hi", "250 me", "250 ok", "250 ok", "550 no", "");
    uint64_t start_ns = uv_hrtime();
    send_mail(make_mail());
    assert_failed(NET_FAILED_REPLY, NET_EFFECT_NONE, "'c@two.test': 550 no");
    assert_true(uv_hrtime() - start_ns < UINT64_C(20000000000));
}

static void test_net_mail__an_abort_ends_it(void **state)
{
    (void)state;
    struct net_call *call = NULL;
    struct net_mail mail;
    SERVE("");
    mail = make_mail();
    assert_int_equal(net_send_mail(net, &mail, &call, NULL), 0);
    (void)uv_run(&loop, UV_RUN_ONCE); /* it has begun */
    net_abort(call);
    net_abort(call);
    assert_int_equal(x.dones, 0);
    wait_done();
    assert_failed(NET_FAILED_CANCELED, NET_EFFECT_NONE, "canceled");
}

static void test_net_mail__the_end_of_net_ends_it(void **state)
{
    (void)state;
    struct net_mail mail;
    SERVE("");
    mail = make_mail();
    for (int i = 0; i < NET_MAIL_AT_A_TIME + 2; i++) {
        assert_int_equal(net_send_mail(net, &mail, NULL, NULL), 0);
    }
    (void)uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(tear_down(NULL), 0);
    assert_int_equal(x.dones, NET_MAIL_AT_A_TIME + 2);
    assert_failed(NET_FAILED_CANCELED, NET_EFFECT_NONE, "canceled");
    assert_int_equal(set_up(NULL), 0);
}

/* ---- what may not be ---- */

static void with_net(const struct net_settings *settings, struct net_mail mail)
{
    struct net *own = NULL;
    assert_int_equal(net_create(&loop, settings, &own, NULL), 0);
    assert_int_equal(net_send_mail(own, &mail, NULL, NULL), 0);
    wait_done();
    net_close(own, on_closed, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
}

static void test_net_mail__the_rules_on_addresses_hold(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost", "0x7f.1", "::1"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct net_mail mail = make_mail();
        mail.host = str_from(hosts[i]);
        memset(&x, 0, sizeof x);
        with_net(&(struct net_settings){.private_addresses = NET_PRIVATE_DENY}, mail);
        assert_failed(NET_FAILED_FORBIDDEN, NET_EFFECT_NONE, "must not be called");
    }
}

static void test_net_mail__a_password_needs_tls(void **state)
{
    (void)state;
    struct net_mail mail = make_mail();
    mail.host = STR("192.0.2.1");
    mail.username = STR("me");
    mail.password = STR("secret");
    send_mail(mail);
    assert_failed(NET_FAILED_REQUEST, NET_EFFECT_NONE, "without TLS");
}

static void test_net_mail__starttls_is_no_wish(void **state)
{
    (void)state;
    struct net_mail mail;
    SERVE("220 hi", "250 me", "221 bye");
    mail = make_mail();
    mail.tls = NET_MAIL_STARTTLS;
    send_mail(mail);
    assert_failed(NET_FAILED_TLS, NET_EFFECT_NONE, "offers no STARTTLS");
    assert_null(strstr(smtp_server_heard(server), "MAIL"));
}

static int refuse_hop(void *user, const struct net_hop *hop, struct error *err)
{
    (void)user;
    assert_true(str_equal_text(hop->host, "mail.invalid"));
    assert_int_equal(hop->port, 25);
    return error_set(err, E_INVALID, "not there");
}

static void test_net_mail__a_place_may_be_barred(void **state)
{
    (void)state;
    struct net_mail mail = make_mail();
    mail.host = STR("MAIL.invalid");
    mail.port = 25;
    mail.check_hop = refuse_hop;
    send_mail(mail);
    assert_failed(NET_FAILED_BARRED, NET_EFFECT_NONE, "not there");
}

static void test_net_mail__a_host_is_a_host(void **state)
{
    (void)state;
    static const char *const hosts[] = {"", "a/b", "a b", "a@b", "a:b", "[::1]", "a\r\nb"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct net_mail mail = make_mail();
        mail.host = str_from(hosts[i]);
        memset(&x, 0, sizeof x);
        send_mail(mail);
        assert_failed(NET_FAILED_URL, NET_EFFECT_NONE, "");
    }
}

#define WITH_NET(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NET(test_net_mail__a_message_is_sent_and_its_dots_stuffed),
        WITH_NET(test_net_mail__a_login_goes_before_it),
        WITH_NET(test_net_mail__many_wait_for_each_other),
        WITH_NET(test_net_mail__a_recipient_is_refused),
        WITH_NET(test_net_mail__a_message_is_refused_when_it_was_read),
        WITH_NET(test_net_mail__a_login_is_refused),
        WITH_NET(test_net_mail__a_call_is_refused),
        WITH_NET(test_net_mail__what_is_no_smtp_is_told),
        WITH_NET(test_net_mail__the_end_of_the_message_may_have_been_read),
        WITH_NET(test_net_mail__before_that_it_has_no_effect),
        WITH_NET(test_net_mail__silence_has_an_end),
        WITH_NET(test_net_mail__silence_after_the_message_has_an_end),
        WITH_NET(test_net_mail__nobody_waits_for_a_goodbye),
        WITH_NET(test_net_mail__nobody_waits_for_one_after_a_refusal),
        WITH_NET(test_net_mail__an_abort_ends_it),
        WITH_NET(test_net_mail__the_end_of_net_ends_it),
        WITH_NET(test_net_mail__the_rules_on_addresses_hold),
        WITH_NET(test_net_mail__a_password_needs_tls),
        WITH_NET(test_net_mail__starttls_is_no_wish),
        WITH_NET(test_net_mail__a_place_may_be_barred),
        WITH_NET(test_net_mail__a_host_is_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
