/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* 15 digits always survive the way to a double and back; subnormal numbers have fewer. */
static int shortest_precision(double number, char *text, size_t size)
{
    int precision = fabs(number) < DBL_MIN ? 0 : DBL_DIG - 1;
    for (; precision < DBL_DECIMAL_DIG; precision++) {
        (void)snprintf(text, size, "%.*e", precision, number); /* 32 bytes hold any double */
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    return precision;
}

/* The digits of "d.ddde+xx" without trailing zeros; returns the exponent. */
static int split_digits(const char *text, char *digits)
{
    size_t n = 0;
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') {
            digits[n++] = *p;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = '\0';
    return (int)strtol(p + 1, NULL, 10);
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
    char text[64];
    char digits[32];
    (void)shortest_precision(number, text, sizeof(text)); /* the text is what counts */
    int exponent = split_digits(text, digits);
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
        if (text.n == strlen(words[i].word) && strncasecmp(text.p, words[i].word, text.n) == 0) {
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
