/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/load.h"
#include "tests/unit/model/fault_cases.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;

static int load(struct str text, const char *file, unsigned flags, struct diagnostics *diagnostics)
{
    struct load_options options = {.catalogue = &types.catalogue,
                                   .engine_types = types.engine_types,
                                   .file = str_from(file),
                                   .flags = flags};
    struct definitions *definitions = NULL;
    int status = load_text(text, &options, diagnostics, &definitions, NULL);
    definitions_destroy(definitions);
    return status;
}

static void check_cases(const struct fault_case *cases)
{
    size_t wrong = 0;
    for (const struct fault_case *test = cases; test->name != NULL; test++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct strbuf printed = STRBUF_INIT;
        int status = load(str_from(test->text), test->file, test->flags, &diagnostics);
        diagnostics_print(&diagnostics, NULL, NULL, 0, &printed);
        if (!str_equal_text(strbuf_str(&printed), test->diagnostics)) {
            print_error("case '%s': expected\n%sfound\n%s\n", test->name, test->diagnostics,
                        strbuf_str(&printed).p);
            wrong++;
        }
        assert_int_equal(status, diagnostics.error_count > 0 ? E_INVALID : 0);
        strbuf_finish(&printed);
        diagnostics_finish(&diagnostics);
    }
    assert_int_equal(wrong, 0);
}

static void test_faults__each_mistake_gets_its_text(void **state)
{
    (void)state;
    check_cases(fault_cases);
}

static void test_faults__each_mistake_with_bodies_gets_its_text(void **state)
{
    (void)state;
    check_cases(fault_cases_bodies);
}

static void test_faults__each_mistake_in_expressions_gets_its_text(void **state)
{
    (void)state;
    check_cases(fault_cases_expressions);
}

static void test_faults__each_mistake_with_policies_gets_its_text(void **state)
{
    (void)state;
    check_cases(fault_cases_policies);
}

static const char carets_yaml[] = "name: t\n"
                                  "nodes:\n"
                                  "  - id: a\n"
                                  "    type: http\n"
                                  "    config:\n"
                                  "      url: >-\n"
                                  "        https://é.example/\n"
                                  "        {{ input.x + }}\n"
                                  "    when: \"input.a ==\n"
                                  "      'b' &&& true\"\n";

static struct str carets_source(const char *file, void *user)
{
    (void)file;
    (void)user;
    return str_from(carets_yaml);
}

static void test_faults__carets_stand_under_the_place(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf printed = STRBUF_INIT;
    (void)state;
    assert_int_equal(load(str_from(carets_yaml), "t.yaml", 0, &diagnostics), E_INVALID);
    diagnostics_print(&diagnostics, carets_source, NULL, 0, &printed);
    assert_string_equal(strbuf_str(&printed).p,
                        "t.yaml:8:22: error: config of node 'a': the expression ends where a "
                        "value is expected\n"
                        "            {{ input.x + }}\n"
                        "                         ^\n"
                        "t.yaml:10:13: error: 'when' of node 'a': '&' is no operator: use '&&'\n"
                        "          'b' &&& true\"\n"
                        "                ^\n");
    strbuf_finish(&printed);
    diagnostics_finish(&diagnostics);
}

static void test_faults__text_that_is_no_utf8_is_refused_with_its_place(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    (void)state;
    assert_int_equal(load(STR("name: t\nx: \xc3\xa9\xff"), "t.yaml", 0, &diagnostics), E_INVALID);
    assert_string_equal(diagnostics.items[0].message, "not UTF-8: byte 0xff");
    assert_int_equal(diagnostics.items[0].place.line, 2);
    assert_int_equal(diagnostics.items[0].place.column, 5);
    diagnostics_finish(&diagnostics);
}

static void test_faults__limits_are_named(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf text = STRBUF_INIT;
    (void)state;
    strbuf_append_text(&text, "name: t\nnodes:\n");
    for (int i = 0; i < 10001; i++) {
        strbuf_append_format(&text, "- {id: n%d, type: set}\n", i);
    }
    assert_int_equal(load(strbuf_str(&text), "t.yaml", 0, &diagnostics), E_INVALID);
    assert_string_equal(diagnostics.items[0].message,
                        "10001 nodes are too many: the limit is 10,000");
    while (text.n <= 4 * 1024 * 1024) {
        strbuf_append_text(&text, "# more and more and more and more and more and more and more\n");
    }
    diagnostics_finish(&diagnostics);
    assert_int_equal(load(strbuf_str(&text), "t.yaml", 0, &diagnostics), E_INVALID);
    assert_non_null(strstr(diagnostics.items[0].message, "the limit is 4 MiB"));
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
}

static void test_faults__many_errors_are_all_found(void **state)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strbuf text = STRBUF_INIT;
    (void)state;
    strbuf_append_text(&text, "name: t\nnodes:\n");
    for (int i = 0; i < 10000; i++) {
        strbuf_append_format(&text, "- {id: n%d, type: st, depends_on: [m%d], tpye: x}\n", i, i);
    }
    assert_int_equal(load(strbuf_str(&text), "t.yaml", 0, &diagnostics), E_INVALID);
    assert_int_equal(diagnostics.error_count, 30000);
    strbuf_finish(&text);
    diagnostics_finish(&diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults__each_mistake_gets_its_text),
        cmocka_unit_test(test_faults__each_mistake_with_bodies_gets_its_text),
        cmocka_unit_test(test_faults__each_mistake_in_expressions_gets_its_text),
        cmocka_unit_test(test_faults__each_mistake_with_policies_gets_its_text),
        cmocka_unit_test(test_faults__carets_stand_under_the_place),
        cmocka_unit_test(test_faults__text_that_is_no_utf8_is_refused_with_its_place),
        cmocka_unit_test(test_faults__limits_are_named),
        cmocka_unit_test(test_faults__many_errors_are_all_found),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
