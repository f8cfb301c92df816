/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_SETTINGS_H
#define CORE_MODEL_SETTINGS_H

/*
 * Settings: the file opstream.yaml, which says what holds for all pipelines of a machine.
 *
 *     config: {channel: "#ops"}     # constants; those of a pipeline are over them
 *     retention: {keep: 30d}        # of runs; what a pipeline says is over it, key by key
 *     cache: {max_bytes: 1GiB}      # that results take which nodes may take again
 *     sandbox: none                 # `serve` runs the code of users as it is
 *     backpressure: {max_live_runs: 5000}  # beyond it new runs have to ask again
 *     secrets_folder: /etc/opstream/secrets           # a file for each; "" is none
 *     secrets: {github_token: {hosts: [api.github.com]}}  # where it may go, and nowhere else
 *
 * Used by:  top, cli.
 * Uses:     tree, format, pipeline, value.
 * Threads:  [any]
 */

#include "core/base/str.h"
#include "core/model/pipeline.h"

struct diagnostics;
struct document;
struct error;
struct tree;

/* What keeps the code of users (nodes that start processes) from the machine. */
enum settings_sandbox {
    SANDBOX_REQUIRED, /* where there is none, `serve` refuses it */
    SANDBOX_NONE,     /* nothing, and that is fine */
};

/* What an engine accepts at most; 0: the default. */
struct settings_backpressure {
    uint32_t max_live_runs; /* in memory */
    uint32_t max_waiting_writes;
    uint32_t max_memory_mb; /* of values */
};

struct settings {
    struct document *config; /* a map; NULL: there is no file */
    struct retention retention;
    enum settings_sandbox sandbox;
    struct settings_backpressure backpressure;
    uint64_t cache_bytes;     /* 0: it does not say */
    char *secrets_folder;     /* NULL: it does not say; "": there is none */
    struct document *secrets; /* a map: {NAME: {hosts: [...], processes: BOOL}}; NULL: likewise */
};

/*
 * Reads `text` (borrowed), which stands in `file` (NUL-terminated, kept by `diagnostics`), and adds
 * everything that is wrong to `diagnostics`. `*out_settings` is to be ended: settings_finish().
 * Fails with E_INVALID when there are errors, E_NOMEM.
 */
int settings_read(struct str text, const char *file, struct diagnostics *diagnostics,
                  struct settings *out_settings, struct error *err);
void settings_finish(struct settings *settings);

/* What a map of `retention` says; NULL: nothing. format_check() has reported what is wrong. */
void settings_read_retention(const struct tree *map, struct retention *out_retention);

/*
 * What is in force for the runs of a pipeline: each key of `own`, else of `site`. `keep_failed_ms`
 * is then what counts: 0 means for ever.
 */
struct retention settings_merge_retention(struct retention own, struct retention site);

/* The members of `site`, which may be NULL, that `own` does not have, and those of `own`; both are
 * maps. Owned: document_unref(). Fails with E_NOMEM. */
int settings_merge(const struct document *own, const struct document *site,
                   struct document **out_both);

#endif
