/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_STORE_STATE_H
#define CORE_LOOP_SECRET_STORE_STATE_H

/*
 * The inside of the store of secrets, for secret_store.c and secret_store_write.c alone.
 *
 * Used by:  secret_store.
 * Uses:     secret_keys.
 * Threads:  [loop]
 */

#include "core/loop/secret_keys.h"
#include "core/loop/secret_store.h"

struct value;

struct secret_store {
    char *folder;
    char *path;
    char *key_path;
    char *lock_path;
    char *credential_folder;   /* NULL: there is none */
    char *credential;          /* the path of the key in it */
    struct document *document; /* of the file; NULL: not read, or not there */
    uint64_t stamp;            /* of it */
    struct strbuf hosts;       /* of the entry that secret_store_at() gave last, or another */
};

/* One entry as the file has it; texts are borrowed from the document. */
struct stored_secret {
    struct str name;
    int64_t version;
    int64_t set_at;
    const struct value *hosts; /* a list of texts */
    bool allows_processes;
    struct str nonce;  /* hex */
    struct str sealed; /* hex */
};

/* The i-th of the document; false at the end. */
bool secret_store_entry(const struct document *document, size_t i, struct stored_secret *out);

/* The id of the key that all is sealed with; empty: there is no file. */
struct str secret_store_key_id(const struct document *document);

/* All keys that there are: those of the credential first. E_CONFLICT when there are none. */
int secret_store_keys(const struct secret_store *store, struct secret_keys **out_keys,
                      struct error *err);

/* E_CONFLICT: none of `keys` is that of the store. */
int secret_store_wrong_key(const struct secret_store *store, const struct secret_keys *keys,
                           struct error *err);

/* What the seal of an entry vouches for, beside the value. See strbuf_status(). */
void secret_store_append_aad(const struct stored_secret *entry, struct str hosts,
                             struct strbuf *out);

/* The value in guarded memory; n is 0 when the entry has none. E_CORRUPT, E_NOMEM. */
int secret_store_open(const struct secret_store *store, const struct stored_secret *entry,
                      const unsigned char *key, struct secrets_reading *out_reading,
                      struct error *err);

/* The hosts of an entry as lines. See strbuf_status(). */
void secret_store_append_hosts(const struct stored_secret *entry, struct strbuf *out);

#endif
