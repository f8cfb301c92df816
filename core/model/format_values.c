/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/format_values.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/base/quantity.h"
#include "core/base/suggest.h"
#include "core/model/report.h"
#include "core/model/tree.h"

enum { FACTOR_MAX = 1000, SECONDS_MAX = 1000000000, DOLLARS_MAX = 1000000 };

bool format_values_percent(struct str digits, double *out)
{
    double value = 0;
    double unit = 1;
    bool is_behind = false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] == '.' && !is_behind && i > 0 && i + 1 < digits.n) {
            is_behind = true;
        } else if (digits.p[i] >= '0' && digits.p[i] <= '9') {
            value = value * 10 + (digits.p[i] - '0');
            unit = is_behind ? unit * 10 : unit;
        } else {
            return false;
        }
    }
    *out = value / unit;
    return digits.n > 0 && *out <= 100;
}

bool format_values_is_off(const struct tree *value)
{
    return tree_is(value, TREE_TEXT) && str_equal(value->text, STR("off"));
}

bool format_values_whole(const struct tree *value, uint32_t *out)
{
    if (!tree_is(value, TREE_INT) || value->as.integer < 0 || value->as.integer > INT32_MAX) {
        return false;
    }
    *out = (uint32_t)value->as.integer;
    return true;
}

static bool read_number(const struct tree *value, double *out)
{
    if (!tree_is(value, TREE_INT) && !tree_is(value, TREE_DOUBLE)) {
        return false;
    }
    *out = tree_is(value, TREE_INT) ? (double)value->as.integer : value->as.number;
    return true;
}

bool format_values_factor(const struct tree *value, double *out)
{
    double factor = 0;
    if (!read_number(value, &factor) || !(factor >= 1 && factor <= FACTOR_MAX)) {
        return false;
    }
    *out = factor;
    return true;
}

/* As with durations, a part of a millisecond counts as a whole one. */
bool format_values_seconds(const struct tree *value, int64_t *out_ms)
{
    double seconds = 0;
    if (!read_number(value, &seconds) || !(seconds > 0 && seconds <= SECONDS_MAX)) {
        return false;
    }
    int64_t ms = (int64_t)(seconds * 1000);
    *out_ms = (double)ms < seconds * 1000 ? ms + 1 : ms;
    return true;
}

/* Less than a billionth of a dollar is one. */
bool format_values_money(const struct tree *value, int64_t *out_billionths)
{
    double dollars = 0;
    if (!read_number(value, &dollars) || !(dollars > 0 && dollars <= DOLLARS_MAX)) {
        return false;
    }
    int64_t billionths = (int64_t)(dollars * 1e9 + 0.5);
    *out_billionths = billionths > 0 ? billionths : 1;
    return true;
}

/* Whether it is a text with a '%' behind it; `out` is what stands before that. */
static bool split_percent(const struct tree *value, struct str *out)
{
    if (!tree_is(value, TREE_TEXT) || !str_ends_with(value->text, STR("%"))) {
        return false;
    }
    *out = str_make(value->text.p, value->text.n - 1);
    return true;
}

bool format_values_share(const struct tree *value, double *out)
{
    struct str digits = {0};
    double percent = 0;
    if (format_values_is_off(value)) {
        *out = 0;
        return true;
    }
    if (!split_percent(value, &digits) || !format_values_percent(digits, &percent) ||
        percent <= 0) {
        return false;
    }
    *out = percent / 100;
    return true;
}

bool format_values_rate(const struct tree *value, double *out)
{
    struct str digits = {0};
    double number = 0;
    if (split_percent(value, &digits)) {
        if (!format_values_percent(digits, &number)) {
            return false;
        }
        number /= 100;
    } else if (!read_number(value, &number) || number < 0 || number > 1) {
        return false;
    }
    *out = number;
    return true;
}

bool format_values_call_rate(const struct tree *value, struct quantity_rate *out)
{
    struct quantity_rate rate;
    if (!tree_is(value, TREE_TEXT) || quantity_parse_rate(value->text, &rate, NULL) != 0 ||
        rate.count > INT32_MAX) {
        return false;
    }
    *out = rate;
    return true;
}

