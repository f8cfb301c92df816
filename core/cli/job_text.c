/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/job_text.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/quantity.h"
#include "core/cli/terminal.h"
#include "core/engine/last_attempt.h"
#include "core/value/value.h"

struct job_text_style job_text_style_of_stdout(void)
{
    return (struct job_text_style){
        .is_colored = terminal_has_color(STDOUT_FILENO),
        .columns = terminal_is_live(STDOUT_FILENO) ? terminal_size(STDOUT_FILENO).columns : 0,
    };
}

struct str job_text_get(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

double job_text_number(const struct value *map, const char *key, double otherwise)
{
    const struct value *value = value_get(map, str_from(key));
    bool is_number = value_is(value, VALUE_INT) || value_is(value, VALUE_DOUBLE);
    return is_number ? value_number(value) : otherwise;
}

int64_t job_text_int(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_INT) ? value_int(value) : 0;
}

bool job_text_is(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_BOOL) && value_bool(value);
}

const struct value *job_text_list(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, str_from(key));
    return value_is(value, VALUE_LIST) ? value : NULL;
}

/* The first `n` bytes of "2027-01-15T07:59:30.123Z", with a space for the T. */
static void append_moment(struct str moment, size_t n, struct strbuf *out)
{
    if (moment.n < n) {
        strbuf_append_char(out, '-');
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char c = moment.p[i];
        bool is_plain = (c >= '0' && c <= '9') || c == '-' || c == ':' || c == '.';
        strbuf_append_char(out, is_plain ? c : ' ');
    }
}

void job_text_append_time(const struct value *map, const char *key, struct strbuf *out)
{
    append_moment(job_text_get(map, key), 19, out);
}

void job_text_append_moment(const struct value *map, const char *key, struct strbuf *out)
{
    append_moment(job_text_get(map, key), 23, out);
}

/* Larger numbers are no time that anything took; what is no number is not cast. */
static const double most_seconds = 1e12;

void job_text_append_seconds(const struct value *map, const char *key, struct strbuf *out)
{
    double seconds = job_text_number(map, key, -1.0);
    char text[QUANTITY_TEXT_SIZE];
    if (seconds < 0.0 || seconds > most_seconds) {
        strbuf_append_char(out, '-');
        return;
    }
    quantity_format_duration((int64_t)(seconds * 1000.0 + 0.5), text);
    strbuf_append_text(out, text);
}

bool job_text_is_past(struct str moment, int64_t now_unix_ms)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format_rfc3339(now_unix_ms, now);
    return str_compare(moment, str_from(now)) <= 0;
}

struct state_color {
    const char *state;
    enum terminal_color color;
};

static const struct state_color state_colors[] = {
    {"completed", COLOR_GREEN},   {"failed", COLOR_RED},      {"running", COLOR_BLUE},
    {"cancelled", COLOR_YELLOW},  {"paused", COLOR_YELLOW},   {"approval_required", COLOR_YELLOW},
    {"blocked", COLOR_YELLOW},    {"stopping", COLOR_YELLOW}, {"unknown", COLOR_YELLOW},
    {"retry_wait", COLOR_YELLOW}, {"open", COLOR_RED},        {"forced_open", COLOR_RED},
    {"half_open", COLOR_YELLOW},  {"disabled", COLOR_YELLOW}, {"closed", COLOR_GREEN},
    {"up", COLOR_GREEN},          {"down", COLOR_RED},        {"given_up", COLOR_RED},
};

static enum terminal_color color_of(struct str state)
{
    for (size_t i = 0; i < sizeof(state_colors) / sizeof(state_colors[0]); i++) {
        if (str_equal_text(state, state_colors[i].state)) {
            return state_colors[i].color;
        }
    }
    return COLOR_DIM;
}

void job_text_append_state(struct str state, struct job_text_style style, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;
    terminal_append_safe(&text, state);
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] = text.p[i] == '_' ? ' ' : text.p[i];
    }
    terminal_append_color(out, style.is_colored, color_of(state), strbuf_str(&text));
    strbuf_finish(&text);
}

void job_text_append_who(const struct value *row, struct strbuf *out)
{
    struct str who = job_text_get(row, "who");
    const struct passwd *user = NULL;
    if (str_starts_with(who, STR("uid ")) && who.n > 4 && who.n < 16) {
        char *end = NULL; /* strings of documents end with a NUL */
        unsigned long uid = strtoul(who.p + 4, &end, 10);
        user = *end == '\0' ? getpwuid((uid_t)uid) : NULL;
    }
    if (user != NULL) {
        terminal_append_safe(out, str_from(user->pw_name));
        strbuf_append_text(out, " (");
    }
    terminal_append_safe(out, who.n > 0 ? who : STR("-"));
    strbuf_append_text(out, user != NULL ? ")" : "");
}

int64_t job_text_attempt(const struct value *row)
{
    struct str path = job_text_get(row, "path");
    int64_t attempt = job_text_int(row, "attempt");
    for (size_t i = path.n; i > 0 && strchr("./", path.p[i - 1]) == NULL; i--) {
        if (path.p[i - 1] == '#' || path.p[i - 1] == '@') {
            return 0;
        }
    }
    return attempt > 1 ? attempt : 0;
}

void job_text_append_gap(struct strbuf *out, size_t used, size_t columns)
{
    do {
        strbuf_append_char(out, ' ');
    } while (++used < columns);
}

void job_text_append_rest(const struct value *job, struct strbuf *out)
{
    struct str status = job_text_get(job, "status");
    bool is_blocked = str_equal_text(status, "blocked");
    bool is_paused = str_equal_text(status, "paused");
    if (!is_blocked && !is_paused && !str_equal_text(status, "approval_required")) {
        return;
    }
    strbuf_append_text(out, "run ");
    terminal_append_safe(out, job_text_get(job, "id"));
    strbuf_append_text(out, is_blocked  ? " is blocked: "
                            : is_paused ? " is paused: "
                                        : " waits for a decision: ");
    if (is_blocked) {
        terminal_append_safe(out, job_text_get(job, "reason"));
        strbuf_append_text(out, "; ");
    }
    terminal_append_safe(out, job_text_get(job, "hint"));
    strbuf_append_char(out, '\n');
}

void job_text_append_error(const struct value *failure, struct strbuf *out)
{
    struct str code = job_text_get(failure, "code");
    if (code.n > 0) {
        terminal_append_safe(out, code);
        strbuf_append_text(out, ": ");
    }
    terminal_append_safe(out, job_text_get(failure, "message"));
}

void job_text_append_failure(const struct value *failure, struct strbuf *out)
{
    struct str reason = job_text_get(failure, LAST_ATTEMPT_KEY);
    job_text_append_error(failure, out);
    if (reason.n > 0) {
        strbuf_append_text(out, " (not retried: ");
        terminal_append_safe(out, reason);
        strbuf_append_char(out, ')');
    }
}
