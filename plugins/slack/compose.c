/* SPDX-License-Identifier: Apache-2.0 */
#include "compose.h"

#include "message/blocks.h"
#include "message/inline.h"
#include "message/limits.h"
#include "message/piece.h"
#include "rich.h"

/* So many at least: of a digest a divider, its title, a section, and what says that it is cut. */
enum { DIGEST_BLOCKS = 4, RICH_BLOCKS = 4 };

static int keep_str(struct service_call *call, const struct text *text, ops_val *out)
{
    ops_status status = text->failed ? OPS_E_RESOURCE
                                     : ops.value->new_str(ops.h, call->task, text_str(text), out);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the text of the message could not be made");
    }
    return status == OPS_OK;
}

/* What a notification shows of Markdown: its text, on few lines. */
static int read_notice(struct service_call *call, ops_str markdown, struct content *out)
{
    ops_val plain_text = 0;
    struct text plain = {NULL, 0, 0, 0};
    struct text notice = {NULL, 0, 0, 0};
    ops_str begin = {markdown.p,
                     markdown.n < 4 * COMPOSE_NOTICE_UNITS ? markdown.n : 4 * COMPOSE_NOTICE_UNITS};
    while (begin.n < markdown.n && ((unsigned char)markdown.p[begin.n] & 0xC0u) == 0x80u) {
        begin.n++;
    }
    inline_append_plain(&plain, begin);
    struct text escaped = {NULL, 0, 0, 0};
    piece_append_short(&escaped, text_str(&plain), COMPOSE_NOTICE_UNITS);
    inline_append_escaped(&notice, text_str(&escaped));
    notice.failed = notice.failed || plain.failed || escaped.failed;
    int is_kept = keep_str(call, &notice, &out->text) && keep_str(call, &escaped, &plain_text) &&
                  ops.value->get_str(ops.h, plain_text, &out->plain) == OPS_OK;
    text_finish(&plain);
    text_finish(&escaped);
    text_finish(&notice);
    return is_kept;
}

static int read_markdown(struct service_call *call, ops_str markdown, struct content *out)
{
    struct blocks blocks = {.most = BLOCKS_MOST};
    blocks_add_markdown(&blocks, markdown);
    ops_str json = blocks_end(&blocks);
    ops_status status = json.n > 0
                            ? ops.value->from_json(ops.h, call->task, json, &out->blocks, NULL)
                            : OPS_E_RESOURCE;
    out->is_cut = blocks.is_cut;
    blocks_finish(&blocks);
    if (status != OPS_OK) {
        ops_fail_text(call->task, status, "the blocks of the message could not be made");
        return 0;
    }
    if (ops.value->count(ops.h, out->blocks) == 0) {
        problem_fail_config(call, "markdown", "has no text in it");
        return 0;
    }
    return out->text != 0 || read_notice(call, markdown, out);
}

/* The first text of the blocks, for notifications. */
static void find_notice(ops_val blocks, struct content *out)
{
    for (uint64_t i = 0; i < ops.value->count(ops.h, blocks) && out->text == 0; i++) {
        ops_val block = 0;
        (void)ops.value->at(ops.h, blocks, i, &block); /* it is there */
        ops_val text = pick_find(block, "text.text");
        out->text = text != 0 ? text : pick_find(block, "alt_text");
    }
}

static int is_text_good(struct service_call *call, ops_str text)
{
    char what[96];
    size_t units = piece_units(text);
    if (units <= COMPOSE_TEXT_UNITS) {
        return 1;
    }
    (void)snprintf(what, sizeof what, "has %zu characters, and Slack takes %d at most", units,
                   COMPOSE_TEXT_UNITS);
    problem_fail_config(call, "text", what);
    return 0;
}

void compose_fail_limit(struct service_call *call, const char *member, const struct text *why)
{
    struct text what = {NULL, 0, 0, 0};
    text_append_literal(&what, "would be refused: ");
    text_append_str(&what, text_str(why));
    text_append(&what, "", 1);
    problem_fail_config(call, member, what.failed ? "would be refused" : what.p);
    text_finish(&what);
}

static int are_blocks_good(struct service_call *call, ops_val blocks)
{
    struct text why = {NULL, 0, 0, 0};
    int is_good = limits_check_blocks(blocks, &why);
    if (!is_good) {
        compose_fail_limit(call, "blocks", &why);
    }
    text_finish(&why);
    return is_good;
}

