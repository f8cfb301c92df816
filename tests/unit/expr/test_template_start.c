/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/expr/template.h"
#include "core/expr/template_start.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/expr/bindings.h"

enum { SLOT_CONFIG };

static void write_start(void *user, struct str start, bool is_whole)
{
    strbuf_append_format(user, "%.*s%s\n", STR_ARG(start), is_whole ? "" : "...");
}

static int write_starts(const char *json, struct strbuf *lines)
{
    struct bindings bindings = bindings_open("{\"config\":{\"host\":\"h.example\"},\"input\":{}}");
    struct expr_scope scope = bindings_scope(&bindings);
    struct template_options options = {.names = bindings_names(&bindings)};
    struct template *template = NULL;
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    int status = json_read(str_from(json), NULL, &document, &err);
    if (status == 0) {
        status = template_compile(document, document_root(document), &options, &template, &err);
    }
    if (status == 0) {
        status = template_start_each(template, &scope, SLOT_CONFIG, write_start, lines);
    }
    template_destroy(template);
    bindings_close(&bindings);
    return status;
}

static void check_starts(const char *json, const char *expected)
{
    struct strbuf lines = STRBUF_INIT;
    assert_int_equal(write_starts(json, &lines), 0);
    assert_int_equal(strbuf_status(&lines), 0);
    assert_string_equal(lines.p, expected);
    strbuf_finish(&lines);
}

static void test_template_start__is_as_long_as_it_is_sure(void **state)
{
    (void)state;
    check_starts("\"https://{{ config.host }}/a\"", "https://h.example/a\n");
    check_starts("\"https://{{ config.host }}/{{ input.x }}/{{ config.host }}\"",
                 "https://h.example/...\n");
    check_starts("\"{{ input.x + config.host }}\"", "...\n");
    check_starts("\"${NONE:-a}b{{ config.none }}\"", "ab...\n");
}

static void test_template_start__tells_of_all_strings(void **state)
{
    (void)state;
    check_starts("{\"a\":[\"one\",{\"b\":\"{{ config.host }}\"}],\"c\":\"two\",\"d\":3}",
                 "one\ntwo\nh.example\n");
}

static void test_template_start__reports_lack_of_memory(void **state)
{
    long n = 0;
    (void)state;
    for (bool is_done = false; !is_done; n++) {
        struct bindings bindings = bindings_open("{\"config\":{\"host\":\"h\"}}");
        struct expr_scope scope = bindings_scope(&bindings);
        struct template_options options = {.names = bindings_names(&bindings)};
        struct template *template = NULL;
        struct strbuf lines = STRBUF_INIT;
        struct document *document = NULL;
        assert_int_equal(json_read(STR("[\"a{{ config.host }}\"]"), NULL, &document, NULL), 0);
        assert_int_equal(
            template_compile(document, document_root(document), &options, &template, NULL), 0);
        failing_alloc_arm(n);
        int status = template_start_each(template, &scope, SLOT_CONFIG, write_start, &lines);
        is_done = !failing_alloc_disarm();
        assert_true(status == 0 || status == E_NOMEM);
        template_destroy(template);
        document_unref(document);
        strbuf_finish(&lines);
        bindings_close(&bindings);
    }
    assert_true(n > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_start__is_as_long_as_it_is_sure),
        cmocka_unit_test(test_template_start__tells_of_all_strings),
        cmocka_unit_test(test_template_start__reports_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
