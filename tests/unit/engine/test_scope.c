/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/engine/run.h"
#include "core/model/pipeline.h"
#include "core/value/json.h"
#include "core/value/secrets.h"
#include "core/value/value.h"
#include "tests/support/pipeline_fixture.h"
#include "tests/support/toy_world.h"
#include "tests/unit/engine/world.h"

/*
 * A run in which `a` was done after two seconds, `b` failed, `off` was skipped and `gone` not
 * run, and then `see`, three seconds later, gives what the template says.
 */
static struct toy_run *run_template(const char *template)
{
    char yaml[1200];
    (void)snprintf(yaml, sizeof(yaml),
                   "id: p\n"
                   "version: 2.0\n"
                   "config: {limit: 5}\n"
                   "nodes:\n"
                   "  - {id: a, type: toy.task}\n"
                   "  - {id: b, type: toy.task, on_error: continue}\n"
                   "  - {id: off, type: toy.task, when: \"false\"}\n"
                   "  - {id: gone, type: toy.task}\n"
                   "  - {id: my-own, type: set, config: {x: 1}}\n"
                   "  - {id: last, type: toy.task, depends_on: [a, b, off, my-own]}\n"
                   "  - {id: see, type: set, depends_on: [last, gone], config: {v: \"%s\"}}\n"
                   "edges:\n"
                   "  - {source: a, target: gone, outcome: error}\n",
                   template);
    struct toy_run *run = toy_world_run(&world, yaml, "{\"n\": 3}");
    toy_world_pass(&world, 2000);
    toy_run_failed(run, "b", "BROKEN");
    toy_run_done(run, "a", "{\"n\": 4, \"status\": \"mine\"}");
    toy_world_pass(&world, 3000);
    toy_run_done(run, "last", "{}");
    return run;
}

static void assert_sees(const char *template, const char *expected)
{
    struct toy_run *run = run_template(template);
    char *text = pipeline_fixture_text(toy_run_view(run, "see").output);
    char wanted[200];
    (void)snprintf(wanted, sizeof(wanted), "{\"v\":%s}", expected);
    if (strcmp(text, wanted) != 0) {
        char *error = pipeline_fixture_text(toy_run_view(run, "see").error);
        fail_msg("%s gave %s (error %s), not %s", template, text, error, wanted);
    }
    free(text);
}

static void assert_absent(const char *template)
{
    struct toy_run *run = run_template(template);
    if (strcmp(toy_run_state(run, "see"), "failed") != 0) {
        fail_msg("%s should fail, the node is %s", template, toy_run_state(run, "see"));
    }
}

static void test_scope__input_config_and_run(void **state)
{
    (void)state;
    assert_sees("{{ input.n }}", "3");
    assert_sees("{{ config.limit }}", "5");
    assert_sees("{{ run.id.startsWith('run') }}", "true");
    assert_sees("{{ run.workflow }}", "\"p\"");
    assert_sees("{{ run.version }}", "\"2.0\"");
    assert_sees("{{ run.triggered_by }}", "\"manual\"");
    assert_sees("{{ run.status }}", "\"running\"");
    assert_sees("{{ has(run.error) }}", "false");
    assert_sees("{{ now - run.started_at == duration('5s') }}", "true");
    assert_absent("{{ input.missing }}");
}

static void test_scope__event_is_what_triggered_the_run(void **state)
{
    (void)state;
    assert_sees("{{ event.type }}", "\"manual\"");
    assert_sees("{{ event.data.n }}", "3");
    assert_sees("{{ event.headers }}", "{}");
    assert_sees("{{ event.id == run.id && event.time == run.started_at }}", "true");
    assert_absent("{{ event.headers.missing }}");
}

static void test_scope__date_and_time_are_of_the_start(void **state)
{
    (void)state;
    struct toy_run *run = toy_world_run(
        &world,
        "id: p\nnodes:\n  - {id: w, type: wait, config: {seconds: 7200}}\n"
        "  - {id: see, type: set, depends_on: [w], config: {d: \"{{ date }}\", t: \"{{ time }}\","
        " n: \"{{ now }}\"}}\n",
        NULL);
    toy_world_pass(&world, 7200000);
    char *text = pipeline_fixture_text(toy_run_view(run, "see").output);
    assert_string_equal(text,
                        "{\"d\":\"2023-11-14\",\"t\":\"22-13-20\",\"n\":\"2023-11-15T00:13:20Z\"}");
    free(text);
}