static int read_content(struct service_call *call, struct content *out)
{
    ops_str text = ops_get_str(call->config, "text", NULL);
    ops_str markdown = ops_get_str(call->config, "markdown", NULL);
    ops_val blocks = ops_get(call->config, "blocks");
    int has_blocks = ops.value->type(ops.h, blocks) == OPS_TYPE_LIST &&
                     ops.value->count(ops.h, blocks) > 0;
    *out = (struct content){.text = text.n > 0 ? ops_get(call->config, "text") : 0};
    if (markdown.n > 0 && has_blocks) {
        problem_fail_config(call, "markdown", "and 'blocks' cannot be given both");
        return 0;
    }
    if (text.n == 0 && markdown.n == 0 && !has_blocks) {
        problem_fail_config(call, "text", "is missing: give 'text', 'markdown' or 'blocks'");
        return 0;
    }
    if (!is_text_good(call, text)) {
        return 0;
    }
    if (markdown.n > 0) {
        return read_markdown(call, markdown, out);
    }
    if (has_blocks) {
        if (!are_blocks_good(call, blocks)) {
            return 0;
        }
        out->blocks = blocks;
        find_notice(blocks, out);
    }
    (void)ops.value->get_str(ops.h, out->text, &out->plain); /* or there is none */
    return 1;
}

/* ---- More blocks ---- */

/* The text of a message that has no blocks yet. */
static void add_own_text(struct blocks *blocks, const struct content *content)
{
    ops_str text = {NULL, 0};
    if (content->blocks == 0 && ops.value->get_str(ops.h, content->text, &text) == OPS_OK) {
        blocks_add_mrkdwn(blocks, text);
    }
}

static int join(struct service_call *call, ops_val before, ops_val after, ops_val *out)
{
    ops_val all[2 * BLOCKS_MOST];
    uint64_t n = 0;
    const ops_val lists[] = {before, after};
    for (size_t k = 0; k < 2; k++) {
        for (uint64_t i = 0; i < ops.value->count(ops.h, lists[k]) && n < 2 * BLOCKS_MOST; i++) {
            (void)ops.value->at(ops.h, lists[k], i, &all[n++]); /* it is there */
        }
    }
    return ops.value->new_list(ops.h, call->task, all, n, out) == OPS_OK;
}

/* Ends the blocks and adds them to the content; 0: out of memory, or they do not fit. */
static int append(struct service_call *call, struct content *content, struct blocks *blocks)
{
    ops_val made = 0;
    ops_str json = blocks_end(blocks);
    int is_made = json.n > 0 &&
                  ops.value->from_json(ops.h, call->task, json, &made, NULL) == OPS_OK;
    blocks_finish(blocks);
    return is_made && join(call, content->blocks, made, &content->blocks);
}

static uint32_t room_of(const struct content *content)
{
    uint64_t own = content->blocks != 0 ? ops.value->count(ops.h, content->blocks) : 0;
    return own < BLOCKS_MOST ? BLOCKS_MOST - (uint32_t)own : 0;
}

/* ---- Charts and buttons ---- */

static int add_rich(struct service_call *call, struct content *out)
{
    struct blocks blocks = {.most = room_of(out)};
    struct text why = {NULL, 0, 0, 0};
    if (blocks.most < RICH_BLOCKS) {
        problem_fail_config(call, "blocks", "leave no room for the chart and the buttons");
        return 0;
    }
    add_own_text(&blocks, out);
    rich_add(&blocks, call->config);
    int is_good = append(call, out, &blocks);
    if (!is_good) {
        ops_fail_text(call->task, OPS_E_RESOURCE, "the blocks of the message could not be made");
    } else if (!limits_check_blocks(out->blocks, &why)) {
        compose_fail_limit(call, "buttons", &why);
        is_good = 0;
    }
    text_finish(&why);
    return is_good;
}

int compose_read(struct service_call *call, struct content *out)
{
    return read_content(call, out) && (!rich_is_any(call->config) || add_rich(call, out));
}

/* ---- Digests ---- */

int compose_add_digest(struct service_call *call, struct content *content, ops_str digest)
{
    struct blocks blocks = {.most = room_of(content)};
    struct text lines = {NULL, 0, 0, 0};
    int is_alone = content->text == 0 && content->blocks == 0;
    if (blocks.most < DIGEST_BLOCKS) {
        return 0;
    }
    add_own_text(&blocks, content);
    if (!is_alone) {
        blocks_add_divider(&blocks);
    }
    blocks_add_context(&blocks, ops_text("What was held back:"));
    inline_append_escaped(&lines, digest);
    blocks_add_mrkdwn(&blocks, text_str(&lines));
    blocks.json.failed = blocks.json.failed || lines.failed;
    text_finish(&lines);
    if (!append(call, content, &blocks)) {
        return 0;
    }
    return !is_alone || ops.value->new_str(ops.h, call->task, ops_text("What was held back"),
                                           &content->text) == OPS_OK;
}
