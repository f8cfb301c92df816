/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <ctype.h>

#include "core/api/metrics_text.h"
#include "core/api/numbers.h"
#include "core/api/route.h"
#include "core/base/utf8.h"
#include "tests/unit/api/fake_reader.h"

/* ---- the grammar of the text format, read strictly ---- */

static bool take(const char **at, const char *text)
{
    size_t n = strlen(text);
    bool is_there = strncmp(*at, text, n) == 0;
    *at += is_there ? n : 0;
    return is_there;
}

static size_t take_name(const char **at)
{
    size_t n = 0;
    while (islower((unsigned char)(*at)[n]) || (n > 0 && isdigit((unsigned char)(*at)[n])) ||
           (*at)[n] == '_') {
        n++;
    }
    *at += n;
    return n;
}

static void take_string(const char **at)
{
    assert_true(take(at, "\""));
    while (**at != '"') {
        assert_true(**at != '\0' && **at != '\n');
        if (**at == '\\') {
            *at += 1;
            assert_non_null(strchr("\\\"n", **at));
        }
        *at += 1;
    }
    *at += 1;
}

static void take_labels(const char **at)
{
    if (!take(at, "{")) {
        return;
    }
    do {
        assert_true(take_name(at) > 0);
        assert_true(take(at, "="));
        take_string(at);
    } while (take(at, ","));
    assert_true(take(at, "}"));
}

static void take_number(const char **at)
{
    size_t digits = 0;
    while (isdigit((unsigned char)**at) || **at == '.') {
        *at += 1;
        digits++;
    }
    assert_true(digits > 0);
}

/* A family: HELP, TYPE, samples of that name; each family once. Returns how many samples. */
static size_t take_family(const char **at, struct strbuf *seen)
{
    size_t samples = 0;
    char name[128];
    assert_true(take(at, "# HELP "));
    const char *start = *at;
    size_t n = take_name(at);
    assert_true(n > 0 && n < sizeof(name) - 2);
    memcpy(name, start, n);
    memcpy(name + n, " ", 2);
    assert_null(strstr(strbuf_str(seen).p, name));
    strbuf_append_text(seen, name);
    *at = strchr(*at, '\n') + 1;
    assert_true(take(at, "# TYPE "));
    assert_true(take(at, name));
    bool is_counter = take(at, "counter\n");
    assert_true(is_counter || take(at, "gauge\n"));
    bool is_total = n > 6 && memcmp(name + n - 6, "_total", 6) == 0;
    assert_int_equal(is_counter, is_total);
    name[n] = '\0';
    while (**at != '\0' && **at != '#') {
        assert_true(take(at, name));
        take_labels(at);
        assert_true(take(at, " "));
        take_number(at);
        assert_true(take(at, "\n"));
        samples++;
    }
    return samples;
}

static size_t check_exposition(struct str text)
{
    size_t families = 0;
    struct strbuf seen = STRBUF_INIT;
    strbuf_append_char(&seen, ' ');
    assert_int_equal(utf8_valid_prefix(text.p, text.n), text.n);
    for (const char *at = text.p; *at != '\0';) {
        assert_true(take_family(&at, &seen) > 0);
        families++;
    }
    strbuf_finish(&seen);
    return families;
}

/* ---- tests ---- */

static const struct api_numbers numbers = {
    .breaker_changes = {[BREAKER_OPEN] = 5},
    .alerts = {[ALERT_LATENCY_P99] = 7},
    .spent = {.input_tokens = 512, .output_tokens = 88, .cached_tokens = 40, .cost = 210000},
    .version = "1.2.3",
    .started_at_unix_ms = 1700000000123,
    .runs_started = UINT64_MAX,
    .memory_bytes = 4096,
    .queue_depth = 7,
    .refused = {[ADMISSION_RUNS] = 3},
    .refused_bodies = 5,
    .clients_dropped = 2,
};