const char *format_values_text(enum format_kind kind)
{
    switch ((int)kind) {
    case FORMAT_WHOLE:
        return "a whole number from 0 on";
    case FORMAT_FACTOR:
        return "a number from 1 to 1000";
    case FORMAT_SHARE:
        return "a share like 20%, or 'off'";
    case FORMAT_RATE:
        return "a share like 0.05 or 5%";
    case FORMAT_POLICY:
        return "a map, or 'off'";
    case FORMAT_BOUND:
        return "a duration like 250ms, 30s, 5m, 2h or 7d, or 'off'";
    case FORMAT_SECONDS:
        return "a number of seconds, more than 0";
    case FORMAT_MONEY:
        return "a number of US dollars, more than 0";
    case FORMAT_CALL_RATE:
        return "a rate like 5000/hour";
    case FORMAT_LIMIT:
        return "a rate like 5000/hour, a map, or 'off'";
    }
    unreachable_state("format kind", (int)kind);
}

static bool is_one_of(struct str text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (str_equal_text(text, *words)) {
            return true;
        }
    }
    return false;
}

/* What other formats write for it. */
static bool means_off(const struct tree *value)
{
    static const char *const words[] = {"no",   "No",    "Off",      "OFF",
                                        "none", "never", "disabled", NULL};
    return (tree_is(value, TREE_BOOL) && !value->as.boolean) ||
           (tree_is(value, TREE_INT) && value->as.integer == 0) ||
           (tree_is(value, TREE_TEXT) && is_one_of(value->text, words));
}

static bool means_on(const struct tree *value)
{
    static const char *const words[] = {"on", "On", "ON", "yes", "default", NULL};
    return (tree_is(value, TREE_BOOL) && value->as.boolean) ||
           (tree_is(value, TREE_TEXT) && is_one_of(value->text, words));
}

static bool is_quoted_number(const struct tree *value)
{
    bool is_number = tree_is(value, TREE_TEXT) && value->text.n > 0;
    for (size_t i = 0; is_number && i < value->text.n; i++) {
        char c = value->text.p[i];
        is_number = (c >= '0' && c <= '9') || c == '.';
    }
    return is_number;
}

static void hint_rate(const struct report *report, const struct tree *value)
{
    double number = 0;
    (void)read_number(value, &number); /* else there is no hint */
    if (number > 1 && number <= 100) {
        report_hint(report, "write '%g%%' for %g of 100", number, number);
    } else if (means_off(value)) {
        report_hint(report, "leave it out");
    }
}

/* 20 and 0.2 mean 20%. */
static void hint_share(const struct report *report, const struct tree *value)
{
    struct str digits = {0};
    double percent = 0;
    if (split_percent(value, &digits)) {
        bool is_small = format_values_percent(digits, &percent);
        if (is_small || percent > 100) {
            report_hint(report, is_small ? "write 'off' for none" : "at most 100%%");
        }
        return;
    }
    percent = 0;
    (void)read_number(value, &percent); /* else there is no hint */
    if (tree_is(value, TREE_DOUBLE) && percent < 1) {
        percent *= 100;
    }
    if (means_off(value)) {
        report_hint(report, "write 'off'");
    } else if (percent > 0 && percent <= 100) {
        report_hint(report, "write '%g%%'", percent);
    }
}

static void hint_policy(const struct report *report, const struct tree *value, struct str key)
{
    if (means_off(value)) {
        report_hint(report, "write 'off'");
    } else if (tree_is(value, TREE_INT)) {
        bool is_retry = str_equal(key, STR("retry"));
        report_hint(report, "write {%s: %.*s}", is_retry ? "max_attempts" : "failure_threshold",
                    STR_ARG(value->text));
    } else if (means_on(value)) {
        report_hint(report, "write {} for the defaults");
    } else if (tree_is(value, TREE_NULL)) {
        report_hint(report, "write {} for the defaults, or 'off'");
    } else if (tree_is(value, TREE_LIST)) {
        report_hint(report, "write NAME: VALUE in place of a list");
    }
}

