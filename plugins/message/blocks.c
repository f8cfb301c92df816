/* SPDX-License-Identifier: Apache-2.0 */
#include "message/blocks.h"

#include <string.h>

#include "opstream/sdk.h"

#include "message/element.h"
#include "message/inline.h"
#include "message/piece.h"
#include "message/table.h"

#define FENCE "```"

/* Beside what a piece of code needs for itself. */
enum { CODE_UNITS = BLOCKS_SECTION_UNITS - 8 };

void blocks_finish(struct blocks *blocks)
{
    text_finish(&blocks->json);
    text_finish(&blocks->section);
}

/* ---- Blocks ---- */

/* 1: there is room for one more, with the last place kept for what says that something is missing.
 */
static int begin_block(struct blocks *blocks)
{
    if (blocks->is_cut || blocks->count + 1 >= blocks->most) {
        blocks->is_cut = 1;
        return 0;
    }
    text_append_literal(&blocks->json, blocks->count > 0 ? "," : "");
    blocks->count++;
    return 1;
}

static void add_text_block(struct blocks *blocks, const char *before, ops_str text,
                           const char *after)
{
    if (begin_block(blocks)) {
        text_append_literal(&blocks->json, before);
        piece_append_json(&blocks->json, text);
        text_append_literal(&blocks->json, after);
    }
}

static void end_section(struct blocks *blocks)
{
    if (blocks->section.n > 0) {
        add_text_block(blocks, "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":",
                       text_str(&blocks->section), "}}");
        blocks->section.n = 0;
    }
}

void blocks_add_divider(struct blocks *blocks)
{
    end_section(blocks);
    if (begin_block(blocks)) {
        text_append_literal(&blocks->json, "{\"type\":\"divider\"}");
    }
}

void blocks_add_header(struct blocks *blocks, ops_str text)
{
    struct text shown = {NULL, 0, 0, 0};
    struct text line = {NULL, 0, 0, 0};
    end_section(blocks);
    text_append_line(&line, text, (size_t)text.n);
    piece_append_short(&shown, text_str(&line), BLOCKS_HEADER_UNITS);
    if (shown.n > 0) {
        add_text_block(blocks, "{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":",
                       text_str(&shown), ",\"emoji\":true}}");
    }
    blocks->json.failed = blocks->json.failed || shown.failed || line.failed;
    text_finish(&shown);
    text_finish(&line);
}

void blocks_add_context(struct blocks *blocks, ops_str mrkdwn)
{
    static const char before[] =
        "{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":";
    end_section(blocks);
    while (mrkdwn.n > 0) {
        size_t n = piece_units(mrkdwn) > BLOCKS_CONTEXT_UNITS
                       ? piece_cut(mrkdwn, BLOCKS_CONTEXT_UNITS)
                       : (size_t)mrkdwn.n;
        add_text_block(blocks, before, ops_slice(mrkdwn.p, n), "}]}");
        mrkdwn = ops_slice(mrkdwn.p + n, mrkdwn.n - n);
    }
}

void blocks_add_image(struct blocks *blocks, ops_str url, ops_str alt)
{
    struct text shown = {NULL, 0, 0, 0};
    int is_web = (url.n > 7 && memcmp(url.p, "http://", 7) == 0) ||
                 (url.n > 8 && memcmp(url.p, "https://", 8) == 0);
    inline_append_plain(&shown, alt.n > 0 ? alt : ops_text("image"));
    if (!is_web || piece_units(url) > BLOCKS_URL_UNITS) {
        blocks_add_mrkdwn(blocks, text_str(&shown));
    } else {
        end_section(blocks);
        add_text_block(blocks, "{\"type\":\"image\",\"image_url\":", url, ",\"alt_text\":");
        if (!blocks->is_cut) {
            struct text cut = {NULL, 0, 0, 0};
            piece_append_short(&cut, text_str(&shown), BLOCKS_ALT_UNITS);
            piece_append_json(&blocks->json, text_str(&cut));
            text_append_literal(&blocks->json, "}");
            blocks->json.failed = blocks->json.failed || cut.failed;
            text_finish(&cut);
        }
    }
    blocks->json.failed = blocks->json.failed || shown.failed;
    text_finish(&shown);
}

void blocks_add_json(struct blocks *blocks, ops_str json)
{
    end_section(blocks);
    if (begin_block(blocks)) {
        text_append_str(&blocks->json, json);
    }
}

/* ---- Sections ---- */

