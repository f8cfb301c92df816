/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/rate_words.h"

#include "core/policy/retry.h"
#include "core/policy/retry_after.h"

const char *const rate_word_names[RATE_WORDS] = {
    [RATE_WORD_RETRY_AFTER] = "retry-after",     [RATE_WORD_X_REMAINING] = "x-ratelimit-remaining",
    [RATE_WORD_X_RESET] = "x-ratelimit-reset",   [RATE_WORD_X_RESOURCE] = "x-ratelimit-resource",
    [RATE_WORD_X_BUCKET] = "x-ratelimit-bucket", [RATE_WORD_REMAINING] = "ratelimit-remaining",
    [RATE_WORD_RESET] = "ratelimit-reset",       [RATE_WORD_LIMITS] = "ratelimit",
};

enum { COUNT_DIGITS = 9, TIME_DIGITS = 15, SECOND_MS = 1000 };

/* Numbers below are seconds from now on: less than thirty years. Above, milliseconds since 1970. */
#define FIRST_TIME_S  INT64_C(1000000000)
#define FIRST_TIME_MS INT64_C(100000000000)

/* ---- numbers ---- */

/* Digits alone, at most `most`. */
static bool read_digits(struct str text, size_t most, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i >= most) {
            return false;
        }
        number = number * 10 + (text.p[i] - '0');
    }
    *out = number;
    return text.n > 0;
}

/* More than fits is more than anybody sends: it bounds nothing. */
static bool read_remaining(struct str text, uint32_t *out)
{
    int64_t count = 0;
    if (!read_digits(text, COUNT_DIGITS, &count)) {
        return false;
    }
    *out = (uint32_t)count;
    return true;
}

static int64_t within_bounds(int64_t at, int64_t now)
{
    int64_t latest = now + RETRY_AFTER_MAX_MS;
    return at <= now ? 0 : at < latest ? at : latest;
}

/* A part of a second is taken for a whole one. */
static bool read_seconds(struct str text, int64_t *out)
{
    size_t whole = 0;
    int64_t part = 0;
    while (whole < text.n && text.p[whole] != '.') {
        whole++;
    }
    if (!read_digits(str_make(text.p, whole), TIME_DIGITS, out)) {
        return false;
    }
    if (whole == text.n) {
        return true;
    }
    *out += 1;
    return read_digits(str_make(text.p + whole + 1, text.n - whole - 1), TIME_DIGITS, &part);
}

/* When it is over, unix ms; 0: nobody knows. */
static int64_t read_reset(struct str text, int64_t now)
{
    int64_t number = 0;
    bool is_date = text.n > 0 && text.p[0] >= 'A' && text.p[0] <= 'Z';
    if (is_date) {
        int64_t wait_ms = retry_after_read(text, now);
        return wait_ms > 0 ? now + wait_ms : 0;
    }
    if (!read_seconds(text, &number)) {
        return 0;
    }
    if (number >= FIRST_TIME_MS) {
        return within_bounds(number, now);
    }
    return within_bounds(number >= FIRST_TIME_S ? number * SECOND_MS : now + number * SECOND_MS,
                         now);
}

/* ---- "default";r=50;t=30 ---- */

/* Up to the next `mark` that is not quoted; it is taken off. */
static struct str take_until(struct str *rest, char mark)
{
    size_t n = 0;
    bool is_quoted = false;
    while (n < rest->n && (is_quoted || rest->p[n] != mark)) {
        is_quoted = rest->p[n] == '"' ? !is_quoted : is_quoted;
        n++;
    }
    struct str part = str_make(rest->p, n);
    size_t taken = n < rest->n ? n + 1 : n;
    *rest = str_make(rest->p + taken, rest->n - taken);
    return str_trim(part);
}

struct limit {
    bool has_remaining;
    uint32_t remaining;
    struct str reset;
};

/* "r=50", or "remaining=50". */
static void read_member(struct str member, struct limit *out)
{
    struct str value = member;
    struct str key = take_until(&value, '=');
    value = str_trim(value);
    if (str_equal_text(key, "r") || str_equal_text(key, "remaining")) {
        out->has_remaining = read_remaining(value, &out->remaining);
    } else if (str_equal_text(key, "t") || str_equal_text(key, "reset")) {
        out->reset = value;
    }
}

/* In the later form each part is a limit of its own; of several the one with the least is it. */
static struct limit read_limits(struct str text)
{
    struct limit least = {0};
    struct limit together = {0};
    struct str rest = text;
    while (rest.n > 0) {
        struct limit own = {0};
        struct str item = take_until(&rest, ',');
        struct str members = item;
        read_member(take_until(&members, ';'), &together);
        while (members.n > 0) {
            read_member(take_until(&members, ';'), &own);
        }
        if (own.has_remaining && (!least.has_remaining || own.remaining < least.remaining)) {
            least = own;
        }
    }
    return least.has_remaining ? least : together;
}

/* ---- all of them ---- */

/* The first that says how many remain; its own reset belongs to it. */
static struct limit find_limit(const struct str words[RATE_WORDS])
{
    static const enum rate_word pairs[][2] = {{RATE_WORD_X_REMAINING, RATE_WORD_X_RESET},
                                              {RATE_WORD_REMAINING, RATE_WORD_RESET}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct limit limit = {.reset = words[pairs[i][1]]};
        limit.has_remaining = read_remaining(words[pairs[i][0]], &limit.remaining);
        if (limit.has_remaining) {
            return limit;
        }
    }
    return read_limits(words[RATE_WORD_LIMITS]);
}

static bool is_of_one_of_several(const struct str words[RATE_WORDS])
{
    return words[RATE_WORD_X_BUCKET].n > 0 || words[RATE_WORD_X_RESOURCE].n > 0;
}

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* It becomes a part of a name that people see, and may not look like something else. */
static struct str read_resource(struct str word)
{
    for (size_t i = 0; i < word.n; i++) {
        if (i >= RATE_RESOURCE_MOST || !is_plain(word.p[i])) {
            return STR("");
        }
    }
    return word.n > 0 ? word : STR("");
}

struct rate_said rate_words_read(const struct str words[RATE_WORDS], int32_t status, int64_t now)
{
    struct rate_said said = {.resource = read_resource(words[RATE_WORD_X_RESOURCE])};
    struct limit limit = find_limit(words);
    struct str retry_after = words[RATE_WORD_RETRY_AFTER];
    bool is_spent = limit.has_remaining && limit.remaining == 0;
    bool is_refused = status == 429 || (status == 403 && (is_spent || retry_after.n > 0));
    int64_t reset_at = read_reset(limit.reset, now);
    if (is_refused) {
        int64_t wait_ms = retry_after_read(retry_after, now);
        bool is_of_all = is_spent && said.resource.n == 0;
        said.frozen_until = wait_ms > 0 ? now + wait_ms : is_of_all ? reset_at : 0;
    }
    bool is_bound = is_refused || said.resource.n > 0 || !is_of_one_of_several(words);
    if (limit.has_remaining && is_bound) {
        said.has_remaining = true;
        said.remaining = limit.remaining;
        said.reset_at = reset_at;
    }
    return said;
}