static void test_route_metrics__is_the_text_format(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_ask(
        &(struct fake_request){.path = "/metrics", .reader = &reader, .numbers = &numbers});
    struct str text = strbuf_str(&got.answer.body);
    assert_int_equal(got.answer.status, 200);
    assert_string_equal(got.answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(check_exposition(text), 29);
    assert_non_null(strstr(text.p, "\nopstream_runs{workflow=\"deploy\",state=\"failed\"} 4\n"));
    assert_non_null(strstr(text.p, "\nopstream_build_info{version=\"1.2.3\"} 1\n"));
    assert_non_null(strstr(text.p, "\nprocess_start_time_seconds 1700000000.123\n"));
    assert_non_null(strstr(text.p, "\nopstream_runs_started_total 18446744073709551615\n"));
    assert_non_null(strstr(text.p, "\nopstream_journal_healthy 1\n"));
    assert_non_null(strstr(text.p, "\nopstream_alerts_total{kind=\"latency_p99\"} 7\n"));
    assert_non_null(strstr(text.p, "\nopstream_tokens_total{kind=\"input\"} 512\n"
                                   "opstream_tokens_total{kind=\"output\"} 88\n"
                                   "opstream_tokens_total{kind=\"cached\"} 40\n"));
    assert_non_null(strstr(text.p, "\nopstream_cost_nanodollars_total 210000\n"));
    assert_non_null(strstr(text.p, "\nopstream_alerts_active{kind=\"error_rate\"} 0\n"));
    assert_non_null(strstr(text.p, "\nopstream_breaker_transitions_total{state=\"open\"} 5\n"));
    assert_non_null(strstr(text.p, "\nopstream_queue_depth 7\n"));
    assert_non_null(strstr(text.p, "\nopstream_refused_total{reason=\"runs\"} 3\n"));
    assert_non_null(strstr(text.p, "\nopstream_refused_total{reason=\"writes\"} 0\n"));
    assert_non_null(strstr(text.p, "\nopstream_refused_total{reason=\"bodies\"} 5\n"));
    assert_non_null(strstr(text.p, "\nopstream_clients_dropped_total 2\n"));
    fake_answer_finish(&got);
}

static void test_route_metrics__without_an_engine_counts_runs(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = "/metrics", .reader = &reader});
    assert_int_equal(check_exposition(strbuf_str(&got.answer.body)), 2);
    fake_answer_finish(&got);
}

static void test_route_metrics__of_an_empty_state_has_no_empty_family(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    reader.run_count = 0;
    struct fake_answer got = fake_ask(
        &(struct fake_request){.path = "/metrics", .reader = &reader, .numbers = &numbers});
    assert_int_equal(check_exposition(strbuf_str(&got.answer.body)), 28);
    fake_answer_finish(&got);
    got = fake_ask(&(struct fake_request){.path = "/metrics"});
    assert_int_equal(strbuf_str(&got.answer.body).n, 0);
    fake_answer_finish(&got);
}

static void test_route_metrics__counts_breakers_by_state(void **state)
{
    (void)state;
    const struct journal_scope_row scopes[] = {
        {.key = STR("a"), .state = STR("{\"state\": \"open\"}")},
        {.key = STR("b"), .state = STR("{\"state\": \"half_open\"}")},
        {.key = STR("c"), .state = STR("{\"state\": \"open\"}")},
        {.key = STR("d"), .state = STR("{")},
    };
    struct journal_reader reader = fake_sample();
    reader.scopes = scopes;
    reader.scope_count = 4;
    struct fake_answer got =
        fake_ask(&(struct fake_request){.path = "/metrics", .reader = &reader});
    const char *text = strbuf_str(&got.answer.body).p;
    assert_non_null(strstr(text, "\n# TYPE opstream_breakers gauge\n"
                                 "opstream_breakers{state=\"closed\"} 0\n"
                                 "opstream_breakers{state=\"open\"} 2\n"
                                 "opstream_breakers{state=\"half_open\"} 1\n"
                                 "opstream_breakers{state=\"forced_open\"} 0\n"
                                 "opstream_breakers{state=\"disabled\"} 0\n"));
    fake_answer_finish(&got);
}

