/* SPDX-License-Identifier: Apache-2.0 */
#include "core/policy/cron.h"

#include <stddef.h>

#include "core/base/error.h"

enum {
    FIELD_COUNT = 5,
    NAME_BYTES = 3,
    DIGITS_MAX = 4, /* more are no number of a field */
    SUNDAY_TOO = 7,
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

static const struct field {
    const char *name;
    int least;
    int most;
    const char *const *names;
    int name_count;
} fields[FIELD_COUNT] = {
    [MINUTE] = {"minute", 0, 59, NULL, 0},
    [HOUR] = {"hour", 0, 23, NULL, 0},
    [DAY] = {"day of the month", 1, 31, NULL, 0},
    [MONTH] = {"month", 1, 12, month_names, 12},
    [WEEKDAY] = {"day of the week", 0, SUNDAY_TOO, weekday_names, 7},
};

static const struct {
    const char *name;
    const char *fields;
} shorthands[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* What is before the first `mark`; the rest is what stands behind it. False: there is none. */
static bool cut(struct str text, char mark, struct str *out_first, struct str *out_rest)
{
    const char *at = text.n > 0 ? memchr(text.p, mark, text.n) : NULL;
    size_t n = at != NULL ? (size_t)(at - text.p) : text.n;
    *out_first = str_make(text.p, n);
    *out_rest = at != NULL ? str_make(at + 1, text.n - n - 1) : str_make(NULL, 0);
    return at != NULL;
}

static bool read_number(struct str text, int *out)
{
    int number = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || text.n > DIGITS_MAX) {
            return false;
        }
        number = number * 10 + (text.p[i] - '0');
    }
    *out = number;
    return text.n > 0;
}

static bool read_name(const struct field *field, struct str text, int *out)
{
    for (int i = 0; i < field->name_count; i++) {
        if (str_equal_caseless(text, str_make(field->names[i], NAME_BYTES))) {
            *out = field->least + i;
            return true;
        }
    }
    return false;
}

static int refuse(const struct field *field, struct str part, struct error *err)
{
    return error_set(err, E_INVALID,
                     "'%.*s' is no %s: it takes %d to %d%s, '*', lists '1,2', "
                     "ranges '1-5' and steps '*/5'",
                     STR_ARG(part), field->name, field->least, field->most,
                     field->names != NULL ? ", names like 'mon' or 'jan'" : "");
}

static bool read_value(const struct field *field, struct str text, int *out)
{
    bool is_read = read_number(text, out) || read_name(field, text, out);
    return is_read && *out >= field->least && *out <= field->most;
}

/* `*`, `a` or `a-b`; `has_step` makes `a` reach to the end. */
static int read_range(const struct field *field, struct str text, bool has_step, int out[2],
                      struct error *err)
{
    struct str first;
    struct str last;
    out[0] = field->least;
    out[1] = field == &fields[WEEKDAY] ? SUNDAY_TOO - 1 : field->most;
    if (str_equal(text, STR("*"))) {
        return 0;
    }
    int end = out[1];
    bool is_range = cut(text, '-', &first, &last);
    if (!read_value(field, first, &out[0])) {
        return refuse(field, text, err);
    }
    out[1] = has_step ? end : out[0];
    if (!is_range) {
        return 0;
    }
    if (!read_value(field, last, &out[1])) {
        return refuse(field, text, err);
    }
    bool ends_sunday = field == &fields[WEEKDAY] && out[1] == 0 && out[0] > 0;
    out[1] = ends_sunday ? SUNDAY_TOO : out[1];
    if (out[1] < out[0]) {
        return error_set(err, E_INVALID, "'%.*s' goes backward: write it as two, '%d-%d,%d-%d'",
                         STR_ARG(text), out[0], end, field->least, out[1]);
    }
    return 0;
}

static int read_part(const struct field *field, struct str part, uint64_t *bits, struct error *err)
{
    struct str range;
    struct str step_text;
    int step = 1;
    int ends[2];
    bool has_step = cut(part, '/', &range, &step_text);
    if (has_step && (!read_number(step_text, &step) || step < 1 || step > field->most)) {
        return error_set(err, E_INVALID, "the step of '%.*s' (%s) must be 1 to %d", STR_ARG(part),
                         field->name, field->most);
    }
    int status = read_range(field, range, has_step, ends, err);
    for (int n = ends[0]; status == 0 && n <= ends[1]; n += step) {
        *bits |= UINT64_C(1) << n;
    }
    return status;
}

static int read_field(const struct field *field, struct str text, uint64_t *out_bits,
                      struct error *err)
{
    struct str part;
    bool is_more = true;
    *out_bits = 0;
    while (is_more) {
        is_more = cut(text, ',', &part, &text);
        int status = read_part(field, part, out_bits, err);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The words of `text`; of more than there is room for only the number. */
static size_t split_words(struct str text, struct str words[FIELD_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < text.n;) {
        size_t begin = i;
        while (i < text.n && !is_blank(text.p[i])) {
            i++;
        }
        if (i > begin && count++ < FIELD_COUNT) {
            words[count - 1] = str_make(text.p + begin, i - begin);
        }
        i += i < text.n;
    }
    return count;
}

/* What a shorthand stands for; other texts as they are. */
static int expand(struct str *text, struct error *err)
{
    if (text->n == 0 || text->p[0] != '@') {
        return 0;
    }
    for (size_t i = 0; i < sizeof shorthands / sizeof shorthands[0]; i++) {
        if (str_equal_text(*text, shorthands[i].name)) {
            *text = str_from(shorthands[i].fields);
            return 0;
        }
    }
    return error_set(
        err, E_INVALID,
        "'%.*s' is not known: there are @hourly, @daily, @midnight, @weekly, @monthly, "
        "@yearly and @annually",
        STR_ARG(*text));
}

int cron_parse(struct str text, struct cron *out_cron, struct error *err)
{
    struct str words[FIELD_COUNT] = {{NULL, 0}};
    uint64_t bits[FIELD_COUNT] = {0};
    struct str rest = str_trim(text);
    int status = expand(&rest, err);
    if (status != 0) {
        return status;
    }
    size_t count = split_words(rest, words);
    if (count != FIELD_COUNT) {
        return error_set(err, E_INVALID,
                         "'%.*s' has %zu fields: a schedule has five: minute, hour, "
                         "day of the month, month, day of the week",
                         STR_ARG(text), count);
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        status = read_field(&fields[i], words[i], &bits[i], err);
        if (status != 0) {
            return status;
        }
    }
    uint64_t sunday = bits[WEEKDAY] >> SUNDAY_TOO & 1;
    struct cron cron = {
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days = (uint32_t)bits[DAY],
        .months = (uint32_t)bits[MONTH],
        .weekdays = (uint32_t)((bits[WEEKDAY] | sunday) & 0x7f),
        .needs_one_day = words[DAY].p[0] != '*' && words[WEEKDAY].p[0] != '*',
    };
    if (cron_next(&cron, (struct cron_zone){NULL, NULL}, 0) == CRON_NEVER) {
        return error_set(err, E_INVALID, "'%.*s' never comes: none of its months has such a day",
                         STR_ARG(text));
    }
    *out_cron = cron;
    return 0;
}
