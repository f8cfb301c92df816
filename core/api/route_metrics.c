/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: what there is to count, for Prometheus. */
#include <stdio.h>
#include <string.h>

#include "core/api/breaker_row.h"
#include "core/api/metrics_text.h"
#include "core/api/numbers.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* Samples of one family; a family has a sample, or is not there. */
struct runs_family {
    struct strbuf *out;
    bool has_begun;
};

static int add_count(void *user, struct str workflow, struct str state, uint64_t count)
{
    struct runs_family *family = user;
    const struct metric_label labels[] = {{"workflow", workflow}, {"state", state}};
    if (!family->has_begun) {
        family->has_begun = true;
        metrics_text_family(family->out, "opstream_runs", METRIC_GAUGE,
                            "Runs that the journal keeps, by workflow and state.");
    }
    metrics_text_sample(family->out, "opstream_runs", labels, 2, count);
    return strbuf_status(family->out);
}

static int add_runs(struct strbuf *out, struct journal_reader *reader, struct error *err)
{
    struct runs_family family = {.out = out};
    return reader != NULL ? journal_reader_counts(reader, add_count, &family, err) : 0;
}

static int count_breaker(void *user, const struct breaker_row *row)
{
    uint64_t *counts = user;
    counts[row->state] += row->is_known ? 1 : 0;
    return 0;
}

/* Every state, so that one that nobody is in any more is 0 and not gone. */
static int add_breakers(struct strbuf *out, struct journal_reader *reader, struct error *err)
{
    uint64_t counts[BREAKER_ROW_STATES] = {0};
    if (reader == NULL) {
        return 0;
    }
    int status = breaker_row_each(reader, count_breaker, counts, err);
    if (status != 0) {
        return status;
    }
    metrics_text_family(out, "opstream_breakers", METRIC_GAUGE,
                        "Circuit breakers that have ever changed, by state.");
    for (int i = 0; i < BREAKER_ROW_STATES; i++) {
        const struct metric_label label = {"state",
                                           str_from(breaker_state_name((enum breaker_state)i))};
        metrics_text_sample(out, "opstream_breakers", &label, 1, counts[i]);
    }
    return 0;
}

/* One number of the process. */
struct number {
    const char *name;
    enum metric_type type;
    const char *help;
    uint64_t value;
};

static void add_numbers(struct strbuf *out, const struct api_numbers *n)
{
    const struct number numbers[] = {
        {"opstream_runs_in_memory", METRIC_GAUGE, "Runs that are loaded.", n->runs_in_memory},
        {"opstream_runs_parked", METRIC_GAUGE, "Runs that wait as rows.", n->runs_parked},
        {"opstream_nodes_running", METRIC_GAUGE, "Nodes at work.", n->nodes_running},
        {"opstream_queue_depth", METRIC_GAUGE, "Nodes that wait for a permit.", n->queue_depth},
        {"opstream_journal_writes_waiting", METRIC_GAUGE, "Writes that are not durable yet.",
         n->writes_waiting},
        {"opstream_journal_healthy", METRIC_GAUGE,
         "1 when writes become durable, 0 when the disk is full.", n->trouble == NULL},
        {"opstream_timers_armed", METRIC_GAUGE, "Timers in memory.", n->timers_armed},
        {"opstream_clients", METRIC_GAUGE, "Connections to the control socket.", n->clients},
        {"opstream_runs_started_total", METRIC_COUNTER, "Runs that were started.", n->runs_started},
        {"opstream_runs_completed_total", METRIC_COUNTER, "Runs that completed.",
         n->runs_completed},
        {"opstream_runs_failed_total", METRIC_COUNTER, "Runs that failed.", n->runs_failed},
        {"opstream_runs_cancelled_total", METRIC_COUNTER, "Runs that were cancelled.",
         n->runs_cancelled},
        {"opstream_nodes_started_total", METRIC_COUNTER, "Attempts of nodes that began.",
         n->nodes_started},
        {"opstream_cache_hits_total", METRIC_COUNTER, "Results that were taken again.",
         n->cache_hits},
        {"opstream_cache_misses_total", METRIC_COUNTER, "Questions that no kept result answered.",
         n->cache_misses},
        {"opstream_journal_writes_total", METRIC_COUNTER, "Writes that became durable.",
         n->writes_committed},
        {"opstream_requests_total", METRIC_COUNTER, "Requests to the API.", n->requests},
        {"opstream_clients_dropped_total", METRIC_COUNTER,
         "Clients that were dropped: they read too slowly.", n->clients_dropped},
        {"process_resident_memory_bytes", METRIC_GAUGE, "Resident memory in bytes.",
         n->memory_bytes},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        metrics_text_family(out, numbers[i].name, numbers[i].type, numbers[i].help);
        metrics_text_sample(out, numbers[i].name, NULL, 0, numbers[i].value);
    }
}