static void test_route_metrics__names_the_limits_that_runs_share(void **state)
{
    (void)state;
    struct fake_answer got = fake_ask(&(struct fake_request){
        .path = "/metrics",
        .live = "{\"rate_limits\":[{\"scope\":\"http http://a:80 5/second\",\"limit\":5,"
                "\"frozen_until\":0,\"waiting\":2,\"allowed\":40,\"delayed\":3},"
                "{\"scope\":\"http http://b:80\",\"limit\":0,\"frozen_until\":1800000000999,"
                "\"waiting\":0,\"allowed\":1,\"delayed\":0}],"
                "\"rate_limits_left_out\":{\"scopes\":7,\"waiting\":1,\"allowed\":90,"
                "\"delayed\":4,\"frozen_until\":0},"
                "\"limits\":[{\"scope\":\"plugin code\",\"limit\":4,\"in_use\":3,\"waiting\":1,"
                "\"allowed\":8,\"delayed\":2}],\"limits_left_out\":{\"scopes\":0}}"});
    const char *text = strbuf_str(&got.answer.body).p;
    assert_int_equal(check_exposition(strbuf_str(&got.answer.body)), 8);
    assert_non_null(strstr(text, "\n# TYPE opstream_rate_limit_allowed_total counter\n"
                                 "opstream_rate_limit_allowed_total"
                                 "{scope=\"http http://a:80 5/second\"} 40\n"
                                 "opstream_rate_limit_allowed_total{scope=\"http http://b:80\"} 1\n"
                                 "opstream_rate_limit_allowed_total{scope=\"(others)\"} 90\n"));
    assert_non_null(strstr(text, "\nopstream_rate_limit_delayed_total{scope=\"(others)\"} 4\n"));
    assert_non_null(strstr(text, "\nopstream_rate_limit_waiting"
                                 "{scope=\"http http://a:80 5/second\"} 2\n"));
    assert_non_null(strstr(text, "\nopstream_rate_limit_frozen_until_seconds"
                                 "{scope=\"http http://b:80\"} 1800000000\n"));
    assert_non_null(strstr(text,
                           "\n# TYPE opstream_bulkhead_in_use gauge\n"
                           "opstream_bulkhead_in_use{scope=\"plugin code\",limit=\"4\"} 3\n"));
    assert_non_null(
        strstr(text, "\nopstream_bulkhead_allowed_total{scope=\"plugin code\",limit=\"4\"} 8\n"));
    fake_answer_finish(&got);
}

static void test_route_metrics__says_which_services_are_up(void **state)
{
    (void)state;
    struct journal_reader reader = fake_sample();
    struct fake_answer got = fake_ask(&(struct fake_request){
        .path = "/metrics",
        .reader = &reader,
        .live = "{\"services\":["
                "{\"plugin\":\"crm\",\"origin\":null,\"state\":\"up\"},"
                "{\"plugin\":\"http\",\"origin\":\"http://a:80\",\"state\":\"up\"},"
                "{\"plugin\":\"crm\",\"origin\":null,\"state\":\"down\"},"
                "{\"plugin\":\"http\",\"origin\":\"http://b:80\",\"state\":\"unknown\"},"
                "{\"plugin\":\"crm\",\"origin\":null,\"state\":\"unknown\"},"
                "{\"plugin\":\"slow\",\"origin\":null,\"state\":\"given_up\"}]}"});
    const char *text = strbuf_str(&got.answer.body).p;
    assert_non_null(strstr(text, "\n# TYPE opstream_service_up gauge\n"
                                 "opstream_service_up{plugin=\"crm\",origin=\"\"} 0\n"
                                 "opstream_service_up{plugin=\"http\",origin=\"http://a:80\"} 1\n"
                                 "opstream_service_up{plugin=\"slow\",origin=\"\"} 0\n"));
    assert_null(strstr(text, "http://b:80"));
    assert_true(check_exposition(strbuf_str(&got.answer.body)) > 0);
    fake_answer_finish(&got);
    got = fake_ask(
        &(struct fake_request){.path = "/metrics", .reader = &reader, .live = "{\"services\":[]}"});
    assert_null(strstr(strbuf_str(&got.answer.body).p, "opstream_service_up"));
    fake_answer_finish(&got);
}

static void test_metrics_text__escapes_any_text(void **state)
{
    (void)state;
    struct strbuf out = STRBUF_INIT;
    const struct metric_label label = {"x", STR("a\"b\\c\nd\xff\xC3\xA9")};
    metrics_text_family(&out, "m", METRIC_GAUGE, "H.");
    metrics_text_sample(&out, "m", &label, 1, 5);
    assert_string_equal(strbuf_str(&out).p, "# HELP m H.\n# TYPE m gauge\n"
                                            "m{x=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\xC3\xA9\"} 5\n");
    assert_int_equal(check_exposition(strbuf_str(&out)), 1);
    strbuf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_metrics__is_the_text_format),
        cmocka_unit_test(test_route_metrics__without_an_engine_counts_runs),
        cmocka_unit_test(test_route_metrics__of_an_empty_state_has_no_empty_family),
        cmocka_unit_test(test_route_metrics__counts_breakers_by_state),
        cmocka_unit_test(test_route_metrics__names_the_limits_that_runs_share),
        cmocka_unit_test(test_route_metrics__says_which_services_are_up),
        cmocka_unit_test(test_metrics_text__escapes_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
