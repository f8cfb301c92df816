/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_MESSAGE_HTML_H
#define PLUGINS_MESSAGE_HTML_H

/*
 * Html: Markdown as the plain HTML that programs for e-mail show: headings, paragraphs, lists,
 * code, quotes, tables, links. What is HTML in the Markdown is shown as it is written; only http,
 * https, mailto and tel are linked, and images are links, so that nothing is fetched when a mail is
 * read.
 *
 * Used by:  plugins that write messages.
 * Uses:     element.h, inline.h.
 * Threads:  [any-thread]
 */

#include "service/text.h"

void html_append_markdown(struct text *out, ops_str markdown);

#endif
