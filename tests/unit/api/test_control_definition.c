/* SPDX-License-Identifier: Apache-2.0 */
/* What clients bring is loaded once, as long as it and what it read of the environment are so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/control_definition.h"
#include "core/base/error.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/pipeline_fixture.h"

static const char with_env[] = "id: it\nconfig: {a: '${HERE}', b: '${GONE:-none}'}\n"
                               "nodes: [{id: a, type: set, config: {x: '{{ config.a }}'}}]\n";

/* What HERE and GONE are; NULL: not set. */
struct environment {
    const char *here;
    const char *gone;
};

static const char *env(void *user, struct str name)
{
    const struct environment *now = user;
    return str_equal(name, STR("HERE"))   ? now->here
           : str_equal(name, STR("GONE")) ? now->gone
                                          : NULL;
}

static struct load_options options_of(struct environment *now)
{
    struct load_options options = *pipeline_fixture_options();
    options.env = env;
    options.user = now;
    options.flags = LOAD_START;
    return options;
}

static int find(struct control_definition **list, struct control_definition_wish wish,
                struct environment now, const struct control_definition **out, struct error *err)
{
    struct load_options options = options_of(&now);
    wish.options = &options;
    wish.program = "opstream";
    return control_definition_find(list, &wish, out, err);
}

static const struct control_definition *must_find(struct control_definition **list,
                                                  struct control_definition_wish wish,
                                                  struct environment now)
{
    const struct control_definition *found = NULL;
    struct error err = {0};
    if (find(list, wish, now, &found, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return found;
}

static struct control_definition_wish text_wish(const char *text)
{
    return (struct control_definition_wish){.text = str_from(text)};
}

static size_t count_of(const struct control_definition *list)
{
    size_t count = 0;
    for (; list != NULL; list = list->next) {
        count++;
    }
    return count;
}

static void test_control_definition__the_same_text_is_loaded_once(void **state)
{
    struct control_definition *list = NULL;
    struct environment now = {.here = "x"};
    (void)state;
    const struct control_definition *first = must_find(&list, text_wish(with_env), now);
    assert_int_equal(first->definitions->count, 1);
    assert_string_equal(first->definitions->pipelines[0]->id.p, "it");
    assert_int_equal(strlen(first->digest), DIGEST_HEX_SIZE - 1);
    assert_true(first->compiled_by.n > 0);
    char *copy = str_dup(str_from(with_env));
    assert_ptr_equal(must_find(&list, text_wish(copy), now), first);
    free(copy);
    assert_int_equal(count_of(list), 1);
    control_definitions_finish(&list);
    assert_null(list);
}

static void test_control_definition__another_environment_is_another_definition(void **state)
{
    struct control_definition *list = NULL;
    const struct environment now[] = {
        {.here = "x"}, {.here = "y"}, {.here = "x", .gone = "z"}, {.here = "x", .gone = ""}};
    const struct control_definition *found[4];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        found[i] = must_find(&list, text_wish(with_env), now[i]);
        for (size_t k = 0; k < i; k++) {
            assert_ptr_not_equal(found[i], found[k]);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        assert_ptr_equal(must_find(&list, text_wish(with_env), now[i]), found[i]);
    }
    const struct control_definition *none = NULL;
    assert_int_equal(find(&list, text_wish(with_env), (struct environment){0}, &none, NULL),
                     E_INVALID);
    assert_null(none);
    assert_int_equal(count_of(list), 4);
    control_definitions_finish(&list);
}

static void test_control_definition__a_wanted_id_and_a_bundle_are_told_apart(void **state)
{
    struct control_definition *list = NULL;
    struct environment now = {.here = "x"};
    struct control_definition_wish wish = text_wish(with_env);
    (void)state;
    const struct control_definition *all = must_find(&list, wish, now);
    wish.id = STR("it");
    const struct control_definition *one = must_find(&list, wish, now);
    assert_ptr_not_equal(one, all);
    struct control_definition_wish bundled = {.text = all->bundle, .is_bundle = true};
    const struct control_definition *again = must_find(&list, bundled, now);
    assert_ptr_not_equal(again, all);
    assert_string_equal(again->digest, all->digest);
    assert_string_equal(again->compiled_by.p, all->compiled_by.p);
    assert_ptr_equal(must_find(&list, bundled, now), again);
    now.here = NULL;
    assert_int_equal(find(&list, bundled, now, &again, NULL), E_NOT_FOUND);
    control_definitions_finish(&list);
}

static void test_control_definition__what_is_wrong_is_not_kept(void **state)
{
    struct control_definition *list = NULL;
    const struct control_definition *found = NULL;
    struct error err = {0};
    (void)state;
    assert_int_equal(find(&list, text_wish("id: it\nnodes: [{id: a, type: nope}]\n"),
                          (struct environment){0}, &found, &err),
                     E_INVALID);
    assert_non_null(strstr(err.message, "the definition, line 2, column "));
    struct control_definition_wish bundled = {.text = STR("{}"), .is_bundle = true};
    assert_int_equal(find(&list, bundled, (struct environment){0}, &found, &err), E_INVALID);
    struct control_definition_wish unknown = text_wish(with_env);
    unknown.id = STR("other");
    assert_int_equal(find(&list, unknown, (struct environment){.here = "x"}, &found, &err),
                     E_NOT_FOUND);
    assert_null(found);
    assert_null(list);
}

static const struct control_definition *find_numbered(struct control_definition **list, int i)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "id: it\nnodes: [{id: n%d, type: start}]\n", i);
    return must_find(list, text_wish(text), (struct environment){0});
}

