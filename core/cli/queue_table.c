/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/queue_table.h"

#include "core/base/clock.h"
#include "core/base/quantity.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

enum column { STATE, CALL, TRIES, NEXT, ERROR, ID, COLUMNS };

enum { GAP = 2, GAP_NARROW = 1 };

static const char *const headings[COLUMNS] = {
    [STATE] = "STATE",   [CALL] = "CALL",   [TRIES] = "TRIES",
    [NEXT] = "NEXT TRY", [ERROR] = "ERROR", [ID] = "ID",
};

struct table {
    const struct value *items;
    bool has_engine;
    int64_t now;
    struct job_text_style style;
    size_t widths[COLUMNS]; /* 0: the column is left out */
    size_t gap;
};

/* ---- when it is tried next ---- */

static bool is_state(const struct value *item, const char *state)
{
    return str_equal_text(job_text_get(item, "state"), state);
}

/* The moment at `key`, unix ms; 0: none is said. */
static int64_t moment(const struct value *map, const char *key)
{
    struct clock_time time = {0};
    struct str text = job_text_get(map, key);
    bool is_time = text.n > 0 && clock_parse_rfc3339(text, &time) == 0;
    return is_time ? time.seconds * 1000 + time.nanos / 1000000 : 0;
}

static void append_until(int64_t until, int64_t now, const char *before, struct strbuf *out)
{
    char text[QUANTITY_TEXT_SIZE];
    int64_t seconds = (until - now + 999) / 1000; /* none is the last before it is due */
    quantity_format_duration(seconds * 1000, text);
    strbuf_append_text(out, before);
    /* "42 s", without the hundredths that would be gone when one has read them. */
    if (seconds < 60) {
        strbuf_append_format(out, "%lld s", (long long)seconds);
    } else {
        strbuf_append_text(out, text);
    }
}

/* "breaker, 42 s", "rate limit, 3 s", "permit": what the engine does not let it start for. */
static void append_wait(const struct value *wait, int64_t now, struct strbuf *out)
{
    struct str what = job_text_get(wait, "for");
    struct str state = job_text_get(wait, "state");
    int64_t until = moment(wait, "until");
    job_text_append_state(what, (struct job_text_style){0}, out);
    if (str_equal_text(state, "forced_open")) {
        strbuf_append_text(out, ", by hand");
    } else if (str_equal_text(state, "half_open")) {
        strbuf_append_text(out, ", on trial");
    } else if (until > now) {
        append_until(until, now, ", ", out);
    } else if (until > 0) {
        strbuf_append_text(out, ", now");
    }
}

void queue_table_append_next(const struct value *item, bool has_engine, int64_t now_unix_ms,
                             struct strbuf *out)
{
    const struct value *wait = value_get(item, STR("waits_for"));
    int64_t next = moment(item, "next_at");
    if (!is_state(item, "ready") && !is_state(item, "retry_wait")) {
        strbuf_append_char(out, '-');
    } else if (value_is(wait, VALUE_MAP)) {
        append_wait(wait, now_unix_ms, out);
    } else if (next > now_unix_ms) {
        append_until(next, now_unix_ms, "in ", out);
    } else {
        strbuf_append_text(out, has_engine ? "now" : "due");
    }
}

/* ---- cells ---- */

/* "sync/notify"; of a run its workflow. */
static void append_call(const struct value *item, struct strbuf *out)
{
    struct str node = job_text_get(item, "node");
    terminal_append_safe(out, job_text_get(item, "workflow"));
    strbuf_append_text(out, node.n > 0 ? "/" : "");
    terminal_append_safe(out, node);
}

static void append_text(const struct table *table, const struct value *item, enum column column,
                        struct strbuf *out)
{
    switch (column) {
    case STATE:
        job_text_append_state(job_text_get(item, "state"), (struct job_text_style){0}, out);
        return;
    case CALL:
        append_call(item, out);
        return;
    case TRIES:
        strbuf_append_format(out, "%lld", (long long)job_text_int(item, "attempts"));
        return;
    case NEXT:
        queue_table_append_next(item, table->has_engine, table->now, out);
        return;
    case ERROR:
        terminal_append_safe(out, job_text_get(value_get(item, STR("error")), "code"));
        return;
    case ID:
    case COLUMNS:
        terminal_append_safe(out, job_text_get(item, "id"));
        return;
    }
}

/* Returns the width of what is appended. */
static size_t append_cut(struct str text, size_t columns, struct strbuf *out)
{
    size_t width = terminal_width(text);
    if (width <= columns) {
        strbuf_append_str(out, text);
        return width;
    }
    struct str start = str_make(text.p, terminal_fit(text, columns > 0 ? columns - 1 : 0));
    strbuf_append_str(out, start);
    strbuf_append_text(out, "\xE2\x80\xA6"); /* an ellipsis */
    return terminal_width(start) + 1;
}

