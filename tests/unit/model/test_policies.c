/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/model/policy.h"
#include "core/value/json.h"
#include "core/value/value.h"
#include "tests/support/failing_alloc.h"
#include "tests/unit/model/loading.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;

static struct load_options options_of_types(void)
{
    return (struct load_options){
        .catalogue = &types.catalogue, .engine_types = types.engine_types, .file = STR("t.yaml")};
}

static struct definitions *load_right(const char *text)
{
    struct load_options options = options_of_types();
    return loading_read(&options, text, "");
}

static const struct node *node_of(const struct definitions *definitions, const char *id)
{
    int64_t index = pipeline_find_node(definitions->pipelines[0], str_from(id));
    assert_true(index >= 0);
    return &definitions->pipelines[0]->nodes[index];
}

static const struct retry_settings *retry_of(const struct definitions *definitions, const char *id)
{
    const struct node_policies *policies = node_of(definitions, id)->policies;
    assert_non_null(policies);
    return &policies->retry;
}

static void assert_retry(const struct retry_settings *found, const struct retry_settings *wanted)
{
    assert_int_equal(found->is_asked_for, wanted->is_asked_for);
    assert_int_equal(found->max_attempts, wanted->max_attempts);
    assert_int_equal(found->initial_interval_ms, wanted->initial_interval_ms);
    assert_float_equal(found->backoff_multiplier, wanted->backoff_multiplier, 1e-9);
    assert_int_equal(found->max_interval_ms, wanted->max_interval_ms);
    assert_int_equal(found->jitter, wanted->jitter);
    assert_int_equal(found->deadline_ms, wanted->deadline_ms);
    assert_float_equal(found->budget, wanted->budget, 1e-9);
    assert_int_equal(found->on_count, wanted->on_count);
    for (uint32_t i = 0; i < found->on_count; i++) {
        assert_true(str_equal(found->on[i], wanted->on[i]));
    }
}

static const struct breaker_settings *breaker_of(const struct definitions *definitions,
                                                 const char *id)
{
    const struct node_policies *policies = node_of(definitions, id)->policies;
    assert_non_null(policies);
    return &policies->breaker;
}

static void assert_breaker(const struct breaker_settings *found,
                           const struct breaker_settings *wanted)
{
    assert_int_equal(found->is_on, wanted->is_on);
    assert_int_equal(found->is_asked_for, wanted->is_asked_for);
    assert_int_equal(found->failure_threshold, wanted->failure_threshold);
    assert_float_equal(found->failure_rate, wanted->failure_rate, 1e-9);
    assert_int_equal(found->window_ms, wanted->window_ms);
    assert_int_equal(found->minimum_calls, wanted->minimum_calls);
    assert_int_equal(found->slow_call_ms, wanted->slow_call_ms);
    assert_float_equal(found->slow_call_rate, wanted->slow_call_rate, 1e-9);
    assert_int_equal(found->reset_timeout_ms, wanted->reset_timeout_ms);
    assert_int_equal(found->half_open_calls, wanted->half_open_calls);
    assert_int_equal(found->half_open_timeout_ms, wanted->half_open_timeout_ms);
}

static void assert_rate(const struct rate_settings *found, const struct rate_settings *wanted)
{
    assert_int_equal(found->limit, wanted->limit);
    assert_int_equal(found->period_ms, wanted->period_ms);
    assert_int_equal(found->burst, wanted->burst);
}

/* ---- values ---- */

static void test_policies__are_the_defaults_when_nothing_is_said(void **state)
{
    (void)state;
    struct definitions *definitions = load_right("name: t\n"
                                                 "nodes:\n"
                                                 "  - {id: a, type: http, config: {url: x}}\n"
                                                 "  - {id: b, type: set}\n"
                                                 "  - {id: c, type: http, config: {url: x}}\n");
    struct retry_settings wanted = RETRY_SETTINGS_DEFAULT;
    struct breaker_settings breaker = BREAKER_SETTINGS_DEFAULT;
    assert_retry(retry_of(definitions, "a"), &wanted);
    assert_breaker(breaker_of(definitions, "a"), &breaker);
    assert_null(node_of(definitions, "b")->policies);
    assert_ptr_equal(node_of(definitions, "a")->policies, node_of(definitions, "c")->policies);
    definitions_destroy(definitions);
}

