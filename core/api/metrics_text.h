/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_API_METRICS_TEXT_H
#define CORE_API_METRICS_TEXT_H

/*
 * Metrics text: the text exposition format of Prometheus, version 0.0.4.
 *
 *     metrics_text_family(out, "opstream_runs", METRIC_GAUGE, "Runs by workflow and state.");
 *     metrics_text_sample(out, "opstream_runs", labels, 2, 17);
 *
 * Used by:  route_metrics.
 * Uses:     base.
 * Threads:  [any]
 */

#include <stdint.h>

#include "core/base/str.h"

enum metric_type {
    METRIC_GAUGE,
    METRIC_COUNTER, /* its name ends in _total */
};

/* The two lines in front of the samples of a name. */
void metrics_text_family(struct strbuf *out, const char *name, enum metric_type type,
                         const char *help);

struct metric_label {
    const char *name;
    struct str value; /* any text; what is no UTF-8 in it is replaced */
};

void metrics_text_sample(struct strbuf *out, const char *name, const struct metric_label *labels,
                         size_t label_count, uint64_t value);

/* The same for milliseconds, as seconds. */
void metrics_text_seconds(struct strbuf *out, const char *name, int64_t ms);

#endif
