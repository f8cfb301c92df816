/* SPDX-License-Identifier: Apache-2.0 */

/* Slack: Block Kit, and what is sent to an incoming webhook; slack_api.c is for the Web API. */

#include <stdio.h>

#include "build.h"
#include "message/blocks.h"
#include "message/inline.h"
#include "message/piece.h"
#include "slack.h"
#include "target.h"

enum { FIELDS_A_SECTION = 10, FIELD_UNITS = 1900, BUTTON_UNITS = 75, TABLE_BYTES = 2900 };
enum { DIGEST_BLOCKS = 14, DIGEST_BYTES = 20000 };

/* ---- the blocks ---- */

static void append_field(struct text *out, const struct note *note, uint64_t i)
{
    struct text shown = {0};
    struct text cut = {0};
    ops_str name;
    ops_str value;
    note_field_at(note, i, &name, &value);
    piece_append_short(&cut, value, FIELD_UNITS / 5); /* an escape is five characters at most */
    text_append_literal(&shown, "*");
    inline_append_escaped(&shown, name);
    text_append_literal(&shown, "*\n");
    inline_append_escaped(&shown, cut.n > 0 ? text_str(&cut) : ops_text("-"));
    text_append_literal(out, "{\"type\":\"mrkdwn\",\"text\":");
    piece_append_json(out, text_str(&shown));
    text_append_literal(out, "}");
    out->failed = out->failed || shown.failed || cut.failed;
    text_finish(&shown);
    text_finish(&cut);
}

static void add_fields(struct blocks *blocks, const struct note *note)
{
    uint64_t n = note_field_count(note);
    for (uint64_t i = 0; i < n; i += FIELDS_A_SECTION) {
        struct text section = {0};
        text_append_literal(&section, "{\"type\":\"section\",\"fields\":[");
        for (uint64_t k = i; k < n && k < i + FIELDS_A_SECTION; k++) {
            text_append_literal(&section, k > i ? "," : "");
            append_field(&section, note, k);
        }
        text_append_literal(&section, "]}");
        blocks->json.failed = blocks->json.failed || section.failed;
        blocks_add_json(blocks, text_str(&section));
        text_finish(&section);
    }
}

static void add_buttons(struct blocks *blocks, const struct note *note)
{
    struct text actions = {0};
    uint64_t n = note_link_count(note);
    text_append_literal(&actions, "{\"type\":\"actions\",\"elements\":[");
    for (uint64_t i = 0; i < n; i++) {
        struct text label = {0};
        ops_str text;
        ops_str url;
        char id[32];
        note_link_at(note, i, &text, &url);
        piece_append_short(&label, text, BUTTON_UNITS);
        (void)snprintf(id, sizeof id, "link_%llu", (unsigned long long)i);
        text_append_literal(&actions, i > 0 ? "," : "");
        text_append_literal(&actions, "{\"type\":\"button\",\"action_id\":\"");
        text_append_literal(&actions, id);
        text_append_literal(&actions, "\",\"text\":{\"type\":\"plain_text\",\"text\":");
        piece_append_json(&actions, text_str(&label));
        text_append_literal(&actions, "},\"url\":");
        piece_append_json(&actions, url);
        text_append_literal(&actions, "}");
        actions.failed = actions.failed || label.failed;
        text_finish(&label);
    }
    text_append_literal(&actions, "]}");
    blocks->json.failed = blocks->json.failed || actions.failed;
    if (n > 0) {
        blocks_add_json(blocks, text_str(&actions));
    }
    text_finish(&actions);
}

static void add_all(struct blocks *blocks, const struct note *note)
{
    static const char *const signs[] = {"", "\xE2\x9A\xA0\xEF\xB8\x8F ", "\xE2\x9D\x8C ",
                                        "\xF0\x9F\x9A\xA8 "};
    struct text header = {0};
    struct text table = {0};
    text_append_literal(&header, signs[note->severity]);
    text_append_str(&header, note->title);
    blocks_add_header(blocks, text_str(&header));
    blocks_add_markdown(blocks, note->text);
    add_fields(blocks, note);
    if (note->columns != 0) {
        note_append_table(note, &table, TABLE_BYTES);
        blocks_add_code(blocks, text_str(&table));
    }
    add_buttons(blocks, note);
    blocks_add_context(blocks, ops_text(note_severity_name(note->severity)));
    blocks->json.failed = blocks->json.failed || header.failed || table.failed;
    text_finish(&header);
    text_finish(&table);
}

