/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/mail_text.h"

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/host/bytes.h"

enum {
    LINE_BYTES = 76,
    LINE_INPUT = 57, /* bytes whose base64 fills a line */
    WORD_INPUT = 45, /* bytes whose base64 fits into an encoded word of 75 */
    PLAIN_BYTES = 60,
};

static void append_hex(struct strbuf *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    char text[3] = {'=', digits[c >> 4], digits[c & 15]};
    strbuf_append(out, text, sizeof text);
}

/* Bytes of the line end at `i`; 0: there is none. */
static size_t line_end(struct str text, size_t i)
{
    if (text.p[i] == '\r') {
        return i + 1 < text.n && text.p[i + 1] == '\n' ? 2 : 1;
    }
    return text.p[i] == '\n' ? 1 : 0;
}

/* White space at the end of a line would be lost; a dot at its beginning is SMTP's, and "From "
 * that of mail boxes. */
static bool needs_hex(struct str text, size_t i, bool is_first)
{
    unsigned char c = (unsigned char)text.p[i];
    if (c == ' ' || c == '\t') {
        return i + 1 == text.n || line_end(text, i + 1) > 0;
    }
    return c < '!' || c > '~' || c == '=' || (is_first && (c == '.' || c == 'F'));
}

void mail_text_append_quoted(struct strbuf *out, struct str text)
{
    size_t column = 0;
    size_t i = 0;
    while (i < text.n) {
        size_t end = line_end(text, i);
        if (end > 0) {
            strbuf_append_text(out, "\r\n");
            column = 0;
            i += end;
            continue;
        }
        size_t n = needs_hex(text, i, column == 0) ? 3 : 1;
        if (column + n > LINE_BYTES - 1) {
            strbuf_append_text(out, "=\r\n");
            column = 0;
            n = needs_hex(text, i, true) ? 3 : 1;
        }
        if (n == 3) {
            append_hex(out, (unsigned char)text.p[i]);
        } else {
            strbuf_append_char(out, text.p[i]);
        }
        column += n;
        i++;
    }
    if (column > 0) {
        strbuf_append_text(out, "\r\n");
    }
}

/* ---- base64 ---- */

void mail_text_append_base64(struct strbuf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i += LINE_INPUT) {
        size_t n = bytes.n - i < LINE_INPUT ? bytes.n - i : LINE_INPUT;
        bytes_append_base64(out, str_make(bytes.p + i, n));
        strbuf_append_text(out, "\r\n");
    }
}

/* ---- headers ---- */

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < ' ' || text.p[i] > '~') {
            return false;
        }
    }
    return text.n <= PLAIN_BYTES && (text.n == 0 || memmem(text.p, text.n, "=?", 2) == NULL);
}

void mail_text_append_words(struct strbuf *out, struct str text)
{
    if (is_plain(text)) {
        strbuf_append_str(out, text);
        return;
    }
    for (size_t i = 0; i < text.n;) {
        size_t n = text.n - i < WORD_INPUT ? text.n - i : WORD_INPUT;
        size_t whole = utf8_whole_prefix(text.p + i, n);
        n = whole > 0 ? whole : n;
        strbuf_append_text(out, i > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        bytes_append_base64(out, str_make(text.p + i, n));
        strbuf_append_text(out, "?=");
        i += n;
    }
}

void mail_text_append_date(struct strbuf *out, int64_t unix_ms)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct clock_civil civil = clock_civil_from_unix(unix_ms / 1000);
    strbuf_append_format(out, "%s, %02d %s %04lld %02d:%02d:%02d +0000", days[civil.weekday],
                         civil.day, months[civil.month - 1], (long long)civil.year, civil.hour,
                         civil.minute, civil.second);
}
