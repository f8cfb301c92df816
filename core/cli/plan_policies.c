/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_policies.h"

#include "core/base/quantity.h"
#include "core/cli/terminal.h"
#include "core/engine/service.h"
#include "core/model/pipeline.h"
#include "core/model/policy.h"
#include "core/value/builder.h"

static void begin(struct strbuf *out, size_t start)
{
    strbuf_append_text(out, out->n > start ? "; " : "");
}

static void append_duration(const char *before, int64_t ms, struct strbuf *out)
{
    char text[QUANTITY_TEXT_SIZE];
    quantity_format_duration(ms, text);
    strbuf_append_format(out, "%s%s", before, text);
}

/* Where no address tells services apart there is a breaker only if somebody asked for it. */
static bool has_breaker(const struct node *node)
{
    const struct breaker_settings *breaker = &node->policies->breaker;
    return breaker->is_on && (breaker->is_asked_for || service_has_origin(node));
}

/* ---- text ---- */

static void append_on(const struct retry_settings *retry, struct strbuf *out)
{
    for (uint32_t i = 0; i < retry->on_count; i++) {
        strbuf_append_text(out, i == 0 ? ", on " : i + 1 == retry->on_count ? " or " : ", ");
        terminal_append_safe(out, retry->on[i]);
    }
}

static void append_retry(const struct retry_settings *retry, struct strbuf *out)
{
    if (retry->max_attempts == 1) {
        strbuf_append_text(out, "one attempt");
        return;
    }
    if (retry->max_attempts == 0) {
        strbuf_append_text(out, "attempts without limit");
    } else {
        strbuf_append_format(out, "%u attempts", retry->max_attempts);
    }
    append_duration(", the second after ", retry->initial_interval_ms, out);
    append_duration(", within ", retry->deadline_ms, out);
    append_on(retry, out);
}

static void append_breaker(const struct breaker_settings *breaker, struct strbuf *out)
{
    append_duration("breaker opens for ", breaker->reset_timeout_ms, out);
    strbuf_append_format(out, " after %u failure%s", breaker->failure_threshold,
                         breaker->failure_threshold == 1 ? "" : "s");
    if (breaker->failure_rate > 0.0) {
        strbuf_append_format(out, " or %.3g %% in ", breaker->failure_rate * 100.0);
        append_duration("", breaker->window_ms, out);
    }
    if (breaker->slow_call_ms > 0) {
        append_duration(", slower than ", breaker->slow_call_ms, out);
        strbuf_append_text(out, " is one");
    }
}

static void append_rate(const struct rate_settings *rate, struct strbuf *out)
{
    strbuf_append_format(out, "at most %u calls in ", rate->limit);
    append_duration("", rate->period_ms, out);
}

static void append_queue(enum queue_priority priority, struct strbuf *out)
{
    strbuf_append_text(out, "its call is queued while it is open");
    if (priority != QUEUE_PRIORITY_NORMAL) {
        strbuf_append_format(out, ", with %s priority", queue_priority_name(priority));
    }
}

void plan_policies_append(const struct node *node, enum plan_detail detail, struct strbuf *out,
                          size_t start)
{
    const struct node_policies *policies = node->policies;
    bool is_all = detail == PLAN_ALL;
    if (policies == NULL) {
        return;
    }
    if (is_all || policies->retry.is_asked_for || policies->retry.max_attempts == 1) {
        begin(out, start);
        append_retry(&policies->retry, out);
    }
    if (has_breaker(node) && (is_all || policies->breaker.is_asked_for)) {
        begin(out, start);
        append_breaker(&policies->breaker, out);
    } else if (!policies->breaker.is_on) {
        begin(out, start);
        strbuf_append_text(out, "no breaker");
    }
    if (has_breaker(node) && policies->on_open == ON_OPEN_FAIL) {
        begin(out, start);
        strbuf_append_text(out, "fails while it is open");
    } else if (has_breaker(node) && policies->on_open == ON_OPEN_QUEUE) {
        begin(out, start);
        append_queue(policies->priority, out);
    }
    if (policies->rate.limit > 0) {
        begin(out, start);
        append_rate(&policies->rate, out);
    }
}