static void test_scope__nodes_show_how_they_ended(void **state)
{
    (void)state;
    assert_sees("{{ a.output.n }}", "4");
    assert_sees("{{ a.n }}", "4");
    assert_sees("{{ a.status }}", "\"completed\""); /* the node's, not its output's */
    assert_sees("{{ a.output.status }}", "\"mine\"");
    assert_sees("{{ a.attempts }}", "1");
    assert_sees("{{ a.finished_at - a.started_at == duration('2s') }}", "true");
    assert_sees("{{ has(a.error) }}", "false");
    assert_sees("{{ b.status }} {{ b.error.code }}", "\"failed BROKEN\"");
    assert_sees("{{ has(b.output) }}", "false");
    assert_absent("{{ b.output }}");
    assert_absent("{{ a.output.missing }}");
    assert_absent("{{ a.missing }}");
}

static void test_scope__a_node_that_did_not_run_has_only_its_status(void **state)
{
    (void)state;
    assert_sees("{{ off.status }}", "\"skipped\"");
    assert_sees("{{ has(off.output) || has(off.error) || has(off.started_at) }}", "false");
    assert_sees("{{ off.attempts }}", "0");
    assert_sees("{{ coalesce(off.?output, a.?output).n }}", "4");
    assert_absent("{{ off.output }}");
}

static void test_scope__nodes_are_found_by_any_id(void **state)
{
    (void)state;
    assert_sees("{{ nodes['my-own'].output.x }}", "1");
    assert_sees("{{ nodes.a.output.n }}", "4");
    assert_sees("{{ nodes['gone'].status }}", "\"not_run\"");
}

static void test_scope__now_is_when_the_node_became_ready(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "integrations: {toy: {max_concurrency: 1}}\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task}\n"
                      "  - {id: b, type: toy.task, config: {at: \"{{ now }}\"}}\n",
                      NULL);
    toy_world_pass(&world, 60000);
    toy_run_done(run, "a", "{}");
    char *text = pipeline_fixture_text(toy_run_node(run, "b")->config);
    assert_string_equal(text, "{\"at\":\"2023-11-14T22:13:20Z\"}");
    free(text);
    assert_int_equal(toy_run_view(run, "b").started_at_unix_ms, world.now);
    toy_run_done(run, "b", "{}");
}

static void test_scope__settings_see_the_run_alone(void **state)
{
    (void)state;
    struct toy_run *run =
        toy_world_run(&world,
                      "id: p\n"
                      "config: {host: h}\n"
                      "integrations:\n"
                      "  toy: {url: \"http://{{ config.host }}/\", max_concurrency: 3}\n"
                      "  other: {url: \"{{ input.missing }}\"}\n"
                      "nodes:\n"
                      "  - {id: a, type: toy.task}\n"
                      "  - {id: b, type: other.task}\n",
                      NULL);
    struct document *settings = NULL;
    struct error err = {0};
    assert_int_equal(run_resolve_settings(run->run, STR("toy"), &settings, &err), 0);
    char *text = pipeline_fixture_text(settings);
    assert_string_equal(text, "{\"url\":\"http://h/\"}");
    free(text);
    document_unref(settings);
    assert_int_equal(run_resolve_settings(run->run, STR("proc"), &settings, &err), 0);
    text = pipeline_fixture_text(settings);
    assert_string_equal(text, "{}");
    free(text);
    document_unref(settings);
    assert_true(run_resolve_settings(run->run, STR("other"), &settings, &err) < 0);
    assert_non_null(strstr(err.message, "integrations.other: "));
}

static struct document *settings_of(const struct pipeline *pipeline, struct secrets *secrets,
                                    struct str plugin, struct error *err)
{
    const struct run_options options = {.pipeline = pipeline,
                                        .input = document_empty_map(),
                                        .id = STR("r"),
                                        .triggered_by = STR("manual"),
                                        .secrets = secrets};
    struct run *run = NULL;
    struct document *settings = NULL;
    assert_int_equal(run_create(&options, &run, err), 0);
    assert_ptr_equal(run_secrets(run), secrets);
    (void)run_resolve_settings(run, plugin, &settings, err); /* the caller looks at both */
    run_destroy(run);
    return settings;
}

