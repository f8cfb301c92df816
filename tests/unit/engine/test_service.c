/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/base/error.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"

static void test_service__the_origin_of_a_url(void **state)
{
    static const char *const rows[][2] = {
        {"https://api.example.com/a?b", "https://api.example.com:443"},
        {"HTTP://API.example.com", "http://api.example.com:80"},
        {"https://user:word@a.example:8443/", "https://a.example:8443"},
        {"http://[2001:db8::1]/x", "http://[2001:db8::1]:80"},
        {"ftp://a/b", "ftp://a"},
        {"a.example/b", ""},
        {"://a", ""},
        {"http://", ""},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        service_append_origin(str_from(rows[i][0]), &out);
        strbuf_append_char(&out, '\0');
        assert_int_equal(strbuf_status(&out), 0);
        assert_string_equal(strbuf_str(&out).p, rows[i][1]);
        strbuf_finish(&out);
    }
}

static void test_service__an_operation_is_the_path(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
    } rows[] = {
        {"https://a/search/code?q=1", "https://a/search/code?q=2#x", true},
        {"https://a/search/code", "https://a/search/issues", false},
        {"https://a", "https://a?q", true},
        {"https://a#f", "https://a?q=/b", true},
        {"https://a/", "https://a", false},
        {"/x?1", "https://a/x", true},
        {"", "", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t a = service_operation(str_from(rows[i].a));
        assert_true(a != 0);
        assert_int_equal(a == service_operation(str_from(rows[i].b)), rows[i].is_same);
    }
}

static void test_service__a_resource_is_behind_its_service(void **state)
{
    (void)state;
    struct strbuf key = STRBUF_INIT;
    strbuf_append_text(&key, "http https://a.example:443");
    assert_int_equal(service_resource(strbuf_str(&key)).n, 0);
    assert_true(str_equal(service_of_resource(strbuf_str(&key)), strbuf_str(&key)));
    service_append_resource(STR("search"), &key);
    assert_true(str_equal_text(strbuf_str(&key), "http https://a.example:443 /search"));
    assert_true(str_equal_text(service_resource(strbuf_str(&key)), "search"));
    assert_true(
        str_equal_text(service_of_resource(strbuf_str(&key)), "http https://a.example:443"));
    assert_int_equal(service_resource(STR("")).n, 0);
    strbuf_finish(&key);
}

