/* SPDX-License-Identifier: Apache-2.0 */
/* `monitoring`: what the runs of a pipeline are held to, and which pipeline is told. */
#include "core/base/error.h"
#include "core/model/definition.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/policy.h"
#include "core/model/tree.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static void check_keys(struct draft *draft, const struct tree *map)
{
    unsigned flags = draft->is_profile ? FORMAT_PROFILE : 0;
    const struct tree *thresholds = format_map(map, "alert_thresholds");
    format_check(report_of(draft), map, format_monitoring_keys, "'monitoring'", flags);
    if (thresholds != NULL) {
        format_check(report_of(draft), thresholds, format_thresholds_keys, "'alert_thresholds'",
                     flags);
    }
}

static void report_unknown(struct draft *draft, const struct tree *name, const struct error *err)
{
    if (definition_is_doubled(draft->loader, name->place, name->text, err)) {
        return;
    }
    struct str nearest = definition_nearest(draft->loader, name->text);
    report_error(report_of(draft), name->place, "there is no workflow '%.*s' for 'on_alert'",
                 STR_ARG(name->text));
    if (nearest.n > 0) {
        report_hint(report_of(draft), "did you mean '%.*s'? %s", STR_ARG(nearest), err->message);
    } else {
        report_hint(report_of(draft), "%s", err->message);
    }
}

/* As a workflow node finds its pipeline; it is started with an input of its own. */
static int find_pipeline(struct draft *draft, const struct tree *name)
{
    struct error err = {0};
    struct definition *found = NULL;
    int status = definition_find(draft->loader, name->text, &found, &err);
    if (status != 0) {
        return status;
    }
    if (found == NULL) {
        if (err.code != 0) {
            report_unknown(draft, name, &err);
        }
        return 0;
    }
    if (!definition_has_body(found)) {
        report_error(report_of(draft), name->place, "'%.*s' is a profile: it cannot run",
                     STR_ARG(name->text));
        return 0;
    }
    definition_need(draft->loader->loading, found);
    return draft_keep_text(draft, name->text, &draft->storage->pipeline.monitoring.on_alert);
}

static int read_on_alert(struct draft *draft, const struct tree *map)
{
    const struct pipeline *pipeline = &draft->storage->pipeline;
    const struct tree *name = tree_get(map, STR("on_alert"));
    struct str text;
    if (name == NULL || draft->is_profile || !format_text(map, "on_alert", &text)) {
        return 0;
    }
    if (str_equal(text, pipeline->id)) {
        report_error(report_of(draft), name->place, "'on_alert' names the pipeline itself");
        report_hint(report_of(draft), "its failures would start it again: name another one");
        return 0;
    }
    if (tree_get(map, STR("alert_thresholds")) == NULL) {
        report_error(report_of(draft), name->place, "'on_alert' without 'alert_thresholds'");
        report_hint(report_of(draft), "say when: alert_thresholds: {error_rate: 5%%}");
        return 0;
    }
    return find_pipeline(draft, name);
}

/* More often would load the services, more seldom is not a check. */
static void read_health_check(struct draft *draft, const struct tree *map)
{
    const struct tree *value = tree_get(map, STR("health_check_interval"));
    int64_t *interval_ms = &draft->storage->pipeline.monitoring.health_check_interval_ms;
    if (!format_duration(map, "health_check_interval", interval_ms) || *interval_ms == 0) {
        return; /* what is no duration, or 0, is told already */
    }
    if (*interval_ms < HEALTH_INTERVAL_MIN_MS || *interval_ms > HEALTH_INTERVAL_MAX_MS) {
        report_error(report_of(draft), value->place,
                     "'health_check_interval' must be from %ds to %dh, not '%.*s'",
                     HEALTH_INTERVAL_MIN_MS / 1000, HEALTH_INTERVAL_MAX_MS / 3600000,
                     STR_ARG(value->text));
    }
}

/* An alert comes when more fail, and no more than all can. */
static void read_error_rate(struct draft *draft, const struct tree *thresholds)
{
    struct monitoring *monitoring = &draft->storage->pipeline.monitoring;
    monitoring->has_error_rate = format_rate(thresholds, "error_rate", &monitoring->error_rate);
    if (monitoring->has_error_rate && monitoring->error_rate >= 1.0) {
        const struct tree *value = tree_get(thresholds, STR("error_rate"));
        report_error(report_of(draft), value->place,
                     "'error_rate' of 'alert_thresholds' must be less than 100%%, not '%.*s'",
                     STR_ARG(value->text));
        report_hint(report_of(draft), "an alert comes when more than that share of the runs fail");
    }
}

int monitoring_read(struct draft *draft)
{
    const struct tree *map = format_map(draft->tree, "monitoring");
    const struct tree *thresholds = format_map(map, "alert_thresholds");
    struct monitoring *monitoring = &draft->storage->pipeline.monitoring;
    if (map == NULL) {
        return 0;
    }
    check_keys(draft, map);
    read_error_rate(draft, thresholds);
    (void)format_duration(thresholds, "latency_p99", &monitoring->latency_p99_ms); /* or none */
    read_health_check(draft, map);
    return read_on_alert(draft, map);
}
