/* SPDX-License-Identifier: Apache-2.0 */

/* Microsoft Teams: an Adaptive Card, posted to a workflow's webhook. */

#include "build.h"
#include "target.h"

enum { BODY_BYTES = 28000, CELL_MAX = 100, VALUE_MAX = 400 };

/* How much of a message is shown: less, until it fits into BODY_BYTES. */
struct size {
    size_t text; /* characters */
    uint64_t rows;
};

static void add_block(struct build_list *body, const struct note *note, struct text *text,
                      const char *colour, int is_title)
{
    struct ops_map block = ops_map_begin(note->task);
    ops_map_text(&block, "type", "TextBlock");
    build_text(&block, "text", text);
    ops_map_bool(&block, "wrap", 1);
    if (is_title) {
        ops_map_text(&block, "size", "Large");
        ops_map_text(&block, "weight", "Bolder");
        ops_map_text(&block, "color", colour);
    }
    build_list_map(body, &block);
}

static void add_title(struct build_list *body, const struct note *note)
{
    static const char *const colours[] = {"Accent", "Warning", "Attention", "Attention"};
    static const char *const words[] = {"", "Warning: ", "Error: ", "Critical: "};
    struct text title = {0};
    text_append_literal(&title, words[note->severity]);
    text_append_str(&title, note->title);
    add_block(body, note, &title, colours[note->severity], 1);
}

/* A text block knows bold, italic, lists and links; a heading is made a bold line. */
static void append_markdown(struct text *out, ops_str s)
{
    size_t at = 0;
    while (at < s.n) {
        const char *end = memchr(s.p + at, '\n', (size_t)s.n - at);
        size_t n = end != NULL ? (size_t)(end - s.p) - at : (size_t)s.n - at;
        const char *line = s.p + at;
        size_t marks = 0;
        while (marks < n && line[marks] == '#') {
            marks++;
        }
        int is_heading = marks > 0 && marks <= 6 && marks < n && line[marks] == ' ';
        text_append_literal(out, is_heading ? "**" : "");
        text_append(out, is_heading ? line + marks + 1 : line, is_heading ? n - marks - 1 : n);
        text_append_literal(out, is_heading ? "**" : "");
        text_append_literal(out, end != NULL ? "\n" : "");
        at += n + (end != NULL);
    }
}

static void add_facts(struct build_list *body, const struct note *note)
{
    struct ops_map set = ops_map_begin(note->task);
    struct build_list facts = build_list_begin(note->task);
    uint64_t n = note_field_count(note);
    for (uint64_t i = 0; i < n; i++) {
        struct ops_map fact = ops_map_begin(note->task);
        struct text text = {0};
        ops_str name;
        ops_str value;
        note_field_at(note, i, &name, &value);
        note_append_cut(&text, value, VALUE_MAX);
        ops_map_str(&fact, "title", name);
        build_text(&fact, "value", &text);
        build_list_map(&facts, &fact);
    }
    if (n > 0) {
        ops_map_text(&set, "type", "FactSet");
        build_list_end(&facts, &set, "facts");
        build_list_map(body, &set);
    }
}

static void add_cell(struct build_list *cells, const struct note *note, ops_str text, int is_bold)
{
    struct ops_map cell = ops_map_begin(note->task);
    struct ops_map block = ops_map_begin(note->task);
    struct build_list items = build_list_begin(note->task);
    struct text cut = {0};
    note_append_cut(&cut, text, CELL_MAX);
    ops_map_text(&block, "type", "TextBlock");
    build_text(&block, "text", &cut);
    ops_map_bool(&block, "wrap", 1);
    if (is_bold) {
        ops_map_text(&block, "weight", "Bolder");
    }
    build_list_map(&items, &block);
    ops_map_text(&cell, "type", "TableCell");
    build_list_end(&items, &cell, "items");
    build_list_map(cells, &cell);
}

static void add_row(struct build_list *rows, const struct note *note, ops_val row, int is_head)
{
    struct ops_map made = ops_map_begin(note->task);
    struct build_list cells = build_list_begin(note->task);
    uint64_t n = ops.value->count(ops.h, note->columns);
    for (uint64_t i = 0; i < n; i++) {
        ops_val cell = 0;
        (void)ops.value->at(ops.h, row, i, &cell);
        add_cell(&cells, note, note_cell(cell), is_head);
    }
    ops_map_text(&made, "type", "TableRow");
    build_list_end(&cells, &made, "cells");
    build_list_map(rows, &made);
}

