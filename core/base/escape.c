/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/escape.h"

#include "core/base/utf8.h"

bool escape_is_harmful(uint32_t code)
{
    bool is_control = code < 0x20u || (code >= 0x7Fu && code < 0xA0u);
    bool is_bidi = code == 0x061Cu || code == 0x200Eu || code == 0x200Fu ||
                   (code >= 0x202Au && code <= 0x202Eu) || (code >= 0x2066u && code <= 0x2069u);
    bool is_break = code == 0x2028u || code == 0x2029u;
    bool is_tag = code >= 0xE0000u && code <= 0xE007Fu; /* invisible, and able to hide text */
    return is_control || is_bidi || is_break || is_tag || code == 0xFEFFu;
}

/* The length of the harmless run at the start of `s`. */
static size_t harmless_prefix(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        uint32_t code = 0;
        size_t length = utf8_decode(s.p + i, s.n - i, &code);
        if (length == 0 || escape_is_harmful(code)) {
            return i;
        }
        i += length;
    }
    return i;
}

static void append_code(struct strbuf *out, uint32_t code)
{
    switch (code) {
    case '\n':
        strbuf_append_text(out, "\\n");
        return;
    case '\r':
        strbuf_append_text(out, "\\r");
        return;
    case '\t':
        strbuf_append_text(out, "\\t");
        return;
    default:
        strbuf_append_format(out, code < 0x80u ? "\\x%02x" : "\\u%04x", (unsigned)code);
    }
}

void escape_append_text(struct strbuf *out, struct str text)
{
    while (text.n > 0) {
        size_t harmless = harmless_prefix(text);
        strbuf_append(out, text.p, harmless);
        text.p += harmless;
        text.n -= harmless;
        if (text.n == 0) {
            return;
        }
        uint32_t code = 0;
        size_t length = utf8_decode(text.p, text.n, &code);
        if (length == 0) {
            strbuf_append_format(out, "\\x%02x", (unsigned)(unsigned char)text.p[0]);
            length = 1;
        } else {
            append_code(out, code);
        }
        text.p += length;
        text.n -= length;
    }
}

static void append_json_code(struct strbuf *out, uint32_t code)
{
    if (code > 0xFFFFu) {
        uint32_t rest = code - 0x10000u;
        strbuf_append_format(out, "\\u%04x\\u%04x", (unsigned)(0xD800u + (rest >> 10)),
                             (unsigned)(0xDC00u + (rest & 0x3FFu)));
        return;
    }
    strbuf_append_format(out, "\\u%04x", (unsigned)code);
}

void escape_append_json(struct strbuf *out, struct str text)
{
    strbuf_append_char(out, '"');
    size_t i = 0;
    while (i < text.n) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + i, text.n - i, &code);
        if (length == 0) {
            strbuf_append_text(out, "\xEF\xBF\xBD");
            length = 1;
        } else if (code == '"' || code == '\\') {
            strbuf_append_char(out, '\\');
            strbuf_append_char(out, (char)code);
        } else if (code == '\n') {
            strbuf_append_text(out, "\\n");
        } else if (escape_is_harmful(code)) {
            append_json_code(out, code);
        } else {
            strbuf_append(out, text.p + i, length);
        }
        i += length;
    }
    strbuf_append_char(out, '"');
}