static void add_digest(struct blocks *blocks, const struct note *note)
{
    struct text lines = {0};
    struct text cut = {0};
    if (!note->is_digest) {
        blocks_add_divider(blocks);
    }
    blocks_add_context(blocks, ops_text(NOTE_DIGEST_TITLE ":"));
    note_append_digest(note, &cut, DIGEST_BYTES);
    inline_append_escaped(&lines, text_str(&cut));
    blocks_add_mrkdwn(blocks, text_str(&lines));
    blocks->json.failed = blocks->json.failed || lines.failed || cut.failed;
    text_finish(&lines);
    text_finish(&cut);
}

/* Appends the blocks of a list to another, both as JSON. */
static void join_blocks(struct text *json, struct blocks *blocks)
{
    ops_str list = blocks_end(blocks);
    json->failed = json->failed || list.n == 0;
    if (list.n > 2) {
        text_append_literal(json, json->n > 0 ? "," : "");
        text_append(json, list.p + 1, (size_t)list.n - 2);
    }
    blocks_finish(blocks);
}

static ops_status make_blocks(const struct note *note, ops_val *out)
{
    struct blocks own = {.most = BLOCKS_MOST - (note->digest.n > 0 ? DIGEST_BLOCKS : 0)};
    struct blocks more = {.most = DIGEST_BLOCKS};
    struct text json = {0};
    text_append_literal(&json, "[");
    if (!note->is_digest) {
        add_all(&own, note);
    }
    if (note->digest.n > 0) {
        add_digest(&more, note);
    }
    struct text blocks = {0};
    join_blocks(&blocks, &own);
    join_blocks(&blocks, &more);
    text_append_str(&json, text_str(&blocks));
    text_append_literal(&json, "]");
    ops_status status = json.failed || blocks.failed
                            ? OPS_E_RESOURCE
                            : ops.value->from_json(ops.h, note->task, text_str(&json), out, NULL);
    text_finish(&blocks);
    text_finish(&json);
    return status;
}

ops_status slack_add_message(const struct note *note, struct ops_map *body)
{
    struct text shown = {0};
    ops_val blocks = 0;
    ops_status status = make_blocks(note, &blocks);
    inline_append_escaped(&shown, note->title); /* what a notification shows */
    build_text(body, "text", &shown);
    ops_map_val(body, "blocks", blocks);
    return status;
}

/* ---- by an incoming webhook ---- */

static ops_status build(const struct note *note, ops_val settings, struct channel_request *out)
{
    struct ops_map body = ops_map_begin(note->task);
    ops_status status = slack_add_message(note, &body);
    out->url = ops_get(settings, "webhook_url");
    return status == OPS_OK ? build_json(&body, &out->body) : status;
}

/* It says "ok", and refuses by status. */
static ops_status judge(ops_task task, const ops_http_res *res, char word[CHANNEL_WORD_BYTES],
                        const char **hint)
{
    ops_status status = channel_judge_page(task, res, word, hint);
    if (status != OPS_OK || ops_equal(res->body, "ok")) {
        return status;
    }
    (void)snprintf(word, CHANNEL_WORD_BYTES, "something else than 'ok'");
    return OPS_E_UPSTREAM;
}

static const char *refuse(const struct note *note, ops_val settings)
{
    (void)settings;
    return note->n_files > 0 ? "is an incoming webhook of Slack, which takes no files: give it "
                               "'token' and 'channel' of an app, or leave 'attachments' out"
                             : NULL;
}

const struct channel channel_slack = {
    .name = "slack",
    .word = "Slack",
    .is_blind = 1,
    .refuse = refuse,
    .build = build,
    .judge = judge,
    .gone_hint = "the webhook was removed, or its URL is not whole: look at the app's Incoming "
                 "Webhooks",
};