static void add_breaker_changes(struct strbuf *out, const struct api_numbers *numbers)
{
    metrics_text_family(out, "opstream_breaker_transitions_total", METRIC_COUNTER,
                        "Changes of circuit breakers, by the state that they changed to.");
    for (int i = 0; i < BREAKER_STATES; i++) {
        const struct metric_label label = {"state",
                                           str_from(breaker_state_name((enum breaker_state)i))};
        metrics_text_sample(out, "opstream_breaker_transitions_total", &label, 1,
                            numbers->breaker_changes[i]);
    }
}

/* What tasks said that their calls took. */
static void add_spent(struct strbuf *out, const struct purse_total *spent)
{
    const struct {
        const char *kind;
        int64_t tokens;
    } kinds[] = {{"input", spent->input_tokens},
                 {"output", spent->output_tokens},
                 {"cached", spent->cached_tokens}};
    metrics_text_family(out, "opstream_tokens_total", METRIC_COUNTER,
                        "Tokens that calls took; the cached ones are some of the input.");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct metric_label label = {"kind", str_from(kinds[i].kind)};
        metrics_text_sample(out, "opstream_tokens_total", &label, 1, (uint64_t)kinds[i].tokens);
    }
    metrics_text_family(out, "opstream_cost_nanodollars_total", METRIC_COUNTER,
                        "What calls cost, in billionths of a US dollar, as far as it is known.");
    metrics_text_sample(out, "opstream_cost_nanodollars_total", NULL, 0, (uint64_t)spent->cost);
}

struct refusal {
    const char *reason;
    uint64_t count;
};

/* What was not begun, and was told to ask again. */
static void add_refusals(struct strbuf *out, const struct api_numbers *n)
{
    const struct refusal refusals[] = {
        {admission_answer_name(ADMISSION_WRITES), n->refused[ADMISSION_WRITES]},
        {admission_answer_name(ADMISSION_RUNS), n->refused[ADMISSION_RUNS]},
        {admission_answer_name(ADMISSION_MEMORY), n->refused[ADMISSION_MEMORY]},
        {"reads", n->refused_reads},
        {"connections", n->refused_connections},
        {"bodies", n->refused_bodies},
    };
    metrics_text_family(out, "opstream_refused_total", METRIC_COUNTER,
                        "Requests that there was no room for, by what there was too much of.");
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct metric_label label = {"reason", str_from(refusals[i].reason)};
        metrics_text_sample(out, "opstream_refused_total", &label, 1, refusals[i].count);
    }
}

static void add_alerts(struct strbuf *out, const char *name, enum metric_type type,
                       const char *help, const uint64_t counts[ALERT_KINDS])
{
    metrics_text_family(out, name, type, help);
    for (int i = 0; i < ALERT_KINDS; i++) {
        const struct metric_label label = {"kind", str_from(alert_kind_name((enum alert_kind)i))};
        metrics_text_sample(out, name, &label, 1, counts[i]);
    }
}

/* ---- rate limits and permits ---- */

enum { LABELS_MOST = 2, NUMBER_SIZE = 24 };

