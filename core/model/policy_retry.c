/* SPDX-License-Identifier: Apache-2.0 */
/* `retry`: how often and when a failed attempt is followed by another one. */
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/model/draft.h"
#include "core/model/failure_codes.h"
#include "core/model/format.h"
#include "core/model/format_values.h"
#include "core/model/policies.h"
#include "core/model/tree.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static bool is_status(struct str text)
{
    return text.n == 3 && text.p[0] >= '1' && text.p[0] <= '5' && text.p[1] >= '0' &&
           text.p[1] <= '9' && text.p[2] >= '0' && text.p[2] <= '9';
}

static bool has_digit(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* One of `on`: a status or a code. */
static void check_code(const struct report *report, const struct tree *item, const char *what)
{
    struct suggest nearest = suggest_start(item->text);
    struct str code = {0};
    if (is_status(item->text)) {
        return;
    }
    for (size_t i = 0; (code = failure_codes_at(i)).n > 0; i++) {
        if (str_equal(item->text, code)) {
            return;
        }
        suggest_offer(&nearest, code);
    }
    report_error(report, item->place, "'on' of %s names '%.*s', which is no error code or status",
                 what, STR_ARG(item->text));
    if (has_digit(item->text)) {
        report_hint(report, "statuses are written one by one, from 100 to 599: [502, 503]");
    } else if (nearest.best.n > 0) {
        report_nearest(report, &nearest);
    } else {
        report_hint(report, "codes are those that failed attempts show, as TIMEOUT, UNAVAILABLE or "
                            "RATE_LIMITED");
    }
}

static int read_on(struct draft *draft, struct policy_said said, struct retry_settings *out)
{
    const struct tree *list = format_list(said.map, "on");
    if (list == NULL) {
        return 0;
    }
    if (list->count == 0) {
        report_error(report_of(draft), list->place, "'on' of %s is empty: nothing is ever retried",
                     said.what);
        report_hint(report_of(draft), "write retry: off, or leave 'on' out");
        return 0;
    }
    struct str *on = arena_calloc(&draft->storage->arena, list->count, sizeof(*on));
    int status = on != NULL ? 0 : E_NOMEM;
    for (uint32_t i = 0; i < list->count && status == 0; i++) {
        const struct tree *item = &list->as.items[i];
        if (!tree_is_scalar(item) || item->kind == TREE_NULL) {
            return 0; /* the table of keys has said so */
        }
        check_code(report_of(draft), item, said.what);
        status = draft_keep_text(draft, item->text, &on[i]);
    }
    out->on = on;
    out->on_count = list->count;
    return status;
}

static void read_jitter(struct policy_said said, struct retry_settings *out)
{
    static const struct {
        const char *name;
        enum retry_jitter jitter;
    } rows[] = {
        {"full", RETRY_JITTER_FULL}, {"equal", RETRY_JITTER_EQUAL}, {"none", RETRY_JITTER_NONE}};
    struct str name = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && format_text(said.map, "jitter", &name);
         i++) {
        out->jitter = str_equal_text(name, rows[i].name) ? rows[i].jitter : out->jitter;
    }
}

/* With what places further out say. */
static void check_retry(const struct report *report, struct policy_said said,
                        const struct policies_draft *all)
{
    const struct retry_settings *retry = &all->policies.retry;
    if (policies_says(said, "max_attempts") && retry->max_attempts == 0 &&
        !all->policies.retry.has_deadline) {
        report_error(report, policies_place_of(said, "max_attempts"),
                     "%s has no limit of attempts, and no 'deadline'", said.what);
        report_hint(report, "add a deadline: 24h, for example, or give a number of attempts");
    }
    bool is_max = policies_says(said, "max_interval");
    bool is_said = is_max || policies_says(said, "initial_interval");
    if (is_said && retry->max_interval_ms > 0 &&
        retry->max_interval_ms < retry->initial_interval_ms) {
        struct place other = is_max ? all->initial_interval_at : all->max_interval_at;
        report_error(report, policies_place_of(said, is_max ? "max_interval" : "initial_interval"),
                     "'%s' of %s is %s than '%s', at %u:%u",
                     is_max ? "max_interval" : "initial_interval", said.what,
                     is_max ? "shorter" : "longer", is_max ? "initial_interval" : "max_interval",
                     other.line, other.column);
        report_hint(report, "waits begin with 'initial_interval' and grow up to 'max_interval'");
    }
}

/* What is not said gives way to what is. */
static void read_intervals(struct policy_said said, struct policies_draft *out)
{
    struct retry_settings *retry = &out->policies.retry;
    int64_t first = RETRY_SETTINGS_DEFAULT.initial_interval_ms;
    int64_t last = RETRY_SETTINGS_DEFAULT.max_interval_ms;
    if (format_duration(said.map, "initial_interval", &retry->initial_interval_ms)) {
        out->initial_interval_at = policies_place_of(said, "initial_interval");
    }
    if (format_duration(said.map, "max_interval", &retry->max_interval_ms)) {
        out->max_interval_at = policies_place_of(said, "max_interval");
    }
    if (out->max_interval_at.line == 0) {
        retry->max_interval_ms = retry->initial_interval_ms > last ? retry->initial_interval_ms
                                                                   : last;
    }
    if (out->initial_interval_at.line == 0) {
        retry->initial_interval_ms = retry->max_interval_ms < first ? retry->max_interval_ms
                                                                    : first;
    }
}

static void turn_off_retry(struct policies_draft *out)
{
    out->policies.retry = RETRY_SETTINGS_DEFAULT;
    out->policies.retry.max_attempts = 1;
    out->is_retry_off = true;
    out->initial_interval_at = (struct place){0};
    out->max_interval_at = (struct place){0};
}

int policy_retry_lay(struct draft *draft, struct policy_said said, struct policies_draft *out)
{
    struct retry_settings *retry = &out->policies.retry;
    if (format_values_is_off(said.map)) {
        turn_off_retry(out);
        return 0;
    }
    if (!tree_is(said.map, TREE_MAP)) {
        return 0; /* the table of keys has said so */
    }
    format_check(report_of(draft), said.map, format_retry_keys, said.what, 0);
    retry->is_asked_for = true;
    retry->max_attempts = out->is_retry_off ? RETRY_SETTINGS_DEFAULT.max_attempts
                                            : retry->max_attempts;
    out->is_retry_off = false;
    (void)format_whole(said.map, "max_attempts", &retry->max_attempts); /* or as it was, ... */
    (void)format_factor(said.map, "backoff_multiplier", &retry->backoff_multiplier);
    (void)format_share(said.map, "budget", &retry->budget);
    read_jitter(said, retry); /* ... like the others */
    read_intervals(said, out);
    retry->has_deadline = format_duration(said.map, "deadline", &retry->deadline_ms) ||
                          retry->has_deadline;
    if (!draft->is_profile) {
        check_retry(report_of(draft), said, out);
    }
    return read_on(draft, said, retry);
}
