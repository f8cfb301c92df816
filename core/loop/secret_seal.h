/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_SECRET_SEAL_H
#define CORE_LOOP_SECRET_SEAL_H

/*
 * Secret seal: the front of opstream-secret.so, which is loaded when a key is first needed, and hex
 * for what goes into files.
 *
 * Used by:  secret_keys, secret_store.
 * Uses:     base (module), secret_module.h.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct error;
struct secret_module;

/* Borrowed for ever. Fails as module_load() does. */
int secret_seal_module(const struct secret_module **out_module, struct error *err);

/* `text` is just 2 * n hex digits; false: it is not. */
bool secret_seal_read_hex(struct str text, unsigned char *out, size_t n);

#endif
