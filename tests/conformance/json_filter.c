/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader and writer as a filter, for json_differential.py. Each line of the input is a text
 * in hexadecimal; each line of the output is "refused", or three texts in hexadecimal: compact,
 * pretty and canonical.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "core/base/cleanup.h"
#include "core/value/json.h"
#include "core/value/value.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode_line(struct str line, struct strbuf *out)
{
    for (size_t i = 0; i + 1 < line.n; i += 2) {
        int high = hex_digit(line.p[i]);
        int low = hex_digit(line.p[i + 1]);
        if (high < 0 || low < 0) {
            return -1;
        }
        strbuf_append_char(out, (char)(high << 4 | low));
    }
    return line.n % 2 == 0 ? strbuf_status(out) : -1;
}

static void print_hex(const struct strbuf *text, char end)
{
    for (size_t i = 0; i < text->n; i++) {
        printf("%02x", (unsigned char)text->p[i]);
    }
    (void)putchar(end); /* main() asks ferror() at the end */
}

static void print_value(const struct value *value)
{
    struct strbuf text = STRBUF_INIT;
    json_write(value, JSON_COMPACT, &text);
    print_hex(&text, ' ');
    strbuf_clear(&text);
    json_write(value, JSON_PRETTY, &text);
    print_hex(&text, ' ');
    strbuf_clear(&text);
    value_write_canonical(value, &text);
    print_hex(&text, '\n');
    strbuf_finish(&text);
}

static int filter_line(struct str line)
{
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *document = NULL;
    int status = decode_line(str_trim(line), &text);
    if (status == 0 && json_read(strbuf_str(&text), NULL, &document, NULL) == 0) {
        print_value(document_root(document));
    } else if (status == 0) {
        printf("refused\n");
    }
    strbuf_finish(&text);
    return status;
}

int main(void)
{
    cleanup_free char *line = NULL;
    size_t cap = 0;
    ssize_t n = 0;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        if (filter_line(str_make(line, (size_t)n)) != 0) {
            fprintf(stderr, "json_filter: a line is not hexadecimal\n");
            return 2;
        }
    }
    return ferror(stdin) != 0 || fflush(stdout) != 0 || ferror(stdout) != 0 ? 2 : 0;
}
