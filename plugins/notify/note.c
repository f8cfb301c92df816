/* SPDX-License-Identifier: Apache-2.0 */
#include "note.h"

#include <stdio.h>

#include "message/inline.h"

enum { MAX_COLUMNS = 10, MAX_CELL = 60 };

static const char *const severities[] = {"info", "warning", "error", "critical"};

static void write_summary(struct note *note)
{
    struct text plain = {0};
    struct text line = {0};
    struct text cut = {0};
    text_append_str(&plain, note->title);
    text_append_literal(&plain, note->text.n > 0 ? ": " : "");
    note_append_cut(&cut, note->text, NOTE_SUMMARY_BYTES);
    inline_append_plain(&plain, text_str(&cut));
    text_append_line(&line, text_str(&plain), NOTE_SUMMARY_BYTES - 4);
    (void)snprintf(note->summary, sizeof note->summary, "%.*s", (int)line.n,
                   line.p != NULL ? line.p : "");
    text_finish(&plain);
    text_finish(&line);
    text_finish(&cut);
}

void note_read(ops_task task, ops_val config, struct note *out)
{
    ops_val table = ops_get(config, "table");
    ops_str severity = ops_get_str(config, "severity", "info");
    ops_val dedupe = ops_get(config, "dedupe");
    ops_task_info info = {.size = (uint32_t)sizeof info};
    (void)ops.exec->info(ops.h, task, &info); /* of a task that runs: it cannot fail */
    *out = (struct note){
        .task = task,
        .title = ops_get_str(config, "title", NOTE_DIGEST_TITLE),
        .text = ops_get_str(config, "text", NULL),
        .fields = ops_get(config, "fields"),
        .table = table,
        .columns = table != 0 ? ops_get(table, "columns") : 0,
        .rows = table != 0 ? ops_get(table, "rows") : 0,
        .links = ops_get(config, "links"),
        .attachments = ops_get(config, "attachments"),
        .key = info.idempotency_key,
        .run_id = info.run_id,
        .workflow = info.workflow,
        .node = info.node,
        .attempt = info.attempt,
        .dedupe = ops_get_str(dedupe, "key", NULL),
        .dedupe_ms = text_read_duration_ms(ops_get_str(dedupe, "window", "1h")),
        .is_now = ops_get_bool(config, "now", 0),
        .is_repeatable = ops_equal(ops_get_str(config, "when_unknown", "fail"), "repeat")};
    for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++) {
        if (ops_equal(severity, severities[i])) {
            out->severity = (enum note_severity)i;
        }
    }
    write_summary(out);
}

const char *note_severity_name(enum note_severity severity)
{
    return severities[severity];
}

uint64_t note_link_count(const struct note *note)
{
    return ops.value->count(ops.h, note->links);
}

void note_link_at(const struct note *note, uint64_t i, ops_str *out_text, ops_str *out_url)
{
    ops_val link = 0;
    (void)ops.value->at(ops.h, note->links, i, &link);
    *out_text = ops_get_str(link, "text", NULL);
    *out_url = ops_get_str(link, "url", NULL);
}

/* ---- files ---- */

/* Copies into the task's memory. */
static ops_status keep(ops_task task, const struct text *text, ops_str *out)
{
    void *memory = NULL;
    if (text->failed) {
        return OPS_E_RESOURCE;
    }
    ops_status status = text->n > 0 ? ops.value->alloc(ops.h, task, text->n, &memory) : OPS_OK;
    if (status == OPS_OK && text->n > 0) {
        memcpy(memory, text->p, text->n);
    }
    *out = ops_slice(memory, status == OPS_OK ? text->n : 0);
    return status;
}

/* What is given as text is UTF-8, and says so. */
static ops_status read_type(ops_task task, ops_val attachment, int is_text, ops_str *out)
{
    ops_str type = ops_get_str(attachment, "content_type", "application/octet-stream");
    struct text all = {0};
    int has_charset = memchr(type.p, ';', (size_t)type.n) != NULL;
    text_append_str(&all, type);
    if (is_text && !has_charset && type.n > 5 && memcmp(type.p, "text/", 5) == 0) {
        text_append_literal(&all, "; charset=utf-8");
    }
    ops_status status = keep(task, &all, out);
    text_finish(&all);
    return status;
}

static int has_controls(ops_str s)
{
    for (uint64_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f) {
            return 1;
        }
    }
    return 0;
}

/* NULL, or what is wrong with it. */
static const char *read_file(ops_task task, ops_val attachment, struct note_file *out)
{
    ops_str base64 = ops_get_str(attachment, "content_base64", NULL);
    int is_text = ops_get(attachment, "content_base64") == 0;
    struct text bytes = {0};
    out->name = ops_get_str(attachment, "name", NULL);
    out->bytes = ops_get_str(attachment, "content", NULL);
    ops_status status = read_type(task, attachment, is_text, &out->type);
    int is_broken = !is_text && !text_append_unbase64(&bytes, base64);
    if (status == OPS_OK && !is_text) {
        status = keep(task, &bytes, &out->bytes);
    }
    text_finish(&bytes);
    return is_broken                                            ? "'content_base64' is no base64"
           : status != OPS_OK                                   ? "there is too little memory"
           : has_controls(out->name) || has_controls(out->type) ? "a line break or the like in its "
                                                                  "name or type"
                                                                : NULL;
}

