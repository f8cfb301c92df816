/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static ops_str str(const char *text)
{
    ops_str s = {text, strlen(text)};
    return s;
}

static void assert_token(struct session *session, int64_t now_ms, const char *expected)
{
    struct text token = {NULL, 0, 0, 0};
    int64_t ends_ms = 0;
    int is_found = session_find(session, now_ms, &token, &ends_ms);
    assert_int_equal(is_found, expected != NULL);
    if (expected != NULL) {
        assert_int_equal(token.n, strlen(expected));
        assert_memory_equal(token.p, expected, token.n);
    }
    session_clear(&token);
}

static void test_session__is_one_for_all_of_one_id(void **state)
{
    (void)state;
    struct session *first = session_ref(str("a"));
    struct session *again = session_ref(str("a"));
    struct session *other = session_ref(str("ab"));
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, other);
    session_keep(again, str("token"), 1000000);
    assert_token(first, 0, "token");
    assert_token(other, 0, NULL);
    session_unref(first);
    assert_token(again, 0, "token");
    session_unref(again);
    first = session_ref(str("a"));
    assert_token(first, 0, NULL); /* the last one took it along */
    session_unref(first);
    session_unref(other);
    session_unref(NULL);
}

static void test_session__without_an_id_is_nobody_else_s(void **state)
{
    (void)state;
    struct session *first = session_ref(str(""));
    struct session *second = session_ref(str(""));
    assert_ptr_not_equal(first, second);
    session_unref(first);
    session_unref(second);
}

static void test_session__ends_before_its_token_does(void **state)
{
    (void)state;
    struct session *session = session_ref(str("a"));
    assert_token(session, 0, NULL);
    session_keep(session, str("one"), 1000000);
    assert_token(session, 1000000 - SESSION_MARGIN_MS - 1, "one");
    assert_token(session, 1000000 - SESSION_MARGIN_MS, NULL);
    session_keep(session, str("two"), 2000000);
    assert_token(session, 1000000, "two");
    session_drop(session);
    assert_token(session, 0, NULL);
    session_unref(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session__is_one_for_all_of_one_id),
        cmocka_unit_test(test_session__without_an_id_is_nobody_else_s),
        cmocka_unit_test(test_session__ends_before_its_token_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
