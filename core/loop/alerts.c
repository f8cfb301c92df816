/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/id.h"
#include "core/base/log.h"
#include "core/engine/run.h"
#include "core/loop/loop_state.h"
#include "core/loop/run_driver.h"
#include "core/loop/run_env.h"
#include "core/model/pipeline.h"
#include "core/policy/alert.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* One pipeline that is watched. */
struct watched {
    struct alert alert;
    char id[]; /* of the pipeline */
};

void alerts_finish(struct alerts *alerts)
{
    for (size_t i = 0; i < alerts->count; i++) {
        free(alerts->all[i]);
    }
    alerts->count = 0;
}

static struct watched *find_watched(const struct alerts *alerts, struct str id)
{
    for (size_t i = 0; i < alerts->count; i++) {
        if (str_equal_text(id, alerts->all[i]->id)) {
            return alerts->all[i];
        }
    }
    return NULL;
}

static bool is_crossed(const struct alert *alert)
{
    return alert->is_above[ALERT_ERROR_RATE] || alert->is_above[ALERT_LATENCY_P99];
}

/* Of two, the one to forget. */
static bool is_lesser(const struct alert *a, const struct alert *b)
{
    return is_crossed(a) != is_crossed(b) ? is_crossed(b) : a->newest < b->newest;
}

/* The place of one more. */
static size_t make_place(struct alerts *alerts)
{
    if (alerts->count < ALERTS_MOST) {
        return alerts->count++;
    }
    size_t least = 0;
    for (size_t i = 1; i < ALERTS_MOST; i++) {
        least = is_lesser(&alerts->all[i]->alert, &alerts->all[least]->alert) ? i : least;
    }
    free(alerts->all[least]);
    return least;
}

/* NULL: out of memory. */
static struct watched *add_watched(struct alerts *alerts, struct str id)
{
    struct watched *watched = malloc(sizeof(*watched) + id.n + 1);
    if (watched == NULL) {
        return NULL;
    }
    alert_init(&watched->alert, &(struct alert_settings){0});
    memcpy(watched->id, id.p, id.n);
    watched->id[id.n] = '\0';
    alerts->all[make_place(alerts)] = watched;
    return watched;
}

/* The definition that was started last says what the thresholds are. */
static struct alert *find_alert(struct alerts *alerts, const struct pipeline *pipeline)
{
    const struct monitoring *monitoring = &pipeline->monitoring;
    struct watched *watched = find_watched(alerts, pipeline->id);
    if (watched == NULL) {
        watched = add_watched(alerts, pipeline->id);
    }
    if (watched != NULL) {
        alert_set(&watched->alert,
                  &(struct alert_settings){.has_error_rate = monitoring->has_error_rate,
                                           .error_rate = monitoring->error_rate,
                                           .latency_p99_ms = monitoring->latency_p99_ms});
    }
    return watched != NULL ? &watched->alert : NULL;
}

/* ---- what is told ---- */

/* A threshold that was crossed, or is kept again. */
struct crossing {
    const struct loop_run *run; /* whose end it was */
    enum alert_kind kind;
    double value; /* a share, or seconds */
    double threshold;
    int64_t since;
};

static struct crossing crossing_of(const struct loop_run *run, const struct alert *alert,
                                   enum alert_kind kind, double value)
{
    bool is_rate = kind == ALERT_ERROR_RATE;
    return (struct crossing){
        .run = run,
        .kind = kind,
        .value = is_rate ? value : value / 1000.0,
        .threshold = is_rate ? alert->settings.error_rate
                             : (double)alert->settings.latency_p99_ms / 1000.0,
        .since = alert->since[kind],
    };
}

/* {workflow, kind, value, threshold, since}: the input of the pipeline that is started. */
static int make_input(const struct crossing *crossing, struct document **out, struct error *err)
{
    char since[CLOCK_TEXT_SIZE];
    struct builder *b = builder_create();
    clock_format_rfc3339(crossing->since, since);
    builder_map_begin(b);
    builder_member_string(b, STR("workflow"), run_pipeline(crossing->run->run)->id);
    builder_member_string(b, STR("kind"), str_from(alert_kind_name(crossing->kind)));
    builder_member_double(b, STR("value"), crossing->value);
    builder_member_double(b, STR("threshold"), crossing->threshold);
    builder_member_string(b, STR("since"), str_from(since));
    builder_map_end(b);
    return builder_finish(b, out, err);
}

static void log_crossing(const struct crossing *crossing, const char *message, enum log_level level)
{
    char value[32];
    char threshold[32];
    (void)snprintf(value, sizeof(value), "%.6g", crossing->value);
    (void)snprintf(threshold, sizeof(threshold), "%.6g", crossing->threshold);
    log_write(level, message,
              LOG_FIELDS(log_str("workflow", run_pipeline(crossing->run->run)->id),
                         log_text("kind", alert_kind_name(crossing->kind)),
                         log_text("value", value), log_text("threshold", threshold)));
}

static void tell(const struct crossing *crossing, const char *state, struct str started)
{
    struct loop *loop = crossing->run->loop;
    cleanup_document struct document *input = NULL;
    struct strbuf text = STRBUF_INIT;
    if (loop->on_alert == NULL || make_input(crossing, &input, NULL) != 0) {
        return;
    }
    strbuf_append_format(
        &text, "{\"at\":%lld,\"state\":\"%s\",\"run\":", (long long)clock_unix_ms(), state);
    json_write_string(run_id(crossing->run->run), &text);
    strbuf_append_text(&text, ",\"started\":");
    if (started.n > 0) {
        json_write_string(started, &text);
    } else {
        strbuf_append_text(&text, "null");
    }
    strbuf_append_text(&text, ",\"alert\":");
    json_write(document_root(input), JSON_COMPACT, &text);
    strbuf_append_char(&text, '}');
    if (strbuf_status(&text) == 0) {
        loop->on_alert(loop->alert_user, strbuf_str(&text));
    }
    strbuf_finish(&text);
}

