/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/sanitizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/value/builder.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/value/read_json.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sanitizer *create(const struct sanitizer_rule *rules, size_t count)
{
    struct sanitizer *sanitizer = NULL;
    struct error err = {0};
    size_t rule = 0;
    if (sanitizer_create(rules, count, &sanitizer, &rule, &err) != 0) {
        fail_msg("rule %zu: %s", rule, err.message);
    }
    return sanitizer;
}

/* `expected` NULL: nothing is found. */
static void assert_sanitized(const struct sanitizer *sanitizer, const char *text,
                             const char *expected)
{
    struct strbuf out = STRBUF_INIT;
    int result = sanitizer_text(sanitizer, str_from(text), &out);
    assert_string_equal(result == MASK_FOUND ? strbuf_str(&out).p : text,
                        expected != NULL ? expected : text);
    assert_int_equal(result, expected != NULL ? MASK_FOUND : MASK_CLEAN);
    strbuf_finish(&out);
}

static void check_kind(enum sanitizer_kind kind, const char *const (*cases)[2], size_t count)
{
    struct sanitizer *sanitizer = create(&(struct sanitizer_rule){.kind = kind}, 1);
    for (size_t i = 0; i < count; i++) {
        assert_sanitized(sanitizer, cases[i][0], cases[i][1]);
    }
    sanitizer_destroy(sanitizer);
}

static void test_sanitizer__finds_mail_addresses(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ada@example.org", "***"},
        {"Write to ada.l+x@mail.example.co.uk.", "Write to ***."},
        {"<ada@example.org>, \"bob@b.io\"", "<***>, \"***\""},
        {"mailto:ada@example.org?subject=x", "mailto:***?subject=x"},
        {"to=ada%40example.org&x=1", "to=***&x=1"},
        {"jürgen@bücher.example und 'o'hara@x.ie'", "*** und '***'"},
        {"ada@example.org;bob@example.org", "***;***"},
        {"ada@xn--bcher-kva.example.xn--p1ai", "***"},
        {"a@b", NULL},
        {"@channel all", NULL},
        {"ada@localhost", NULL},
        {"git@ example.org", NULL},
        {"", NULL},
        {"v1.2@3.4", NULL},
    };
    check_kind(SANITIZER_EMAIL, cases, COUNT(cases));
}

static void test_sanitizer__finds_cards(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"4111111111111111", "***"},
        {"4111 1111 1111 1111", "***"},
        {"card 5555-5555-5555-4444, thanks", "card ***, thanks"},
        {"378282246310005 6011111111111117", "*** ***"},
        {"3056 930902 5904", "***"},
        {"2223003122003222", "***"},
        {"6759649826438453", "***"},
        {"order 12 4111 1111 1111 1111 of 3", "order 12 *** of 3"},
        {"4111111111111112", NULL},         /* the check digit */
        {"1111111111111117", NULL},         /* no card begins so */
        {"1764000000000", NULL},            /* a time in ms */
        {"41111111111111110000000", NULL},  /* longer than a card */
        {"4111  1111  1111  1111", NULL},   /* two spaces are no group */
        {"deadbeef4111111111111111", NULL}, /* within a word */
        {"4111111111111111a", NULL},
        {"12345", NULL},
        {"", NULL},
    };
    check_kind(SANITIZER_CARD, cases, COUNT(cases));
}

static void test_sanitizer__finds_telephones(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"call +49 30 1234567 now", "call *** now"},
        {"+1 (555) 123-4567", "***"},
        {"0049/30/1234567", "***"},
        {"(555) 123-4567 or 555-123-4567", "*** or ***"},
        {"555.123.4567", "***"},
        {"2025-01-31T14:22:33+01:00", NULL},
        {"+5", NULL},
        {"1234567", NULL},
        {"x+4930123456789", NULL},
    };
    check_kind(SANITIZER_PHONE, cases, COUNT(cases));
}

static void test_sanitizer__finds_addresses_of_machines(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"from 192.168.1.17:8080", "from ***:8080"},
        {"10.0.0.1, 10.0.0.2.", "***, ***."},
        {"http://[2001:db8::1]:80/", "http://[***]:80/"},
        {"::1 and fe80::1:2.", "*** and ***."},
        {"::ffff:10.0.0.1", "***"},
        {"2001:0db8:85a3:0000:0000:8a2e:0370:7334", "***"},
        {"300.1.1.1", NULL},
        {"1.2.3", NULL},
        {"12:34:56", NULL},
        {"std::vector<int> x::y", NULL},
        {"::", NULL},
    };
    check_kind(SANITIZER_IP, cases, COUNT(cases));
}

