/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_BUNDLE_H
#define CORE_MODEL_BUNDLE_H

/*
 * Bundle: one JSON text with everything that loading a definition again needs, so that a run goes
 * on with what it started with, whatever becomes of the files.
 *
 *     {"bundle": 1,
 *      "id": "main",                                     what was wanted of the file; or ""
 *      "files": [{"name": "t.yaml", "text": "..."}, ...],      the main file first
 *      "library": {"finds": {"bug": "lib/bug.yaml", "x": null}, "ids": ["bug", ...],     or null
 *                  "named": {"t.yaml: slack.yaml": "lib/slack.yaml"}},     where one names others
 *      "config": {...},                                  the constants of the machine; or null
 *      "environment": {"API_URL": true, "TOKEN": false}} names that were read, and whether they
 *                                                        were set: never their values
 *
 * It is made by a bundle_recorder. Loading it asks the caller for the environment alone: what was
 * set must be set again; what was not stays unset, so that a default stays what it was. Whether a
 * run's records still fit what comes out of it, layout.h tells.
 *
 * Used by:  cli, loop, journal's checker.
 * Uses:     load, value.
 * Threads:  [any]; a bundle never changes once it is read.
 */

#include <stddef.h>

#include "core/base/digest.h"
#include "core/base/str.h"

struct bundle;
struct definitions;
struct error;
struct load_options;

enum {
    BUNDLE_FORMAT = 1,
    BUNDLE_MAX_BYTES = 32 * 1024 * 1024,
};

/*
 * Reads a bundle (`text` is borrowed). `*out_bundle` is owned: bundle_destroy().
 * Fails with E_CORRUPT (no bundle, or a damaged one), E_VERSION (of a newer program), E_LIMIT
 * (more than BUNDLE_MAX_BYTES), E_NOMEM.
 */
int bundle_read(struct str text, struct bundle **out_bundle, struct error *err);
/* NULL is fine. */
void bundle_destroy(struct bundle *bundle);

/* The name of the main file and the id that was wanted of it (or ""); borrowed from `bundle`. */
struct str bundle_file(const struct bundle *bundle);
struct str bundle_id(const struct bundle *bundle);

/* The i-th environment variable that loading needs, borrowed; empty at the end. */
struct str bundle_env_at(const struct bundle *bundle, size_t i);

/*
 * Loads the definitions again. Of `options` count `catalogue`, `engine_types`, `flags`, `secrets`,
 * and `env` with its `user`; the rest comes from the bundle.
 * Fails with E_NOT_FOUND "the environment variable 'X' is not set"; E_INVALID when the text does
 * not load any more (a plugin is missing, or another version): `err` is the first thing that is
 * wrong, with its place; E_CORRUPT; E_NOMEM.
 * `*out_definitions` is owned: definitions_destroy(). It does not need the bundle.
 */
int bundle_load(const struct bundle *bundle, const struct load_options *options,
                struct definitions **out_definitions, struct error *err);

/* Appends what a file `name`, as `from` names it, goes by in "named". */
void bundle_append_named(struct str from, struct str name, struct strbuf *out);

/* SHA-256 of a bundle's text, in hex: its name in the journal. */
void bundle_digest(struct str text, char out_hex[DIGEST_HEX_SIZE]);

#endif