/* ---- the pipeline that is started ---- */

/* The input with the defaults of the schema, which it fits. */
static int prepare_input(const struct crossing *crossing, const struct pipeline *target,
                         struct document **out, struct error *err)
{
    cleanup_document struct document *given = NULL;
    int status = make_input(crossing, &given, err);
    if (status != 0 || target->input_schema == NULL) {
        *out = status == 0 ? document_ref(given) : NULL;
        return status;
    }
    status = schema_fill_defaults(target->input_schema, given, out, err);
    if (status == 0) {
        status = schema_validate(target->input_schema, document_root(*out), NULL, err);
    }
    return status;
}

static int start(const struct crossing *crossing, const struct pipeline *target,
                 char out_id[ID_TEXT_SIZE], struct error *err)
{
    struct loop *loop = crossing->run->loop;
    const struct loop_run *root = crossing->run->root;
    cleanup_document struct document *input = NULL;
    struct strbuf audit = STRBUF_INIT;
    struct loop_run *started = NULL;
    int status = prepare_input(crossing, target, &input, err);
    status = status == 0 ? loop_check_pipeline(loop, target, err) : status;
    status = status == 0 ? id_create(clock_unix_ms(), out_id, err) : status;
    strbuf_append_format(&audit, "{\"alert\":\"%s\",\"run\":", alert_kind_name(crossing->kind));
    json_write_string(run_id(crossing->run->run), &audit);
    strbuf_append_char(&audit, '}');
    if (status == 0 && strbuf_status(&audit) != 0) {
        status = error_nomem(err);
    }
    const struct loop_run_options options = {
        .pipeline = target,
        .definition = {.digest = str_from(root->definition)},
        .who = STR("engine"),
        .audit = strbuf_str(&audit),
        .input = input,
        .id = str_from(out_id),
        .triggered_by = STR("alert"),
        .env = run_env_find(&loop->env, root->number),
    };
    status = status == 0 ? loop_run_start(loop, &options, &started, err) : status;
    strbuf_finish(&audit);
    if (status == 0) {
        loop_run_detach(started);
    }
    return status;
}

/* Where nothing is kept the process ends with its own run. */
static struct str start_target(const struct crossing *crossing, char id[ID_TEXT_SIZE])
{
    const struct pipeline *pipeline = run_pipeline(crossing->run->run);
    struct str name = pipeline->monitoring.on_alert;
    struct error err = {0};
    const struct pipeline *target = name.n > 0 ? pipeline_find_other(pipeline, name) : NULL;
    if (target == NULL) {
        return STR("");
    }
    int status =
        crossing->run->number != 0
            ? start(crossing, target, id, &err)
            : error_set(&err, E_INVALID, "nothing is kept: a run of its own has no engine");
    if (status != 0) {
        log_write(LOG_LEVEL_ERROR, "the pipeline of an alert was not started",
                  LOG_FIELDS(log_str("on_alert", name), log_text("why", err.message)));
        return STR("");
    }
    return str_from(id);
}

/* ---- ends of runs ---- */

static void take(const struct loop_run *run, const struct alert *alert,
                 const struct alert_change changes[ALERT_KINDS])
{
    for (int i = 0; i < ALERT_KINDS; i++) {
        char id[ID_TEXT_SIZE];
        struct crossing crossing = crossing_of(run, alert, (enum alert_kind)i, changes[i].value);
        if (changes[i].news == ALERT_CROSSED) {
            run->loop->numbers.alerts[i]++;
            log_crossing(&crossing, "alert", LOG_LEVEL_WARN);
            tell(&crossing, "crossed", start_target(&crossing, id));
        } else if (changes[i].news == ALERT_OVER) {
            log_crossing(&crossing, "alert over", LOG_LEVEL_INFO);
            tell(&crossing, "over", STR(""));
        }
    }
}

/* What somebody cancelled says nothing about the pipeline. */
void alerts_note_end(struct loop_run *run)
{
    struct alert_change changes[ALERT_KINDS];
    const struct pipeline *pipeline = run_pipeline(run->run);
    enum run_state state = run_state(run->run);
    bool is_watched = pipeline->monitoring.has_error_rate ||
                      pipeline->monitoring.latency_p99_ms > 0;
    bool is_counted = state == RUN_COMPLETED || state == RUN_FAILED;
    struct alert *alert = is_watched && is_counted && !run->loop->holds_starts
                              ? find_alert(&run->loop->alerts, pipeline)
                              : NULL;
    if (alert == NULL) {
        return; /* without memory it is not counted */
    }
    int64_t now = clock_unix_ms();
    alert_pass(alert, now, changes);
    take(run, alert, changes);
    alert_add(alert, state == RUN_FAILED, now - run_started_at(run->run), now, changes);
    take(run, alert, changes);
}

void alerts_count_active(const struct loop *loop, uint64_t out_counts[])
{
    const struct alerts *alerts = &loop->alerts;
    int64_t now = clock_unix_ms();
    for (size_t at = 0; at < alerts->count; at++) {
        struct alert_change changes[ALERT_KINDS];
        if (!is_crossed(&alerts->all[at]->alert)) {
            continue;
        }
        struct alert alert = alerts->all[at]->alert; /* what is over is told by the next run */
        alert_pass(&alert, now, changes);
        for (int i = 0; i < ALERT_KINDS; i++) {
            out_counts[i] += alert.is_above[i] ? 1u : 0u;
        }
    }
}
