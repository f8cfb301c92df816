/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/sanitize.h"

#include <stdlib.h>

#include "core/engine/decision.h"
#include "core/engine/run_state.h"
#include "core/model/pipeline.h"
#include "core/value/sanitizer.h"
#include "core/value/value.h"

/* Owned. Without memory the batch has failed, and nothing of the decision is kept. */
static struct document *mask(const struct decision *d, const struct document *document,
                             bool is_failure)
{
    const struct sanitizer *sanitizer = d->run->pipeline->sanitizer;
    struct document *masked = NULL;
    if (document == NULL) {
        return NULL;
    }
    int status = is_failure ? sanitizer_failure(sanitizer, document, &masked)
                            : sanitizer_document(sanitizer, document, &masked);
    d->batch->has_failed |= status < 0;
    return masked;
}

static bool is_result(const struct run_event *event)
{
    return event->type != RUN_EVENT_FOUND &&
           !(event->type == RUN_EVENT_RESOLVE && event->resolution == RUN_RESOLVE_AGAIN);
}

static bool mask_items(const struct decision *d, const struct run_event *event,
                       struct sanitized_event *out)
{
    if (event->item_count == 0) {
        return true;
    }
    out->items = calloc(event->item_count, sizeof(struct document *));
    if (out->items == NULL) {
        return false;
    }
    for (size_t i = 0; i < event->item_count; i++) {
        out->items[i] = mask(d, event->items[i], false);
    }
    out->event.items = out->items;
    return true;
}

bool sanitize_event(const struct decision *d, const struct run_event *event,
                    struct sanitized_event *out)
{
    *out = (struct sanitized_event){.event = *event};
    out->error = mask(d, event->error, true);
    out->event.error = out->error;
    if (is_result(event)) {
        out->output = mask(d, event->output, false);
        out->event.output = out->output;
    }
    d->batch->has_failed |= !mask_items(d, event, out);
    return !d->batch->has_failed;
}

void sanitize_event_finish(struct sanitized_event *event)
{
    document_unref(event->output);
    document_unref(event->error);
    for (size_t i = 0; event->items != NULL && i < event->event.item_count; i++) {
        document_unref(event->items[i]);
    }
    free(event->items);
}

static void replace(const struct decision *d, struct document **document, bool is_failure)
{
    if (d->run->pipeline->sanitizer == NULL || *document == NULL) {
        return;
    }
    struct document *masked = mask(d, *document, is_failure);
    if (masked != NULL) {
        document_unref(*document);
        *document = masked;
    }
}

void sanitize_value(const struct decision *d, struct document **document)
{
    replace(d, document, false);
}

void sanitize_failure(const struct decision *d, struct document **failure)
{
    replace(d, failure, true);
}
