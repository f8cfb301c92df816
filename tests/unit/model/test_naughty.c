/* SPDX-License-Identifier: Apache-2.0 */
/* Strings that break programs, at each place of a definition where text may stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/str.h"
#include "core/base/utf8.h"
#include "core/model/load.h"
#include "tests/unit/model/node_types.h"

static struct node_types types;

static const char *const naughty[] = {
    "",
    " ",
    " a",
    "null",
    "~",
    "true",
    "NaN",
    "-Infinity",
    "0x10",
    "1e999",
    "99999999999999999999999999",
    "-",
    "---",
    "...",
    "?",
    ":",
    ": ",
    "a: b",
    "- a",
    "#",
    " # a",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%",
    "@",
    "`",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    "\"",
    "\\",
    "\\\\",
    "<<",
    "}}",
    "{%",
    "#{a}",
    "$a",
    "$(touch a)",
    "`touch a`",
    "; rm a",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "%s%n%d",
    "../../a",
    "/dev/null",
    "CON",
    "__proto__",
    "constructor",
    "input",
    "in",
    "for",
    "a.b",
    "a/b",
    "a~b",
    "a b",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "\x01",
    "\x1b[31m",
    "\x7f",
    "\xc2\x80",                                     /* U+0080 */
    "\xc2\x85",                                     /* U+0085 */
    "\xc2\xa0",                                     /* no-break space */
    "\xe2\x80\x8b",                                 /* zero width space */
    "\xe2\x80\xa8",                                 /* line separator */
    "\xe2\x80\xae\x61",                             /* right to left */
    "\xef\xbb\xbf",                                 /* byte order mark */
    "\xef\xbf\xbe",                                 /* U+FFFE */
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7", /* two pictures joined to one */
    "e\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85",    /* a letter with five marks */
    "\xd8\xa7\xd9\x84",                             /* Arabic */
    "\xe7\x94\xb0\xe4\xb8\xad",                     /* Chinese */
    "\xc4\xb0",                                     /* an I that has no lower case in most places */
};

/* `%` stands for the string, in quotes. */
static const char *const places[] = {
    "{\"id\": %, \"nodes\": [{\"id\": \"a\", \"type\": \"set\"}]}",
    "{\"name\": %, \"nodes\": [{\"id\": \"a\", \"type\": \"set\"}]}",
    "{\"id\": \"t\", \"version\": %, \"nodes\": [{\"id\": \"a\", \"type\": \"set\"}]}",
    "{\"id\": \"t\", %: 1, \"nodes\": [{\"id\": \"a\", \"type\": \"set\"}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": %, \"type\": \"set\"}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": %}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", %: 1}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"join\": %}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"timeout\": %}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"depends_on\": [%]}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"when\": %}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"for_each\": %}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"for_each\": [1], \"as\": "
    "%}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", \"config\": {%: 1}}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"http\", \"config\": {\"url\": \"x\", "
    "%: "
    "1}}]}",
    "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\"}], \"edges\": [{\"source\": "
    "\"a\", \"target\": %}]}",
    "{\"id\": \"t\", \"initial_state\": %, \"states\": {%: {\"type\": \"set\"}}}",
    "{\"id\": \"t\", \"initial_state\": \"a\", \"states\": {\"a\": {\"type\": \"set\", "
    "\"transitions\": {%: \"a\"}}}}",
    "{\"id\": \"t\", \"tools\": [%]}",
    "{\"id\": \"t\", \"workflows\": [%]}",
    "{\"workflows\": {%: {\"type\": \"set\"}}}",
    "{\"id\": \"t\", \"extends\": %}",
    "{\"id\": \"t\", \"config\": {%: %}, \"type\": \"set\"}",
    "{\"id\": \"t\", \"input\": {\"properties\": {%: {}}}, \"type\": \"set\"}",
};

enum { COUNT_OF_NAUGHTY = sizeof(naughty) / sizeof(naughty[0]) };