/* Adds to the section in hand, or to a new one; it is no longer than one. */
static void add_piece(struct blocks *blocks, ops_str mrkdwn, const char *separator)
{
    size_t units = piece_units(text_str(&blocks->section));
    if (units > 0 && units + 2 + piece_units(mrkdwn) > BLOCKS_SECTION_UNITS) {
        end_section(blocks);
    }
    text_append_literal(&blocks->section, blocks->section.n > 0 ? separator : "");
    text_append_str(&blocks->section, mrkdwn);
    blocks->json.failed = blocks->json.failed || blocks->section.failed;
}

static void add_mrkdwn(struct blocks *blocks, ops_str mrkdwn, const char *separator)
{
    while (piece_units(mrkdwn) > BLOCKS_SECTION_UNITS && !blocks->is_cut) {
        size_t n = piece_cut(mrkdwn, BLOCKS_SECTION_UNITS);
        add_piece(blocks, element_trim(ops_slice(mrkdwn.p, n)), separator);
        mrkdwn = element_trim(ops_slice(mrkdwn.p + n, mrkdwn.n - n));
    }
    if (mrkdwn.n > 0) {
        add_piece(blocks, mrkdwn, separator);
    }
}

void blocks_add_mrkdwn(struct blocks *blocks, ops_str mrkdwn)
{
    add_mrkdwn(blocks, mrkdwn, "\n\n");
}

/* Slack ends code at the next fence: one inside is broken up by a space that is not seen. */
static void append_code(struct text *out, ops_str code)
{
    for (uint64_t i = 0; i < code.n; i++) {
        int is_fence = code.n - i >= 3 && memcmp(code.p + i, FENCE, 3) == 0;
        inline_append_escaped(out, ops_slice(code.p + i, 1));
        text_append_literal(out, is_fence ? "\xE2\x80\x8B" : "");
    }
}

void blocks_add_code(struct blocks *blocks, ops_str code)
{
    struct text escaped = {NULL, 0, 0, 0};
    append_code(&escaped, code);
    ops_str rest = text_str(&escaped);
    while (rest.n > 0 && !blocks->is_cut) {
        struct text piece = {NULL, 0, 0, 0};
        size_t n = piece_units(rest) > CODE_UNITS ? piece_cut(rest, CODE_UNITS) : (size_t)rest.n;
        int has_end = rest.p[n - 1] == '\n';
        text_append_literal(&piece, FENCE "\n");
        text_append(&piece, rest.p, n - (size_t)has_end);
        text_append_literal(&piece, "\n" FENCE);
        add_piece(blocks, text_str(&piece), "\n\n");
        blocks->json.failed = blocks->json.failed || piece.failed;
        text_finish(&piece);
        rest = ops_slice(rest.p + n, rest.n - n);
    }
    blocks->json.failed = blocks->json.failed || escaped.failed;
    text_finish(&escaped);
}

/* ---- Markdown ---- */

static void add_paragraph(struct blocks *blocks, ops_str markdown)
{
    struct text mrkdwn = {NULL, 0, 0, 0};
    inline_append_mrkdwn(&mrkdwn, markdown);
    blocks_add_mrkdwn(blocks, text_str(&mrkdwn));
    blocks->json.failed = blocks->json.failed || mrkdwn.failed;
    text_finish(&mrkdwn);
}

static void add_heading(struct blocks *blocks, const struct element *element)
{
    struct text plain = {NULL, 0, 0, 0};
    inline_append_plain(&plain, element->text);
    if (element->level <= 2) {
        blocks_add_header(blocks, text_str(&plain));
    } else if (plain.n > 0) {
        struct text bold = {NULL, 0, 0, 0};
        text_append_literal(&bold, "*");
        inline_append_escaped(&bold, text_str(&plain));
        text_append_literal(&bold, "*");
        add_mrkdwn(blocks, text_str(&bold), "\n\n");
        blocks->json.failed = blocks->json.failed || bold.failed;
        text_finish(&bold);
    }
    blocks->json.failed = blocks->json.failed || plain.failed;
    text_finish(&plain);
}

static void add_item(struct blocks *blocks, const struct element *element, int is_first)
{
    struct text line = {NULL, 0, 0, 0};
    for (uint32_t i = 0; i < element->level; i++) {
        text_append_literal(&line, "    ");
    }
    if (element->box != ELEMENT_NO_BOX) {
        text_append_literal(&line,
                            element->box == ELEMENT_BOX_DONE ? "\xE2\x98\x91" : "\xE2\x98\x90");
    } else if (element->number.n > 0) {
        text_append_str(&line, element->number);
        text_append_literal(&line, ".");
    } else {
        text_append_literal(&line, element->level % 2 == 0 ? "\xE2\x80\xA2" : "\xE2\x97\xA6");
    }
    text_append_literal(&line, " ");
    inline_append_mrkdwn(&line, element->text);
    add_mrkdwn(blocks, text_str(&line), is_first ? "\n\n" : "\n");
    blocks->json.failed = blocks->json.failed || line.failed;
    text_finish(&line);
}

