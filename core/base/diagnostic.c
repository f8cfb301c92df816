/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/diagnostic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/escape.h"
#include "core/base/grow.h"
#include "core/base/utf8.h"

/* How much of a long line is shown before and after the place, in characters. */
enum { SHOWN_BEFORE = 60, SHOWN_AFTER = 60 };

void diagnostics_finish(struct diagnostics *list)
{
    if (list == NULL) {
        return;
    }
    free(list->items);
    arena_finish(&list->arena);
    *list = DIAGNOSTICS_INIT;
}

/* The formatted text in the list's arena, or NULL when out of memory. */
static const char *format_in_arena(struct diagnostics *list, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int wanted = vsnprintf(NULL, 0, format, args);
    char *text = wanted < 0 ? NULL : arena_alloc(&list->arena, (size_t)wanted + 1);
    if (text == NULL) {
        list->failed = true;
    } else {
        (void)vsnprintf(text, (size_t)wanted + 1, format, again); /* measured just above */
    }
    va_end(again);
    return text;
}

/* Most diagnostics name the file of the one before: the copy is shared then. */
static const char *keep_file(struct diagnostics *list, const char *file)
{
    if (file == NULL) {
        return NULL;
    }
    const char *last = list->count > 0 ? list->items[list->count - 1].place.file : NULL;
    if (last != NULL && strcmp(last, file) == 0) {
        return last;
    }
    const char *copy = arena_dup(&list->arena, str_from(file));
    if (copy == NULL) {
        list->failed = true;
    }
    return copy;
}

void diagnostics_add(struct diagnostics *list, enum diagnostic_severity severity,
                     struct diagnostic_place place, const char *format, ...)
{
    if (severity == DIAGNOSTIC_ERROR) {
        list->error_count++;
    } else {
        list->warning_count++;
    }
    list->is_last_kept = false;
    if (list->count >= DIAGNOSTICS_KEPT) {
        return;
    }
    struct diagnostic *items =
        array_reserve(list->items, &list->cap, list->count + 1, sizeof(*items));
    if (items == NULL) {
        list->failed = true;
        return;
    }
    list->items = items;
    va_list args;
    va_start(args, format);
    const char *message = format_in_arena(list, format, args);
    va_end(args);
    place.file = keep_file(list, place.file);
    if (message == NULL) {
        return;
    }
    items[list->count] = (struct diagnostic){
        .severity = severity, .place = place, .message = message, .order = list->count};
    list->count++;
    list->is_last_kept = true;
}

void diagnostics_hint(struct diagnostics *list, const char *format, ...)
{
    if (!list->is_last_kept) {
        return;
    }
    va_list args;
    va_start(args, format);
    list->items[list->count - 1].hint = format_in_arena(list, format, args);
    va_end(args);
}

void diagnostics_add_error(struct diagnostics *list, const struct error *err)
{
    struct diagnostic_place place = {err->file[0] != '\0' ? err->file : NULL, err->line,
                                     err->column};
    diagnostics_add(list, DIAGNOSTIC_ERROR, place, "%s", err->message);
}

int diagnostics_status(const struct diagnostics *list)
{
    return list->failed ? E_NOMEM : 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

static int compare_places(const void *left, const void *right)
{
    const struct diagnostic *a = left;
    const struct diagnostic *b = right;
    int order = str_compare(str_from(a->place.file), str_from(b->place.file));
    if (order == 0) {
        order = compare_numbers(a->place.line, b->place.line);
    }
    if (order == 0) {
        order = compare_numbers(a->place.column, b->place.column);
    }
    return order != 0 ? order : compare_numbers(a->order, b->order);
}

void diagnostics_sort(struct diagnostics *list)
{
    if (list->count > 1) {
        qsort(list->items, list->count, sizeof(*list->items), compare_places);
        list->is_last_kept = false; /* the last added need not be the last now */
    }
}

static bool is_said(const struct diagnostics *list, size_t count, const struct diagnostic *item)
{
    for (size_t i = count; i > 0; i--) {
        const struct diagnostic *other = &list->items[i - 1];
        if (other->place.line != item->place.line || other->place.column != item->place.column ||
            !str_equal(str_from(other->place.file), str_from(item->place.file))) {
            return false;
        }
        if (other->severity == item->severity &&
            str_equal_text(str_from(other->message), item->message)) {
            return true;
        }
    }
    return false;
}

void diagnostics_merge_equal(struct diagnostics *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!is_said(list, count, &list->items[i])) {
            list->items[count++] = list->items[i];
        } else if (list->items[i].severity == DIAGNOSTIC_ERROR) {
            list->error_count--;
        } else {
            list->warning_count--;
        }
    }
    list->count = count;
}

