/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/model/data_text.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

static void expect(const char *name, const char *text, const char *json, const char *said)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct document *document = NULL;
    struct strbuf out = STRBUF_INIT;
    int status = data_text_read(name, str_from(text), &diagnostics, &document);
    assert_int_equal(status, json != NULL ? 0 : E_INVALID);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &out);
    assert_string_equal(strbuf_str(&out).p, said);
    if (json != NULL) {
        json_write(document_root(document), JSON_COMPACT, &out);
        assert_string_equal(strbuf_str(&out).p, json);
    }
    document_unref(document);
    strbuf_finish(&out);
    diagnostics_finish(&diagnostics);
}

static void test_data_text__is_yaml_or_json(void **state)
{
    (void)state;
    expect("a.yaml", "a: 1\nb: [x, 1.5, null]\n", "{\"a\":1,\"b\":[\"x\",1.5,null]}", "");
    expect("a.yml", "{a: 1}", "{\"a\":1}", "");
    expect("-", "{\"a\": 1}", "{\"a\":1}", "");
    expect("a.json", "\xEF\xBB\xBF[true]", "[true]", "");
    expect("-", "text", "\"text\"", "");
}

static void test_data_text__faults_have_their_place(void **state)
{
    (void)state;
    expect("a.yaml", "a: [1\n", NULL,
           "a.yaml:2:1: error: the text ends, and the '[' at 1:4 is still open\n");
    expect("a.yaml", "# nothing\n", NULL,
           "a.yaml:1:1: error: no input is in it: there are only comments\n");
    expect("a.yaml", "", NULL, "a.yaml:1:1: error: no input is in it: the file is empty\n");
    expect("a.yaml", "...\n", NULL, "a.yaml:1:1: error: no input is in it: the file is empty\n");
    expect("a.json", " ", NULL, "a.json:1:1: error: no input is in it: the file is empty\n");
    expect("a.yaml", "a: 1\n---\nb: 1\n", NULL,
           "a.yaml:2:1: error: a second document begins here\n  leave one of them out\n");
    expect("a.yaml", "a: 1\n...\nb: 1\n", NULL,
           "a.yaml:3:1: error: a second document begins here\n  leave one of them out\n");
    expect("a.json", "{\"a\":1,\"a\":2}", NULL,
           "a.json:1:8: error: the key 'a' is there twice; the first is at 1:2\n");
    expect("a.yaml", "a: \x01\n", NULL,
           "a.yaml:1:4: error: the character U+0001 is not allowed\n"
           "  in text in double quotes, write it as \\u0001\n");
}

static void test_data_text__running_out_of_memory_is_told(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct document *document = NULL;
        failing_alloc_arm(n);
        int status = data_text_read("a.yaml", STR("a: {b: [1]}\n"), &diagnostics, &document);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        document_unref(document);
        diagnostics_finish(&diagnostics);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_text__is_yaml_or_json),
        cmocka_unit_test(test_data_text__faults_have_their_place),
        cmocka_unit_test(test_data_text__running_out_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