static void test_service__the_origin_that_every_run_calls(void **state)
{
    static const char *const rows[][2] = {
        {"https://api.example.com", "https://api.example.com:443"},
        {"https://api.example.com/{{ input.x }}", "https://api.example.com:443"},
        {"https://api.example.com?{{ input.x }}", "https://api.example.com:443"},
        {"https://api.example.com:{{ input.x }}/", ""},
        {"https://api.example.com{{ input.x }}", ""},
        {"https://{{ input.x }}/a", ""},
        {"{{ input.x }}://a/b", ""},
        {"{{ input.x }}/https://b/", ""},
        {"https://a/${input.x}{{ input.y }}", "https://a:443"},
        {"https://${input.x}/{{ input.y }}", ""},
        {"no url", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char yaml[200];
        struct strbuf out = STRBUF_INIT;
        (void)snprintf(yaml, sizeof(yaml),
                       "id: p\nnodes: [{id: a, type: call.task, config: {url: '%s'}}]\n",
                       rows[i][0]);
        struct pipeline *pipeline = pipeline_fixture_load(yaml);
        service_append_fixed_origin(&pipeline->nodes[0], &out);
        strbuf_append_char(&out, '\0');
        assert_string_equal(strbuf_str(&out).p, rows[i][1]);
        strbuf_finish(&out);
        pipeline_unref(pipeline);
    }
}

static void test_service__without_a_url_there_is_no_origin(void **state)
{
    static const char *const yamls[] = {
        "id: p\nnodes: [{id: a, type: toy.task, config: {url: 'http://a/'}}]\n",
        "id: p\nnodes: [{id: a, type: call.task, config: {n: 1}}]\n",
        "id: p\nnodes: [{id: a, type: call.task, config: {url: 7}}]\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(yamls) / sizeof(yamls[0]); i++) {
        struct strbuf out = STRBUF_INIT;
        struct pipeline *pipeline = pipeline_fixture_load(yamls[i]);
        service_append_fixed_origin(&pipeline->nodes[0], &out);
        assert_int_equal(out.n, 0);
        strbuf_finish(&out);
        pipeline_unref(pipeline);
    }
}

/* What the settings of `set` make of a node's service. */
static void assert_service(const char *yaml, const char *settings, const char *wanted)
{
    struct strbuf out = STRBUF_INIT;
    struct error err = {0};
    struct document *resolved = NULL;
    struct pipeline *pipeline = pipeline_fixture_load(yaml);
    assert_int_equal(json_read(str_from(settings), NULL, &resolved, &err), 0);
    assert_true(service_is_set(&pipeline->nodes[0]));
    service_append(&pipeline->nodes[0], resolved, &out);
    strbuf_append_char(&out, '\0');
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_clear(&out);
    service_append_fixed_origin(&pipeline->nodes[0], &out);
    assert_int_equal(out.n, 0);
    strbuf_finish(&out);
    document_unref(resolved);
    pipeline_unref(pipeline);
}

static void test_service__settings_say_which_it_is(void **state)
{
    (void)state;
    assert_service("id: p\nnodes: [{id: a, type: set.task, config: {base_url: 'http://b'}}]\n",
                   "{\"base_url\":\"https://x.example/v3\"}", "set https://x.example:443");
    assert_service("id: p\nnodes: [{id: a, type: set.task}]\n", "{}",
                   "set https://api.example.com:443");
    assert_service("id: p\nnodes: [{id: a, type: set.task}]\n", "{\"base_url\":7}", "set");
}

static void test_service__the_secrets_of_settings_belong_to_it(void **state)
{
    (void)state;
    assert_service("id: p\n"
                   "integrations: {set: {token: '{{ secrets.one }}{{ secrets.two }}'},\n"
                   "               toy: {token: '{{ secrets.three }}'}}\n"
                   "nodes: [{id: a, type: set.task}, {id: b, type: toy.task}]\n",
                   "{}", "set https://api.example.com:443 one,two");
}

/* What of the settings {"s": "SERVICE"} names, as JSON. */
static void assert_named(const char *settings, const char *config, const char *wanted)
{
    const struct node_type type = {.origin_map = STR("all"), .origin_name = STR("s")};
    struct strbuf out = STRBUF_INIT;
    struct error err = {0};
    struct document *all = NULL;
    struct document *resolved = NULL;
    struct document *named = NULL;
    assert_int_equal(json_read(str_from(settings), NULL, &all, &err), 0);
    assert_int_equal(json_read(str_from(config), NULL, &resolved, &err), 0);
    assert_int_equal(service_find_named(&type, all, resolved, &named), 0);
    json_write(document_root(named), JSON_COMPACT, &out);
    strbuf_append_char(&out, '\0');
    assert_string_equal(strbuf_str(&out).p, wanted);
    strbuf_finish(&out);
    document_unref(named);
    document_unref(resolved);
    document_unref(all);
}

static void test_service__a_config_names_one_of_the_settings(void **state)
{
    static const char all[] = "{\"all\":{\"a\":{\"url\":\"http://a\"},\"b\":7}}";
    (void)state;
    assert_named(all, "{\"s\":\"a\"}", "{\"url\":\"http://a\"}");
    assert_named(all, "{\"s\":\"b\"}", "{}");
    assert_named(all, "{\"s\":\"c\"}", "{}");
    assert_named(all, "{\"s\":1}", "{}");
    assert_named(all, "{}", "{}");
    assert_named("{\"all\":[]}", "{\"s\":\"a\"}", "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service__the_origin_of_a_url),
        cmocka_unit_test(test_service__an_operation_is_the_path),
        cmocka_unit_test(test_service__a_resource_is_behind_its_service),
        cmocka_unit_test(test_service__the_origin_that_every_run_calls),
        cmocka_unit_test(test_service__without_a_url_there_is_no_origin),
        cmocka_unit_test(test_service__settings_say_which_it_is),
        cmocka_unit_test(test_service__the_secrets_of_settings_belong_to_it),
        cmocka_unit_test(test_service__a_config_names_one_of_the_settings),
    };
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