static void test_policies__read_each_key_of_retry(void **state)
{
    static const struct str on[] = {{"TIMEOUT", 7}, {"503", 3}, {"429", 3}};
    struct retry_settings wanted = {.is_asked_for = true,
                                    .max_attempts = 0,
                                    .initial_interval_ms = 250,
                                    .backoff_multiplier = 1.5,
                                    .max_interval_ms = 20000,
                                    .jitter = RETRY_JITTER_EQUAL,
                                    .deadline_ms = 3600000,
                                    .on = on,
                                    .on_count = 3,
                                    .budget = 0.125};
    (void)state;
    struct definitions *definitions =
        load_right("name: t\n"
                   "nodes:\n"
                   "  - id: a\n"
                   "    type: http\n"
                   "    config: {url: x}\n"
                   "    retry:\n"
                   "      max_attempts: 0\n"
                   "      initial_interval: 250ms\n"
                   "      backoff_multiplier: 1.5\n"
                   "      max_interval: 20s\n"
                   "      jitter: equal\n"
                   "      deadline: 1h\n"
                   "      on: [TIMEOUT, 503, '429']\n"
                   "      budget: 12.5%\n"
                   "  - {id: b, type: http, config: {url: x}, retry: {jitter: none, budget: off}}\n"
                   "  - {id: c, type: http, config: {url: x}, retry: {max_attempts: 1}}\n");
    assert_retry(retry_of(definitions, "a"), &wanted);
    wanted = RETRY_SETTINGS_DEFAULT;
    wanted.is_asked_for = true;
    wanted.jitter = RETRY_JITTER_NONE;
    wanted.budget = 0;
    assert_retry(retry_of(definitions, "b"), &wanted);
    assert_int_equal(retry_of(definitions, "c")->max_attempts, 1);
    definitions_destroy(definitions);
}

static void test_policies__let_intervals_that_are_not_said_give_way(void **state)
{
    (void)state;
    struct definitions *definitions =
        load_right("name: t\n"
                   "nodes:\n"
                   "  - {id: a, type: http, config: {url: x}, retry: {initial_interval: 10m}}\n"
                   "  - {id: b, type: http, config: {url: x}, retry: {max_interval: 500ms}}\n"
                   "  - {id: c, type: http, config: {url: x}, retry: {initial_interval: 7s}}\n"
                   "  - {id: d, type: http, config: {url: x}, retry: {max_interval: 1s, "
                   "initial_interval: 1s}}\n");
    assert_int_equal(retry_of(definitions, "a")->max_interval_ms, 600000);
    assert_int_equal(retry_of(definitions, "b")->initial_interval_ms, 500);
    assert_int_equal(retry_of(definitions, "c")->max_interval_ms, 100000);
    assert_int_equal(retry_of(definitions, "d")->initial_interval_ms, 1000);
    definitions_destroy(definitions);
}

static void test_policies__read_each_key_of_breakers(void **state)
{
    struct breaker_settings wanted = {.is_on = true,
                                      .is_asked_for = true,
                                      .failure_threshold = 3,
                                      .failure_rate = 0.25,
                                      .window_ms = 600000,
                                      .minimum_calls = 20,
                                      .slow_call_ms = 1500,
                                      .slow_call_rate = 1,
                                      .reset_timeout_ms = 30000,
                                      .half_open_calls = 4,
                                      .half_open_timeout_ms = 5000};
    (void)state;
    struct definitions *definitions =
        load_right("name: t\n"
                   "nodes:\n"
                   "  - id: a\n"
                   "    type: http\n"
                   "    config: {url: x}\n"
                   "    circuit_breaker:\n"
                   "      failure_threshold: 3\n"
                   "      failure_rate: 25%\n"
                   "      window: 10m\n"
                   "      minimum_calls: 20\n"
                   "      slow_call: 1500ms\n"
                   "      slow_call_rate: 100%\n"
                   "      reset_timeout: 30s\n"
                   "      half_open_calls: 4\n"
                   "      half_open_timeout: 5s\n"
                   "  - {id: b, type: http, config: {url: x}, circuit_breaker: "
                   "{reset_timeout_seconds: 0.0101}}\n"
                   "  - {id: c, type: http, config: {url: x}, circuit_breaker: off}\n"
                   "  - {id: d, type: http, config: {url: x}, circuit_breaker: {}}\n");
    assert_breaker(breaker_of(definitions, "a"), &wanted);
    wanted = BREAKER_SETTINGS_DEFAULT;
    assert_int_equal(breaker_of(definitions, "b")->reset_timeout_ms, 11);
    wanted.is_asked_for = true;
    assert_breaker(breaker_of(definitions, "d"), &wanted);
    wanted.is_asked_for = false;
    wanted.is_on = false;
    assert_breaker(breaker_of(definitions, "c"), &wanted);
    definitions_destroy(definitions);
}

