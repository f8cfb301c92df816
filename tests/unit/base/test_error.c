/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/utf8.h"

static void test_error__set_fills_code_and_message(void **state)
{
    (void)state;
    struct error err = {.line = 7, .file = "old"};
    assert_int_equal(error_set(&err, E_NOT_FOUND, "no file '%s'", "x"), E_NOT_FOUND);
    assert_int_equal(err.code, E_NOT_FOUND);
    assert_string_equal(err.message, "no file 'x'");
    assert_int_equal(err.line, 0);
    assert_string_equal(err.file, "");
}

static void test_error__without_a_place_to_write_only_the_code_returns(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, E_IO, "x"), E_IO);
    assert_int_equal(error_set_errno(NULL, E_IO, EPERM, "x"), E_IO);
    assert_int_equal(error_nomem(NULL), E_NOMEM);
    error_prefix(NULL, "x");
    error_set_place(NULL, "f", 1, 1);
}

static void test_error__errno_text_follows(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_set_errno(&err, E_IO, ENOENT, "cannot open '%s'", "f"), E_IO);
    assert_string_equal(err.message, "cannot open 'f': No such file or directory");
    assert_int_equal(error_set_errno(&err, E_IO, 99999, "x"), E_IO);
    assert_string_equal(err.message, "x: unknown system error");
}

static void test_error__long_messages_end_at_a_whole_character(void **state)
{
    (void)state;
    char text[3000];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xC3\xA4", 3);
    }
    struct error err;
    error_set(&err, E_INVALID, "%s", text);
    assert_int_equal(strlen(err.message), 1022);
    assert_int_equal(utf8_valid_prefix(err.message, 1022), 1022);
    error_set(&err, E_INVALID, "a%s", text);
    assert_int_equal(strlen(err.message), 1023);
    error_prefix(&err, "%s", text);
    assert_int_equal(utf8_valid_prefix(err.message, strlen(err.message)), strlen(err.message));
    error_set_place(&err, text, 1, 2);
    assert_int_equal(strlen(err.file), 254);
}

static void test_error__prefix_goes_in_front(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, E_INVALID, "bad");
    error_prefix(&err, "node '%s': ", "a");
    assert_string_equal(err.message, "node 'a': bad");
    assert_int_equal(err.code, E_INVALID);
}

static void test_error__place_keeps_the_file_when_none_is_given(void **state)
{
    (void)state;
    struct error err;
    error_set(&err, E_INVALID, "bad");
    error_set_place(&err, "a.yaml", 3, 4);
    error_set_place(&err, NULL, 5, 6);
    assert_string_equal(err.file, "a.yaml");
    assert_int_equal(err.line, 5);
    assert_int_equal(err.column, 6);
}

static void test_error__copy_takes_all(void **state)
{
    (void)state;
    struct error from;
    struct error to = {0};
    error_set(&from, E_LIMIT, "too many");
    assert_int_equal(error_copy(&to, &from), E_LIMIT);
    assert_string_equal(to.message, "too many");
    assert_int_equal(error_copy(NULL, &from), E_LIMIT);
    assert_int_equal(error_copy(&from, &from), E_LIMIT);
}

static void test_error__every_code_has_its_text(void **state)
{
    (void)state;
    for (int code = -12; code < 0; code++) {
        assert_string_not_equal(error_code_text(code), "unknown error");
    }
    assert_string_equal(error_code_text(E_TIMEOUT), "timed out");
    assert_string_equal(error_code_text(0), "unknown error");
    assert_string_equal(error_code_text(-13), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error__set_fills_code_and_message),
        cmocka_unit_test(test_error__without_a_place_to_write_only_the_code_returns),
        cmocka_unit_test(test_error__errno_text_follows),
        cmocka_unit_test(test_error__long_messages_end_at_a_whole_character),
        cmocka_unit_test(test_error__prefix_goes_in_front),
        cmocka_unit_test(test_error__place_keeps_the_file_when_none_is_given),
        cmocka_unit_test(test_error__copy_takes_all),
        cmocka_unit_test(test_error__every_code_has_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
