/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: what there is to count, for Prometheus. */
#include "core/api/breaker_row.h"
#include "core/api/metrics_text.h"
#include "core/api/numbers.h"
#include "core/api/route_call.h"
#include "core/base/error.h"
#include "core/journal/journal_reader.h"

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
