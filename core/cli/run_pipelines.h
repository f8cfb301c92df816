/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_RUN_PIPELINES_H
#define CORE_CLI_RUN_PIPELINES_H

/*
 * Run pipelines: the pipelines that runs of a state are shown with: those of a definition that this
 * command has loaded itself, or of one that is asked for. Only shown, so it need not be complete:
 * an environment variable that is not set here has a text in its place that says so.
 *
 * Used by:  run_watch.
 * Uses:     workspace, model (bundle).
 * Threads:  [main]
 */

#include "core/base/digest.h"
#include "core/base/str.h"

struct definitions;
struct error;
struct pipeline;
struct workspace;

struct run_pipelines {
    struct workspace *workspace; /* borrowed */
    /* The source of the definition `digest`, appended to `out_source`. NULL: only the own one. */
    int (*fetch)(void *user, struct str digest, struct strbuf *out_source, struct error *err);
    void *user;
    char digest[DIGEST_HEX_SIZE];    /* of the one that is there; "": none */
    const struct pipeline *own;      /* one of its pipelines; borrowed, or of `definitions` */
    struct definitions *definitions; /* owned; NULL: it is the command's */
};

/* NULL members are fine. */
void run_pipelines_finish(struct run_pipelines *pipelines);

/*
 * The pipeline `workflow` of the definition `digest`: for find_pipeline of a run_replica; `user` is
 * a struct run_pipelines. Fails with E_NOT_FOUND, E_INVALID (it does not load here; `err` says
 * why), E_NOMEM, and as fetch() does.
 */
int run_pipelines_find(void *user, struct str digest, struct str workflow,
                       const struct pipeline **out_pipeline, struct error *err);

#endif
