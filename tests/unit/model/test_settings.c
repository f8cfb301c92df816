/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"

/* Reads `text`; `out` gets the constants as JSON, or what is wrong. */
static int read_text(const char *text, struct strbuf *out)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct document *config = NULL;
    struct error err = {0};
    int status = settings_read(str_from(text), "s.yaml", &diagnostics, &config, &err);
    if (status == 0) {
        json_write(document_root(config), 0, out);
        document_unref(config);
    } else {
        diagnostics_print(&diagnostics, NULL, NULL, 0, out);
    }
    diagnostics_finish(&diagnostics);
    return status;
}

static void test_settings__constants_are_read(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"config: {a: 1, b: [x, null], c: {d: true}}",
         "{\"a\":1,\"b\":[\"x\",null],\"c\":{\"d\":true}}"},
        {"{\"config\": {\"a\": 1.5}}", "{\"a\":1.5}"},
        {"config: {}", "{}"},
        {"{}", "{}"},
        {"# nothing\n", "{}"},
        {"", "{}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        assert_int_equal(read_text(cases[i][0], &out), 0);
        assert_string_equal(strbuf_str(&out).p, cases[i][1]);
        strbuf_finish(&out);
    }
}

static void test_settings__mistakes_have_their_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"conf: {a: 1}", "s.yaml:1:1: error: the file of settings has the unknown key 'conf'\n"},
        {"config: 5",
         "s.yaml:1:9: error: 'config' of the file of settings must be a map, not '5'\n"},
        {"- a", "s.yaml:1:1: error: the file of settings must be a map, not a list\n"},
        {"config: {\xFF: 1}", "s.yaml:1:10: error: not UTF-8: byte 0xff\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        assert_int_equal(read_text(cases[i][0], &out), E_INVALID);
        strbuf_append(&out, "", 0);
        if (strncmp(out.p, cases[i][1], strlen(cases[i][1])) != 0) {
            assert_string_equal(out.p, cases[i][1]);
        }
        strbuf_finish(&out);
    }
}

static struct document *document_of(const char *json)
{
    struct document *document = NULL;
    assert_int_equal(json_read(str_from(json), NULL, &document, NULL), 0);
    return document;
}

static void assert_merged(const char *own, const char *site, const char *expected)
{
    struct document *nearer = document_of(own);
    struct document *farther = site != NULL ? document_of(site) : NULL;
    struct document *both = NULL;
    struct strbuf out = STRBUF_INIT;
    assert_int_equal(settings_merge(nearer, farther, &both), 0);
    document_unref(nearer);
    document_unref(farther);
    json_write(document_root(both), 0, &out);
    assert_string_equal(strbuf_str(&out).p, expected);
    strbuf_finish(&out);
    document_unref(both);
}

static void test_settings__nearer_constants_win(void **state)
{
    (void)state;
    assert_merged("{\"a\":1,\"m\":{\"x\":1}}", "{\"a\":2,\"b\":3,\"m\":{\"y\":2}}",
                  "{\"a\":1,\"m\":{\"x\":1},\"b\":3}");
    assert_merged("{}", "{\"a\":[1,{\"b\":\"text\"}]}", "{\"a\":[1,{\"b\":\"text\"}]}");
    assert_merged("{\"a\":1}", NULL, "{\"a\":1}");
    assert_merged("{}", "{}", "{}");
}

static void test_settings__failing_allocations_are_told(void **state)
{
    (void)state;
    bool is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct strbuf out = STRBUF_INIT;
        failing_alloc_arm(n);
        int status = read_text("config: {a: 1, b: [x, null]}", &out);
        is_reached = failing_alloc_disarm();
        assert_true(status == 0 || (is_reached && status == E_NOMEM));
        strbuf_finish(&out);
    }
    struct document *own = document_of("{\"a\":[1]}");
    struct document *site = document_of("{\"b\":[1]}");
    is_reached = true;
    for (long n = 0; is_reached; n++) {
        struct document *both = NULL;
        failing_alloc_arm(n);
        int status = settings_merge(own, site, &both);
        is_reached = failing_alloc_disarm();
        assert_true(is_reached ? status == E_NOMEM && both == NULL : status == 0);
        document_unref(both);
    }
    document_unref(own);
    document_unref(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings__constants_are_read),
        cmocka_unit_test(test_settings__mistakes_have_their_place),
        cmocka_unit_test(test_settings__nearer_constants_win),
        cmocka_unit_test(test_settings__failing_allocations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