/* "min", "hrs", "secnd": the unit that was meant, or NULL. */
static const char *find_unit(struct str word)
{
    static const char *const units[] = {"second", "minute", "hour", "day"};
    struct suggest nearest = suggest_start(word);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct str unit = str_from(units[i]);
        bool is_begin = word.n > 0 && str_starts_with(unit, word);
        if (is_begin || (word.n == unit.n + 1 && str_starts_with(word, unit))) {
            return units[i];
        }
        suggest_offer(&nearest, unit);
    }
    static const char *const short_words[][2] = {
        {"secs", "second"}, {"mins", "minute"}, {"hr", "hour"}, {"hrs", "hour"}};
    for (size_t i = 0; i < sizeof(short_words) / sizeof(short_words[0]); i++) {
        if (str_equal_text(word, short_words[i][0])) {
            return short_words[i][1];
        }
    }
    return nearest.best.n > 0 ? nearest.best.p : NULL;
}

/* Takes the number off the front, without the marks between its digits; a long one is cut. */
static bool take_digits(struct str *text, char *out, size_t size)
{
    size_t n = 0;
    size_t i = 0;
    for (; i < text->n && text->p[i] != '\0' && strchr("0123456789,_", text->p[i]) != NULL; i++) {
        bool is_mark = text->p[i] == ',' || text->p[i] == '_';
        bool is_leading = text->p[i] == '0' && n == 0;
        if (!is_mark && !is_leading && n + 1 < size) {
            out[n++] = text->p[i];
        }
    }
    out[n] = '\0';
    *text = str_trim(str_make(text->p + i, text->n - i));
    return i > 0;
}

/* "100 / min", "5,000 per hour", 100: what was meant. */
static void hint_call_rate(const struct report *report, const struct tree *value, bool is_in_map)
{
    char digits[16];
    char written[32];
    struct str rest = tree_is_scalar(value) ? str_trim(value->text) : STR("");
    struct quantity_rate rate;
    if (!take_digits(&rest, digits, sizeof(digits))) {
        return;
    }
    if (str_starts_with(rest, STR("."))) {
        report_hint(report, "the number is whole: use a longer time, as in 30/minute");
        return;
    }
    if (digits[0] == '\0') {
        report_hint(report,
                    is_in_map ? "for no limit: rate_limit: off" : "write 'off' for no limit");
        return;
    }
    size_t skipped = str_starts_with(rest, STR("/"))      ? 1
                     : str_starts_with(rest, STR("per ")) ? 4
                                                          : 0;
    struct str word = str_trim(str_make(rest.p + skipped, rest.n - skipped));
    const char *unit = skipped > 0 ? find_unit(word) : NULL;
    int n = snprintf(written, sizeof(written), "%s/%s", digits, unit != NULL ? unit : "hour");
    const struct tree meant = {.kind = TREE_TEXT, .text = str_make(written, (size_t)n)};
    if (!format_values_call_rate(&meant, &rate)) {
        report_hint(report, "at most 2147483647");
    } else if (unit != NULL) {
        report_hint(report, "write '%s'", written);
    } else {
        report_hint(report, "write %s/second, %s/minute, %s/hour or %s/day", digits, digits, digits,
                    digits);
    }
}

void format_values_hint(const struct report *report, const struct tree *value,
                        const struct format_key *key)
{
    bool is_number = key->kind == FORMAT_WHOLE || key->kind == FORMAT_FACTOR ||
                     key->kind == FORMAT_SECONDS || key->kind == FORMAT_MONEY;
    if (is_number && is_quoted_number(value)) {
        report_hint(report, "leave the quotes out: they make text of it");
    } else if (key->kind == FORMAT_SECONDS && tree_is(value, TREE_TEXT)) {
        report_hint(report, "a duration like 20s goes with the key 'reset_timeout'");
    } else if (key->kind == FORMAT_BOUND && means_off(value)) {
        report_hint(report, "write 'off'");
    } else if (key->kind == FORMAT_SHARE) {
        hint_share(report, value);
    } else if (key->kind == FORMAT_RATE) {
        hint_rate(report, value);
    } else if (key->kind == FORMAT_POLICY) {
        hint_policy(report, value, key->name);
    } else if (key->kind == FORMAT_LIMIT && means_off(value)) {
        report_hint(report, "write 'off' for no limit");
    } else if (key->kind == FORMAT_CALL_RATE && (means_off(value) || format_values_is_off(value))) {
        report_hint(report, "for no limit: rate_limit: off");
    } else if (key->kind == FORMAT_CALL_RATE || key->kind == FORMAT_LIMIT) {
        hint_call_rate(report, value, key->kind == FORMAT_CALL_RATE);
    }
}
