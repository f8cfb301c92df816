/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_SOURCES_H
#define CORE_LOOP_SECRET_SOURCES_H

/*
 * Secret sources: where secrets come from behind the environment, asked in this order each time
 * that one is needed: the credentials of the service manager ($CREDENTIALS_DIRECTORY), a folder of
 * files, the store. What is read is one look at a file when nothing has changed.
 *
 * Used by:  cli.
 * Uses:     secret_files, secret_store, value (secrets).
 * Threads:  [loop]
 */

#include "core/base/str.h"

struct document;
struct error;
struct secret_sources;
struct secret_store;
struct secrets;
struct secrets_binding;
struct secrets_source;

#define SECRET_SOURCES_FOLDER "/run/secrets"

struct secret_sources_options {
    const char *credentials; /* NULL: there are none */
    const char *state;       /* the folder of the store; NULL: there is none */
};

/*
 * Nothing is opened yet; the options are copied. `*out_sources` is owned:
 * secret_sources_destroy(). E_NOMEM.
 */
int secret_sources_create(const struct secret_sources_options *options,
                          struct secret_sources **out_sources, struct error *err);
/* NULL is fine. */
void secret_sources_destroy(struct secret_sources *sources);

/*
 * What the settings say, from now on: the folder (NULL: SECRET_SOURCES_FOLDER, if it is there; ""
 * for none), copied; and {NAME: {hosts, processes}}, shared, or NULL. Fails with E_NOMEM.
 */
int secret_sources_configure(struct secret_sources *sources, const char *folder,
                             const struct document *bindings, struct error *err);

/* The vtable over `sources`, which is kept. */
struct secrets_source secret_sources_table(struct secret_sources *sources);

/* NULL: there is none. */
struct secret_store *secret_sources_store(struct secret_sources *sources);

/*
 * Adds to `binding` what settings and store say of `name`, as it stands there: whether somebody has
 * changed it is found when the secret is used. secret_store_load() has read the store.
 */
void secret_sources_append_said(struct secret_sources *sources, struct str name,
                                struct secrets_binding *binding);

/*
 * Every file there is, one secret each: `from` is "the credentials" or "the folder", `path` the
 * file's. The texts are borrowed for the call. Fails with what `cb` returned.
 */
typedef int (*secret_sources_cb)(void *user, struct str name, const char *from, const char *path);
int secret_sources_each_file(const struct secret_sources *sources, secret_sources_cb cb,
                             void *user);

#endif