/* ---- widths ---- */

/* Of dead letters nothing is tried next; of new items nothing has gone wrong. */
static bool is_empty(struct str text, enum column column)
{
    return text.n == 0 || (column == NEXT && str_equal_text(text, "-"));
}

static void measure(struct table *table)
{
    bool has_any[COLUMNS] = {false};
    for (size_t column = 0; column < COLUMNS; column++) {
        table->widths[column] = strlen(headings[column]);
    }
    for (size_t i = 0; i < value_count(table->items); i++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            struct strbuf cell = STRBUF_INIT;
            append_text(table, value_at(table->items, i), (enum column)column, &cell);
            size_t width = terminal_width(strbuf_str(&cell));
            size_t *widest = &table->widths[column];
            *widest = width > *widest ? width : *widest;
            has_any[column] = has_any[column] || !is_empty(strbuf_str(&cell), (enum column)column);
            strbuf_finish(&cell);
        }
    }
    for (size_t column = 0; column < COLUMNS; column++) {
        table->widths[column] = has_any[column] ? table->widths[column] : 0;
    }
}

static size_t width_of(const struct table *table)
{
    size_t sum = 0;
    for (size_t column = 0; column < COLUMNS; column++) {
        bool has_gap = table->widths[column] > 0 && column != ID;
        sum += table->widths[column] + (has_gap ? table->gap : 0);
    }
    return sum;
}

/* By as much as is too much, but not below `least`; 0: it is left out. */
static void shrink(struct table *table, enum column column, size_t least)
{
    size_t *width = &table->widths[column];
    size_t all = width_of(table);
    size_t most = table->style.columns;
    if (all <= most || *width <= least) {
        return;
    }
    size_t over = all - most;
    *width = least > 0 && *width > over + least ? *width - over : least;
}

/* What says least goes first. The state and the id stay as they are. */
static void fit(struct table *table)
{
    static const struct {
        enum column column;
        size_t least;
    } steps[] = {{CALL, 12}, {ERROR, 8}, {CALL, 6},  {TRIES, 0}, {ERROR, 5},
                 {CALL, 5},  {ERROR, 0}, {NEXT, 10}, {CALL, 0}};
    if (table->style.columns == 0) {
        return; /* no terminal */
    }
    table->gap = width_of(table) > table->style.columns ? GAP_NARROW : GAP;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        shrink(table, steps[i].column, steps[i].least);
    }
}

/* ---- lines ---- */

static void append_gap(const struct table *table, enum column column, size_t used,
                       struct strbuf *out)
{
    if (column != ID) {
        job_text_append_gap(out, used, table->widths[column] + table->gap);
    }
}

static void append_headings(const struct table *table, struct strbuf *out)
{
    struct strbuf line = STRBUF_INIT;
    for (enum column column = STATE; column < COLUMNS; column++) {
        size_t width = table->widths[column];
        if (width > 0) {
            size_t used = append_cut(str_from(headings[column]), width, &line);
            append_gap(table, column, used, &line);
        }
    }
    terminal_append_color(out, table->style.is_colored, COLOR_BOLD, strbuf_str(&line));
    strbuf_append_char(out, '\n');
    strbuf_finish(&line);
}

static void append_row(const struct table *table, const struct value *item, struct strbuf *out)
{
    struct strbuf cell = STRBUF_INIT;
    for (enum column column = STATE; column < COLUMNS; column++) {
        size_t used = 0;
        if (table->widths[column] == 0) {
            continue;
        }
        strbuf_clear(&cell);
        append_text(table, item, column, &cell);
        if (column == STATE) {
            job_text_append_state(job_text_get(item, "state"), table->style, out);
            used = terminal_width(strbuf_str(&cell));
        } else {
            used = append_cut(strbuf_str(&cell), table->widths[column], out);
        }
        append_gap(table, column, used, out);
    }
    strbuf_append_char(out, '\n');
    strbuf_finish(&cell);
}

void queue_table_append(const struct value *page, int64_t now_unix_ms, struct job_text_style style,
                        struct strbuf *out)
{
    struct str cursor = job_text_get(page, "next_cursor");
    struct table table = {.items = job_text_list(page, "items"),
                          .has_engine = job_text_is(page, "at_work"),
                          .now = now_unix_ms,
                          .style = style,
                          .gap = GAP};
    if (table.items == NULL || value_count(table.items) == 0) {
        return;
    }
    measure(&table);
    fit(&table);
    append_headings(&table, out);
    for (size_t i = 0; i < value_count(table.items); i++) {
        append_row(&table, value_at(table.items, i), out);
    }
    if (cursor.n > 0) {
        strbuf_append_text(out, "\nthere are more: --cursor ");
        terminal_append_safe(out, cursor);
        strbuf_append_char(out, '\n');
    }
}
