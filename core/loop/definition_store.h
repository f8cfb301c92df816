/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_DEFINITION_STORE_H
#define CORE_LOOP_DEFINITION_STORE_H

/*
 * Definition store: the pipelines of runs that are restored, loaded from the bundles that the
 * journal keeps. Each is loaded once as long as it is asked for.
 *
 * Used by:  restorer, state_check; for the files of this folder alone.
 * Uses:     model (bundle, layout), journal (reader).
 * Threads:  [loop]
 */

#include "core/base/str.h"

struct definition_store;
struct error;
struct journal_reader;
struct load_options;
struct pipeline;

/* Which pipeline, and how it is loaded; all borrowed. */
struct definition_wish {
    struct journal_reader *reader;
    const struct load_options *options; /* with its catalogue */
    struct str digest;
    struct str workflow;
    struct str
        variant; /* of the environment: what is loaded with another one is another; or empty */
};

/*
 * The pipeline that is wished for, borrowed until the next call. `*store` is made when it is NULL.
 * Returns 0; LOOP_BLOCKED when it cannot be loaded here (`err` says what is missing: an environment
 * variable, a plugin, a pipeline that is as it was); E_NOMEM, E_IO.
 */
int definition_store_find(struct definition_store **store, const struct definition_wish *wish,
                          const struct pipeline **out_pipeline, struct error *err);

/* NULL is fine. */
void definition_store_destroy(struct definition_store *store);

#endif
