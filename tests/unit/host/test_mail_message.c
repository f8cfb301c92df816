/* SPDX-License-Identifier: Apache-2.0 */

/* mail_message with mail_address and mail_text: what goes over the wire. */

#include "core/host/mail_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/host/mail_text.h"
#include "tests/support/failing_alloc.h"

enum { LINE_BYTES = 76 };

static struct mail_address address(const char *text)
{
    struct mail_address read = {0};
    assert_int_equal(mail_address_read(str_from(text), "to", &read, NULL), 0);
    return read;
}

static void assert_has(struct str text, const char *words)
{
    if (text.n == 0 || memmem(text.p, text.n, words, strlen(words)) == NULL) {
        fail_msg("no '%s' in:\n%.*s", words, STR_ARG(text));
    }
}

/* ---- addresses ---- */

static void test_mail_address__names_and_addresses_are_split(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        {"a@b.test", "", "a@b.test", "b.test"},
        {" a@b.test ", "", "a@b.test", "b.test"},
        {"Jo Doe <jo.doe+x@b-c.test>", "Jo Doe", "jo.doe+x@b-c.test", "b-c.test"},
        {"\"Doe, Jo\" <jo@b.test>", "Doe, Jo", "jo@b.test", "b.test"},
        {"J\xC3\xB6 <jo@localhost>", "J\xC3\xB6", "jo@localhost", "localhost"},
        {"<a@b.test>", "", "a@b.test", "b.test"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mail_address read = address(rows[i][0]);
        assert_true(str_equal_text(read.name, rows[i][1]));
        assert_true(str_equal_text(read.address, rows[i][2]));
        assert_true(str_equal_text(read.domain, rows[i][3]));
    }
}

static void test_mail_address__what_is_none_is_told(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "has no '@'"},
        {"jo", "has no '@'"},
        {"@b.test", "before the '@'"},
        {"a@", "no domain"},
        {"a..b@c.test", "before the '@'"},
        {".a@c.test", "before the '@'"},
        {"a b@c.test", "before the '@'"},
        {"a@b@c.test", "before the '@'"},
        {"a@b..test", "DNS"},
        {"a@-b.test", "DNS"},
        {"a@b-.test", "DNS"},
        {"a@b.test.", "DNS"},
        {"a@b c", "DNS"},
        {"a@[1.2.3.4]", "DNS"},
        {"j\xC3\xB6@b.test", "ASCII before"},
        {"a@b\xC3\xB6.test", "xn--"},
        {"Jo <a@b.test", "ends with '>'"},
        {"Jo\r\nBcc: x@y.test <a@b.test>", "control character"},
        {"Jo \"X\" Y <a@b.test>", "in its name"},
        {"a@b.test\r\nDATA", "DNS"},
        {"a@b.test>", "DNS"},
        {"<a@b.test> <c@d.test>", "in its name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mail_address read;
        struct error err = {0};
        assert_int_equal(mail_address_read(str_from(rows[i][0]), "cc", &read, &err), E_INVALID);
        assert_non_null(strstr(err.message, "'cc'"));
        if (strstr(err.message, rows[i][1]) == NULL) {
            fail_msg("'%s' has no '%s'", err.message, rows[i][1]);
        }
    }
}

static void test_mail_address__lengths_are_bounded(void **state)
{
    (void)state;
    char text[400];
    struct mail_address read;
    (void)snprintf(text, sizeof text, "%065d@b.test", 0);
    assert_int_equal(mail_address_read(str_from(text), "to", &read, NULL), E_INVALID);
    (void)snprintf(text, sizeof text, "a@%064d.test", 0);
    assert_int_equal(mail_address_read(str_from(text), "to", &read, NULL), E_INVALID);
    (void)snprintf(text, sizeof text, "a@%063d.%063d.%063d.%063d", 0, 0, 0, 0);
    assert_int_equal(mail_address_read(str_from(text), "to", &read, NULL), E_INVALID);
    (void)snprintf(text, sizeof text, "%0201d <a@b.test>", 0);
    assert_int_equal(mail_address_read(str_from(text), "to", &read, NULL), E_INVALID);
    (void)snprintf(text, sizeof text, "%064d@%063d.test", 0, 0);
    assert_int_equal(mail_address_read(str_from(text), "to", &read, NULL), 0);
}

/* ---- encodings ---- */

static void assert_quoted(const char *text, const char *wanted)
{
    struct strbuf out = STRBUF_INIT;
    mail_text_append_quoted(&out, str_from(text));
    assert_string_equal(out.p != NULL ? out.p : "", wanted);
    strbuf_finish(&out);
}