/* ---- data ---- */

static void build_seconds(struct builder *b, const char *key, int64_t ms)
{
    builder_member_double(b, str_from(key), (double)ms / 1000.0);
}

static void build_retry(struct builder *b, const struct retry_settings *retry)
{
    builder_key(b, STR("retry"));
    builder_map_begin(b);
    builder_member_int(b, STR("max_attempts"), retry->max_attempts);
    build_seconds(b, "initial_interval_seconds", retry->initial_interval_ms);
    builder_member_double(b, STR("backoff_multiplier"), retry->backoff_multiplier);
    build_seconds(b, "max_interval_seconds", retry->max_interval_ms);
    build_seconds(b, "deadline_seconds", retry->deadline_ms);
    builder_member_double(b, STR("budget"), retry->budget);
    builder_key(b, STR("on"));
    builder_list_begin(b);
    for (uint32_t i = 0; i < retry->on_count; i++) {
        builder_string(b, retry->on[i]);
    }
    builder_list_end(b);
    builder_map_end(b);
}

static void build_breaker(struct builder *b, const struct node *node)
{
    const struct breaker_settings *breaker = &node->policies->breaker;
    builder_key(b, STR("circuit_breaker"));
    if (!has_breaker(node)) {
        builder_null(b);
        return;
    }
    builder_map_begin(b);
    builder_member_int(b, STR("failure_threshold"), breaker->failure_threshold);
    builder_member_double(b, STR("failure_rate"), breaker->failure_rate);
    build_seconds(b, "window_seconds", breaker->window_ms);
    builder_member_int(b, STR("minimum_calls"), breaker->minimum_calls);
    build_seconds(b, "slow_call_seconds", breaker->slow_call_ms);
    build_seconds(b, "reset_timeout_seconds", breaker->reset_timeout_ms);
    builder_member_int(b, STR("half_open_calls"), breaker->half_open_calls);
    build_seconds(b, "half_open_timeout_seconds", breaker->half_open_timeout_ms);
    builder_map_end(b);
}

static void build_rate(struct builder *b, const struct rate_settings *rate)
{
    builder_key(b, STR("rate_limit"));
    if (rate->limit == 0) {
        builder_null(b);
        return;
    }
    builder_map_begin(b);
    builder_member_int(b, STR("limit"), rate->limit);
    build_seconds(b, "period_seconds", rate->period_ms);
    builder_member_int(b, STR("burst"), rate->burst);
    builder_map_end(b);
}

static void build_queue(struct builder *b, const struct node_policies *policies)
{
    builder_key(b, STR("queue"));
    if (policies->on_open != ON_OPEN_QUEUE) {
        builder_null(b);
        return;
    }
    builder_map_begin(b);
    builder_member_string(b, STR("priority"), str_from(queue_priority_name(policies->priority)));
    builder_map_end(b);
}

void plan_policies_build(struct builder *b, const struct node *node)
{
    static const char *const on_opens[] = {[ON_OPEN_WAIT] = "wait",
                                           [ON_OPEN_FAIL] = "fail",
                                           [ON_OPEN_FALLBACK] = "fallback",
                                           [ON_OPEN_QUEUE] = "queue"};
    builder_key(b, STR("policies"));
    if (node->policies == NULL) {
        builder_null(b);
        return;
    }
    builder_map_begin(b);
    build_retry(b, &node->policies->retry);
    build_breaker(b, node);
    builder_member_string(b, STR("on_open"), str_from(on_opens[node->policies->on_open]));
    build_queue(b, node->policies);
    build_rate(b, &node->policies->rate);
    builder_map_end(b);
}
