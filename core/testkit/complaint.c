/* SPDX-License-Identifier: Apache-2.0 */
#include "core/testkit/complaint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void complaints_init(struct complaints *complaints)
{
    *complaints = (struct complaints){.first = NULL};
    complaints->last = &complaints->first;
}

void complaints_finish(struct complaints *complaints)
{
    while (complaints->first != NULL) {
        struct complaint *complaint = complaints->first;
        complaints->first = complaint->next;
        free(complaint);
    }
    complaints->last = &complaints->first;
}

static bool is_known(const struct complaints *complaints, uint32_t kind, struct str text)
{
    for (const struct complaint *at = complaints->first; at != NULL; at = at->next) {
        if (at->shown.kind == kind && str_equal(str_from(at->text), text)) {
            return true;
        }
    }
    return false;
}

static struct complaint *complaint_create(struct str text)
{
    struct complaint *complaint = calloc(1, sizeof *complaint + text.n + 1);
    if (complaint != NULL && text.n > 0) {
        memcpy(complaint->text, text.p, text.n);
    }
    return complaint;
}

void complaint_add(struct complaints *complaints, uint32_t kind, ops_test_task task,
                   enum complaint_weight weight, const char *text)
{
    struct strbuf line = STRBUF_INIT;
    if (task != 0) {
        strbuf_append_format(&line, "task %" PRIu64 ": ", task);
    }
    strbuf_append_text(&line, text);
    bool is_short = strbuf_status(&line) != 0;
    bool is_new = !is_short && !is_known(complaints, kind, strbuf_str(&line));
    struct complaint *complaint = is_new ? complaint_create(strbuf_str(&line)) : NULL;
    strbuf_finish(&line);
    complaints->is_short = complaints->is_short || is_short || (is_new && complaint == NULL);
    if (complaint == NULL) {
        return;
    }

    complaint->shown = (ops_test_complaint){.kind = kind, .task = task, .text = complaint->text};
    complaint->is_harmless = weight == COMPLAINT_HARMLESS;
    *complaints->last = complaint;
    complaints->last = &complaint->next;
}

const ops_test_complaint *complaint_at(const struct complaints *complaints, size_t i)
{
    const struct complaint *at = complaints->first;
    while (at != NULL && i > 0) {
        at = at->next;
        i--;
    }
    return at != NULL ? &at->shown : NULL;
}

void complaints_write(const struct complaints *complaints, struct strbuf *out)
{
    for (const struct complaint *at = complaints->first; at != NULL; at = at->next) {
        if (!at->is_harmless) {
            strbuf_append_text(out, at->text);
            strbuf_append_char(out, '\n');
        }
    }
}
