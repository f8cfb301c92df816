/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_INLINE_H
#define PLUGINS_MESSAGE_INLINE_H

/*
 * Inline: what stands inside the lines of Markdown (bold, italic, strike, code, links, images), as
 * Slack's mrkdwn, as plain text or as HTML. In mrkdwn `&`, `<` and `>` of the text are escaped:
 * whatever it is, it mentions nobody and links nowhere but where its Markdown says so.
 *
 * Used by:  blocks, html, table, plugins that write messages.
 * Uses:     text.h of service.
 * Threads:  [any-thread]
 */

#include "service/text.h"

/* Appends `markdown` as mrkdwn. */
void inline_append_mrkdwn(struct text *out, ops_str markdown);

/* Appends `markdown` without its marks; of a link its text, of an image what it shows. */
void inline_append_plain(struct text *out, ops_str markdown);

/* Appends `markdown` as HTML; HTML in it is shown as it is written. */
void inline_append_html(struct text *out, ops_str markdown);

/* Appends `text` so that HTML shows it as it is, between tags and in the quotes of an attribute. */
void inline_append_html_text(struct text *out, ops_str text);

/* Appends `text` so that mrkdwn shows it as it is, line breaks and all. */
void inline_append_escaped(struct text *out, ops_str text);

/*
 * Reads "[text](url)" or "![text](url)" at the beginning of `s`: how many bytes it takes; 0: it is
 * none, or its URL is not http, https, mailto or tel.
 */
size_t inline_read_link(ops_str s, ops_str *out_text, ops_str *out_url);

#endif
