/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/sample_text.h"

#include <string.h>

#include "core/checker/chance.h"
#include "core/checker/facets.h"
#include "core/value/builder.h"
#include "core/value/schema.h"
#include "core/value/value.h"

/* Longer ones are made by mutation and at bounds, or when nothing shorter is allowed. */
enum { TEXT_MOST = 4096, TEXT_LEAST_MOST = 250 * 1000 };

/* ---- Texts that are known ---- */

static const char *text_of_format(struct str format, struct chance *chance)
{
    enum { TEXTS = 4 };
    static const struct {
        const char *format;
        const char *texts[TEXTS];
    } rows[] = {
        {"date-time",
         {"2030-01-02T03:04:05Z", "1999-12-31T23:59:59.999-11:30", "2030-01-02T03:04:05+01:00",
          "1970-01-01T00:00:00Z"}},
        {"date", {"2030-01-02", "2028-02-29", "1970-01-01", "9999-12-31"}},
        {"time", {"03:04:05Z", "23:59:59.5+01:00", "00:00:00Z", "12:00:00-11:30"}},
        {"duration", {"PT30S", "P1D", "P1Y2M3DT4H5M6S", "PT0S"}},
        {"ops-duration", {"30s", "1ms", "2h", "1s"}},
        {"uri",
         {"https://api.example.com/v1/things?page=1", "http://localhost:8080",
          "https://example.com/a%20b/?q=%C3%A9#part", "https://[2001:db8::1]:8443/x"}},
        {"uri-reference", {"/v1/things", "https://example.com/", "?a=b", "../x"}},
        {"email", {"jo@example.com", "a.b+c@example.org", "x@y.example", "jo@example.com"}},
        {"hostname", {"api.example.com", "localhost", "a-1.example", "x"}},
        {"ipv4", {"192.0.2.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"}},
        {"ipv6", {"2001:db8::1", "::1", "::", "::ffff:192.0.2.1"}},
        {"uuid",
         {"0b9c2c1e-8b1f-4a53-9d4e-0d2f6f1f6a10", "00000000-0000-0000-0000-000000000000",
          "0B9C2C1E-8B1F-4A53-9D4E-0D2F6F1F6A10", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
        {"regex", {"^a+$", "", ".*", "[0-9]{2}"}},
        {"json-pointer", {"", "/a/0", "/a~1b", "/"}},
        {"ops-exit-code", {"7", "1", "255", "42"}},
        {"cel", {"1 + 1", "true", "'x'", "[1, 2]"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (str_equal_text(format, rows[i].format)) {
            return rows[i].texts[chance_below(chance, TEXTS)];
        }
    }
    return NULL;
}

/* What patterns in schemas mostly ask for. */
static const char *const common_texts[] = {
    "a",
    "thing",
    "Thing-1",
    "thing_1",
    "octocat/hello-world",
    "https://api.example.com",
    "https://api.example.com/v1/things",
    "wss://example.com/",
    "smtp://mail.example.com",
    "mailto:jo@example.com",
    "jo@example.com",
    "Jo Doe <jo@example.com>",
    "example.com",
    "example.com:443",
    "192.0.2.1",
    "1",
    "42",
    "-1",
    "1.5",
    "1730000000.000100",
    "1.2.3",
    "v1.2.3",
    "2030-01-02",
    "2030-01-02T03:04:05Z",
    "12:30",
    "22:00-08:00",
    "30s",
    "10m",
    "24h",
    "PT30S",
    "5/minute",
    "main",
    "refs/heads/main",
    "folder/file.txt",
    "/a/0",
    "#general",
    "@octocat",
    "+15550100",
    "ABC",
    "C012AB3CD",
    "C",
    "en",
    "en-US",
    "EUR",
    "0b9c2c1e-8b1f-4a53-9d4e-0d2f6f1f6a10",
    "0123456789abcdef0123456789abcdef01234567",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "#00ff00",
    "YWJj",
    "text/plain",
    "GET",
    "* * * * *",
    "a.b",
    "a.b.c",
    "A_B",
    "a b",
    "{}",
    "[]",
    "",
};

/* ---- Patterns ---- */

static bool keeps_pattern(const struct schema *schema, struct str text)
{
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_string(b, text);
    bool is_right = builder_finish(b, &document, NULL) == 0 &&
                    schema_validate(schema, document_root(document), NULL, NULL) == 0;
    document_unref(document);
    return is_right;
}

/* A text that keeps the pattern, among those that are known; NULL: none does. */
static const char *find_matching(const struct schema *schema, struct chance *chance)
{
    size_t count = sizeof common_texts / sizeof common_texts[0];
    size_t start = chance_below(chance, count);
    for (size_t i = 0; i < count; i++) {
        const char *text = common_texts[(start + i) % count];
        if (keeps_pattern(schema, str_from(text))) {
            return text;
        }
    }
    return NULL;
}

/* The schema {"pattern": P, "minLength": .., "maxLength": ..} of the place alone. */
static int compile_text_schema(const struct facets *facets, struct schema **out_schema)
{
    static const char *const keys[] = {"pattern", "minLength", "maxLength"};
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct value *value = facets_find(facets, keys[i]);
        if (value != NULL) {
            builder_key(b, str_from(keys[i]));
            builder_copy(b, value);
        }
    }
    builder_map_end(b);
    int status = builder_finish(b, &document, NULL);
    if (status == 0) {
        status = schema_compile(document, out_schema, NULL);
    }
    document_unref(document);
    return status;
}

static const char *find_by_pattern(const struct facets *facets, struct chance *chance)
{
    struct schema *schema = NULL;
    if (compile_text_schema(facets, &schema) != 0) {
        return NULL;
    }
    const char *text = find_matching(schema, chance);
    schema_destroy(schema);
    return text;
}

/* ---- Texts ---- */

/* As many letters behind it as it takes. */
static void append_padding(struct strbuf *text, size_t least)
{
    while (text->n < least && text->n < TEXT_LEAST_MOST) {
        strbuf_append_char(text, 'x');
    }
}

void sample_text_pick(const struct facets *facets, struct chance *chance, struct strbuf *text)
{
    static const char *const plain[] = {
        "thing",
        "a longer text, with a comma",
        "1",
        "größer \xE2\x86\x92 \xF0\x9F\x98\x80",
        "a/b.c",
        "line one\nline two",
        "{\"a\": [1, 2]}",
    };
    const struct value *format = facets_find(facets, "format");
    const char *picked = facets_find(facets, "pattern") != NULL ? find_by_pattern(facets, chance)
                                                                : NULL;
    if (picked == NULL && value_is(format, VALUE_STRING)) {
        picked = text_of_format(value_str(format), chance);
    }
    if (picked == NULL) {
        picked = plain[chance_below(chance, sizeof plain / sizeof plain[0])];
    }

    size_t most = facets_size(facets, "maxLength", TEXT_MOST);
    strbuf_append_text(text, strlen(picked) <= most ? picked : "x");
    append_padding(text, facets_size(facets, "minLength", 0));
}

/* `start`, and behind it so often `unit` that there are `letters` in all. */
static void fill(struct strbuf *text, const char *start, const char *unit, size_t letters)
{
    strbuf_clear(text);
    strbuf_append_text(text, start);
    for (size_t i = strlen(start); i < letters; i++) {
        strbuf_append_text(text, unit);
    }
}

bool sample_text_fill(const struct facets *facets, const struct sample_text_form *form,
                      struct chance *chance, struct strbuf *text)
{
    static const char *const narrow[] = {"x", "1", "A", "0"};
    static const char *const wide[] = {"\xF0\x9F\x98\x80", "\xC3\xA9"};
    const char *const *units = form->is_wide ? wide : narrow;
    size_t count = form->is_wide ? sizeof wide / sizeof wide[0] : sizeof narrow / sizeof narrow[0];
    if (facets_find(facets, "pattern") == NULL) {
        fill(text, form->start, units[0], form->letters);
        return true;
    }
    struct schema *schema = NULL;
    bool is_found = false;
    if (compile_text_schema(facets, &schema) != 0) {
        return false;
    }
    const char *known = find_matching(schema, chance);
    for (size_t i = 0; !is_found && i < count * 2; i++) {
        fill(text, i >= count && known != NULL ? known : "", units[i % count], form->letters);
        is_found = keeps_pattern(schema, strbuf_str(text));
    }
    schema_destroy(schema);
    return is_found;
}
