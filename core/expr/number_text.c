/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/number_text.h"

#include <math.h>
#include <stdlib.h>

#include "core/value/number.h"

/* The digits of "12.5e+03" without zeros at either end; returns the exponent of the first. */
static int split_digits(struct str text, char *digits)
{
    size_t n = 0;
    int point = 0; /* digits before the point */
    int exponent = 0;
    bool is_behind_point = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == 'e') {
            exponent = (int)strtol(text.p + i + 1, NULL, 10);
            break;
        }
        if (c == '.') {
            is_behind_point = true;
            continue;
        }
        if (n > 0 || c != '0') {
            digits[n++] = c;
            point += is_behind_point ? 0 : 1;
        } else {
            point -= is_behind_point ? 1 : 0;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    if (n == 0) {
        digits[n++] = '0';
        point = 1;
    }
    digits[n] = '\0';
    return point - 1 + exponent;
}

static void write_plain(const char *digits, int exponent, struct strbuf *out)
{
    int n = (int)strlen(digits);
    if (exponent < 0) {
        strbuf_append_text(out, "0.");
        for (int i = exponent + 1; i < 0; i++) {
            strbuf_append_char(out, '0');
        }
        strbuf_append_text(out, digits);
        return;
    }
    for (int i = 0; i < n || i <= exponent; i++) {
        if (i == exponent + 1) {
            strbuf_append_char(out, '.');
        }
        strbuf_append_char(out, i < n ? digits[i] : '0');
    }
}

void number_text_write(double number, struct strbuf *out)
{
    if (isnan(number)) {
        strbuf_append_text(out, "NaN");
        return;
    }
    if (signbit(number)) {
        strbuf_append_char(out, '-');
        number = -number;
    }
    if (isinf(number)) {
        strbuf_append_text(out, "Infinity");
        return;
    }
    char text[NUMBER_MAX_BYTES + 1];
    char digits[NUMBER_MAX_BYTES + 1];
    size_t n = number_write_double(number, text);
    text[n] = '\0';
    int exponent = split_digits(str_make(text, n), digits);
    if (exponent >= -6 && exponent < 21) {
        write_plain(digits, exponent, out);
        return;
    }
    strbuf_append_char(out, digits[0]);
    if (digits[1] != '\0') {
        strbuf_append_char(out, '.');
        strbuf_append_text(out, digits + 1);
    }
    strbuf_append_format(out, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

static bool read_word(struct str text, double *out)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"nan", (double)NAN}, {"inf", (double)INFINITY}, {"infinity", (double)INFINITY}};
    bool is_negative = text.n > 0 && text.p[0] == '-';
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+')) {
        text = str_make(text.p + 1, text.n - 1);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_equal_caseless(text, str_from(words[i].word))) {
            *out = is_negative ? -words[i].value : words[i].value;
            return true;
        }
    }
    return false;
}

bool number_text_read(struct str text, double *out)
{
    char copy[512];
    if (text.n == 0 || text.n >= sizeof(copy)) {
        return false;
    }
    if (read_word(text, out)) {
        return true;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("0123456789+-.eE", text.p[i]) == NULL || text.p[i] == '\0') {
            return false;
        }
    }
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    char *end = NULL;
    double value = strtod(copy, &end);
    if (*end != '\0' || end == copy || isinf(value)) {
        return false;
    }
    *out = value;
    return true;
}