/* In double quotes, as JSON and YAML both read it. */
static void append_quoted(struct strbuf *out, const char *text)
{
    struct str rest = str_from(text);
    strbuf_append_char(out, '"');
    while (rest.n > 0) {
        uint32_t code = 0;
        size_t length = utf8_decode(rest.p, rest.n, &code);
        assert_true(length > 0);
        if (code < 0x10000 && (code < 0x20 || code >= 0x7f || code == '"' || code == '\\')) {
            strbuf_append_format(out, "\\u%04x", (unsigned)code);
        } else {
            strbuf_append_str(out, str_make(rest.p, length));
        }
        rest = str_make(rest.p + length, rest.n - length);
    }
    strbuf_append_char(out, '"');
}

static void write_text(const char *place, const char *text, struct strbuf *out)
{
    out->n = 0;
    for (; *place != '\0'; place++) {
        if (*place == '%') {
            append_quoted(out, text);
        } else {
            strbuf_append_char(out, *place);
        }
    }
    assert_int_equal(strbuf_status(out), 0);
}

/* One line of text that a terminal shows as it is. */
static void check_printable(const char *message)
{
    struct str rest = str_from(message);
    while (rest.n > 0) {
        uint32_t code = 0;
        size_t length = utf8_decode(rest.p, rest.n, &code);
        assert_true(length > 0);
        assert_true(code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0));
        assert_true(code != 0x2028 && code != 0x202e);
        rest = str_make(rest.p + length, rest.n - length);
    }
}

static int load(struct str text, const char *file, struct diagnostics *diagnostics)
{
    struct load_options options = {
        .catalogue = &types.catalogue, .engine_types = types.engine_types, .file = str_from(file)};
    struct definitions *definitions = NULL;
    int status = load_text(text, &options, diagnostics, &definitions, NULL);
    definitions_destroy(definitions);
    return status;
}

/* The file as it is printed, with escapes. */
static void check_shown(const struct diagnostics *diagnostics)
{
    struct strbuf printed = STRBUF_INIT;
    diagnostics_print(diagnostics, NULL, NULL, 0, &printed);
    assert_int_equal(strbuf_status(&printed), 0);
    char *line = printed.p;
    while (line != NULL && *line != '\0') {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        check_printable(line);
        line = end != NULL ? end + 1 : NULL;
    }
    strbuf_finish(&printed);
}

static size_t check(const char *place, const char *text, struct strbuf *out)
{
    struct diagnostics as_json = DIAGNOSTICS_INIT;
    struct diagnostics as_yaml = DIAGNOSTICS_INIT;
    write_text(place, text, out);
    int json = load(strbuf_str(out), "t.json", &as_json);
    int yaml = load(strbuf_str(out), "t.yaml", &as_yaml);
    size_t count = as_json.error_count;
    if (json != yaml || count > 2) {
        print_error("%.*s: %d and %d, %zu errors\n", STR_ARG(strbuf_str(out)), json, yaml, count);
    }
    assert_int_equal(json, yaml);
    assert_int_equal(json, count > 0 ? E_INVALID : 0);
    assert_true(count <= 2);
    check_shown(&as_json);
    check_shown(&as_yaml);
    diagnostics_finish(&as_json);
    diagnostics_finish(&as_yaml);
    return count;
}

static void test_naughty__strings_load_or_get_one_clear_line(void **state)
{
    struct strbuf out = STRBUF_INIT;
    size_t refused = 0;
    (void)state;
    for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
        for (size_t i = 0; i < COUNT_OF_NAUGHTY; i++) {
            refused += check(places[p], naughty[i], &out) > 0;
        }
    }
    assert_true(refused > 0);
    strbuf_finish(&out);
}

static void test_naughty__strings_are_taken_as_values(void **state)
{
    static const char place[] = "{\"id\": \"t\", \"nodes\": [{\"id\": \"a\", \"type\": \"set\", "
                                "\"name\": %, \"config\": {\"x\": %, \"y\": [%]}}]}";
    struct strbuf out = STRBUF_INIT;
    (void)state;
    for (size_t i = 0; i < COUNT_OF_NAUGHTY; i++) {
        assert_int_equal(check(place, naughty[i], &out), 0);
    }
    strbuf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_naughty__strings_load_or_get_one_clear_line),
        cmocka_unit_test(test_naughty__strings_are_taken_as_values),
    };
    node_types_init(&types);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    node_types_finish(&types);
    return failures;
}
