/* SPDX-License-Identifier: Apache-2.0 */

/* What is understood of the replies of SMTP. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/net/mail_call.h"

enum { RECIPIENTS = 2 };

static struct mail_talk talk;

static int clear(void **state)
{
    (void)state;
    memset(&talk, 0, sizeof talk);
    return 0;
}

static bool add(const char *line)
{
    return mail_talk_add_line(&talk, RECIPIENTS, str_from(line));
}

static void test_mail_talk__a_message_is_taken_by_the_last_reply(void **state)
{
    (void)state;
    static const char *const before[] = {"220 hi\r\n", "250-x\r\n", "250 y\r\n"};
    static const char *const then[] = {"250 sender\r\n", "250 one\r\n", "250 two\r\n",
                                       "354 go\r\n"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(add(before[i]));
    }
    assert_int_equal(talk.replies, 0);
    talk.is_ready = true;
    for (size_t i = 0; i < 4; i++) {
        assert_true(add(then[i]));
        assert_false(mail_talk_is_good(&talk));
    }
    assert_true(add("250-2.0.0 ok\r\n"));
    assert_false(mail_talk_is_good(&talk));
    assert_true(add("250 2.0.0 queued\r\n"));
    assert_true(mail_talk_is_good(&talk));
    assert_string_equal(talk.answer.text, "2.0.0 queued");
    assert_true(add("221 bye\r\n"));
    assert_true(mail_talk_is_good(&talk));
}

static void test_mail_talk__a_refusal_is_to_what_was_said_last(void **state)
{
    (void)state;
    static const enum net_mail_step steps[] = {NET_MAIL_SENDER, NET_MAIL_RECIPIENT,
                                               NET_MAIL_RECIPIENT, NET_MAIL_MESSAGE,
                                               NET_MAIL_MESSAGE};
    for (size_t n = 0; n < 5; n++) {
        (void)clear(NULL);
        talk.is_ready = true;
        for (size_t i = 0; i < n; i++) {
            assert_true(add("250 ok\r\n"));
        }
        assert_true(add("550-no\r\n"));
        assert_true(add("550 5.1.1 no such user\r\n"));
        assert_true(add("221 bye\r\n"));
        assert_int_equal(talk.refusal.code, 550);
        assert_string_equal(talk.refusal.text, "5.1.1 no such user");
        assert_int_equal(mail_talk_step(&talk, RECIPIENTS), steps[n]);
        assert_false(mail_talk_is_good(&talk));
    }
}

static void test_mail_talk__before_the_login_the_call_is_refused(void **state)
{
    (void)state;
    assert_true(add("554 no\r\n"));
    assert_int_equal(mail_talk_step(&talk, RECIPIENTS), NET_MAIL_CALL);
    talk.code = CURLE_LOGIN_DENIED;
    assert_int_equal(mail_talk_step(&talk, RECIPIENTS), NET_MAIL_LOGIN);
}

static void test_mail_talk__texts_are_one_line_of_ascii(void **state)
{
    (void)state;
    char line[1000];
    assert_true(add("550 \x1b[31mn\xC3\xB6\tsuch \x7F\r\n"));
    assert_string_equal(talk.refusal.text, "?[31mn???such ?");
    (void)snprintf(line, sizeof line, "550 %0900d\r\n", 0);
    assert_true(add(line));
    assert_int_equal(talk.refusal.n, MAIL_REPLY_BYTES - 1);
    assert_true(add("550\r\n"));
    assert_int_equal(talk.refusal.n, 0);
}

static void test_mail_talk__what_is_no_reply_counts_for_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {"",       "\r\n",      "hello\r\n",
                                        "25\r\n", "2x0 a\r\n", "<html>\r\n"};
    talk.is_ready = true;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_true(add(lines[i]));
    }
    assert_int_equal(talk.replies, 0);
    assert_false(talk.is_greeted);
}

static void test_mail_talk__replies_end(void **state)
{
    (void)state;
    size_t n = 0;
    while (add("250-and so on and on and on and on and on and on\r\n")) {
        n++;
    }
    assert_in_range(n, 1000, 2000);
    assert_int_equal(talk.trouble, MAIL_TALKATIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_mail_talk__a_message_is_taken_by_the_last_reply, clear),
        cmocka_unit_test_setup(test_mail_talk__a_refusal_is_to_what_was_said_last, clear),
        cmocka_unit_test_setup(test_mail_talk__before_the_login_the_call_is_refused, clear),
        cmocka_unit_test_setup(test_mail_talk__texts_are_one_line_of_ascii, clear),
        cmocka_unit_test_setup(test_mail_talk__what_is_no_reply_counts_for_nothing, clear),
        cmocka_unit_test_setup(test_mail_talk__replies_end, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
