/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_MAN_ROFF_H
#define CORE_CLI_MAN_ROFF_H

/*
 * Man roff: the few macros of man(7) that our manual pages need. Text is escaped, so that it reads
 * as it stands and can be copied: no quote or hyphen becomes another one.
 *
 * Used by:  man_command, man_format, man_manifest.
 * Uses:     base, value.
 * Threads:  [main]
 */

#include "core/base/str.h"

struct value;

/*
 * The head of a page. The date is that of SOURCE_DATE_EPOCH; without it there is none, so that the
 * same sources give the same page.
 */
void man_roff_begin(struct strbuf *out, struct str name, int section);

/* The section NAME: "name \- what it is". */
void man_roff_name(struct strbuf *out, struct str name, const char *what);

void man_roff_section(struct strbuf *out, const char *title);

/* A section within a section. */
void man_roff_part(struct strbuf *out, const char *title);

/* Text in the line. */
void man_roff_text(struct strbuf *out, struct str text);
void man_roff_bold(struct strbuf *out, struct str text);
void man_roff_italic(struct strbuf *out, struct str text);

/* " Default: " and the value of a schema's 'default'; nothing for NULL, or one that shows nothing.
 */
void man_roff_default(struct strbuf *out, const struct value *fallback);

/* Paragraphs with blank lines between them; lines that begin with blanks stay as they are. */
void man_roff_paragraphs(struct strbuf *out, struct str text);

/* Lines that stay as they are. */
void man_roff_example(struct strbuf *out, struct str text);

/* A tag, written between the two calls, and then what it means, up to the next one. */
void man_roff_item_begin(struct strbuf *out);
void man_roff_item_end(struct strbuf *out);

/* NAME(SECTION), NAME(SECTION): `pages` ends with NULL. */
void man_roff_see_also(struct strbuf *out, const char *const *pages);

#endif
