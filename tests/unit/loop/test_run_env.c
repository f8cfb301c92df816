/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/loop/run_env.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

static struct document *read_json(const char *text)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    return document;
}

static void test_run_env__keeps_values_by_run(void **state)
{
    (void)state;
    struct run_env env = {0};
    struct document *one = read_json("{\"A\": \"1\"}");
    struct document *two = read_json("{\"A\": \"2\"}");
    static const uint64_t numbers[] = {7, 3, 9, 5, 1};
    assert_null(run_env_find(&env, 7));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(run_env_set(&env, numbers[i], one), 0);
    }
    assert_int_equal(run_env_set(&env, 5, two), 0);
    assert_ptr_equal(run_env_find(&env, 5), two);
    assert_ptr_equal(run_env_find(&env, 1), one);
    assert_ptr_equal(run_env_find(&env, 9), one);
    assert_null(run_env_find(&env, 4));
    assert_null(run_env_find(&env, 10));
    assert_int_equal(env.count, 5);
    run_env_finish(&env);
    document_unref(one);
    document_unref(two);
}

static void test_run_env__of_runs_that_have_ended_the_latest_stay(void **state)
{
    (void)state;
    struct run_env env = {0};
    struct document *one = read_json("{\"A\": \"1\"}");
    for (uint64_t number = 1; number <= RUN_ENV_ENDED_MOST + 3; number++) {
        assert_int_equal(run_env_set(&env, number, one), 0);
        if (number != 2) {
            run_env_end(&env, number);
            run_env_end(&env, number); /* again: nothing */
        }
    }
    run_env_end(&env, 100000); /* nobody's */
    assert_int_equal(env.count, RUN_ENV_ENDED_MOST + 1);
    assert_null(run_env_find(&env, 1));
    assert_ptr_equal(run_env_find(&env, 2), one);
    assert_null(run_env_find(&env, 3));
    assert_ptr_equal(run_env_find(&env, 4), one);
    run_env_finish(&env);
    document_unref(one);
}

static void check_merge(const char *values, const char *over, const char *wanted)
{
    struct document *below = values != NULL ? read_json(values) : NULL;
    struct document *above = over != NULL ? read_json(over) : NULL;
    struct document *both = NULL;
    struct strbuf text = STRBUF_INIT;
    assert_int_equal(run_env_merge(below, above, &both), 0);
    if (both != NULL) {
        json_write(document_root(both), JSON_COMPACT, &text);
    }
    assert_string_equal(text.n > 0 ? strbuf_str(&text).p : "", wanted);
    strbuf_finish(&text);
    document_unref(both);
    document_unref(above);
    document_unref(below);
}

static void test_run_env__what_is_brought_anew_comes_first(void **state)
{
    (void)state;
    check_merge(NULL, NULL, "");
    check_merge("{\"A\":\"1\"}", NULL, "{\"A\":\"1\"}");
    check_merge(NULL, "{\"A\":\"1\"}", "{\"A\":\"1\"}");
    check_merge("{\"A\":\"1\",\"B\":\"2\"}", "{\"B\":\"3\",\"C\":\"4\"}",
                "{\"A\":\"1\",\"B\":\"3\",\"C\":\"4\"}");
    check_merge("{}", "{}", "{}");
}

static void test_run_env__only_texts_and_no_secrets(void **state)
{
    (void)state;
    struct document *values =
        read_json("{\"A\": \"x\", \"N\": 1, \"EMPTY\": \"\", \"OPSTREAM_SECRET_KEY\": \"sesame\"}");
    assert_string_equal(run_env_value(values, STR("A")), "x");
    assert_string_equal(run_env_value(values, STR("EMPTY")), "");
    assert_null(run_env_value(values, STR("N")));
    assert_null(run_env_value(values, STR("B")));
    assert_null(run_env_value(values, STR("OPSTREAM_SECRET_KEY")));
    assert_null(run_env_value(NULL, STR("A")));
    document_unref(values);
}

static void test_run_env__survives_a_failing_allocation(void **state)
{
    (void)state;
    struct run_env env = {0};
    struct document *values = read_json("{}");
    failing_alloc_arm(0);
    int status = run_env_set(&env, 1, values);
    (void)failing_alloc_disarm();
    assert_int_equal(status, E_NOMEM);
    assert_null(run_env_find(&env, 1));
    assert_int_equal(run_env_set(&env, 1, values), 0);
    run_env_finish(&env);
    document_unref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_env__keeps_values_by_run),
        cmocka_unit_test(test_run_env__of_runs_that_have_ended_the_latest_stay),
        cmocka_unit_test(test_run_env__what_is_brought_anew_comes_first),
        cmocka_unit_test(test_run_env__only_texts_and_no_secrets),
        cmocka_unit_test(test_run_env__survives_a_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