static void test_policies__read_rates(void **state)
{
    static const struct {
        const char *id;
        struct rate_settings wanted;
    } rows[] = {
        {"a", {5000, 3600000, 500}}, {"b", {100, 60000, 10}},   {"c", {0, 0, 0}},
        {"d", {5, 1000, 1}},         {"e", {5000, 3600000, 7}}, {"f", {2147483647, 86400000, 3}},
        {"g", {20, 86400000, 20}},   {"h", {0, 0, 0}},
    };
    (void)state;
    struct definitions *definitions =
        load_right("name: t\n"
                   "integrations: {http: {rate_limit: 5000/hour}}\n"
                   "nodes:\n"
                   "  - {id: a, type: http, config: {url: x}}\n"
                   "  - {id: b, type: http, config: {url: x}, rate_limit: 100/minute}\n"
                   "  - {id: c, type: http, config: {url: x}, rate_limit: off}\n"
                   "  - {id: d, type: http, config: {url: x}, rate_limit: {rate: 5/second}}\n"
                   "  - {id: e, type: http, config: {url: x}, rate_limit: {burst: 7}}\n"
                   "  - {id: f, type: filter, rate_limit: {rate: 2147483647/day, burst: 3}}\n"
                   "  - {id: g, type: filter, rate_limit: {rate: 20/day, burst: 20}}\n"
                   "  - {id: h, type: filter}\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_rate(&node_of(definitions, rows[i].id)->policies->rate, &rows[i].wanted);
    }
    definitions_destroy(definitions);
}

