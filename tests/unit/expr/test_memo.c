/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/expr/memo.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/expr/bindings.h"

struct memo_world {
    struct bindings bindings;
    struct expr_memo memo;
};

static struct memo_world open_world(void)
{
    struct memo_world world = {.bindings = bindings_open("{\"a\":1,\"b\":2}")};
    world.memo = EXPR_MEMO_INIT;
    return world;
}

static void close_world(struct memo_world *world)
{
    expr_memo_finish(&world->memo);
    bindings_close(&world->bindings);
}

static struct expr *compile(struct memo_world *world, const char *text, unsigned flags)
{
    struct expr_names names = bindings_names(&world->bindings);
    struct error err = {0};
    struct expr *expr = NULL;
    names.memo = &world->memo;
    if (expr_compile(str_from(text), &names, flags, &expr, NULL, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return expr;
}

static int64_t evaluate(const struct memo_world *world, const struct expr *expr)
{
    struct expr_scope scope = bindings_scope(&world->bindings);
    struct expr_budget budget = expr_default_budget;
    struct arena arena = ARENA_INIT;
    struct error err = {0};
    struct cel result = {0};
    assert_int_equal(expr_evaluate(expr, &scope, &arena, &budget, &result, &err), 0);
    arena_finish(&arena);
    assert_int_equal(result.type, CEL_INT);
    return result.as.integer;
}

static void test_memo__equal_texts_are_one_expression(void **state)
{
    (void)state;
    struct memo_world world = open_world();
    struct expr *first = compile(&world, "a + b", 0);
    struct expr *second = compile(&world, "a + b", 0);
    struct expr *other = compile(&world, "a+b", 0);
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, other);
    expr_destroy(first);
    expr_destroy(other);
    expr_memo_finish(&world.memo);
    assert_int_equal(evaluate(&world, second), 3); /* the last holder keeps it */
    expr_destroy(second);
    close_world(&world);
}

static void test_memo__other_flags_are_another_expression(void **state)
{
    (void)state;
    struct memo_world world = open_world();
    struct expr *plain = compile(&world, "a + b", 0);
    struct expr *braced = compile(&world, "a + b", EXPR_BRACES);
    struct expr *again = compile(&world, "a + b", EXPR_BRACES);
    assert_ptr_not_equal(plain, braced);
    assert_ptr_not_equal(plain, again);
    assert_ptr_equal(plain, compile(&world, "a + b", 0));
    expr_destroy(plain);
    expr_destroy(plain);
    assert_int_equal(evaluate(&world, braced) + evaluate(&world, again), 6);
    expr_destroy(braced);
    expr_destroy(again);
    close_world(&world);
}

static void test_memo__another_scope_has_its_own(void **state)
{
    (void)state;
    struct memo_world world = open_world();
    expr_memo_enter(&world.memo, 7);
    struct expr *first = compile(&world, "b", 0);
    expr_memo_enter(&world.memo, 7);
    assert_ptr_equal(expr_memo_find(&world.memo, STR("b"), 0), first);
    expr_memo_enter(&world.memo, 8);
    assert_null(expr_memo_find(&world.memo, STR("b"), 0));
    struct expr *second = compile(&world, "b", 0);
    assert_ptr_not_equal(first, second);
    assert_int_equal(evaluate(&world, first), 2);
    expr_destroy(first);
    expr_destroy(second);
    close_world(&world);
}

static void test_memo__what_failed_fails_again(void **state)
{
    (void)state;
    struct memo_world world = open_world();
    struct expr_names names = bindings_names(&world.bindings);
    names.memo = &world.memo;
    for (int i = 0; i < 2; i++) {
        struct error err = {0};
        struct expr_fault fault = {0, 0};
        struct expr *expr = NULL;
        assert_int_equal(expr_compile(STR("a + c"), &names, 0, &expr, &fault, &err), E_INVALID);
        assert_string_equal(err.message, "nothing is called 'c' here");
        assert_int_equal(fault.offset, 4);
        assert_null(expr);
    }
    close_world(&world);
}

static void test_memo__survives_each_failing_allocation(void **state)
{
    (void)state;
    struct memo_world world = open_world();
    struct expr_names names = bindings_names(&world.bindings);
    names.memo = &world.memo;
    for (long n = 0;; n++) {
        struct error err = {0};
        struct expr *expr = NULL;
        failing_alloc_arm(n);
        int status = expr_compile(STR("a + b"), &names, 0, &expr, NULL, &err);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_ptr_equal(expr_memo_find(&world.memo, STR("a + b"), 0), expr);
        expr_destroy(expr);
        if (!is_reached) {
            assert_true(n > 3);
            break;
        }
    }
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memo__equal_texts_are_one_expression),
        cmocka_unit_test(test_memo__other_flags_are_another_expression),
        cmocka_unit_test(test_memo__another_scope_has_its_own),
        cmocka_unit_test(test_memo__what_failed_fails_again),
        cmocka_unit_test(test_memo__survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
