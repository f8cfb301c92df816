/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/secret_seal.h"

#include "core/base/module.h"
#include "core/loop/secret_module.h"

int secret_seal_module(const struct secret_module **out_module, struct error *err)
{
    const void *table = NULL;
    int status = module_load("secret", &table, err);
    if (status == 0) {
        *out_module = table;
    }
    return status;
}

/* 16: it is none. */
static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    char small = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
    const char *at = small != '\0' ? strchr(digits, small) : NULL;
    return at != NULL ? (unsigned)(at - digits) : 16;
}

bool secret_seal_read_hex(struct str text, unsigned char *out, size_t n)
{
    if (text.n != 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned high = digit(text.p[2 * i]);
        unsigned low = digit(text.p[2 * i + 1]);
        if (high > 15 || low > 15) {
            return false;
        }
        out[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}