/* The plugin of `split` says what its service allows. */
static void test_policies__begin_with_the_rate_that_a_plugin_has(void **state)
{
    static const struct {
        const char *integration;
        const char *own;
        struct rate_settings wanted;
        struct rate_settings around;
    } rows[] = {
        {"", "", {200, 60000, 20}, {0}},
        {"integrations: {split: {}}\n", "", {200, 60000, 20}, {0}},
        {"integrations: {split: {rate_limit: {burst: 1}}}\n", "", {200, 60000, 1}, {0}},
        {"integrations: {split: {rate_limit: 5/second}}\n", "", {5, 1000, 1}, {0}},
        {"integrations: {split: {rate_limit: off}}\n", "", {0}, {0}},
        {"", ", rate_limit: 9/hour", {9, 3600000, 1}, {200, 60000, 20}},
        {"", ", rate_limit: off", {0}, {0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof text,
                       "name: t\n%snodes:\n  - {id: a, type: split%s}\n"
                       "  - {id: b, type: filter}\n",
                       rows[i].integration, rows[i].own);
        struct definitions *definitions = load_right(text);
        const struct node_policies *policies = node_of(definitions, "a")->policies;
        assert_rate(&policies->rate, &rows[i].wanted);
        assert_rate(&policies->rate_around, &rows[i].around);
        assert_int_equal(node_of(definitions, "b")->policies->rate.limit, 0);
        definitions_destroy(definitions);
    }
}

static void test_policies__let_a_rate_alone_forget_the_burst(void **state)
{
    struct rate_settings wanted = {100, 3600000, 10};
    (void)state;
    struct definitions *definitions =
        load_right("name: t\n"
                   "integrations: {http: {rate_limit: {rate: 5000/hour, burst: 50}}}\n"
                   "nodes:\n"
                   "  - {id: a, type: http, config: {url: x}, rate_limit: 100/hour}\n"
                   "  - {id: b, type: http, config: {url: x}, rate_limit: {rate: 100/hour}}\n");
    assert_rate(&node_of(definitions, "a")->policies->rate, &wanted);
    wanted.burst = 50;
    assert_rate(&node_of(definitions, "b")->policies->rate, &wanted);
    definitions_destroy(definitions);
}

static void test_policies__know_both_names_of_the_reset(void **state)
{
    (void)state;
    struct definitions *definitions = load_right(
        "workflows:\n"
        "  t:\n"
        "    extends: base\n"
        "    resilience: {circuit_breaker: {reset_timeout: 5s}}\n"
        "    integrations: {http: {circuit_breaker: {reset_timeout_seconds: 7}}}\n"
        "    config: {reset_timeout: 5}\n"
        "    nodes:\n"
        "      - {id: a, type: filter}\n"
        "      - {id: b, type: http, config: {url: x}}\n"
        "      - {id: c, type: http, config: {url: x}, circuit_breaker: {reset_timeout: 9s}}\n"
        "      - {id: d, type: set, config: {x: '{{ config.reset_timeout_seconds }}'}}\n"
        "  base:\n"
        "    resilience: {circuit_breaker: {reset_timeout_seconds: 20, failure_threshold: 2}}\n"
        "    integrations: {http: {circuit_breaker: {reset_timeout: 30s}}}\n"
        "    config: {reset_timeout_seconds: 20}\n");
    assert_int_equal(breaker_of(definitions, "a")->reset_timeout_ms, 5000);
    assert_int_equal(breaker_of(definitions, "a")->failure_threshold, 2);
    assert_int_equal(breaker_of(definitions, "b")->reset_timeout_ms, 7000);
    assert_int_equal(breaker_of(definitions, "c")->reset_timeout_ms, 9000);
    definitions_destroy(definitions);
}

/* ---- places ---- */

static void test_policies__come_from_the_nearest_place(void **state)
{
    (void)state;
    struct definitions *definitions = load_right(
        "name: t\n"
        "resilience: {retry: {max_attempts: 7, initial_interval: 2s, jitter: none}}\n"
        "integrations: {http: {retry: {initial_interval: 3s}}, code: {retry: off}}\n"
        "nodes:\n"
        "  - {id: a, type: http, config: {url: x}, retry: {max_attempts: 5}}\n"
        "  - {id: b, type: http, config: {url: x}}\n"
        "  - {id: c, type: filter}\n"
        "  - {id: d, type: code, config: {language: bash, code: x}}\n"
        "  - {id: e, type: code, config: {language: bash, code: x}, retry: {budget: 5%}}\n"
        "  - {id: f, type: filter, retry: off}\n"
        "  - {id: g, type: http, config: {url: x}}\n"
        "  - {id: h, type: wait, config: {seconds: 1}}\n");
    struct retry_settings wanted = RETRY_SETTINGS_DEFAULT;
    wanted.is_asked_for = true;
    wanted.jitter = RETRY_JITTER_NONE;
    wanted.initial_interval_ms = 3000;
    wanted.max_attempts = 5;
    assert_retry(retry_of(definitions, "a"), &wanted);
    wanted.max_attempts = 7;
    assert_retry(retry_of(definitions, "b"), &wanted);
    assert_ptr_equal(node_of(definitions, "b")->policies, node_of(definitions, "g")->policies);
    wanted.initial_interval_ms = 2000;
    assert_retry(retry_of(definitions, "c"), &wanted);
    assert_int_equal(retry_of(definitions, "d")->max_attempts, 1);
    assert_int_equal(retry_of(definitions, "f")->max_attempts, 1);
    assert_false(retry_of(definitions, "d")->is_asked_for);
    wanted = RETRY_SETTINGS_DEFAULT;
    wanted.is_asked_for = true;
    wanted.budget = 0.05;
    assert_retry(retry_of(definitions, "e"), &wanted);
    assert_null(node_of(definitions, "h")->policies);
    definitions_destroy(definitions);
}

/* The attempts of the plugin nodes, in the order of the pipeline: "http 4, http 5". */
static void assert_attempts(const char *text, const char *expected)
{
    struct definitions *definitions = load_right(text);
    struct strbuf found = STRBUF_INIT;
    const struct pipeline *pipeline = definitions->pipelines[0];
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct node *node = &pipeline->nodes[i];
        assert_true((node->policies != NULL) == (node->kind == NODE_PLUGIN));
        if (node->policies != NULL) {
            strbuf_append_format(&found, "%s%.*s %u", found.n > 0 ? ", " : "", STR_ARG(node->id),
                                 node->policies->retry.max_attempts);
        }
    }
    assert_string_equal(found.p, expected);
    strbuf_finish(&found);
    definitions_destroy(definitions);
}

