/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/bytes.h"

#include "core/value/builder.h"

void bytes_append_base64(struct strbuf *out, struct str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *to = strbuf_reserve(out, (bytes.n / 3 + 1) * 4);
    if (to == NULL) {
        return;
    }

    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t group = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)p[i + 2] : 0);
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[group & 63] : '=';
        out->n += 4;
    }
    *to = '\0';
}

int bytes_build_base64(struct builder *b, struct str bytes)
{
    struct strbuf text = STRBUF_INIT;
    bytes_append_base64(&text, bytes);
    int status = strbuf_status(&text);
    if (status == 0) {
        builder_string(b, strbuf_str(&text));
    }
    strbuf_finish(&text);
    return status;
}

void bytes_write_base64(struct strbuf *out, struct str bytes)
{
    strbuf_append_char(out, '"');
    bytes_append_base64(out, bytes);
    strbuf_append_char(out, '"');
}