static void test_mail_text__quoted_printable_is_right(void **state)
{
    (void)state;
    assert_quoted("", "");
    assert_quoted("plain", "plain\r\n");
    assert_quoted("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd\r\n");
    assert_quoted("\xC3\xBC = \t", "=C3=BC =3D =09\r\n");
    assert_quoted("end \nnext", "end=20\r\nnext\r\n");
    assert_quoted(".dot\n..\nFrom me\nx.F", "=2Edot\r\n=2E.\r\n=46rom me\r\nx.F\r\n");
    assert_quoted("0123456789012345678901234567890123456789012345678901234567890123456789012345678",
                  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n"
                  "5678\r\n");
    assert_quoted(
        "01234567890123456789012345678901234567890123456789012345678901234567890123\xC3\xBC",
        "01234567890123456789012345678901234567890123456789012345678901234567890123=\r\n"
        "=C3=BC\r\n");
}

static void assert_words(const char *text, const char *wanted)
{
    struct strbuf out = STRBUF_INIT;
    mail_text_append_words(&out, str_from(text));
    assert_string_equal(out.p != NULL ? out.p : "", wanted);
    strbuf_finish(&out);
}

static void test_mail_text__headers_are_words_where_they_must(void **state)
{
    (void)state;
    assert_words("Hello, world", "Hello, world");
    assert_words("Gr\xC3\xBC\xC3\x9F", "=?UTF-8?B?R3LDvMOf?=");
    assert_words("=?x?=", "=?UTF-8?B?PT94Pz0=?=");
    /* 44 bytes, then a character of two: it is not split. */
    assert_words("01234567890123456789012345678901234567890123\xC3\xBC"
                 "01234567890123456789",
                 "=?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM=?=\r\n"
                 " =?UTF-8?B?w7wwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==?=");
}

static void test_mail_text__dates_are_those_of_mail(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    mail_text_append_date(&out, 0);
    strbuf_append_text(&out, "|");
    mail_text_append_date(&out, INT64_C(1795372201123));
    assert_string_equal(out.p, "Thu, 01 Jan 1970 00:00:00 +0000|Sun, 22 Nov 2026 18:30:01 +0000");
    strbuf_finish(&out);
}

/* ---- messages ---- */

static struct mail_address to[2];
static struct mail_message message;

static int set_up(void **state)
{
    (void)state;
    to[0] = address("J\xC3\xB6 <jo@b.test>");
    to[1] = address("c@b.test");
    message = (struct mail_message){.from = address("Ops <ops@a.test>"),
                                    .to = to,
                                    .to_count = 2,
                                    .subject = STR("Hello"),
                                    .text = STR("text\n.\n"),
                                    .message_id = STR("<k@a.test>"),
                                    .date_unix_ms = 0};
    return 0;
}

/* All lines are short, end with CR LF, and are ASCII. */
static void assert_lines(struct str text)
{
    size_t column = 0;
    for (size_t i = 0; i < text.n; i++) {
        assert_true((unsigned char)text.p[i] < 0x7F);
        if (text.p[i] == '\n') {
            assert_true(i > 0 && text.p[i - 1] == '\r');
            column = 0;
        } else if (text.p[i] != '\r') {
            column++;
            assert_true(column <= LINE_BYTES);
            assert_true(column > 1 || text.p[i] != '.');
        }
    }
    assert_true(str_ends_with(text, STR("\r\n")));
}

