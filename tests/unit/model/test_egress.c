/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/error.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"
#include "tests/unit/model/loading.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;
static struct schema *settings;

static const char *env(void *user, struct str name)
{
    (void)user;
    return str_equal_text(name, "BASE")                    ? "https://base.example"
           : str_equal_text(name, "OPSTREAM_SECRET_TOKEN") ? "hunter22"
                                                           : NULL;
}

/* The plugin http has a host of its own. */
static int set_up(void **state)
{
    static const char schema[] =
        "{\"type\": \"object\", \"properties\": {\"base_url\": {\"type\": \"string\", "
        "\"default\": \"https://usual.example/v1\", \"description\": \"https://told.example/\"}, "
        "\"token\": {\"type\": \"string\", \"x-ops-secret\": true}}}";
    struct document *document = NULL;
    struct error err = {0};
    (void)state;
    node_types_init(&types);
    assert_int_equal(json_read(str_from(schema), NULL, &document, &err), 0);
    assert_int_equal(schema_compile(document, &settings, &err), 0);
    document_unref(document);
    types.plugins[1].settings_schema = settings;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    schema_destroy(settings);
    node_types_finish(&types);
    return 0;
}

static struct definitions *read_text(const char *text)
{
    const struct load_options options = {.catalogue = &types.catalogue,
                                         .engine_types = types.engine_types,
                                         .file = STR("t.yaml"),
                                         .env = env};
    return loading_read(&options, text, "");
}

/* The hosts of a pipeline with this text, and those of its plugin. */
static void assert_hosts(const char *text, const char *expected)
{
    struct strbuf whole = STRBUF_INIT;
    strbuf_append_format(&whole, "id: t\n%s", text);
    struct definitions *definitions = read_text(whole.p);
    struct str found = definitions->pipelines[0]->hosts;
    struct str usual = STR("usual.example:443\n");
    if (expected != NULL) {
        const char *at = memmem(found.p, found.n, usual.p, usual.n);
        assert_non_null(at);
        strbuf_clear(&whole);
        strbuf_append(&whole, found.p, (size_t)(at - found.p));
        strbuf_append(&whole, at + usual.n, found.n - usual.n - (size_t)(at - found.p));
        assert_string_equal(strbuf_str(&whole).p, expected);
    } else {
        assert_int_equal(found.n, 0);
    }
    strbuf_finish(&whole);
    definitions_destroy(definitions);
}

#define TOKEN "headers: {A: '{{ secrets.token }}'}"

static void test_egress__takes_what_is_written(void **state)
{
    static const char *const cases[][2] = {
        {"https://a.example/x", "a.example:443\n"},
        {"http://a.example:8080", "a.example:8080\n"},
        {"${BASE}/x", "base.example:443\n"},
        {"${OTHER:-https://other.example}/x", "other.example:443\n"},
        {"https://a.example/{{ input.x }}", "a.example:443\n"},
        {"https://a.example/?u=https://b.example/", "a.example:443\n"},
        {"{{ config.base }}/{{ input.x }}", "constant.example:443\n"},
        {"https://{{ config.host }}/{{ input.x }}", "constant.example:443\nc.example:443\n"},
        {"{{ config.base + '/' + input.x }}", "constant.example:443\n"},
        {"{{ 'https://literal.example/' }}", "constant.example:443\nliteral.example:443\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct strbuf text = STRBUF_INIT;
        bool has_config = i >= 6;
        strbuf_append_format(
            &text,
            "input: {type: object, properties: {x: {type: string, default: ''}}}\n%s"
            "nodes: [{id: a, type: http, config: {url: \"%s\", " TOKEN "}}]\n",
            has_config ? "config: {base: 'https://constant.example', host: "
                         "c.example}\n"
                       : "",
            cases[i][0]);
        assert_hosts(text.p, cases[i][1]);
        strbuf_finish(&text);
    }
}

/* Neither an input nor an output chooses where a secret goes. */
static void test_egress__takes_nothing_from_data(void **state)
{
    static const char *const urls[] = {
        "{{ input.x }}",
        "{{ input.x }}/path",
        "https://{{ input.x }}/",
        "https://a.example{{ input.x }}",
        "https://a.example:{{ input.x }}/",
        "https://a.example@{{ input.x }}/",
        "https://{{ input.x }}.a.example/",
        "{{ 'https://a.example' + input.x }}",
        "{{ input.x == '' ? 'https://a.example/' : input.x }}",
        "{{ run.id }}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct strbuf text = STRBUF_INIT;
        strbuf_append_format(&text,
                             "input: {type: object, properties: {x: {type: string, default: ''}}}\n"
                             "nodes: [{id: a, type: http, config: {url: \"%s\", " TOKEN "}}]\n",
                             urls[i]);
        assert_hosts(text.p, "");
        strbuf_finish(&text);
    }
}

static void test_egress__looks_everywhere(void **state)
{
    (void)state;
    assert_hosts("integrations: {http: {base_url: 'https://setting.example/'}}\n"
                 "nodes:\n"
                 "  - {id: a, type: http, config: {url: x, " TOKEN "}}\n"
                 "  - for_each: \"[1]\"\n"
                 "    id: each\n"
                 "    nodes: [{id: b, type: http, config: {url: 'https://inner.example/', body: "
                 "{deep: ['https://deep.example/']}}}]\n"
                 "finally: [{id: f, type: http, config: {url: 'https://end.example/'}}]\n",
                 "setting.example:443\nend.example:443\ninner.example:443\ndeep.example:443\n");
}

static void test_egress__costs_nothing_without_secrets(void **state)
{
    (void)state;
    assert_hosts("nodes: [{id: a, type: http, config: {url: 'https://a.example/'}}]\n", NULL);
}

static void test_egress__names_the_secrets_of_settings(void **state)
{
    (void)state;
    struct definitions *definitions =
        read_text("id: t\n"
                  "integrations: {http: {token: '{{ secrets.token }}'}}\n"
                  "nodes: [{id: a, type: http, config: {url: x}}]\n");
    const struct pipeline *pipeline = definitions->pipelines[0];
    assert_str(pipeline_find_integration(pipeline, STR("http"))->secrets, "token");
    definitions_destroy(definitions);
}

static void test_egress__knows_secrets_that_have_no_name(void **state)
{
    (void)state;
    struct definitions *definitions =
        read_text("id: t\n"
                  "integrations: {http: {token: 'a-${BASE}', base_url: 'https://a.example'}}\n"
                  "nodes: [{id: a, type: http, config: {url: x}}]\n");
    const struct pipeline *pipeline = definitions->pipelines[0];
    assert_int_equal(pipeline->hidden_count, 2);
    assert_str(pipeline->hidden[0].name, "${BASE}");
    assert_str(pipeline->hidden[0].value, "https://base.example");
    assert_str(pipeline->hidden[1].value, "a-https://base.example");
    assert_non_null(memmem(pipeline->hosts.p, pipeline->hosts.n, "a.example:443", 13));
    definitions_destroy(definitions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_egress__takes_what_is_written),
        cmocka_unit_test(test_egress__takes_nothing_from_data),
        cmocka_unit_test(test_egress__looks_everywhere),
        cmocka_unit_test(test_egress__costs_nothing_without_secrets),
        cmocka_unit_test(test_egress__names_the_secrets_of_settings),
        cmocka_unit_test(test_egress__knows_secrets_that_have_no_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