static void test_policies__are_there_for_nodes_of_all_kinds_of_bodies(void **state)
{
    (void)state;
    assert_attempts(
        "name: t\n"
        "rollback: true\n"
        "steps:\n"
        "  - {id: a, type: http, config: {url: x}, retry: {max_attempts: 11},\n"
        "     compensate: {type: http, config: {url: x}, retry: {max_attempts: 12}}}\n"
        "  - {id: b, type: http, config: {url: x}, for_each: [1],\n"
        "     retry: {max_attempts: 13}}\n"
        "  - id: c\n"
        "    for_each: [1]\n"
        "    nodes: [{id: d, type: http, config: {url: x}, retry: {max_attempts: 14}}]\n"
        "  - {id: e, type: http, config: {url: x}, retry: {max_attempts: 15},\n"
        "     repeat: {until: 'e.output.status == 200'}}\n"
        "finally: [{id: f, type: http, config: {url: x}, retry: {max_attempts: 16}}]\n",
        "a 11, e 15, f 16, a 12, b 13, d 14");
    assert_attempts("name: t\n"
                    "initial_state: a\n"
                    "states:\n"
                    "  a: {type: http, config: {url: x}, retry: {max_attempts: 4},\n"
                    "      transitions: {success: b}}\n"
                    "  b: {action: {type: http, config: {url: x}}, retry: off,\n"
                    "      transitions: {error: c}}\n"
                    "  c: {transitions: {go: a}}\n",
                    "a 4, b 1");
    assert_attempts("{name: t, tools: [{name: http, config: {url: x}, retry: {max_attempts: 6}},"
                    " filter]}",
                    "http 6, filter 3");
    assert_attempts("{id: t, type: http, config: {url: x}, retry: {max_attempts: 8}}", "t 8");
}

static void test_policies__come_from_profiles_key_by_key(void **state)
{
    (void)state;
    assert_attempts(
        "workflows:\n"
        "  t:\n"
        "    extends: base\n"
        "    resilience: {retry: {deadline: 2h}}\n"
        "    nodes:\n"
        "      - {id: a, type: http, config: {url: x}}\n"
        "      - {id: b, type: filter, retry: {max_attempts: 4}}\n"
        "  base: {resilience: {retry: {max_attempts: 0}}, integrations: {http: {retry: off}}}\n",
        "a 1, b 4");
}

static void test_policies__lay_a_burst_over_the_rate_of_a_profile(void **state)
{
    struct rate_settings wanted = {100, 3600000, 20};
    (void)state;
    struct definitions *definitions =
        load_right("workflows:\n"
                   "  t:\n"
                   "    extends: base\n"
                   "    integrations: {http: {rate_limit: {burst: 20}}}\n"
                   "    config: {rate_limit: {x: 1}, circuit_breaker: {reset_timeout: 1}}\n"
                   "    nodes:\n"
                   "      - {id: a, type: http, config: {url: x}}\n"
                   "      - {id: b, type: set, config: {x: '{{ config.rate_limit.x }}',\n"
                   "         y: '{{ config.circuit_breaker.reset_timeout_seconds }}'}}\n"
                   "  base:\n"
                   "    integrations: {http: {rate_limit: 100/hour}}\n"
                   "    config: {rate_limit: fast, circuit_breaker: {reset_timeout_seconds: 2}}\n");
    struct strbuf json = STRBUF_INIT;
    json_write(document_root(definitions->pipelines[0]->config), JSON_COMPACT, &json);
    assert_string_equal(json.p, "{\"rate_limit\":{\"x\":1},\"circuit_breaker\":"
                                "{\"reset_timeout\":1,\"reset_timeout_seconds\":2}}");
    strbuf_finish(&json);
    assert_rate(&node_of(definitions, "a")->policies->rate, &wanted);
    definitions_destroy(definitions);
}

/* ---- any places, against the plainest way to say what they mean ---- */

enum { PLACES = 3, MAX_KEYS = 9 };

/* How a value of 1 to 9 is written. */
struct random_key {
    const char *before;
    const char *behind;
    const char *const *words; /* or NULL: digits */
};

static const char *const jitter_words[] = {"none", "full", "equal"};

static const struct random_key retry_keys[MAX_KEYS] = {
    {"max_attempts: ", "", NULL},
    {"initial_interval: ", "s", NULL},
    {"backoff_multiplier: ", "", NULL},
    {"max_interval: ", "m", NULL},
    {"jitter: ", "", jitter_words},
    {"deadline: ", "h", NULL},
    {"on: [50", "]", NULL},
    {"budget: ", "%", NULL},
};

static const struct random_key breaker_keys[MAX_KEYS] = {
    {"failure_threshold: ", "", NULL},
    {"failure_rate: ", "%", NULL},
    {"window: ", "s", NULL},
    {"minimum_calls: ", "", NULL},
    {"slow_call: ", "s", NULL},
    {"slow_call_rate: ", "%", NULL},
    {"reset_timeout_seconds: ", "", NULL},
    {"half_open_calls: ", "", NULL},
    {"half_open_timeout: ", "m", NULL},
};

