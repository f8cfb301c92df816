/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/regex.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/base/module.h"
#include "core/base/utf8.h"
#include "core/value/regex_module.h"

struct regex {
    const struct regex_module *module; /* never unloaded */
    void *compiled;
};

/* The pattern as a message shows it: harmless, and cut where it is long. */
static int fail_pattern(struct error *err, int code, struct str pattern, const char *why)
{
    struct strbuf shown = STRBUF_INIT;
    escape_append_text(&shown, pattern);
    struct str text = strbuf_str(&shown);
    int width = (int)utf8_whole_prefix(text.p, text.n > 100 ? 100 : text.n);
    (void)error_set(err, code, "the regular expression '%.*s%s' %s", width, text.p,
                    text.n > 100 ? "..." : "", why);
    strbuf_finish(&shown);
    return code;
}

static int fail_too_large(struct error *err, struct str pattern, size_t max_memory_bytes)
{
    char why[80];
    size_t kib = max_memory_bytes / 1024;
    bool is_mib = kib % 1024 == 0;
    (void)snprintf(why, sizeof(why), "needs more than %zu %s: make it smaller", /* fits */
                   is_mib ? kib / 1024 : kib, is_mib ? "MiB" : "KiB");
    return fail_pattern(err, E_LIMIT, pattern, why);
}

static int translate_result(int result, struct str pattern, size_t max_memory_bytes,
                            const char *message, struct error *err)
{
    struct strbuf why = STRBUF_INIT;
    int status = 0;
    switch (result) {
    case REGEX_MODULE_OK:
        return 0;
    case REGEX_MODULE_NOMEM:
        return error_nomem(err);
    case REGEX_MODULE_TOO_LARGE:
        return fail_too_large(err, pattern, max_memory_bytes);
    default:
        strbuf_append_text(&why, "is not valid: ");
        escape_append_text(&why, str_from(message));
        status = strbuf_status(&why) != 0 ? error_nomem(err)
                                          : fail_pattern(err, E_INVALID, pattern, why.p);
        strbuf_finish(&why);
        return status;
    }
}

int regex_compile(struct str pattern, struct regex **out_regex, struct error *err)
{
    return regex_compile_within(pattern, REGEX_MAX_MEMORY_BYTES, out_regex, err);
}

size_t regex_size(const struct regex *regex)
{
    return regex->module->size(regex->compiled);
}

int regex_compile_within(struct str pattern, size_t max_memory_bytes, struct regex **out_regex,
                         struct error *err)
{
    if (pattern.n > REGEX_MAX_PATTERN_BYTES) {
        return error_set(err, E_LIMIT,
                         "the regular expression has %zu bytes, the limit is %d: make it shorter",
                         pattern.n, (int)REGEX_MAX_PATTERN_BYTES);
    }
    const void *table = NULL;
    int status = module_load("re2", &table, err);
    if (status != 0) {
        return status;
    }

    cleanup_free struct regex *regex = malloc(sizeof(*regex));
    if (regex == NULL) {
        return error_nomem(err);
    }
    char message[256] = "";
    regex->module = table;
    int result = regex->module->compile(pattern.n > 0 ? pattern.p : "", pattern.n, max_memory_bytes,
                                        &regex->compiled, message, sizeof(message));
    status = translate_result(result, pattern, max_memory_bytes, message, err);
    if (status != 0) {
        return status;
    }

    *out_regex = take_pointer(&regex);
    return 0;
}

void regex_destroy(struct regex *regex)
{
    if (regex != NULL) {
        regex->module->destroy(regex->compiled);
        free(regex);
    }
}

int regex_search(const struct regex *regex, struct str text, bool *out_matches, struct error *err)
{
    CHECK(regex != NULL);
    if (text.n > REGEX_MAX_TEXT_BYTES) {
        return error_set(err, E_LIMIT,
                         "a text of %zu bytes is too long for a regular expression, the limit is "
                         "%d bytes",
                         text.n, (int)REGEX_MAX_TEXT_BYTES);
    }
    int found = regex->module->search(regex->compiled, text.n > 0 ? text.p : "", text.n);
    if (found < 0) {
        return error_nomem(err);
    }

    *out_matches = found == 1;
    return 0;
}

int regex_find(const struct regex *regex, struct str text, size_t from, size_t *out_begin,
               size_t *out_end)
{
    CHECK(from <= text.n);
    int found = regex->module->find(regex->compiled, text.n > 0 ? text.p : "", text.n, from,
                                    out_begin, out_end);
    return found < 0 ? E_NOMEM : found;
}
