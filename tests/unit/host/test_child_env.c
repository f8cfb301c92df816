/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/host/child_env.h"
#include "tests/support/failing_alloc.h"

static const char *find(struct child_env *env, const char *name)
{
    const char *const *list = child_env_list(env);
    size_t n = strlen(name);
    for (; list != NULL && *list != NULL; list++) {
        if (strncmp(*list, name, n) == 0 && (*list)[n] == '=') {
            return *list + n + 1;
        }
    }
    return NULL;
}

static void test_child_env__is_empty_at_first(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct child_env env;
    child_env_init(&env, &arena);
    assert_non_null(child_env_list(&env));
    assert_null(child_env_list(&env)[0]);
    child_env_finish(&env);
    arena_finish(&arena);
}

static void test_child_env__the_later_of_two_counts(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct child_env env;
    child_env_init(&env, &arena);
    assert_int_equal(child_env_add(&env, STR("A=1")), 0);
    assert_int_equal(child_env_add(&env, STR("AB=2")), 0);
    assert_int_equal(child_env_add(&env, STR("A=x=y")), 0);
    assert_int_equal(child_env_add(&env, STR("EMPTY=")), 0);
    assert_int_equal(env.count, 3);
    assert_string_equal(find(&env, "A"), "x=y");
    assert_string_equal(find(&env, "AB"), "2");
    assert_string_equal(find(&env, "EMPTY"), "");
    child_env_finish(&env);
    arena_finish(&arena);
}

static void test_child_env__refuses_what_is_no_entry(void **state)
{
    (void)state;
    struct arena arena = ARENA_INIT;
    struct child_env env;
    child_env_init(&env, &arena);
    assert_int_equal(child_env_add(&env, STR("")), E_INVALID);
    assert_int_equal(child_env_add(&env, STR("NAME")), E_INVALID);
    assert_int_equal(child_env_add(&env, STR("=value")), E_INVALID);
    assert_int_equal(child_env_add(&env, STR("A=b\0c")), E_INVALID);
    assert_int_equal(child_env_inherit(&env, STR("")), E_INVALID);
    assert_int_equal(child_env_inherit(&env, STR("A=b")), E_INVALID);
    assert_int_equal(env.count, 0);
    child_env_finish(&env);
    arena_finish(&arena);
}

static void test_child_env__inherits_one_or_all(void **state)
{
    (void)state;
    assert_int_equal(setenv("OPSTREAM_TEST_ENV", "here", 1), 0);
    assert_int_equal(setenv("OPSTREAM_TEST_ENV_2", "too", 1), 0);
    struct arena arena = ARENA_INIT;
    struct child_env env;
    child_env_init(&env, &arena);
    assert_int_equal(child_env_inherit(&env, STR("OPSTREAM_TEST_ENV")), 0);
    assert_int_equal(child_env_inherit(&env, STR("OPSTREAM_TEST_NOT_SET")), 0);
    assert_int_equal(env.count, 1);
    assert_string_equal(find(&env, "OPSTREAM_TEST_ENV"), "here");
    assert_int_equal(child_env_inherit_all(&env), 0);
    assert_string_equal(find(&env, "OPSTREAM_TEST_ENV_2"), "too");
    child_env_finish(&env);
    arena_finish(&arena);
    assert_int_equal(unsetenv("OPSTREAM_TEST_ENV"), 0);
    assert_int_equal(unsetenv("OPSTREAM_TEST_ENV_2"), 0);
}

static void test_child_env__survives_each_failed_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct arena arena = ARENA_INIT;
        struct child_env env;
        child_env_init(&env, &arena);
        failing_alloc_arm(n);
        int status = child_env_add(&env, STR("A=1"));
        bool is_listed = child_env_list(&env) != NULL;
        bool is_reached = failing_alloc_disarm();
        assert_true(status == 0 || status == E_NOMEM);
        assert_int_equal(is_reached, status != 0 || !is_listed);
        child_env_finish(&env);
        arena_finish(&arena);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_env__is_empty_at_first),
        cmocka_unit_test(test_child_env__the_later_of_two_counts),
        cmocka_unit_test(test_child_env__refuses_what_is_no_entry),
        cmocka_unit_test(test_child_env__inherits_one_or_all),
        cmocka_unit_test(test_child_env__survives_each_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