static const char *const rate_words[] = {"50/second", "60/minute", "70/hour"};

static const struct random_key rate_keys[MAX_KEYS] = {
    {"rate: ", "", rate_words},
    {"burst: ", "", NULL},
};

enum saying { SAYS_NOTHING, SAYS_OFF, SAYS_MAP };

struct random_place {
    enum saying saying;
    uint32_t values[MAX_KEYS]; /* 0: not said; else 1 to 9 */
};

/* What all places say about one policy. */
struct random_policy {
    const char *name;
    const struct random_key *keys;
    struct random_place places[PLACES];
};

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

static void make_random(struct random_policy *policy, uint64_t *seed)
{
    static const enum saying sayings[] = {SAYS_NOTHING, SAYS_OFF, SAYS_MAP, SAYS_MAP};
    for (size_t i = 0; i < PLACES; i++) {
        struct random_place *place = &policy->places[i];
        place->saying = sayings[next_random(seed) % 4];
        for (size_t k = 0; k < MAX_KEYS; k++) {
            bool is_said = policy->keys[k].before != NULL && next_random(seed) % 2 == 0;
            place->values[k] = is_said ? 1 + next_random(seed) % 9 : 0;
        }
    }
}

/* A window needs a rate, and a rate of slow calls a time. */
static void complete_breaker(struct random_policy *policy)
{
    for (size_t i = 0; i < PLACES; i++) {
        uint32_t *v = policy->places[i].values;
        v[1] = (v[2] > 0 || v[3] > 0) && v[1] == 0 ? 7 : v[1];
        v[4] = v[5] > 0 && v[4] == 0 ? 7 : v[4];
    }
}

/* `resilience` says none, and a map without a rate needs one further out. */
static void complete_rate(struct random_policy *policy)
{
    bool has_rate = false;
    policy->places[0].saying = SAYS_NOTHING;
    for (size_t i = 0; i < PLACES; i++) {
        struct random_place *place = &policy->places[i];
        if (place->saying == SAYS_MAP) {
            place->values[0] = place->values[0] == 0 && !has_rate ? 1 : place->values[0];
            has_rate = true;
        }
        has_rate = has_rate && place->saying != SAYS_OFF;
    }
}

/* "retry: {max_attempts: 4}": the key of a place. */
static void write_place(const struct random_policy *policy, size_t at, struct strbuf *out)
{
    const struct random_place *place = &policy->places[at];
    if (place->saying == SAYS_OFF) {
        strbuf_append_format(out, "%s: off, ", policy->name);
    }
    if (place->saying != SAYS_MAP) {
        return;
    }
    strbuf_append_format(out, "%s: {", policy->name);
    for (size_t i = 0; i < MAX_KEYS; i++) {
        const struct random_key *key = &policy->keys[i];
        uint32_t value = place->values[i];
        if (value > 0 && key->words != NULL) {
            strbuf_append_format(out, "%s%s%s, ", key->before, key->words[value % 3], key->behind);
        } else if (value > 0) {
            strbuf_append_format(out, "%s%u%s, ", key->before, value, key->behind);
        }
    }
    strbuf_append_text(out, "}, ");
}

/* What the nearest place says that says it, unless one that is nearer than it is off. */
static uint32_t value_of(const struct random_policy *policy, size_t key)
{
    for (size_t i = PLACES; i-- > 0;) {
        const struct random_place *place = &policy->places[i];
        if (place->saying == SAYS_OFF) {
            return 0;
        }
        if (place->saying == SAYS_MAP && place->values[key] > 0) {
            return place->values[key];
        }
    }
    return 0;
}

/* What the nearest place says that says anything. */
static enum saying saying_of(const struct random_policy *policy)
{
    for (size_t i = PLACES; i-- > 0;) {
        if (policy->places[i].saying != SAYS_NOTHING) {
            return policy->places[i].saying;
        }
    }
    return SAYS_NOTHING;
}

