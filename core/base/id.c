/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/error.h"

void id_format(int64_t unix_ms, const unsigned char random[ID_RANDOM_BYTES], char out[ID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t ms = unix_ms < 0 ? 0 : (uint64_t)unix_ms & UINT64_C(0xFFFFFFFFFFFF);
    unsigned char bytes[16];
    for (unsigned i = 0; i < 6; i++) {
        bytes[i] = (unsigned char)(ms >> (8 * (5 - i)));
    }
    memcpy(bytes + 6, random, ID_RANDOM_BYTES);
    bytes[6] = (unsigned char)(0x70u | (bytes[6] & 0x0Fu)); /* version 7 */
    bytes[8] = (unsigned char)(0x80u | (bytes[8] & 0x3Fu)); /* variant of RFC 9562 */
    char *p = out;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 0x0Fu];
    }
    *p = '\0';
}

int id_create(int64_t unix_ms, char out[ID_TEXT_SIZE], struct error *err)
{
    unsigned char random[ID_RANDOM_BYTES];
    ssize_t n = -1;
    do {
        n = getrandom(random, sizeof(random), 0);
    } while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(random)) { /* so few bytes never come in parts */
        return error_set_errno(err, E_IO, errno, "the system gives no random bytes");
    }
    id_format(unix_ms, random, out);
    return 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool id_is_valid(struct str text)
{
    if (text.n != ID_TEXT_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        bool is_dash_here = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash_here ? text.p[i] != '-' : !is_hex(text.p[i])) {
            return false;
        }
    }
    return text.p[14] == '7' && strchr("89ab", text.p[19]) != NULL;
}
