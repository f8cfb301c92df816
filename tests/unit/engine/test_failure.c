/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/engine/failure.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

static void assert_json(struct document *failure, const char *expected)
{
    char *text = pipeline_fixture_text(failure);
    assert_string_equal(text, expected);
    free(text);
    document_unref(failure);
}

static void test_failure__is_a_map_of_code_message_and_hint(void **state)
{
    (void)state;
    assert_json(failure_create("X", STR("it broke"), "mend it"),
                "{\"code\":\"X\",\"message\":\"it broke\",\"hint\":\"mend it\"}");
    assert_json(failure_create("X", STR(""), NULL), "{\"code\":\"X\",\"message\":\"\"}");
}

static void test_failure__message_is_cut_where_it_is_no_utf8(void **state)
{
    (void)state;
    assert_json(failure_create("X", STR("good \xff bad"), NULL),
                "{\"code\":\"X\",\"message\":\"good \"}");
}

static void test_failure__from_error_keeps_limits_apart(void **state)
{
    (void)state;
    struct error err = {0};
    (void)error_set(&err, E_INVALID, "wrong");
    assert_json(failure_from_error("EXPRESSION", &err),
                "{\"code\":\"EXPRESSION\",\"message\":\"wrong\"}");
    (void)error_set(&err, E_LIMIT, "too much");
    assert_json(failure_from_error("EXPRESSION", &err),
                "{\"code\":\"LIMIT\",\"message\":\"too much\"}");
}

static void test_failure__parts_are_empty_when_they_are_not_text(void **state)
{
    (void)state;
    static const char *const failures[] = {"null", "[]", "\"x\"", "{}",
                                           "{\"code\": 1, \"message\": null, \"hint\": [2]}"};
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        struct document *failure = pipeline_fixture_json(failures[i]);
        assert_int_equal(failure_code(failure).n, 0);
        assert_int_equal(failure_message(failure).n, 0);
        assert_int_equal(failure_hint(failure).n, 0);
        document_unref(failure);
    }
    assert_int_equal(failure_code(NULL).n, 0);
    struct document *failure = failure_create("X", STR("m"), "h");
    assert_true(str_equal_text(failure_code(failure), "X"));
    assert_true(str_equal_text(failure_message(failure), "m"));
    assert_true(str_equal_text(failure_hint(failure), "h"));
    document_unref(failure);
}

static void test_failure__without_memory_it_is_an_empty_map(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        failing_alloc_arm(n);
        struct document *failure = failure_create("X", STR("m"), "h");
        bool was_reached = failing_alloc_disarm();
        assert_non_null(failure);
        assert_int_equal(failure_code(failure).n, was_reached ? 0 : 1);
        document_unref(failure);
        if (!was_reached) {
            assert_true(n > 0);
            return;
        }
    }
}

static void assert_named(const char *failure, const char *names, const char *expected)
{
    struct document *before = pipeline_fixture_json(failure);
    struct document *after = failure_name_secrets(before, str_from(names));
    document_unref(before);
    assert_json(after, expected);
}

static void test_failure__a_refused_credential_names_its_secrets(void **state)
{
    (void)state;
    assert_named("{\"code\":\"AUTH\",\"hint\":\"look\",\"n\":1}", "a-b",
                 "{\"code\":\"AUTH\",\"n\":1,\"hint\":\"look; it comes from the secret 'a-b' "
                 "(set OPSTREAM_SECRET_A_B, or use 'opstream secrets set a-b')\"}");
    assert_named("{\"code\":\"AUTH\"}", "a,b",
                 "{\"code\":\"AUTH\",\"hint\":\"it comes from the secrets "
                 "'a' (set OPSTREAM_SECRET_A, or use 'opstream secrets set a'), "
                 "'b' (set OPSTREAM_SECRET_B, or use 'opstream secrets set b')\"}");
    assert_named("{\"code\":\"PERMISSION\",\"upstream_status\":403}", "a",
                 "{\"code\":\"PERMISSION\",\"upstream_status\":403,\"hint\":\"it comes from the "
                 "secret 'a' (set OPSTREAM_SECRET_A, or use 'opstream secrets set a')\"}");
    assert_named("{\"code\":\"PERMISSION\"}", "a", "{\"code\":\"PERMISSION\"}");
    assert_named("{\"code\":\"AUTH\"}", "", "{\"code\":\"AUTH\"}");
    assert_named("{\"code\":\"NOT_FOUND\"}", "a", "{\"code\":\"NOT_FOUND\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure__is_a_map_of_code_message_and_hint),
        cmocka_unit_test(test_failure__message_is_cut_where_it_is_no_utf8),
        cmocka_unit_test(test_failure__from_error_keeps_limits_apart),
        cmocka_unit_test(test_failure__parts_are_empty_when_they_are_not_text),
        cmocka_unit_test(test_failure__a_refused_credential_names_its_secrets),
        cmocka_unit_test(test_failure__without_memory_it_is_an_empty_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