static void test_sanitizer__finds_what_own_expressions_match(void **state)
{
    (void)state;
    const struct sanitizer_rule rules[] = {
        {SANITIZER_PATTERN, STR("EMP-[0-9]{4}")},
        {SANITIZER_PATTERN, STR("(?i)project \\w+")},
        {SANITIZER_PATTERN, STR("\\b")}, /* matches nothing that can be hidden */
        {SANITIZER_EMAIL, STR("")},
    };
    struct sanitizer *sanitizer = create(rules, COUNT(rules));
    assert_sanitized(sanitizer, "EMP-1234 of PROJECT Zeta", "*** of ***");
    assert_sanitized(sanitizer, "EMP-1234EMP-5678", "***");               /* they touch */
    assert_sanitized(sanitizer, "Project EMP-1234@example.org!", "***!"); /* they overlap */
    assert_sanitized(sanitizer, "EMP-12", NULL);
    assert_sanitized(sanitizer, "*** of ***", NULL);
    sanitizer_destroy(sanitizer);
}

static void test_sanitizer__refuses_bad_expressions(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"(", "missing )"},
        {"x*", "matches the empty text"},
        {"((a{100}){100}){100}", "repetition"},
        {"(?:[\\pL\\pN]{1,500}){2}", "needs more than 1 MiB"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct sanitizer_rule rules[] = {{SANITIZER_CARD, STR("")},
                                               {SANITIZER_PATTERN, str_from(wrong[i][0])}};
        struct sanitizer *sanitizer = NULL;
        struct error err = {0};
        size_t rule = 0;
        assert_true(sanitizer_create(rules, 2, &sanitizer, &rule, &err) < 0);
        assert_int_equal(rule, 1);
        if (strstr(err.message, wrong[i][1]) == NULL) {
            fail_msg("no '%s' in: %s", wrong[i][1], err.message);
        }
    }
}

static const struct sanitizer_rule some[] = {
    {SANITIZER_EMAIL, {NULL, 0}},
    {SANITIZER_CARD, {NULL, 0}},
    {SANITIZER_PATTERN, {"^7[0-9]{3}$|secret", 18}},
};

static void assert_document(const char *given, const char *expected)
{
    struct sanitizer *sanitizer = create(some, COUNT(some));
    struct document *document = read_json(given);
    struct document *masked = NULL;
    bool is_same = strcmp(given, expected) == 0;
    assert_int_equal(sanitizer_document(sanitizer, document, &masked),
                     is_same ? MASK_CLEAN : MASK_FOUND);
    assert_json(document_root(masked), expected);
    assert_true(!is_same || masked == document);
    document_unref(masked);
    document_unref(document);
    sanitizer_destroy(sanitizer);
}

static void test_sanitizer__looks_through_documents(void **state)
{
    (void)state;
    assert_document("{\"a\":[\"to ada@x.org\",{\"b\":1}],\"bob@x.org\":2,\"eve@x.org\":3}",
                    "{\"a\":[\"to ***\",{\"b\":1}],\"***\":2,\"*** #2\":3}");
    assert_document("[4111111111111111,4111111111111112,7123,71234,7.5,true,null]",
                    "[\"***\",4111111111111112,\"***\",71234,7.5,true,null]");
    assert_document("{\"a\":[1,\"x\",{}]}", "{\"a\":[1,\"x\",{}]}");
    assert_document("\"ada@x.org\"", "\"***\"");
    assert_document("{}", "{}");
}

static void test_sanitizer__leaves_what_decides_about_failures(void **state)
{
    (void)state;
    struct sanitizer *sanitizer = create(some, COUNT(some));
    struct document *failure =
        read_json("{\"code\":\"secret\",\"message\":\"no ada@x.org\",\"symbol\":\"secret\","
                  "\"details\":{\"code\":\"secret\"},\"retry_after_ms\":7123,\"node\":\"secret\"}");
    struct document *masked = NULL;
    assert_int_equal(sanitizer_failure(sanitizer, failure, &masked), MASK_FOUND);
    assert_json(document_root(masked),
                "{\"code\":\"secret\",\"message\":\"no ***\",\"symbol\":\"secret\","
                "\"details\":{\"code\":\"***\"},\"retry_after_ms\":7123,\"node\":\"secret\"}");
    document_unref(masked);
    document_unref(failure);
    sanitizer_destroy(sanitizer);
}

static void test_sanitizer__a_search_survives_a_failing_allocation(void **state)
{
    (void)state;
    struct sanitizer *sanitizer = create(&some[1], 2); /* what libre2 allocates ends the process */
    struct document *given = read_json("{\"message\":\"4111111111111111\",\"a\":4111111111111111}");
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *masked = NULL;
        failing_alloc_arm(n);
        int status = sanitizer_document(sanitizer, given, &masked);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : MASK_FOUND);
        document_unref(masked);
    }
    document_unref(given);
    sanitizer_destroy(sanitizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sanitizer__finds_mail_addresses),
        cmocka_unit_test(test_sanitizer__finds_cards),
        cmocka_unit_test(test_sanitizer__finds_telephones),
        cmocka_unit_test(test_sanitizer__finds_addresses_of_machines),
        cmocka_unit_test(test_sanitizer__finds_what_own_expressions_match),
        cmocka_unit_test(test_sanitizer__refuses_bad_expressions),
        cmocka_unit_test(test_sanitizer__looks_through_documents),
        cmocka_unit_test(test_sanitizer__leaves_what_decides_about_failures),
        cmocka_unit_test(test_sanitizer__a_search_survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