/* Line `number` of `text` without its end; false when there is none. */
static bool find_line(struct str text, uint32_t number, struct str *out_line)
{
    const char *p = text.p;
    const char *end = text.p + text.n;
    for (uint32_t at = 1; p != NULL && p < end; at++) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline != NULL ? newline : end;
        if (at == number) {
            size_t n = (size_t)(stop - p);
            *out_line = str_make(p, n > 0 && p[n - 1] == '\r' ? n - 1 : n);
            return true;
        }
        p = newline != NULL ? newline + 1 : NULL;
    }
    return false;
}

/* One character of a source line; bytes that are not UTF-8 count one each. */
struct source_char {
    uint32_t code;
    size_t length;
};

static struct source_char next_char(struct str line, size_t at)
{
    struct source_char c = {0};
    c.length = utf8_decode(line.p + at, line.n - at, &c.code);
    if (c.length == 0) {
        c = (struct source_char){0xFFFDu, 1};
    } else if (c.code != '\t' && escape_is_harmful(c.code)) {
        c.code = 0xFFFDu;
    }
    return c;
}

static void append_char(struct strbuf *out, uint32_t code)
{
    char bytes[4];
    strbuf_append(out, bytes, utf8_encode(code, bytes));
}

/* A tab stays a tab in the caret's line, so that both lines agree at any tab width. */
static void append_blank(struct strbuf *out, uint32_t code)
{
    if (code == '\t') {
        strbuf_append_char(out, '\t');
        return;
    }
    for (unsigned cell = utf8_width(code); cell > 0; cell--) {
        strbuf_append_char(out, ' ');
    }
}

static void append_indent(struct strbuf *out, unsigned indent)
{
    strbuf_append_format(out, "%*s", (int)indent, "");
}

void diagnostic_print_caret(struct str text, uint32_t line, uint32_t column, unsigned indent,
                            struct strbuf *out)
{
    struct str source;
    if (column == 0 || !find_line(text, line, &source)) {
        return;
    }
    struct strbuf caret = STRBUF_INIT;
    append_indent(out, indent);
    append_indent(&caret, indent);
    uint32_t first = column > SHOWN_BEFORE ? column - SHOWN_BEFORE : 1;
    if (first > 1) {
        strbuf_append_text(out, "...");
        strbuf_append_text(&caret, "   ");
    }
    uint32_t at = 1;
    size_t begin = 0;
    for (; at < first && begin < source.n; at++) {
        signed char byte = (signed char)source.p[begin];
        begin += byte >= 0 ? 1 : next_char(source, begin).length; /* lines may have megabytes */
    }
    for (size_t i = begin; i < source.n; at++) {
        struct source_char c = next_char(source, i);
        if (at >= column + SHOWN_AFTER) {
            strbuf_append_text(out, "...");
            break;
        }
        append_char(out, c.code);
        if (at < column) {
            append_blank(&caret, c.code);
        }
        i += c.length;
    }
    strbuf_append_char(out, '\n');
    strbuf_append_str(out, strbuf_str(&caret));
    strbuf_append_text(out, "^\n");
    out->failed = out->failed || caret.failed;
    strbuf_finish(&caret);
}

static void append_place(const struct diagnostic_place *place, struct strbuf *out)
{
    if (place->file == NULL) {
        return;
    }
    escape_append_text(out, str_from(place->file));
    if (place->line > 0) {
        strbuf_append_format(out, ":%u", (unsigned)place->line);
    }
    if (place->line > 0 && place->column > 0) {
        strbuf_append_format(out, ":%u", (unsigned)place->column);
    }
    strbuf_append_text(out, ": ");
}

static void append_severity(enum diagnostic_severity severity, unsigned flags, struct strbuf *out)
{
    const char *name = severity == DIAGNOSTIC_ERROR ? "error" : "warning";
    const char *color = severity == DIAGNOSTIC_ERROR ? "31" : "33";
    if ((flags & DIAGNOSTIC_COLOR) != 0) {
        strbuf_append_format(out, "\033[1;%sm%s:\033[0m ", color, name);
    } else {
        strbuf_append_format(out, "%s: ", name);
    }
}

void diagnostics_print(const struct diagnostics *list, diagnostic_source_cb source, void *user,
                       unsigned flags, struct strbuf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct diagnostic *item = &list->items[i];
        append_place(&item->place, out);
        append_severity(item->severity, flags, out);
        escape_append_text(out, str_from(item->message));
        strbuf_append_char(out, '\n');
        if (source != NULL && item->place.file != NULL && item->place.line > 0) {
            struct str text = source(item->place.file, user);
            diagnostic_print_caret(text, item->place.line, item->place.column, 4, out);
        }
        if (item->hint != NULL) {
            strbuf_append_text(out, "  ");
            escape_append_text(out, str_from(item->hint));
            strbuf_append_char(out, '\n');
        }
    }
    size_t all = list->error_count + list->warning_count;
    if (all > list->count) {
        strbuf_append_format(out, "and %zu more\n", all - list->count);
    }
}
