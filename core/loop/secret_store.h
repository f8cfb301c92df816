/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_STORE_H
#define CORE_LOOP_SECRET_STORE_H

/*
 * Secret store: secrets at rest, in the folder of the state.
 *
 *     secrets.json   names, dates and hosts as text, values sealed: XChaCha20-Poly1305, each with a
 *                    nonce of its own, bound to the tenant, the name, the version, the date and the
 *                    hosts, so that nothing of an entry can be changed or exchanged unseen
 *     secrets.key    the key, in hex, unless it comes as a credential of the service manager
 *     secrets.lock   locked by who changes them
 *
 *     {"opstream_secrets": 1, "key": ID, "secrets": [{"name", "version", "set_at": unix ms,
 *      "hosts": [...], "processes": BOOL, "nonce": HEX, "sealed": HEX}]}
 *
 * A sealed value of no bytes means that the entry says where a secret of another source may go.
 * All is written beside and then put in place, so that a crash leaves the old or the new. New keys
 * come in three such steps: the key file has both keys; everything is sealed with the new one; the
 * key file has the new one alone. Who reads takes the key whose id the store names.
 *
 * Used by:  secret_sources, cli.
 * Uses:     secret_file, secret_keys, secret_seal, value.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/value/secrets.h"

struct error;
struct secret_store;

enum {
    SECRET_STORE_FORMAT = 1,
    SECRET_STORE_MAX_BYTES = 64 * 1024 * 1024,
    SECRET_STORE_MAX_ENTRIES = 10000,
};

/*
 * Nothing is opened yet. `folder` is the state's, `credentials` (may be NULL) that of the service
 * manager; both are copied. `*out_store` is owned: secret_store_destroy(). E_NOMEM.
 */
int secret_store_create(const char *folder, const char *credentials,
                        struct secret_store **out_store, struct error *err);
/* NULL is fine. */
void secret_store_destroy(struct secret_store *store);

/* The file with the values, there or not; borrowed. */
const char *secret_store_path(const struct secret_store *store);

/* ---- reading: the file is read again when it has changed ---- */

/* As read() and bind() of secrets_source; E_CONFLICT: the key is not there. */
int secret_store_read(struct secret_store *store, struct str name, uint64_t known,
                      struct secrets_reading *out_reading, struct error *err);
int secret_store_bind(struct secret_store *store, struct str name, struct secrets_binding *binding,
                      struct error *err);

/* Borrowed until the next call for the store. */
struct secret_entry {
    struct str name;
    struct str hosts; /* as in secret_hosts.h; empty: it is bound to none */
    int64_t version;
    int64_t set_at_unix_ms;
    bool has_value; /* else it tells hosts alone */
    bool allows_processes;
};

/*
 * Reads what is there now: no key is needed, and nothing is there when there is no file. Fails with
 * E_INVALID (others can read or change it), E_CORRUPT, E_VERSION, E_LIMIT, E_IO, E_NOMEM.
 */
int secret_store_load(struct secret_store *store, struct error *err);
/* Of what was loaded, by name. False at the end. */
bool secret_store_at(const struct secret_store *store, size_t i, struct secret_entry *out_entry);

/* Both have one variable: 'api_key' and 'API-KEY'. */
bool secret_store_same_name(struct str a, struct str b);

/* ---- changing: in secret_store_write.c ---- */

struct secret_change {
    struct str name;
    struct str value;      /* `.p` NULL: it stays as it is, or the entry has none */
    const char *hosts;     /* as in secret_hosts.h; NULL: they stay */
    bool allows_processes; /* counts with `hosts` */
    int64_t now_unix_ms;
};

/*
 * Makes the entry, or its next version; the folder is there. `*out_version` (may be NULL) is its
 * number. Fails as secret_store_load(), with E_CONFLICT (the key is not there), E_CORRUPT (what
 * was to stay cannot be read).
 */
int secret_store_set(struct secret_store *store, const struct secret_change *change,
                     int64_t *out_version, struct error *err);

/* Fails with E_NOT_FOUND as well when there is no such entry. */
int secret_store_remove(struct secret_store *store, struct str name, struct error *err);

/*
 * Seals all values with a new key; with that in front of the credential, if the key is one. Fails
 * with E_CONFLICT (the credential has no new one, or the key is not there), E_NOT_FOUND (there is
 * nothing to seal), ...
 */
int secret_store_rotate(struct secret_store *store, size_t *out_count, struct error *err);

#endif
