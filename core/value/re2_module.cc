/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libre2 behind the C table of regex_module.h. RE2 is given a bound on its memory, writes no log,
 * and never backtracks, so that a search takes time linear in the text.
 */
#include "core/value/regex_module.h"

#include <cstdio>
#include <memory>
#include <new>

#include <re2/re2.h>

extern "C" {
#include "core/base/module.h"
}

static int compile_pattern(const char *pattern, size_t n, size_t max_memory_bytes, void **out_regex,
                           char *out_message, size_t message_size)
{
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingUTF8);
    options.set_log_errors(false);
    options.set_max_mem(static_cast<int64_t>(max_memory_bytes));
    auto regex = std::make_unique<RE2>(re2::StringPiece(pattern, n), options);
    if (!regex->ok()) {
        std::snprintf(out_message, message_size, "%s", regex->error().c_str());
        return regex->error_code() == RE2::ErrorPatternTooLarge ? REGEX_MODULE_TOO_LARGE
                                                                : REGEX_MODULE_BAD_PATTERN;
    }

    *out_regex = regex.release();
    return REGEX_MODULE_OK;
}

static int compile(const char *pattern, size_t n, size_t max_memory_bytes, void **out_regex,
                   char *out_message, size_t message_size)
{
    try {
        return compile_pattern(pattern, n, max_memory_bytes, out_regex, out_message, message_size);
    } catch (...) {
        return REGEX_MODULE_NOMEM; /* RE2 throws nothing of its own: only new does */
    }
}

static void destroy(void *regex)
{
    delete static_cast<RE2 *>(regex);
}

static size_t size(const void *regex)
{
    return static_cast<size_t>(static_cast<const RE2 *>(regex)->ProgramSize());
}

static int search(const void *regex, const char *text, size_t n)
{
    try {
        const RE2 *re2 = static_cast<const RE2 *>(regex);
        return re2->Match(re2::StringPiece(text, n), 0, n, RE2::UNANCHORED, nullptr, 0) ? 1 : 0;
    } catch (...) {
        return -1;
    }
}

static int find(const void *regex, const char *text, size_t n, size_t from, size_t *out_begin,
                size_t *out_end)
{
    try {
        const RE2 *re2 = static_cast<const RE2 *>(regex);
        re2::StringPiece found;
        if (!re2->Match(re2::StringPiece(text, n), from, n, RE2::UNANCHORED, &found, 1)) {
            return 0;
        }
        *out_begin = static_cast<size_t>(found.data() - text);
        *out_end = *out_begin + found.size();
        return 1;
    } catch (...) {
        return -1;
    }
}

static const struct regex_module table = {compile, destroy, size, search, find};

extern "C" const struct module_desc opstream_module_v1 = MODULE_DESC("re2", &table);