static void add_table(struct build_list *body, const struct note *note, uint64_t most)
{
    struct ops_map table = ops_map_begin(note->task);
    struct build_list columns = build_list_begin(note->task);
    struct build_list rows = build_list_begin(note->task);
    uint64_t n = ops.value->count(ops.h, note->rows);
    if (note->columns == 0) {
        return;
    }
    for (uint64_t i = 0; i < ops.value->count(ops.h, note->columns); i++) {
        struct ops_map column = ops_map_begin(note->task);
        ops_map_i64(&column, "width", 1);
        build_list_map(&columns, &column);
    }
    add_row(&rows, note, note->columns, 1);
    for (uint64_t i = 0; i < n && i < most; i++) {
        ops_val row = 0;
        (void)ops.value->at(ops.h, note->rows, i, &row);
        add_row(&rows, note, row, 0);
    }
    ops_map_text(&table, "type", "Table");
    build_list_end(&columns, &table, "columns");
    build_list_end(&rows, &table, "rows");
    build_list_map(body, &table);
    if (n > most) {
        struct text more = {0};
        char line[48];
        (void)snprintf(line, sizeof line, "%llu more rows", (unsigned long long)(n - most));
        text_append_literal(&more, line);
        add_block(body, note, &more, NULL, 0);
    }
}

/* A block for each: a line break means little in a block. */
static void add_digest(struct build_list *body, const struct note *note, size_t bytes)
{
    struct text heading = {0};
    struct text lines = {0};
    if (note->digest.n == 0) {
        return;
    }
    text_append_literal(&heading, "**" NOTE_DIGEST_TITLE "**");
    add_block(body, note, &heading, NULL, 0);
    note_append_digest(note, &lines, bytes);
    ops_str rest = text_str(&lines);
    while (rest.n > 0) {
        struct text line = {0};
        text_append_str(&line, note_take_line(&rest));
        line.failed = line.failed || lines.failed;
        add_block(body, note, &line, NULL, 0);
    }
    text_finish(&lines);
}

static void add_actions(struct ops_map *card, const struct note *note)
{
    struct build_list actions = build_list_begin(note->task);
    uint64_t n = note_link_count(note);
    for (uint64_t i = 0; i < n; i++) {
        struct ops_map action = ops_map_begin(note->task);
        ops_str text;
        ops_str url;
        note_link_at(note, i, &text, &url);
        ops_map_text(&action, "type", "Action.OpenUrl");
        ops_map_str(&action, "title", text);
        ops_map_str(&action, "url", url);
        build_list_map(&actions, &action);
    }
    if (n > 0) {
        build_list_end(&actions, card, "actions");
    }
}

static struct ops_map make_card(const struct note *note, struct size size)
{
    struct ops_map card = ops_map_begin(note->task);
    struct ops_map teams = ops_map_begin(note->task);
    struct build_list body = build_list_begin(note->task);
    ops_map_text(&card, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    ops_map_text(&card, "type", "AdaptiveCard");
    ops_map_text(&card, "version", "1.5");
    ops_map_text(&teams, "width", "Full");
    build_map_end(&teams, &card, "msteams");
    add_title(&body, note);
    if (note->text.n > 0) {
        struct text cut = {0};
        struct text text = {0};
        note_append_cut(&cut, note->text, size.text);
        append_markdown(&text, text_str(&cut));
        text.failed = text.failed || cut.failed;
        text_finish(&cut);
        add_block(&body, note, &text, NULL, 0);
    }
    add_facts(&body, note);
    add_table(&body, note, size.rows);
    add_digest(&body, note, size.text / 8);
    build_list_end(&body, &card, "body");
    add_actions(&card, note);
    return card;
}

static ops_status make_body(const struct note *note, struct size size, ops_str *out)
{
    struct ops_map body = ops_map_begin(note->task);
    struct ops_map attachment = ops_map_begin(note->task);
    struct build_list attachments = build_list_begin(note->task);
    struct ops_map card = make_card(note, size);
    ops_map_text(&attachment, "contentType", "application/vnd.microsoft.card.adaptive");
    ops_map_null(&attachment, "contentUrl");
    build_map_end(&card, &attachment, "content");
    build_list_map(&attachments, &attachment);
    ops_map_text(&body, "type", "message");
    build_list_end(&attachments, &body, "attachments");
    return build_json(&body, out);
}

static ops_status build(const struct note *note, ops_val settings, struct channel_request *out)
{
    struct size size = {.text = 16000, .rows = 100};
    ops_status status = make_body(note, size, &out->body);
    while (status == OPS_OK && out->body.n > BODY_BYTES && size.text > 100) {
        size.text /= 2;
        size.rows /= 2;
        status = make_body(note, size, &out->body);
    }
    out->url = ops_get(settings, "webhook_url");
    return status;
}

/* Files of a chat are files of SharePoint, which a webhook does not reach. */
static const char *refuse(const struct note *note, ops_val settings)
{
    (void)settings;
    return note->n_files > 0
               ? "is of Teams, where a webhook takes no files: leave 'attachments' out, "
                 "or send them to other targets in a message of their own"
               : NULL;
}

const struct channel channel_teams = {
    .name = "teams",
    .word = "Teams",
    .is_blind = 1,
    .refuse = refuse,
    .build = build,
    .judge = channel_judge_page,
    .gone_hint = "the workflow was deleted or turned off, or its URL is not whole: look at it in "
                 "the app Workflows",
};