/* One family of the scopes in a list that the engine brings. */
struct scope_family {
    const char *name;
    const char *help;
    const char *list; /* "rate_limits" */
    const char *key;  /* of its number */
    enum metric_type type;
    bool is_time; /* unix ms, and shown in seconds */
};

static const struct scope_family scope_families[] = {
    {"opstream_rate_limit_allowed_total", "Calls that a rate limit let go.", "rate_limits",
     "allowed", METRIC_COUNTER, false},
    {"opstream_rate_limit_delayed_total", "Calls that had to wait for a rate limit.", "rate_limits",
     "delayed", METRIC_COUNTER, false},
    {"opstream_rate_limit_waiting", "Calls that wait for a rate limit.", "rate_limits", "waiting",
     METRIC_GAUGE, false},
    {"opstream_rate_limit_frozen_until_seconds",
     "Until when a service wants no call, in seconds since 1970; 0: it takes them.", "rate_limits",
     "frozen_until", METRIC_GAUGE, true},
    {"opstream_bulkhead_allowed_total", "Permits that were given.", "limits", "allowed",
     METRIC_COUNTER, false},
    {"opstream_bulkhead_delayed_total", "Nodes and calls that had to wait for a permit.", "limits",
     "delayed", METRIC_COUNTER, false},
    {"opstream_bulkhead_waiting", "Nodes and calls that wait for a permit.", "limits", "waiting",
     METRIC_GAUGE, false},
    {"opstream_bulkhead_in_use", "Permits that are in use.", "limits", "in_use", METRIC_GAUGE,
     false},
};

static uint64_t number_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_INT) && value_int(value) > 0 ? (uint64_t)value_int(value) : 0;
}

/* A bulkhead is told from another of the same name by its limit. */
static void add_scope(struct strbuf *out, const struct scope_family *family, struct str scope,
                      const struct value *item)
{
    char limit[NUMBER_SIZE];
    uint64_t number = number_of(item, family->key);
    bool has_limit = strcmp(family->list, "limits") == 0;
    (void)snprintf(limit, sizeof(limit), "%llu", (unsigned long long)number_of(item, "limit"));
    const struct metric_label labels[LABELS_MOST] = {{"scope", scope}, {"limit", str_from(limit)}};
    metrics_text_sample(out, family->name, labels, has_limit ? LABELS_MOST : 1,
                        family->is_time ? number / 1000 : number);
}

/* The first ones each by itself, which stay the same; all others together. */
static void add_family(struct strbuf *out, const struct scope_family *family,
                       const struct value *live)
{
    char rest[NUMBER_SIZE * 2];
    const struct value *list = value_get(live, str_from(family->list));
    (void)snprintf(rest, sizeof(rest), "%s_left_out", family->list);
    const struct value *others = value_get(live, str_from(rest));
    size_t count = value_is(list, VALUE_LIST) ? value_count(list) : 0;
    if (count == 0) {
        return; /* a family has a sample, or is not there */
    }
    metrics_text_family(out, family->name, family->type, family->help);
    for (size_t i = 0; i < count; i++) {
        const struct value *name = value_get(value_at(list, i), STR("scope"));
        add_scope(out, family, value_is(name, VALUE_STRING) ? value_str(name) : STR(""),
                  value_at(list, i));
    }
    if (number_of(others, "scopes") > 0) {
        add_scope(out, family, STR("(others)"), others);
    }
}

static void add_limits(struct strbuf *out, const struct value *live)
{
    for (size_t i = 0; i < sizeof(scope_families) / sizeof(scope_families[0]); i++) {
        add_family(out, &scope_families[i], live);
    }
}

/* ---- services that are checked ---- */

enum { SERVICE_LABELS = 2 };

static struct str text_of(const struct value *service, const char *key)
{
    const struct value *text = value_get(service, str_from(key));
    return value_is(text, VALUE_STRING) ? value_str(text) : STR("");
}

static bool is_known(const struct value *service)
{
    return !str_equal_text(text_of(service, "state"), "unknown");
}

