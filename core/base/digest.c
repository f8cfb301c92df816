/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/digest.h"

#include <sha2.h>

_Static_assert(sizeof(SHA2_CTX) <= sizeof(struct digest), "libmd's context must fit");
_Static_assert(alignof(SHA2_CTX) <= alignof(struct digest), "libmd's context must be aligned");

static SHA2_CTX *context(struct digest *digest)
{
    return (SHA2_CTX *)(void *)digest->state;
}

void digest_init(struct digest *digest)
{
    SHA256Init(context(digest));
}

void digest_update(struct digest *digest, struct str bytes)
{
    if (bytes.n > 0) {
        SHA256Update(context(digest), (const uint8_t *)bytes.p, bytes.n);
    }
}

void digest_finish(struct digest *digest, unsigned char out[DIGEST_BYTES])
{
    SHA256Final(out, context(digest));
}

void digest_sha256(struct str bytes, unsigned char out[DIGEST_BYTES])
{
    struct digest digest;
    digest_init(&digest);
    digest_update(&digest, bytes);
    digest_finish(&digest, out);
}

void digest_format_hex(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 0x0Fu];
    }
    *out = '\0';
}

void digest_format_base32(const unsigned char *bytes, size_t n, char *out)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t held = 0;
    unsigned held_bits = 0;
    for (size_t i = 0; i < n; i++) {
        held = (held << 8) | bytes[i];
        held_bits += 8;
        while (held_bits >= 5) {
            held_bits -= 5;
            *out++ = digits[(held >> held_bits) & 31u];
        }
    }
    if (held_bits > 0) {
        *out++ = digits[(held << (5 - held_bits)) & 31u];
    }
    *out = '\0';
}
