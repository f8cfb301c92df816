/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/config_mutant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/checker/chance.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { MUTANTS = 2000 };

static struct document *read_json(const char *text)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(text), NULL, &document, NULL), 0);
    return document;
}

/* Each is a whole value, and all kinds of change are among them. */
static void test_config_mutant__changes_one_thing(void **state)
{
    static const char *const wanted[] = {"left out",     "with another key",
                                         "nobody knows", "= null",
                                         "200,000",      "2,000 numbers",
                                         "40 deep",      "/a/1 ",
                                         "/b/c ",        "= 8",
                                         "= 6",          "= {}",
                                         "= ''",         "/d~1e "};
    struct document *document = read_json("{\"a\":[1,7],\"b\":{\"c\":\"x\"},\"d/e\":true}");
    bool was_seen[sizeof wanted / sizeof wanted[0]] = {false};
    struct chance chance = {1};
    int same = 0;
    (void)state;
    for (int i = 0; i < MUTANTS; i++) {
        char what[160] = "";
        struct document *mutant = NULL;
        assert_int_equal(config_mutate(document, &chance, &mutant, what, sizeof what, NULL), 0);
        same += value_equal(document_root(mutant), document_root(document)) ? 1 : 0;
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
            was_seen[k] = was_seen[k] || strstr(what, wanted[k]) != NULL;
        }
        document_unref(mutant);
    }
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        if (!was_seen[k]) {
            fail_msg("no mutant is '%s'", wanted[k]);
        }
    }
    assert_true(same < MUTANTS / 10); /* true for true, say */
    document_unref(document);
}

static void test_config_mutant__same_seed_same_mutant(void **state)
{
    struct document *document = read_json("{\"a\":[1,7],\"b\":{\"c\":\"x\"}}");
    struct chance one = {5};
    struct chance two = {5};
    (void)state;
    for (int i = 0; i < 50; i++) {
        char what[2][160];
        struct document *mutants[2] = {NULL, NULL};
        assert_int_equal(config_mutate(document, &one, &mutants[0], what[0], 160, NULL), 0);
        assert_int_equal(config_mutate(document, &two, &mutants[1], what[1], 160, NULL), 0);
        assert_string_equal(what[0], what[1]);
        assert_true(value_equal(document_root(mutants[0]), document_root(mutants[1])));
        document_unref(mutants[0]);
        document_unref(mutants[1]);
    }
    document_unref(document);
}

/* The deepest that there can be: what is added must fit. */
static void test_config_mutant__deep_values_stay_within_the_limit(void **state)
{
    char text[2 * VALUE_MAX_DEPTH + 1];
    struct chance chance = {1};
    (void)state;
    memset(text, '[', VALUE_MAX_DEPTH);
    memset(text + VALUE_MAX_DEPTH, ']', VALUE_MAX_DEPTH);
    text[2 * VALUE_MAX_DEPTH] = '\0';
    struct document *document = read_json(text);
    for (int i = 0; i < MUTANTS; i++) {
        char what[160];
        struct document *mutant = NULL;
        int status = config_mutate(document, &chance, &mutant, what, sizeof what, NULL);
        assert_true(status == 0 || status == E_LIMIT);
        document_unref(status == 0 ? mutant : NULL);
    }
    document_unref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_mutant__changes_one_thing),
        cmocka_unit_test(test_config_mutant__same_seed_same_mutant),
        cmocka_unit_test(test_config_mutant__deep_values_stay_within_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