static void test_control_definition__those_used_longest_ago_go_first(void **state)
{
    struct control_definition *list = NULL;
    (void)state;
    const struct control_definition *first = find_numbered(&list, 0);
    for (int i = 1; i <= CONTROL_DEFINITIONS_MOST; i++) {
        (void)find_numbered(&list, i);
        assert_ptr_equal(find_numbered(&list, 0), first); /* it stays in use */
        control_definitions_trim(&list);
    }
    assert_int_equal(count_of(list), CONTROL_DEFINITIONS_MOST);
    assert_ptr_equal(find_numbered(&list, 0), first);
    for (const struct control_definition *at = list; at != NULL; at = at->next) {
        assert_null(strstr(at->text.p, "id: n1,"));
    }
    control_definitions_finish(&list);
}

static void test_control_definition__a_large_one_is_not_kept(void **state)
{
    struct control_definition *list = NULL;
    struct strbuf text = STRBUF_INIT;
    (void)state;
    const struct control_definition *small = find_numbered(&list, 1);
    strbuf_append_text(&text, "id: it\nnodes: [{id: a, type: start}]\n");
    while (text.n < CONTROL_DEFINITIONS_MAX_BYTES / 2) {
        strbuf_append_text(&text, "# a line that says nothing at all, and is there to be long\n");
    }
    assert_int_equal(strbuf_status(&text), 0);
    (void)must_find(&list, text_wish(text.p), (struct environment){0});
    control_definitions_trim(&list);
    assert_ptr_equal(list, small);
    assert_int_equal(count_of(list), 1);
    control_definitions_finish(&list);
    strbuf_finish(&text);
}

static void test_control_definition__survives_every_failed_allocation(void **state)
{
    bool is_reached = true;
    (void)state;
    (void)pipeline_fixture_options(); /* makes its catalogue once */
    for (long n = 0; is_reached; n++) {
        struct control_definition *list = NULL;
        const struct control_definition *found = NULL;
        failing_alloc_arm(n);
        int status =
            find(&list, text_wish(with_env), (struct environment){.here = "x"}, &found, NULL);
        is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        assert_int_equal(count_of(list), is_reached ? 0 : 1);
        control_definitions_finish(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_definition__the_same_text_is_loaded_once),
        cmocka_unit_test(test_control_definition__another_environment_is_another_definition),
        cmocka_unit_test(test_control_definition__a_wanted_id_and_a_bundle_are_told_apart),
        cmocka_unit_test(test_control_definition__what_is_wrong_is_not_kept),
        cmocka_unit_test(test_control_definition__those_used_longest_ago_go_first),
        cmocka_unit_test(test_control_definition__a_large_one_is_not_kept),
        cmocka_unit_test(test_control_definition__survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
