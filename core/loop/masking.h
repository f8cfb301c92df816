/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_MASKING_H
#define CORE_LOOP_MASKING_H

/*
 * Masking: what tasks bring back, with *** for the secrets of their runs, before the engine or
 * anybody else sees it. Runs of pipelines without secrets cost nothing.
 *
 * Used by:  run_driver, run_tasks.
 * Uses:     value (mask, secrets), model.
 * Threads:  [loop]
 */

#include "core/base/str.h"

struct document;
struct error;
struct mask;
struct pipeline;
struct secrets;

/*
 * Hides the secrets that `pipeline` has in itself: a task of one of its runs, which may show them,
 * is about to begin. `secrets` may be NULL. Fails with E_LIMIT, E_NOMEM.
 */
int masking_begin(struct secrets *secrets, const struct pipeline *pipeline, struct error *err);

/* What hides `secrets` (may be NULL) in runs of `pipeline`; borrowed. NULL: nothing is to hide. */
const struct mask *masking_of(struct secrets *secrets, const struct pipeline *pipeline);

/* `*out_document` is owned, and may be `document` itself. `mask` may be NULL. E_NOMEM. */
int masking_document(const struct mask *mask, const struct document *document,
                     struct document **out_document);

/* The same for a failure: its texts may have been cut off within a secret. */
int masking_failure(const struct mask *mask, const struct document *failure,
                    struct document **out_failure);

/*
 * A line as it may be shown, cut off or not: borrowed from `text` or from `buffer`, which the
 * caller ends. When memory runs out it is "***". `mask` may be NULL.
 */
struct str masking_text(const struct mask *mask, struct str text, struct strbuf *buffer);

/* The same for the patterns that the pipeline hides (`sanitize`). */
struct str masking_by_patterns(const struct pipeline *pipeline, struct str text,
                               struct strbuf *buffer);

#endif