static void add_quote(struct blocks *blocks, ops_str text)
{
    struct text mrkdwn = {NULL, 0, 0, 0};
    while (text.n > 0) {
        ops_str line = element_trim(element_take_line(&text));
        while (line.n > 0 && line.p[0] == '>') { /* Slack has no quotes in quotes */
            line = element_trim(ops_slice(line.p + 1, line.n - 1));
        }
        text_append_literal(&mrkdwn, mrkdwn.n > 0 ? "\n> " : "> ");
        inline_append_mrkdwn(&mrkdwn, line);
    }
    add_mrkdwn(blocks, text_str(&mrkdwn), "\n\n");
    blocks->json.failed = blocks->json.failed || mrkdwn.failed;
    text_finish(&mrkdwn);
}

static void add_code(struct blocks *blocks, const struct element *element)
{
    struct text code = {NULL, 0, 0, 0};
    ops_str rest = element->text;
    while (rest.n > 0) {
        ops_str line = element_take_line(&rest);
        for (uint32_t i = 0; i < element->indent && line.n > 0 && line.p[0] == ' '; i++) {
            line = ops_slice(line.p + 1, line.n - 1);
        }
        if (element->indent > 0 && line.n > 0 && line.p[0] == '\t') {
            line = ops_slice(line.p + 1, line.n - 1);
        }
        text_append_str(&code, line);
        text_append_literal(&code, rest.n > 0 ? "\n" : "");
    }
    blocks_add_code(blocks, text_str(&code));
    blocks->json.failed = blocks->json.failed || code.failed;
    text_finish(&code);
}

static void add_table(struct blocks *blocks, ops_str table)
{
    struct text lines = {NULL, 0, 0, 0};
    if (table_append_columns(&lines, table)) {
        blocks_add_code(blocks, text_str(&lines));
    } else {
        table_append_items(&lines, table);
        blocks_add_mrkdwn(blocks, text_str(&lines));
    }
    blocks->json.failed = blocks->json.failed || lines.failed;
    text_finish(&lines);
}

static void add_element(struct blocks *blocks, const struct element *element, int is_first_item)
{
    switch (element->kind) {
    case ELEMENT_HEADING:
        add_heading(blocks, element);
        break;
    case ELEMENT_TEXT:
        add_paragraph(blocks, element->text);
        break;
    case ELEMENT_ITEM:
        add_item(blocks, element, is_first_item);
        break;
    case ELEMENT_CODE:
        add_code(blocks, element);
        break;
    case ELEMENT_QUOTE:
        add_quote(blocks, element->text);
        break;
    case ELEMENT_TABLE:
        add_table(blocks, element->text);
        break;
    case ELEMENT_IMAGE:
        blocks_add_image(blocks, element->url, element->text);
        break;
    case ELEMENT_RULE:
        blocks_add_divider(blocks);
        break;
    case ELEMENT_END:
        break;
    }
}

void blocks_add_markdown(struct blocks *blocks, ops_str markdown)
{
    struct element_reader reader = {.rest = markdown};
    enum element_kind before = ELEMENT_END;
    while (!blocks->is_cut && !blocks->json.failed) {
        struct element element = element_next(&reader);
        if (element.kind == ELEMENT_END) {
            return;
        }
        add_element(blocks, &element, before != ELEMENT_ITEM);
        before = element.kind;
    }
}

ops_str blocks_end(struct blocks *blocks)
{
    struct text json = {NULL, 0, 0, 0};
    end_section(blocks);
    if (blocks->is_cut) { /* its place was kept */
        text_append_literal(&blocks->json,
                            ",{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":"
                            "\"_The rest of this message was left out: it is too long._\"}]}");
        blocks->count++;
    }
    text_append_literal(&json, "[");
    text_append_str(&json, text_str(&blocks->json));
    text_append_literal(&json, "]");
    json.failed = json.failed || blocks->json.failed || blocks->section.failed;
    text_finish(&blocks->json);
    blocks->json = json;
    return json.failed ? ops_text("") : text_str(&blocks->json);
}