static bool is_same(const struct value *a, const struct value *b)
{
    return str_equal(text_of(a, "plugin"), text_of(b, "plugin")) &&
           str_equal(text_of(a, "origin"), text_of(b, "origin"));
}

/*
 * Services that differ in their settings alone are one sample, which says that all are up: settings
 * may hold secrets, and are no label. Row `i` tells for those like it, unless one before has.
 */
static bool is_first(const struct value *rows, size_t i, bool *out_is_up)
{
    *out_is_up = true;
    for (size_t k = 0; k < value_count(rows); k++) {
        const struct value *row = value_at(rows, k);
        if (!is_known(row) || !is_same(row, value_at(rows, i))) {
            continue;
        }
        if (k < i) {
            return false;
        }
        *out_is_up = *out_is_up && str_equal_text(text_of(row, "state"), "up");
    }
    return true;
}

static void add_services(struct strbuf *out, const struct value *rows)
{
    bool has_begun = false;
    for (size_t i = 0; value_is(rows, VALUE_LIST) && i < value_count(rows); i++) {
        const struct value *row = value_at(rows, i);
        bool is_up = false;
        if (!is_known(row) || !is_first(rows, i, &is_up)) {
            continue;
        }
        if (!has_begun) {
            has_begun = true;
            metrics_text_family(out, "opstream_service_up", METRIC_GAUGE,
                                "Whether a service that runs want checked has answered, 1 or 0.");
        }
        const struct metric_label labels[SERVICE_LABELS] = {{"plugin", text_of(row, "plugin")},
                                                            {"origin", text_of(row, "origin")}};
        metrics_text_sample(out, "opstream_service_up", labels, SERVICE_LABELS, is_up ? 1 : 0);
    }
}

/* ---- what the engine knows at the moment ---- */

static int add_live(struct strbuf *out, struct str live)
{
    cleanup_document struct document *document = NULL;
    int status = live.n > 0 ? json_read(live, NULL, &document, NULL) : 0;
    if (document != NULL) {
        add_limits(out, document_root(document));
        add_services(out, value_get(document_root(document), STR("services")));
    }
    return status == E_NOMEM ? status : 0;
}

/* ---- all of them ---- */

static void add_process(struct strbuf *out, const struct api_numbers *numbers)
{
    const struct metric_label version = {"version", str_from(numbers->version)};
    metrics_text_family(out, "opstream_build_info", METRIC_GAUGE,
                        "Always 1; the label says which version is at work.");
    metrics_text_sample(out, "opstream_build_info", &version, 1, 1);
    metrics_text_family(out, "process_start_time_seconds", METRIC_GAUGE,
                        "When the process became the engine, in seconds since 1970.");
    metrics_text_seconds(out, "process_start_time_seconds", numbers->started_at_unix_ms);
    add_numbers(out, numbers);
    add_breaker_changes(out, numbers);
    add_spent(out, &numbers->spent);
    add_refusals(out, numbers);
    add_alerts(out, "opstream_alerts_total", METRIC_COUNTER,
               "Thresholds of pipelines that were crossed.", numbers->alerts);
    add_alerts(out, "opstream_alerts_active", METRIC_GAUGE,
               "Thresholds of pipelines that are not kept now.", numbers->alerts_active);
}

int route_metrics(const struct route_call *call, struct answer *answer, struct error *err)
{
    const struct api_numbers *numbers = call->request->numbers;
    if (numbers != NULL) {
        add_process(&answer->body, numbers);
    }
    int status = add_runs(&answer->body, call->request->reader, err);
    if (status == 0) {
        status = add_breakers(&answer->body, call->request->reader, err);
    }
    if (status == 0 && add_live(&answer->body, call->request->live) != 0) {
        status = error_nomem(err);
    }
    if (status == 0 && strbuf_status(&answer->body) != 0) {
        status = error_nomem(err);
    }
    if (status != 0) {
        answer_finish(answer);
        return status;
    }
    answer->status = ANSWER_OK;
    answer->content_type = ANSWER_TYPE_METRICS;
    return 0;
}
