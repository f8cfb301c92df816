/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/limits_text.h"

#include "core/cli/terminal.h"
#include "core/value/value.h"

enum { LET_GO = 9, DELAYED = 18, NOW = 27, SCOPE = 62 }; /* where these columns begin */

/* "frozen until 2027-01-15 08:00:00 UTC", "12 left", "3 of 25 at work". */
static void append_now(const struct value *item, struct strbuf *out)
{
    if (job_text_get(item, "frozen_until").n > 0) {
        strbuf_append_text(out, "frozen until ");
        job_text_append_time(item, "frozen_until", out);
    } else if (value_get(item, STR("in_use")) != NULL) {
        strbuf_append_format(out, "%lld of %lld at work", (long long)job_text_int(item, "in_use"),
                             (long long)job_text_int(item, "limit"));
    } else if (job_text_int(item, "left") > 0) {
        strbuf_append_format(out, "%lld left", (long long)job_text_int(item, "left"));
    } else if (job_text_int(item, "limit") > 0) {
        strbuf_append_text(out, "the next at ");
        job_text_append_time(item, "next_at", out);
    } else {
        strbuf_append_char(out, '-');
    }
}

static void append_row(const struct value *item, struct strbuf *out)
{
    static const struct {
        const char *key;
        size_t width;
    } counts[] = {{"waiting", LET_GO}, {"allowed", DELAYED - LET_GO}, {"delayed", NOW - DELAYED}};
    struct strbuf cell = STRBUF_INIT;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        strbuf_clear(&cell);
        strbuf_append_format(&cell, "%lld", (long long)job_text_int(item, counts[i].key));
        strbuf_append_str(out, strbuf_str(&cell));
        job_text_append_gap(out, cell.n, counts[i].width);
    }
    strbuf_clear(&cell);
    append_now(item, &cell);
    strbuf_append_str(out, strbuf_str(&cell));
    job_text_append_gap(out, cell.n, SCOPE - NOW);
    terminal_append_safe(out, job_text_get(item, "scope"));
    strbuf_append_char(out, '\n');
    strbuf_finish(&cell);
}

void limits_text_append(const struct value *page, struct job_text_style style, struct strbuf *out)
{
    static const char *const keys[] = {"rate_limits", "limits"};
    int64_t left_out = job_text_int(page, "rate_limits_left_out") +
                       job_text_int(page, "limits_left_out");
    size_t shown = 0;
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        const struct value *list = job_text_list(page, keys[k]);
        for (size_t i = 0; list != NULL && i < value_count(list); i++) {
            if (shown++ == 0) {
                terminal_append_color(
                    out, style.is_colored, COLOR_BOLD,
                    STR("WAITING  LET GO   DELAYED  NOW                                SCOPE"));
                strbuf_append_char(out, '\n');
            }
            append_row(value_at(list, i), out);
        }
    }
    if (left_out > 0) {
        strbuf_append_format(out, "and %lld more that nobody waits for\n", (long long)left_out);
    }
}
