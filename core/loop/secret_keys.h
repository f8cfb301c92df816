/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_KEYS_H
#define CORE_LOOP_SECRET_KEYS_H

/*
 * Secret keys: the keys that the store of secrets may be sealed with. They lie in a file of their
 * own, one a line in hex, the newest first, or come as a credential of the service manager. For the
 * moment in which all secrets are sealed anew there are two.
 *
 * Used by:  secret_store.
 * Uses:     secret_file, secret_seal.
 * Threads:  [loop]
 */

#include <stddef.h>

#include "core/base/str.h"
#include "core/loop/secret_module.h"

struct error;

#define SECRET_KEYS_CREDENTIAL "opstream-secrets-key"

enum { SECRET_KEYS_MOST = 8, SECRET_KEY_ID_SIZE = 2 * SECRET_KEY_ID_BYTES + 1 };

/* Owned: secret_keys_destroy(), which clears it. */
struct secret_keys {
    size_t count;
    struct {
        unsigned char bytes[SECRET_KEY_BYTES];
        char id[SECRET_KEY_ID_SIZE]; /* in hex */
    } keys[SECRET_KEYS_MOST];
};

/* NULL: out of memory. */
struct secret_keys *secret_keys_create(void);
void secret_keys_destroy(struct secret_keys *keys);

/*
 * Adds the keys of the file at `path`, in the folder that `folder` is a descriptor of. Fails with
 * E_NOT_FOUND, E_CORRUPT (no keys), E_LIMIT (too many), and as secret_file_read() and the module.
 */
int secret_keys_read(struct secret_keys *keys, int folder, const char *path, struct error *err);

/* Puts a new one in front. Fails with E_LIMIT, E_IO, and as the module. */
int secret_keys_add_new(struct secret_keys *keys, struct error *err);

/* The key with this id; NULL: it is not there. */
const unsigned char *secret_keys_find(const struct secret_keys *keys, struct str id);

/* All but this one go. */
void secret_keys_keep(struct secret_keys *keys, struct str id);

/* Writes the file; the same failures as secret_file_write(). */
int secret_keys_write(const struct secret_keys *keys, int folder, const char *path,
                      struct error *err);

#endif
