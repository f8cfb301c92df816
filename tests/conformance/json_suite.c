/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a JSON test suite: json_suite FILE.jsonl
 *
 * Each line is {"name": ..., "expect": "accept" | "reject" | "any", "b64": the text in base64}.
 * What is accepted must read back the same from both styles of the writer, and its canonical
 * form must not change by that. Cases "any" may go either way. The result is 0 when every case
 * went as expected, 1 when one did not, 2 when the file or a case in it cannot be read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/value/json.h"
#include "core/value/value.h"

struct tally {
    size_t passed;
    size_t failed;
    size_t unreadable;
};

/* Duplicate keys are refused on purpose, whatever the suite says. */
static const char *const refused_on_purpose[] = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
};

static bool is_refused_on_purpose(struct str name)
{
    for (size_t i = 0; i < sizeof(refused_on_purpose) / sizeof(refused_on_purpose[0]); i++) {
        if (str_equal_text(name, refused_on_purpose[i])) {
            return true;
        }
    }
    return false;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static bool decode_base64(struct str text, struct strbuf *out)
{
    while (text.n > 0 && text.p[text.n - 1] == '=') {
        text.n--;
    }
    uint32_t bits = 0;
    for (size_t i = 0; i < text.n; i++) {
        int digit = base64_digit(text.p[i]);
        if (digit < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 0) {
            strbuf_append_char(out, (char)(bits >> (6 - 2 * (i % 4))));
        }
    }
    return text.n % 4 != 1 && strbuf_status(out) == 0;
}

/* Written in `style`, the value reads back equal and with the same canonical form. */
static bool survives(const struct value *value, enum json_style style)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf before = STRBUF_INIT;
    struct strbuf after = STRBUF_INIT;
    cleanup_document struct document *again = NULL;
    json_write(value, style, &text);
    bool is_same = json_read(strbuf_str(&text), NULL, &again, NULL) == 0;
    if (is_same) {
        value_write_canonical(value, &before);
        value_write_canonical(document_root(again), &after);
        is_same = value_equal(value, document_root(again)) &&
                  str_equal(strbuf_str(&before), strbuf_str(&after));
    }
    strbuf_finish(&text);
    strbuf_finish(&before);
    strbuf_finish(&after);
    return is_same;
}

static void judge(struct str name, struct str expect, struct str text, struct tally *tally)
{
    struct error err = {0};
    cleanup_document struct document *document = NULL;
    bool is_accepted = json_read(text, NULL, &document, &err) == 0;
    if (is_accepted && (!survives(document_root(document), JSON_COMPACT) ||
                        !survives(document_root(document), JSON_PRETTY))) {
        printf("FAIL %.*s: does not read back the same\n", STR_ARG(name));
        tally->failed++;
        return;
    }
    bool is_wanted = str_equal(expect, STR("accept")) && !is_refused_on_purpose(name);
    if (!str_equal(expect, STR("any")) && is_accepted != is_wanted) {
        printf("FAIL %.*s: %s %s\n", STR_ARG(name),
               is_accepted ? "accepted" : "refused:", is_accepted ? "" : err.message);
        tally->failed++;
        return;
    }
    if (!is_accepted && (err.line == 0 || err.column == 0)) {
        printf("FAIL %.*s: the error has no place\n", STR_ARG(name));
        tally->failed++;
        return;
    }
    tally->passed++;
}

static void run_line(struct str line, struct tally *tally)
{
    cleanup_document struct document *document = NULL;
    struct error err = {0};
    struct strbuf text = STRBUF_INIT;
    bool is_readable = json_read(line, NULL, &document, &err) == 0;
    const struct value *root = is_readable ? document_root(document) : NULL;
    const struct value *name = value_get(root, STR("name"));
    const struct value *expect = value_get(root, STR("expect"));
    const struct value *b64 = value_get(root, STR("b64"));
    if (value_is(name, VALUE_STRING) && value_is(expect, VALUE_STRING) &&
        value_is(b64, VALUE_STRING) && decode_base64(value_str(b64), &text)) {
        judge(value_str(name), value_str(expect), strbuf_str(&text), tally);
    } else {
        printf("UNREADABLE %.*s\n", STR_ARG(line));
        tally->unreadable++;
    }
    strbuf_finish(&text);
}

static int run_file(FILE *file, struct tally *tally)
{
    cleanup_free char *line = NULL;
    size_t cap = 0;
    ssize_t n = 0;
    while ((n = getline(&line, &cap, file)) > 0) {
        struct str text = str_trim(str_make(line, (size_t)n));
        if (text.n > 0) {
            run_line(text, tally);
        }
    }
    return ferror(file) != 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: json_suite FILE.jsonl\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "r");
    if (file == NULL) {
        fprintf(stderr, "cannot open '%s': %s\n", argv[1], strerror(errno));
        return 2;
    }
    struct tally tally = {0};
    int status = run_file(file, &tally);
    (void)fclose(file); /* it was only read */
    printf("%zu passed, %zu failed, %zu unreadable\n", tally.passed, tally.failed,
           tally.unreadable);
    if (status != 0 || tally.unreadable > 0 || tally.passed + tally.failed == 0) {
        return 2;
    }
    return tally.failed == 0 ? 0 : 1;
}