static void assert_means_retry(const struct retry_settings *found,
                               const struct random_policy *policy)
{
    static const enum retry_jitter jitters[] = {RETRY_JITTER_NONE, RETRY_JITTER_FULL,
                                                RETRY_JITTER_EQUAL};
    struct retry_settings wanted = RETRY_SETTINGS_DEFAULT;
    char status[8] = "";
    struct str on = str_make(status, 3);
    uint32_t v[MAX_KEYS];
    for (size_t i = 0; i < MAX_KEYS; i++) {
        v[i] = value_of(policy, i);
    }
    bool is_off = saying_of(policy) == SAYS_OFF;
    wanted.is_asked_for = saying_of(policy) == SAYS_MAP;
    wanted.max_attempts = is_off ? 1 : v[0] > 0 ? v[0] : wanted.max_attempts;
    wanted.initial_interval_ms = v[1] > 0 ? v[1] * 1000 : wanted.initial_interval_ms;
    wanted.backoff_multiplier = v[2] > 0 ? v[2] : wanted.backoff_multiplier;
    wanted.max_interval_ms = v[3] > 0 ? v[3] * 60000 : wanted.max_interval_ms;
    wanted.jitter = v[4] > 0 ? jitters[v[4] % 3] : wanted.jitter;
    wanted.deadline_ms = v[5] > 0 ? v[5] * 3600000 : wanted.deadline_ms;
    (void)snprintf(status, sizeof(status), "50%u", v[6]);
    wanted.on = &on;
    wanted.on_count = v[6] > 0;
    wanted.budget = v[7] > 0 ? v[7] / 100.0 : wanted.budget;
    assert_retry(found, &wanted);
}

static void assert_means_breaker(const struct breaker_settings *found,
                                 const struct random_policy *policy)
{
    struct breaker_settings wanted = BREAKER_SETTINGS_DEFAULT;
    uint32_t v[MAX_KEYS];
    for (size_t i = 0; i < MAX_KEYS; i++) {
        v[i] = value_of(policy, i);
    }
    wanted.is_on = saying_of(policy) != SAYS_OFF;
    wanted.is_asked_for = saying_of(policy) == SAYS_MAP;
    wanted.failure_threshold = v[0] > 0 ? v[0] : wanted.failure_threshold;
    wanted.failure_rate = v[1] / 100.0;
    wanted.window_ms = v[2] > 0 ? v[2] * 1000 : wanted.window_ms;
    wanted.minimum_calls = v[3] > 0 ? v[3] : wanted.minimum_calls;
    wanted.slow_call_ms = v[4] * 1000;
    wanted.slow_call_rate = v[5] / 100.0;
    wanted.reset_timeout_ms = v[6] > 0 ? v[6] * 1000 : wanted.reset_timeout_ms;
    wanted.half_open_calls = v[7] > 0 ? v[7] : wanted.half_open_calls;
    wanted.half_open_timeout_ms = v[8] > 0 ? v[8] * 60000 : wanted.half_open_timeout_ms;
    assert_breaker(found, &wanted);
}

static void assert_means_rate(const struct rate_settings *found, const struct random_policy *policy)
{
    static const struct rate_settings rates[] = {{50, 1000, 5}, {60, 60000, 6}, {70, 3600000, 7}};
    uint32_t rate = value_of(policy, 0);
    uint32_t burst = value_of(policy, 1);
    struct rate_settings wanted = rate > 0 ? rates[rate % 3] : (struct rate_settings){0};
    wanted.burst = burst > 0 ? burst : wanted.burst;
    assert_rate(found, &wanted);
}

static void test_policies__of_any_places_mean_the_same_as_said_plainly(void **state)
{
    static const char *const before[PLACES] = {
        "name: t\nresilience: {", "}\nintegrations: {http: {",
        "}}\nnodes:\n  - {id: a, type: http, config: {url: x}, "};
    struct random_policy retry = {.name = "retry", .keys = retry_keys};
    struct random_policy breaker = {.name = "circuit_breaker", .keys = breaker_keys};
    struct random_policy rate = {.name = "rate_limit", .keys = rate_keys};
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct strbuf text = STRBUF_INIT;
        make_random(&retry, &seed);
        make_random(&breaker, &seed);
        make_random(&rate, &seed);
        complete_breaker(&breaker);
        complete_rate(&rate);
        for (size_t i = 0; i < PLACES; i++) {
            strbuf_append_text(&text, before[i]);
            write_place(&retry, i, &text);
            write_place(&breaker, i, &text);
            write_place(&rate, i, &text);
        }
        strbuf_append_text(&text, "}\n");
        struct definitions *definitions = load_right(text.p);
        assert_means_retry(retry_of(definitions, "a"), &retry);
        assert_means_breaker(breaker_of(definitions, "a"), &breaker);
        assert_means_rate(&node_of(definitions, "a")->policies->rate, &rate);
        definitions_destroy(definitions);
        strbuf_finish(&text);
    }
}