static void test_scope__settings_get_the_values_of_secrets(void **state)
{
    static const char *const environment[] = {"OPSTREAM_SECRET_MY_KEY=hunter22", NULL};
    (void)state;
    struct pipeline *pipeline =
        pipeline_fixture_load("id: p\n"
                              "integrations:\n"
                              "  toy: {a: '{{ secrets.my_key }}', b: \"k {{ base64('u:' + "
                              "secrets['my-key']) }}\", c: \"{{ 'op' + 'en' }}\"}\n"
                              "nodes: [{id: a, type: toy.task}]\n");
    struct secrets *secrets = NULL;
    struct error err = {0};
    assert_int_equal(secrets_create(environment, &secrets, &err), 0);
    struct document *settings = settings_of(pipeline, secrets, STR("toy"), &err);
    assert_non_null(settings);
    char *text = pipeline_fixture_text(settings);
    assert_string_equal(text, "{\"a\":\"***\",\"b\":\"***\",\"c\":\"open\"}");
    free(text);
    struct strbuf open = STRBUF_INIT;
    json_write(document_root(settings), JSON_OPEN, &open);
    assert_string_equal(open.p, "{\"a\":\"hunter22\",\"b\":\"k dTpodW50ZXIyMg==\",\"c\":\"open\"}");
    strbuf_finish(&open);
    document_unref(settings);
    assert_null(settings_of(pipeline, NULL, STR("toy"), &err));
    assert_int_equal(err.code, E_NOT_FOUND);
    assert_string_equal(err.message, "integrations.toy: /a: the secret 'my_key' is not set");
    secrets_destroy(secrets);
    pipeline_unref(pipeline);
}

/* Whether a secret is there is no secret, and `true` is no text to hide. */
static void test_scope__secrets_may_be_missing(void **state)
{
    static const char *const environment[] = {"OPSTREAM_SECRET_KEY=hunter22",
                                              "OPSTREAM_SECRET_PIN=123", NULL};
    (void)state;
    struct pipeline *pipeline = pipeline_fixture_load(
        "id: p\n"
        "integrations:\n"
        "  toy: {a: \"{{ has(secrets.key) ? 'k ' + secrets.key : 'none' }}\",\n"
        "        b: \"{{ has(secrets.no) ? 'k ' + secrets.no : 'none' }}\",\n"
        "        c: \"{{ secrets.?key.orValue('') }}{{ secrets.?no.orValue('-') }}\",\n"
        "        d: \"{{ default(secrets.no, 'none') }}\", e: '{{ has(secrets.key) }}',\n"
        "        f: 'is {{ has(secrets.no) }}', g: \"{{ secrets[?'no'].orValue('') }}\",\n"
        "        h: '{{ default(secrets.no, null) }}'}\n"
        "  other: {a: '{{ has(secrets.pin) }}'}\n"
        "nodes: [{id: a, type: toy.task}]\n");
    struct secrets *secrets = NULL;
    struct error err = {0};
    assert_int_equal(secrets_create(environment, &secrets, &err), 0);
    struct document *settings = settings_of(pipeline, secrets, STR("toy"), &err);
    assert_non_null(settings);
    char *text = pipeline_fixture_text(settings);
    assert_string_equal(text, "{\"a\":\"***\",\"b\":\"***\",\"c\":\"***\",\"d\":\"***\",\"e\":true,"
                              "\"f\":\"is false\",\"g\":\"***\",\"h\":null}");
    free(text);
    struct strbuf open = STRBUF_INIT;
    json_write(document_root(settings), JSON_OPEN, &open);
    assert_string_equal(open.p, "{\"a\":\"k hunter22\",\"b\":\"none\",\"c\":\"hunter22-\",\"d\":"
                                "\"none\",\"e\":true,\"f\":\"is false\",\"g\":\"\",\"h\":null}");
    strbuf_finish(&open);
    document_unref(settings);
    assert_null(settings_of(pipeline, secrets, STR("other"), &err));
    assert_string_equal(err.message,
                        "integrations.other: /a: the secret 'pin' is shorter than 4 bytes");
    secrets_destroy(secrets);
    pipeline_unref(pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_scope__input_config_and_run),
        WITH_WORLD(test_scope__event_is_what_triggered_the_run),
        WITH_WORLD(test_scope__date_and_time_are_of_the_start),
        WITH_WORLD(test_scope__nodes_show_how_they_ended),
        WITH_WORLD(test_scope__a_node_that_did_not_run_has_only_its_status),
        WITH_WORLD(test_scope__nodes_are_found_by_any_id),
        WITH_WORLD(test_scope__now_is_when_the_node_became_ready),
        WITH_WORLD(test_scope__settings_see_the_run_alone),
        WITH_WORLD(test_scope__settings_get_the_values_of_secrets),
        WITH_WORLD(test_scope__secrets_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
