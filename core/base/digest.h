/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

/*
 * Digest: SHA-256, and its bytes as text.
 *
 * SHA-256 comes from libmd: linking libcrypto would add a millisecond to every start.
 *
 * Used by:  value, engine, host.
 * Uses:     str; libmd.
 * Threads:  [any]; one struct digest belongs to one thread at a time.
 */

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX_SIZE = 65, DIGEST_BASE32_SIZE = 53 }; /* sizes with the NUL */

/* A digest in the making; its content is libmd's. */
struct digest {
    alignas(8) unsigned char state[256];
};

void digest_init(struct digest *digest);
void digest_update(struct digest *digest, struct str bytes);

/* Gives the result; the digest must be initialised again before its next use. */
void digest_finish(struct digest *digest, unsigned char out[DIGEST_BYTES]);

/* All three in one. */
void digest_sha256(struct str bytes, unsigned char out[DIGEST_BYTES]);

/* `n` bytes as 2 * n hex digits in lower case and a NUL. */
void digest_format_hex(const unsigned char *bytes, size_t n, char *out);

/*
 * `n` bytes in base32 (RFC 4648), lower case, without padding, and a NUL: `out` has room for
 * (8 * n + 4) / 5 + 1 characters.
 */
void digest_format_base32(const unsigned char *bytes, size_t n, char *out);

#endif