static void write_message(struct strbuf *out)
{
    struct error err = {0};
    if (mail_message_write(&message, out, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_lines(strbuf_str(out));
}

static void test_mail_message__text_alone_is_one_part(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    write_message(&out);
    assert_string_equal(out.p, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
                               "From: \"Ops\"\r\n <ops@a.test>\r\n"
                               "To: =?UTF-8?B?SsO2?=\r\n <jo@b.test>,\r\n c@b.test\r\n"
                               "Subject: Hello\r\n"
                               "Message-ID: <k@a.test>\r\n"
                               "MIME-Version: 1.0\r\n"
                               "Content-Type: text/plain; charset=utf-8\r\n"
                               "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                               "text\r\n=2E\r\n");
    strbuf_finish(&out);
}

static void test_mail_message__html_alone_is_one_part(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    message.html = STR("<p>x</p>");
    message.text = STR("");
    write_message(&out);
    assert_has(strbuf_str(&out), "Content-Type: text/html; charset=utf-8\r\n");
    assert_null(strstr(out.p, "multipart"));
    strbuf_finish(&out);
}

static void test_mail_message__parts_stand_in_each_other(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    const struct mail_attachment files[] = {
        {.name = STR("a b.txt"), .type = STR("text/plain"), .bytes = STR("hi")},
        {.name = STR("\xC3\xA4\".bin"), .bytes = str_make("\0\1\2", 3)}};
    const struct mail_address cc = address("d@b.test");
    message.html = STR("<p>--=_opstream_mixed</p>");
    message.attachments = files;
    message.attachment_count = 2;
    message.cc = &cc;
    message.cc_count = 1;
    message.reply_to = address("r@b.test");
    write_message(&out);
    struct str text = strbuf_str(&out);
    assert_has(text, "Cc: d@b.test\r\nReply-To: r@b.test\r\n");
    assert_has(text,
               "Content-Type: multipart/mixed; boundary=\"=_opstream_mixed\"\r\n\r\n"
               "--=_opstream_mixed\r\n"
               "Content-Type: multipart/alternative; boundary=\"=_opstream_alternative\"\r\n");
    assert_has(text, "<p>--=3D_opstream_mixed</p>\r\n\r\n--=_opstream_alternative--\r\n");
    assert_has(text, "filename=\"a b.txt\"\r\n\r\naGk=\r\n");
    assert_has(text, "Content-Type: application/octet-stream\r\n"
                     "Content-Transfer-Encoding: base64\r\n"
                     "Content-Disposition: attachment;\r\n filename*=UTF-8''%C3%A4%22.bin\r\n\r\n"
                     "AAEC\r\n");
    assert_true(str_ends_with(text, STR("\r\n--=_opstream_mixed--\r\n")));
    strbuf_finish(&out);
}

static void test_mail_message__hidden_recipients_are_not_named(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    message.to_count = 0;
    write_message(&out);
    assert_has(strbuf_str(&out), "\r\nTo: undisclosed-recipients:;\r\n");
    strbuf_finish(&out);
}

static void assert_refused(const char *words)
{
    struct strbuf out = STRBUF_INIT;
    struct error err = {0};
    assert_int_equal(mail_message_write(&message, &out, &err), E_INVALID);
    assert_int_equal(out.n, 0);
    if (strstr(err.message, words) == NULL) {
        fail_msg("'%s' has no '%s'", err.message, words);
    }
    strbuf_finish(&out);
}

static void test_mail_message__nothing_breaks_a_header(void **state)
{
    (void)state;
    static char long_subject[MAIL_SUBJECT_BYTES + 2];
    struct mail_attachment file = {.name = STR("a"), .bytes = STR("")};
    message.subject = STR("a\nBcc: x@y.test");
    assert_refused("'subject'");
    message.subject = STR("a\rb");
    assert_refused("'subject'");
    memset(long_subject, 'x', MAIL_SUBJECT_BYTES + 1);
    message.subject = str_from(long_subject);
    assert_refused("longer");
    message.subject = STR("ok");
    message.attachments = &file;
    message.attachment_count = 1;
    file.name = STR("a\r\nb");
    assert_refused("attachment 1: its name");
    file.name = STR("../a");
    assert_refused("its name");
    file.name = STR("");
    assert_refused("its name");
    file.name = STR("a");
    file.type = STR("text/x\r\nBcc: x@y.test");
    assert_refused("its type");
    file.type = STR("text");
    assert_refused("its type");
}

static void test_mail_message__memory_may_run_out(void **state)
{
    (void)state;
    message.html = STR("<p>x</p>");
    for (long n = 0;; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        int status = mail_message_write(&message, &out, NULL);
        bool has_failed = failing_alloc_disarm();
        strbuf_finish(&out);
        if (!has_failed) {
            assert_int_equal(status, 0);
            return;
        }
        assert_int_equal(status, E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_address__names_and_addresses_are_split),
        cmocka_unit_test(test_mail_address__what_is_none_is_told),
        cmocka_unit_test(test_mail_address__lengths_are_bounded),
        cmocka_unit_test(test_mail_text__quoted_printable_is_right),
        cmocka_unit_test(test_mail_text__headers_are_words_where_they_must),
        cmocka_unit_test(test_mail_text__dates_are_those_of_mail),
        cmocka_unit_test_setup(test_mail_message__text_alone_is_one_part, set_up),
        cmocka_unit_test_setup(test_mail_message__html_alone_is_one_part, set_up),
        cmocka_unit_test_setup(test_mail_message__parts_stand_in_each_other, set_up),
        cmocka_unit_test_setup(test_mail_message__hidden_recipients_are_not_named, set_up),
        cmocka_unit_test_setup(test_mail_message__nothing_breaks_a_header, set_up),
        cmocka_unit_test_setup(test_mail_message__memory_may_run_out, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
