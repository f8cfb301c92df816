/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_ELEMENT_H
#define PLUGINS_MESSAGE_ELEMENT_H

/*
 * Element: Markdown, one part after the other: headings, paragraphs, items of lists, code, quotes,
 * tables, images and rules. What stands inside of their lines is for inline.h.
 *
 * As CommonMark has them, with the tables of GitHub, but simpler where chat shows no difference: an
 * item ends where a line begins something else, and HTML is text, except that comments are left
 * out.
 *
 * Used by:  blocks, plugins that write messages.
 * Uses:     abi.h.
 * Threads:  [any-thread]
 */

#include <stdint.h>

#include "opstream/abi.h"

enum element_kind {
    ELEMENT_END,
    ELEMENT_HEADING,
    ELEMENT_TEXT,
    ELEMENT_ITEM,
    ELEMENT_CODE,
    ELEMENT_QUOTE,
    ELEMENT_TABLE,
    ELEMENT_IMAGE,
    ELEMENT_RULE,
};

enum element_box { ELEMENT_NO_BOX, ELEMENT_BOX_OPEN, ELEMENT_BOX_DONE };

/* All texts are parts of the Markdown. */
struct element {
    enum element_kind kind;
    ops_str text;         /* its lines, as they stand there; of a fenced code what is between */
    uint32_t level;       /* of a heading 1 to 6; of an item how deep it stands, from 0 */
    uint32_t indent;      /* of code: so many columns in front of each line are not part of it */
    ops_str number;       /* of an item in a numbered list, "12"; else empty */
    enum element_box box; /* of an item */
    ops_str url;          /* of an image; its `text` says what it shows */
};

enum { ELEMENT_DEPTH = 8 };

/* Where the reader is; all zero but `rest` at the beginning. */
struct element_reader {
    ops_str rest;
    uint32_t depth; /* of the list in hand */
    uint32_t columns[ELEMENT_DEPTH];
};

/* The next one. */
struct element element_next(struct element_reader *reader);

/* The first line of `*text`, without its end, which is taken off `*text` as well. */
ops_str element_take_line(ops_str *text);

/* `line` without white space at both ends. */
ops_str element_trim(ops_str line);

#endif
