/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_MASK_H
#define CORE_VALUE_MASK_H

/*
 * Mask: finds texts that nobody may see in other texts and in documents, and puts *** there.
 *
 * A text is found as it is; in base64 (both alphabets, also in the middle of something larger that
 * was encoded as a whole); in hex; with any of its characters percent-encoded, '+' for a space
 * too; with any of them escaped as in JSON strings; and, when it reads like a number, as a number
 * of a document. Of a text of several lines each line of MASK_MIN_LINE_BYTES is found as well,
 * because logs come line by line; shorter ones, like "}", would hide what is no secret. Occurrences
 * that overlap become one ***.
 *
 * All texts are found in one pass (Aho-Corasick), so that the time depends on what is searched,
 * not on how many texts there are.
 *
 * Used by:  secrets, loop.
 * Uses:     value, builder.
 * Threads:  [any]; a mask never changes once it is made.
 */

#include <stddef.h>

#include "core/base/str.h"

struct document;
struct error;
struct mask;

enum {
    MASK_MIN_LINE_BYTES = 4,
    MASK_MIN_PART_BYTES = 6, /* of a form that was cut off */
};

/*
 * Makes the mask of `count` texts (borrowed); empty ones are left out. On success `*out_mask` is
 * owned: mask_destroy(). Fails with E_NOMEM; E_LIMIT when they have more than 64 MiB of forms.
 */
int mask_create(const struct str *texts, size_t count, struct mask **out_mask, struct error *err);
/* NULL is fine. */
void mask_destroy(struct mask *mask);

enum mask_result {
    MASK_CLEAN = 0,
    MASK_FOUND = 1,
};

/*
 * Appends `text` with *** for what was found to `out`, or nothing when nothing was.
 * Returns an enum mask_result, or E_NOMEM.
 */
int mask_text(const struct mask *mask, struct str text, struct strbuf *out);

/*
 * The same for a text that may have been cut off anywhere, as lines of logs and messages are: what
 * begins like a form and is at least half of it is hidden as well.
 */
int mask_cut_text(const struct mask *mask, struct str text, struct strbuf *out);

/*
 * mask_text() for all strings, keys and numbers below the root. `*out_document` is owned: the given
 * one, with one more reference, when nothing was found. A key that would then be there twice gets
 * its number: "***", "*** #2". Returns an enum mask_result, or E_NOMEM.
 */
int mask_document(const struct mask *mask, const struct document *document,
                  struct document **out_document);

/* The same with mask_cut_text(), for what nobody computes with: failures. */
int mask_cut_document(const struct mask *mask, const struct document *document,
                      struct document **out_document);

#endif
