/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/value/builder.h"
#include "core/value/mask.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/value/read_json.h"

enum { MAX_TEXTS = 4 };

static struct mask *mask_of(const char *const *texts)
{
    struct str slices[MAX_TEXTS];
    size_t count = 0;
    for (; count < MAX_TEXTS && texts[count] != NULL; count++) {
        slices[count] = str_from(texts[count]);
    }
    struct mask *mask = NULL;
    struct error err = {0};
    if (mask_create(slices, count, &mask, &err) != 0) {
        fail_msg("mask_create: %s", err.message);
    }
    return mask;
}

/* `expected` NULL: nothing is found. */
static void assert_masked(const struct mask *mask, const char *text, const char *expected)
{
    struct strbuf out = STRBUF_INIT;
    int result = mask_text(mask, str_from(text), &out);
    if (expected == NULL) {
        assert_string_equal(result == MASK_CLEAN ? text : strbuf_str(&out).p, text);
        assert_int_equal(result, MASK_CLEAN);
        assert_int_equal(out.n, 0);
    } else {
        assert_int_equal(result, MASK_FOUND);
        assert_string_equal(strbuf_str(&out).p, expected);
    }
    strbuf_finish(&out);
}

struct text_case {
    const char *texts[MAX_TEXTS];
    const char *text;
    const char *expected;
};

static void check_cases(const struct text_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct mask *mask = mask_of(cases[i].texts);
        assert_masked(mask, cases[i].text, cases[i].expected);
        mask_destroy(mask);
    }
}

