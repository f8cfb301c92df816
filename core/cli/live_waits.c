/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/live_waits.h"

#include "core/base/clock.h"
#include "core/cli/job_text.h"
#include "core/cli/wait_text.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { LINES_MOST = 20, BRIEF_MS = 1000 };

void live_waits_finish(struct live_waits *waits)
{
    document_unref(waits->now);
    document_unref(waits->before);
    *waits = (struct live_waits){0};
}

static const struct value *list_of(const struct document *document)
{
    return document != NULL ? job_text_list(document_root(document), "waits") : NULL;
}

void live_waits_take(struct live_waits *waits, struct str json)
{
    struct document *document = NULL;
    if (json_read(json, NULL, &document, NULL) != 0) {
        return; /* it is only shown */
    }
    document_unref(waits->before);
    waits->before = waits->now;
    waits->now = document;
}

static bool is_same(const struct value *a, const struct value *b)
{
    static const char *const keys[] = {"path", "for", "scope"};
    bool is_same = true;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        is_same = is_same && str_equal(job_text_get(a, keys[i]), job_text_get(b, keys[i]));
    }
    return is_same;
}

/* Where calls keep to a rate they wait all the time: only long waits are worth a line. */
static bool is_brief(const struct value *wait)
{
    char soon[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(clock_unix_ms() + BRIEF_MS, soon);
    return str_equal_text(job_text_get(wait, "for"), "rate_limit") &&
           str_compare(job_text_get(wait, "until"), str_from(soon)) < 0;
}

/* It is known already that it will last. What has no end known to come waits for a person. */
static bool is_long(const struct live_waits *waits, const struct value *wait)
{
    char soon[CLOCK_TEXT_SIZE];
    struct str until = job_text_get(wait, "until");
    if (until.n == 0) {
        return str_equal_text(job_text_get(wait, "state"), "forced_open");
    }
    clock_format_rfc3339(clock_unix_ms() + waits->least_ms, soon);
    return str_compare(until, str_from(soon)) > 0;
}

static bool has_line(const struct live_waits *waits, const struct value *wait)
{
    return waits->least_ms == 0 || is_long(waits, wait);
}

/* One that had no line before, since it was to be over soon, is new when it turns out longer. */
static bool is_new(const struct live_waits *waits, const struct value *wait)
{
    const struct value *before = list_of(waits->before);
    for (size_t i = 0; before != NULL && i < value_count(before); i++) {
        if (is_same(value_at(before, i), wait) && has_line(waits, value_at(before, i))) {
            return false;
        }
    }
    struct str what = job_text_get(wait, "for");
    bool is_for_others = str_equal_text(what, "permit") || str_equal_text(what, "spending");
    return !is_for_others && !is_brief(wait) && has_line(waits, wait);
}

static void append(const struct value *wait, struct run_text_style style, struct strbuf *out)
{
    run_text_waits_at(job_text_get(wait, "path"), style, out);
    wait_text_append(wait, out);
}

void live_waits_append_lines(struct live_waits *waits, struct run_text_style style,
                             struct strbuf *out)
{
    const struct value *list = list_of(waits->now);
    for (size_t i = 0; list != NULL && i < value_count(list); i++) {
        if (!is_new(waits, value_at(list, i)) || waits->lines > LINES_MOST) {
            continue;
        }
        if (waits->lines++ == LINES_MOST) {
            run_text_note("... more nodes wait: 'opstream status' shows them", style, out);
            return;
        }
        append(value_at(list, i), style, out);
        strbuf_append_char(out, '\n');
    }
}

size_t live_waits_shown(const struct live_waits *waits)
{
    const struct value *list = list_of(waits->now);
    return list != NULL ? value_count(list) : 0;
}

uint64_t live_waits_count(const struct live_waits *waits)
{
    size_t shown = live_waits_shown(waits);
    int64_t more = shown > 0 ? job_text_int(document_root(waits->now), "left_out") : 0;
    return shown + (more > 0 ? (uint64_t)more : 0);
}

void live_waits_append_row(const struct live_waits *waits, size_t i, struct run_text_style style,
                           struct strbuf *out)
{
    append(value_at(list_of(waits->now), i), style, out);
}
