/* SPDX-License-Identifier: Apache-2.0 */

/* The table of prices, and which models a name in it stands for. */

#include "price.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

struct ops_tables ops;

static uint64_t count_none(void *h, ops_val v)
{
    (void)h;
    (void)v;
    return 0;
}

static const ops_if_value no_values = {.count = count_none};

static void test_price__a_name_stands_for_its_versions(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *name;
        int is_it;
    } cases[] = {
        {"gpt-4o", "gpt-4o", 1},
        {"gpt-4o-2024-08-06", "gpt-4o", 1},
        {"gpt-4o-latest", "gpt-4o", 1},
        {"gpt-4-0613", "gpt-4", 1},
        {"claude-opus-4-20250514", "claude-opus-4", 1},
        {"gpt-4o-mini", "gpt-4o", 0},
        {"gpt-4o", "gpt-4", 0},
        {"gpt-4-1106-preview", "gpt-4", 0},
        {"claude-opus-4-1-20250805", "claude-opus-4", 0},
        {"claude-opus-4-5", "claude-opus-4", 0},
        {"gpt-4o-", "gpt-4o", 0},
        {"gpt", "gpt-4", 0},
        {"", "gpt-4", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (price_is_of(ops_text(cases[i].model), ops_text(cases[i].name)) != cases[i].is_it) {
            fail_msg("%s and %s", cases[i].model, cases[i].name);
        }
    }
}

static void test_price__the_table_makes_sense(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct price *price = price_table; price->model != NULL; price++, n++) {
        assert_true(price->input > 0 && price->input < 1000);
        assert_true(price->cached <= price->input);
        assert_true(price->output >= price->input || price->output <= 0);
        for (const struct price *other = price_table; other != price; other++) {
            assert_string_not_equal(other->model, price->model);
        }
    }
    assert_true(n > 20);
}

static void test_price__cost_is_known_or_not(void **state)
{
    (void)state;
    const struct usage usage = {2000000, 1000000, 0};
    const struct usage cached = {2000000, 1000000, 2000000};
    const struct usage unknown = {2000000, -1, 0};
    ops.value = &no_values;
    assert_float_equal(price_cost(0, ops_text("gpt-4"), &usage), 120, 1e-6);
    assert_float_equal(price_cost(0, ops_text("gpt-4o-2024-08-06"), &cached), 12.5, 1e-6);
    assert_float_equal(price_cost(0, ops_text("gpt-4"), &unknown), -1, 1e-6);
    assert_float_equal(price_cost(0, ops_text("my-own"), &usage), -1, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_price__a_name_stands_for_its_versions),
        cmocka_unit_test(test_price__the_table_makes_sense),
        cmocka_unit_test(test_price__cost_is_known_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