int note_read_files(struct note *note, char fault[NOTE_FAULT_BYTES])
{
    uint64_t n = ops.value->count(ops.h, note->attachments);
    struct note_file *files = NULL;
    n = n < NOTE_FILES ? n : NOTE_FILES; /* as the schema has it */
    if (n == 0) {
        return 1;
    }
    files = ops_task_alloc(note->task, n * sizeof *files);
    for (uint64_t i = 0; files != NULL && i < n; i++) {
        ops_val one = 0;
        (void)ops.value->at(ops.h, note->attachments, i, &one);
        const char *why = read_file(note->task, one, &files[i]);
        if (why != NULL) {
            (void)snprintf(fault, NOTE_FAULT_BYTES, "attachment %llu: %s",
                           (unsigned long long)i + 1, why);
            return 0;
        }
    }
    note->files = files;
    note->n_files = files != NULL ? n : 0;
    return files != NULL; /* else the task has failed */
}

uint64_t note_field_count(const struct note *note)
{
    return ops.value->count(ops.h, note->fields);
}

ops_str note_cell(ops_val value)
{
    ops_str text = ops_text(NULL);
    uint32_t type = ops.value->type(ops.h, value);
    if (type == OPS_TYPE_STRING) {
        (void)ops.value->get_str(ops.h, value, &text);
    } else if (type != OPS_TYPE_NULL && type != OPS_TYPE_NONE) {
        (void)ops.value->to_json(ops.h, value, &text);
    }
    return text;
}

void note_field_at(const struct note *note, uint64_t i, ops_str *out_name, ops_str *out_value)
{
    ops_val value = 0;
    *out_name = ops_text(NULL);
    (void)ops.value->pair(ops.h, note->fields, i, out_name, &value);
    *out_value = note_cell(value);
}

/* ---- characters ---- */

static int is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The bytes of the first `max` characters. */
static size_t bytes_of(ops_str s, size_t max, size_t *out_count)
{
    size_t i = 0;
    size_t count = 0;
    while (i < s.n && (count < max || is_continuation(s.p[i]))) {
        count += !is_continuation(s.p[i]);
        i++;
    }
    *out_count = count;
    return i;
}

void note_append_cut(struct text *out, ops_str s, size_t max)
{
    size_t count = 0;
    size_t n = bytes_of(s, max, &count);
    text_append(out, s.p, n);
    if (n < s.n) {
        text_append_literal(out, "\xE2\x80\xA6");
    }
}

/* ---- the digest ---- */

ops_str note_take_line(ops_str *rest)
{
    const char *end = rest->n > 0 ? memchr(rest->p, '\n', (size_t)rest->n) : NULL;
    ops_str line = ops_slice(rest->p, end != NULL ? (uint64_t)(end - rest->p) : rest->n);
    uint64_t taken = line.n + (end != NULL);
    *rest = ops_slice(rest->p + taken, rest->n - taken);
    return line;
}

void note_append_digest(const struct note *note, struct text *out, size_t max)
{
    enum { MORE_BYTES = 32 };
    ops_str rest = note->digest;
    size_t start = out->n;
    unsigned long long left = 0;
    while (rest.n > 0) {
        ops_str line = note_take_line(&rest);
        if (left > 0 || out->n - start + line.n + MORE_BYTES > max) {
            left++;
            continue;
        }
        text_append_literal(out, out->n > start ? "\n" : "");
        text_append_str(out, line);
    }
    if (left > 0) {
        char more[MORE_BYTES];
        (void)snprintf(more, sizeof more, "\n... %llu more", left);
        text_append_literal(out, more);
    }
}

/* ---- the table ---- */

/* One cell: a line of at most MAX_CELL characters. */
static size_t append_cell(struct text *out, ops_str cell)
{
    size_t count = 0;
    size_t n = bytes_of(cell, MAX_CELL, &count);
    for (size_t i = 0; i < n; i++) {
        char c = (unsigned char)cell.p[i] < ' ' ? ' ' : cell.p[i];
        text_append(out, &c, 1);
    }
    return count;
}

static ops_str cell_at(ops_val row, uint64_t i)
{
    ops_val cell = 0;
    (void)ops.value->at(ops.h, row, i, &cell);
    return note_cell(cell);
}

static void widen(ops_val row, uint64_t columns, size_t widths[MAX_COLUMNS])
{
    for (uint64_t i = 0; i < columns; i++) {
        size_t count = 0;
        (void)bytes_of(cell_at(row, i), MAX_CELL, &count);
        widths[i] = count > widths[i] ? count : widths[i];
    }
}

static void append_row(struct text *out, ops_val row, uint64_t columns, const size_t *widths)
{
    for (uint64_t i = 0; i < columns; i++) {
        size_t count = append_cell(out, cell_at(row, i));
        for (; i + 1 < columns && count < widths[i] + 2; count++) {
            text_append_literal(out, " ");
        }
    }
    text_append_literal(out, "\n");
}

void note_append_table(const struct note *note, struct text *out, size_t max)
{
    uint64_t columns = ops.value->count(ops.h, note->columns);
    uint64_t rows = ops.value->count(ops.h, note->rows);
    size_t widths[MAX_COLUMNS] = {0};
    size_t start = out->n;
    if (columns == 0 || columns > MAX_COLUMNS) {
        return;
    }
    widen(note->columns, columns, widths);
    for (uint64_t i = 0; i < rows; i++) {
        ops_val row = 0;
        (void)ops.value->at(ops.h, note->rows, i, &row);
        widen(row, columns, widths);
    }
    append_row(out, note->columns, columns, widths);
    for (uint64_t i = 0; i < rows && !out->failed; i++) {
        ops_val row = 0;
        char more[48];
        size_t before = out->n;
        (void)ops.value->at(ops.h, note->rows, i, &row);
        append_row(out, row, columns, widths);
        if (out->n - start + sizeof more > max) {
            out->n = before;
            (void)snprintf(more, sizeof more, "... %llu more rows\n",
                           (unsigned long long)(rows - i));
            text_append_literal(out, more);
            return;
        }
    }
}
