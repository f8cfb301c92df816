/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_BLOCKS_H
#define PLUGINS_MESSAGE_BLOCKS_H

/*
 * Blocks: messages in Slack's Block Kit, made from Markdown and from parts of it:
 *
 *     struct blocks blocks = {.most = BLOCKS_MOST};
 *     blocks_add_markdown(&blocks, markdown);
 *     ops_str json = blocks_end(&blocks);      "[{"type":"header",...},...]"
 *     ...
 *     blocks_finish(&blocks);
 *
 *     # and ##       header; deeper ones a bold line
 *     ---            divider
 *     ![a](url)      image, when it stands alone in its line; else a link
 *     a table        aligned columns in code, or an item per row when it is too wide
 *     all else       sections of mrkdwn, as few as their limit allows
 *
 * All that is made keeps Slack's limits: texts are cut into several blocks, and what does not fit
 * into `most` blocks is left out, which the last one says.
 *
 * Used by:  plugins that write messages.
 * Uses:     element.h, inline.h, piece.h, table.h.
 * Threads:  [any-thread]
 */

#include "service/text.h"

enum {
    BLOCKS_MOST = 50,
    BLOCKS_SECTION_UNITS = 3000,
    BLOCKS_HEADER_UNITS = 150,
    BLOCKS_CONTEXT_UNITS = 2000,
    BLOCKS_URL_UNITS = 3000,
    BLOCKS_ALT_UNITS = 2000,
};

/* All zero but `most`. */
struct blocks {
    uint32_t most; /* so many blocks at most, 2 to BLOCKS_MOST */
    uint32_t count;
    int is_cut;          /* something was left out */
    struct text json;    /* without the brackets */
    struct text section; /* mrkdwn of the section in hand */
};

void blocks_finish(struct blocks *blocks);

void blocks_add_markdown(struct blocks *blocks, ops_str markdown);

/* Adds mrkdwn that is ready; it stands in a paragraph of its own. */
void blocks_add_mrkdwn(struct blocks *blocks, ops_str mrkdwn);

/* Adds lines for a font of one width, as they are. */
void blocks_add_code(struct blocks *blocks, ops_str code);

/* Adds plain text as a header. */
void blocks_add_header(struct blocks *blocks, ops_str text);

/* Adds mrkdwn, small and grey. */
void blocks_add_context(struct blocks *blocks, ops_str mrkdwn);

void blocks_add_divider(struct blocks *blocks);

/* Adds an image; one whose URL Slack cannot fetch (not http, or too long) becomes its text. */
void blocks_add_image(struct blocks *blocks, ops_str url, ops_str alt);

/* Adds a block that is JSON already: its limits are the caller's. */
void blocks_add_json(struct blocks *blocks, ops_str json);

/*
 * The list as JSON; nothing can be added any more. Empty when memory was out. Borrowed until
 * blocks_finish().
 */
ops_str blocks_end(struct blocks *blocks);

#endif