#define CHECK_CASES(cases) check_cases(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_mask__hides_each_occurrence(void **state)
{
    static const struct text_case cases[] = {
        {{"hunter22"}, "hunter22", "***"},
        {{"hunter22"}, "hunter22!", "***!"},
        {{"hunter22"}, "is hunter22", "is ***"},
        {{"hunter22"}, "hunter22, hunter22 and hunter22", "***, *** and ***"},
        {{"hunter22"}, "hunter22hunter22", "******"},
        {{"hunter22"}, "hunthunter22er22", "hunt***er22"},
        {{"hunter22"}, "", NULL},
        {{"hunter22"}, "hunter2", NULL},
        {{"hunter22"}, "unter22", NULL},
        {{"hunter22"}, "HUNTER22", NULL},
        {{"pässwörd"}, "das pässwörd ist", "das *** ist"},
        {{""}, "anything", NULL},
        {{NULL}, "any%20thing\\n", NULL},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__joins_what_overlaps(void **state)
{
    static const struct text_case cases[] = {
        {{"abcdef", "defghi"}, "<abcdefghi>", "<***>"},
        {{"abcdefghi", "cdef"}, "<abcdefghi>", "<***>"},
        {{"abcdefghi", "cdef"}, "<abcdefghx>", "<ab***ghx>"},
        {{"abcdefghi", "efghxy"}, "<abcdefghxyz>", "<abcd***z>"},
        {{"abcd", "abcdefgh"}, "abcdefgh abcdefg", "*** ***efg"},
        {{"aaaa"}, "aaaaaaaaaa", "***"},
        {{"abab"}, "abababx", "***x"},
        {{"abcd", "bcde", "cdef"}, "abcdef", "***"},
        {{"abcd", "efgh"}, "abcdefgh", "******"},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__knows_base64(void **state)
{
    static const struct text_case cases[] = {
        {{"hunter22"}, "aHVudGVyMjI=", "***"},
        {{"hunter22"}, "aHVudGVyMjI", "***"},
        {{"hunter2!?"}, "x aHVudGVyMiE/ x", "x *** x"},
        {{"hunter2!?"}, "x aHVudGVyMiE_ x", "x *** x"},
        /* Behind one, two and three other bytes. */
        {{"hunter22"}, "OmgxdW50", NULL},
        {{"hunter22"}, "Omh1bnRlcjIy", "Om***"},
        {{"hunter22"}, "dTpodW50ZXIyMg==", "dTp***g=="},
        {{"hunter22"}, "dXM6aHVudGVyMjI=", "dXM6***"},
        /* In the middle: the digits at its ends tell of what is beside it, too, and stay. */
        {{"hunter22"}, "YTpodW50ZXIyMjpi", "YTp***jpi"},
        {{"hunter22"}, "aHVudGVyMzM=", NULL},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__knows_hex(void **state)
{
    static const struct text_case cases[] = {
        {{"key-\xC3\xA9"}, "0x6b65792dc3a9;", "0x***;"},
        {{"key-\xC3\xA9"}, "6B65792DC3A9", "***"},
        {{"key-\xC3\xA9"}, "6b65792dc3a8", NULL},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__reads_through_percent_signs(void **state)
{
    static const struct text_case cases[] = {
        {{"a b/c&d"}, "?k=a%20b%2Fc%26d&x=1", "?k=***&x=1"},
        {{"a b/c&d"}, "?k=a%20b/c%26d", "?k=***"},
        {{"a b/c&d"}, "?k=a+b%2fc%26d&y", "?k=***&y"},
        {{"a b c d"}, "a+b+c+d", "***"},
        {{"a+b+c"}, "a+b+c a%2Bb%2bc", "*** ***"},
        {{"hunter22"}, "%68%75%6e%74%65%72%32%32%33", "***%33"},
        {{"hunter22"}, "100%hunter22%", "100%***%"},
        {{"100%"}, "100%25 and 100%", "*** and ***"},
        {{"hunter22"}, "%%68unter22%", "%***%"},
        {{"hunter22"}, "hunter2%3", NULL},
        {{"hunter22"}, "hunter2%", NULL},
        {{"hunter2!?"}, "aHVudGVyMiE%2F", "***"},
        {{"\xC3\xA9t\xC3\xA9"}, "%C3%A9t%C3%A9 %C3%A9t\xC3\xA9", "*** ***"},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__reads_through_escapes_of_json(void **state)
{
    static const struct text_case cases[] = {
        {{"a\"b\\c\nd"}, "{\"k\":\"a\\\"b\\\\c\\nd\"}", "{\"k\":\"***\"}"},
        {{"a/b/c"}, "a\\/b\\/c", "***"},
        {{"caf\xC3\xA9!"}, "caf\\u00e9! caf\\u00E9\\u0021", "*** ***"},
        {{"key\xF0\x9F\x98\x80"}, "key\\ud83d\\ude00.", "***."},
        {{"hunter22"}, "\\hunter22\\", "\\***\\"},
        {{"hunter22"}, "\\u0068unter2\\u", NULL},
        {{"hunter22"}, "\\ud83dhunter22", "\\ud83d***"},
        {{"tab\tend"}, "tab\\tend", "***"},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__hides_the_lines_of_a_text_of_several(void **state)
{
    static const struct text_case cases[] = {
        {{"-----BEGIN\nMIIEvgIBAD\nANBg==\n-----END\n"}, "read MIIEvgIBAD", "read ***"},
        {{"-----BEGIN\nMIIEvgIBAD\nANBg==\n-----END\n"}, "read ANBg==", "read ***"},
        {{"pin:\n1234\n}\n"}, "the 1234 and }", "the *** and }"},
        {{"-----BEGIN\nMIIEvgIBAD\nANBg==\n-----END\n"},
         "-----BEGIN\nMIIEvgIBAD\nANBg==\n-----END",
         "***"},
        {{"  hunter22\n"}, "hunter22", "***"},
        {{"one line"}, "one", NULL},
    };
    (void)state;
    CHECK_CASES(cases);
}

static void test_mask__documents_keep_their_shape(void **state)
{
    static const struct {
        const char *given;
        const char *expected;
    } cases[] = {
        {"\"hunter22\"", "\"***\""},
        {"{\"a\":[1,\"x hunter22\",{\"b\":null}],\"c\":\"hunter2\"}",
         "{\"a\":[1,\"x ***\",{\"b\":null}],\"c\":\"hunter2\"}"},
        {"{\"hunter22\":1,\"k\":{\"my hunter22\":2}}", "{\"***\":1,\"k\":{\"my ***\":2}}"},
        {"{\"hunter22\":1,\"68756e7465723232\":2}", "{\"***\":1,\"*** #2\":2}"},
        {"{\"hunter22\":1,\"***\":2}", "\"***\""},
        {"[12345678,-12345678,1234.5,12345679]", "[\"***\",\"-***\",\"***\",12345679]"},
    };
    (void)state;
    struct mask *mask = mask_of((const char *const[]){"hunter22", "12345678", "1234.5", NULL});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleanup_document struct document *given = read_json(cases[i].given);
        cleanup_document struct document *masked = NULL;
        assert_int_equal(mask_document(mask, given, &masked), MASK_FOUND);
        assert_json(document_root(masked), cases[i].expected);
    }
    mask_destroy(mask);
}

static void test_mask__clean_documents_are_shared(void **state)
{
    static const char *const cases[] = {"{}", "[]", "null", "[1,{\"a\":\"b\"},true,2.5]"};
    (void)state;
    struct mask *mask = mask_of((const char *const[]){"hunter22", NULL});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleanup_document struct document *given = read_json(cases[i]);
        cleanup_document struct document *masked = NULL;
        assert_int_equal(mask_document(mask, given, &masked), MASK_CLEAN);
        assert_ptr_equal(masked, given);
    }
    mask_destroy(mask);
}

static void test_mask__goes_as_deep_as_documents(void **state)
{
    (void)state;
    struct builder *b = builder_create();
    for (int i = 0; i < VALUE_MAX_DEPTH; i++) {
        builder_list_begin(b);
    }
    builder_string(b, STR("hunter22"));
    for (int i = 0; i < VALUE_MAX_DEPTH; i++) {
        builder_list_end(b);
    }
    cleanup_document struct document *given = NULL;
    cleanup_document struct document *masked = NULL;
    assert_int_equal(builder_finish(b, &given, NULL), 0);
    struct mask *mask = mask_of((const char *const[]){"hunter22", NULL});
    assert_int_equal(mask_document(mask, given, &masked), MASK_FOUND);
    assert_int_equal(document_root(masked)->depth, VALUE_MAX_DEPTH);
    const struct value *value = document_root(masked);
    while (value_is(value, VALUE_LIST)) {
        value = value_at(value, 0);
    }
    assert_true(str_equal(value_str(value), STR("***")));
    mask_destroy(mask);
}

static void test_mask__survives_a_failing_allocation(void **state)
{
    (void)state;
    const struct str texts[] = {STR("hunter 22"), STR("12345")};
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct mask *mask = NULL;
        struct error err = {0};
        failing_alloc_arm(n);
        int status = mask_create(texts, 2, &mask, &err);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        mask_destroy(mask);
    }
}

static void test_mask__a_search_survives_a_failing_allocation(void **state)
{
    (void)state;
    struct mask *mask = mask_of((const char *const[]){"hunter 22", "12345", NULL});
    struct document *given = read_json("{\"hunter 22\":[\"hunter%2022 hunter\\\\u002022\",12345]}");
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *masked = NULL;
        failing_alloc_arm(n);
        int status = mask_document(mask, given, &masked);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : MASK_FOUND);
        document_unref(masked);
    }
    document_unref(given);
    mask_destroy(mask);
}

/* `expected` NULL: nothing is found. */
static void assert_cut(const struct mask *mask, const char *text, const char *expected)
{
    struct strbuf out = STRBUF_INIT;
    int result = mask_cut_text(mask, str_from(text), &out);
    assert_string_equal(result == MASK_CLEAN ? text : strbuf_str(&out).p,
                        expected != NULL ? expected : text);
    assert_int_equal(result, expected != NULL ? MASK_FOUND : MASK_CLEAN);
    strbuf_finish(&out);
}

/* Wherever a line was cut, less than half of the text is left of it. */
static void test_mask__hides_most_of_a_text_that_was_cut(void **state)
{
    static const char secret[] = "https://hooks.example/s3cr3t-p4th";
    static const char *const texts[MAX_TEXTS] = {secret, "short-1"};
    (void)state;
    struct mask *mask = mask_of(texts);
    for (size_t n = 1; n < sizeof(secret); n++) {
        char text[64];
        char expected[64];
        bool is_most = n >= sizeof(secret) / 2;
        (void)snprintf(text, sizeof(text), "to %.*s", (int)n, secret);
        (void)snprintf(expected, sizeof(expected), "to ***");
        assert_cut(mask, text, is_most ? expected : NULL);
        assert_masked(mask, text, n == sizeof(secret) - 1 ? expected : NULL);
    }
    assert_cut(mask, "to https://hooks.example/s3c (line 5)", "to *** (line 5)");
    assert_cut(mask, "see https://hooks.other/", NULL);
    assert_cut(mask, "short-", "***");
    assert_cut(mask, "short", NULL);
    assert_cut(mask, "68747470733a2f2f686f6f6b732e6578616d706c65", "***"); /* hex */
    assert_cut(mask, "https://hooks.example/https://hooks.example/s3cr3t-p4th", "******");
    assert_cut(mask, "short-1short-1 short-", "****** ***");
    mask_destroy(mask);
}

static void test_mask__hides_what_was_cut_in_a_failure(void **state)
{
    static const char *const texts[MAX_TEXTS] = {"correct-horse"};
    struct document *hidden = NULL;
    (void)state;
    struct mask *mask = mask_of(texts);
    struct document *document = read_json("{\"message\":\"no correct-ho\",\"n\":[1]}");
    assert_int_equal(mask_cut_document(mask, document, &hidden), MASK_FOUND);
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(hidden), JSON_COMPACT, &text);
    assert_string_equal(text.p, "{\"message\":\"no ***\",\"n\":[1]}");
    document_unref(hidden);
    assert_int_equal(mask_document(mask, document, &hidden), MASK_CLEAN);
    document_unref(hidden);
    document_unref(document);
    strbuf_finish(&text);
    mask_destroy(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask__hides_each_occurrence),
        cmocka_unit_test(test_mask__joins_what_overlaps),
        cmocka_unit_test(test_mask__knows_base64),
        cmocka_unit_test(test_mask__knows_hex),
        cmocka_unit_test(test_mask__reads_through_percent_signs),
        cmocka_unit_test(test_mask__reads_through_escapes_of_json),
        cmocka_unit_test(test_mask__hides_the_lines_of_a_text_of_several),
        cmocka_unit_test(test_mask__documents_keep_their_shape),
        cmocka_unit_test(test_mask__clean_documents_are_shared),
        cmocka_unit_test(test_mask__goes_as_deep_as_documents),
        cmocka_unit_test(test_mask__hides_most_of_a_text_that_was_cut),
        cmocka_unit_test(test_mask__hides_what_was_cut_in_a_failure),
        cmocka_unit_test(test_mask__survives_a_failing_allocation),
        cmocka_unit_test(test_mask__a_search_survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
