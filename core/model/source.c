/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/source.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/base/utf8.h"
#include "core/model/report.h"
#include "core/model/tree.h"

static const struct place whole_file = {0};

/* Text of this kind has a zero in each character, or begins with a mark that is no UTF-8. */
static bool is_utf16(struct str text)
{
    if (text.n < 2) {
        return false;
    }
    unsigned char first = (unsigned char)text.p[0];
    unsigned char second = (unsigned char)text.p[1];
    if ((first == 0xFF && second == 0xFE) || (first == 0xFE && second == 0xFF)) {
        return true;
    }
    return text.n >= 4 && (first == 0) != (second == 0) && (first == 0) == (text.p[2] == 0) &&
           (second == 0) == (text.p[3] == 0);
}

static int check_encoding(const struct report *report)
{
    struct str text = report->source;
    size_t valid = utf8_valid_prefix(text.p, text.n);
    const char *nul = text.n > 0 ? memchr(text.p, '\0', text.n) : NULL;
    if (valid == text.n && nul == NULL) {
        return 0;
    }
    if (is_utf16(text)) {
        report_error(report, whole_file, "the file is UTF-16 or UTF-32");
        report_hint(report, "save it as UTF-8");
    } else if (valid == text.n) {
        struct place place = report_place(report, (size_t)(nul - text.p));
        report_error(report, place, "a NUL byte is not allowed");
    } else if (nul != NULL) {
        report_error(report, whole_file, "the file is binary, not text");
    } else {
        struct place place = report_place(report, valid);
        report_error(report, place, "not UTF-8: byte 0x%02x", (unsigned char)text.p[valid]);
        report_hint(report, "save the file as UTF-8");
    }
    return E_INVALID;
}

/* Behind the ASCII from `at` on that is allowed wherever it stands: nearly all of most files. */
static size_t skip_plain(struct str text, size_t at)
{
    while (at < text.n && ((unsigned char)(text.p[at] - 0x20) < 0x7F - 0x20 || text.p[at] == '\n' ||
                           text.p[at] == '\t')) {
        at++;
    }
    return at;
}

static bool is_allowed(uint32_t code)
{
    bool is_control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    bool ends_lines = code == 0x2028 || code == 0x2029;
    return !is_control && !ends_lines && code != 0xFEFF && code != 0xFFFE && code != 0xFFFF;
}

static int refuse_character(const struct report *report, size_t offset, uint32_t code)
{
    struct place place = report_place(report, offset);
    if (code == '\r') {
        report_error(report, place, "this line ends with a carriage return alone");
        report_hint(report, "save the file with LF or CR LF at the ends of lines");
    } else if (code == 0xFEFF) {
        report_error(report, place, "a byte order mark (U+FEFF) is not allowed here");
        report_hint(report, "remove it: most editors do not show it");
    } else {
        report_error(report, place, "the character U+%04X is not allowed", (unsigned)code);
        report_hint(report, "in text in double quotes, write it as \\u%04X", (unsigned)code);
    }
    return E_INVALID;
}

static int check_characters(const struct report *report)
{
    struct str text = report->source;
    for (size_t at = skip_plain(text, 0); at < text.n; at = skip_plain(text, at)) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + at, text.n - at, &code);
        bool is_line_end = code == '\r' && at + 1 < text.n && text.p[at + 1] == '\n';
        if (!is_line_end && !is_allowed(code)) {
            return refuse_character(report, at, code);
        }
        at += length;
    }
    return 0;
}

int source_check(const struct report *report, enum source_language language)
{
    if (report->source.n > TREE_MAX_BYTES) {
        report_error(report, whole_file, "the file has %zu bytes; the limit is 4 MiB",
                     report->source.n);
        return E_INVALID;
    }
    int status = check_encoding(report);
    return status == 0 && language == SOURCE_YAML ? check_characters(report) : status;
}

bool source_is_json(struct str file, struct str text)
{
    if (str_ends_with(file, STR(".json"))) {
        return true;
    }
    struct str trimmed = str_trim(text);
    return !str_ends_with(file, STR(".yaml")) && !str_ends_with(file, STR(".yml")) &&
           trimmed.n > 0 && (trimmed.p[0] == '{' || trimmed.p[0] == '[');
}

bool source_is_empty(struct str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        struct str line = str_trim(str_make(text.p, n));
        if (line.n > 0 && line.p[0] != '#') {
            return false;
        }
        n += end != NULL;
        text = str_make(text.p + n, text.n - n);
    }
    return true;
}