static void assert_survives(const char *text)
{
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct definitions *definitions = NULL;
        struct load_options options = options_of_types();
        failing_alloc_arm(n);
        int status = load_text(str_from(text), &options, &diagnostics, &definitions, NULL);
        bool is_reached = failing_alloc_disarm();
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        definitions_destroy(definitions);
        diagnostics_finish(&diagnostics);
        if (!is_reached) {
            break;
        }
    }
}

static void test_policies__read_on_open(void **state)
{
    (void)state;
    struct definitions *definitions = load_right("name: t\n"
                                                 "resilience: {circuit_breaker: {}}\n"
                                                 "nodes:\n"
                                                 "  - {id: a, type: filter, on_open: fail}\n"
                                                 "  - {id: b, type: filter, on_open: wait}\n"
                                                 "  - {id: c, type: filter}\n");
    assert_int_equal(node_of(definitions, "a")->policies->on_open, ON_OPEN_FAIL);
    assert_int_equal(node_of(definitions, "b")->policies->on_open, ON_OPEN_WAIT);
    assert_int_equal(node_of(definitions, "c")->policies->on_open, ON_OPEN_WAIT);
    definitions_destroy(definitions);
}

static void test_policies__read_the_priority_of_queued_calls(void **state)
{
    (void)state;
    struct definitions *definitions =
        load_right("name: t\n"
                   "resilience: {circuit_breaker: {}}\n"
                   "nodes:\n"
                   "  - {id: a, type: filter, on_open: {queue: {priority: high}}}\n"
                   "  - {id: b, type: filter, on_open: {queue: {priority: low}}}\n"
                   "  - {id: c, type: filter, on_open: {queue: {}}}\n"
                   "  - {id: d, type: filter, on_open: queue}\n");
    static const struct {
        const char *id;
        enum queue_priority priority;
    } nodes[] = {{"a", QUEUE_PRIORITY_HIGH},
                 {"b", QUEUE_PRIORITY_LOW},
                 {"c", QUEUE_PRIORITY_NORMAL},
                 {"d", QUEUE_PRIORITY_NORMAL}};
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        const struct node *node = node_of(definitions, nodes[i].id);
        assert_int_equal(node->policies->on_open, ON_OPEN_QUEUE);
        assert_int_equal(node->policies->priority, nodes[i].priority);
        assert_int_equal(node->item->nodes[0].policies->priority, nodes[i].priority);
    }
    definitions_destroy(definitions);
}

static void test_policies__survive_failing_allocations(void **state)
{
    (void)state;
    assert_survives("name: t\n"
                    "resilience: {retry: {on: [503, TIMEOUT]}, circuit_breaker: {slow_call: 1s}}\n"
                    "integrations: {http: {retry: {on: [AUTH]}, rate_limit: 5/second}}\n"
                    "nodes:\n"
                    "  - {id: a, type: http, config: {url: x}}\n"
                    "  - {id: b, type: http, config: {url: x}, retry: {on: [500]}}\n"
                    "  - {id: c, type: filter, retry: off, rate_limit: {rate: 3/day}}\n");
    assert_survives("workflows:\n"
                    "  t:\n"
                    "    extends: base\n"
                    "    integrations: {http: {rate_limit: {burst: 20}}}\n"
                    "    nodes: [{id: a, type: http, config: {url: x}}]\n"
                    "  base: {integrations: {http: {rate_limit: 100/hour}}}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies__are_the_defaults_when_nothing_is_said),
        cmocka_unit_test(test_policies__read_each_key_of_retry),
        cmocka_unit_test(test_policies__read_each_key_of_breakers),
        cmocka_unit_test(test_policies__read_rates),
        cmocka_unit_test(test_policies__begin_with_the_rate_that_a_plugin_has),
        cmocka_unit_test(test_policies__let_a_rate_alone_forget_the_burst),
        cmocka_unit_test(test_policies__know_both_names_of_the_reset),
        cmocka_unit_test(test_policies__let_intervals_that_are_not_said_give_way),
        cmocka_unit_test(test_policies__come_from_the_nearest_place),
        cmocka_unit_test(test_policies__are_there_for_nodes_of_all_kinds_of_bodies),
        cmocka_unit_test(test_policies__come_from_profiles_key_by_key),
        cmocka_unit_test(test_policies__lay_a_burst_over_the_rate_of_a_profile),
        cmocka_unit_test(test_policies__of_any_places_mean_the_same_as_said_plainly),
        cmocka_unit_test(test_policies__read_on_open),
        cmocka_unit_test(test_policies__read_the_priority_of_queued_calls),
        cmocka_unit_test(test_policies__survive_failing_allocations),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
