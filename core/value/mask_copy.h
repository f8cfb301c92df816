/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_MASK_COPY_H
#define CORE_VALUE_MASK_COPY_H

/*
 * Documents with *** for what is found in them, whoever finds it: the mask of secrets, or the
 * patterns of a pipeline. For the files of this folder alone.
 *
 * Used by:  mask_scan, sanitizer.
 * Uses:     mask.h, value, builder.
 * Threads:  [any]
 */

#include "core/value/mask.h"

struct mask_finder {
    const void *user;
    /* As mask_text(). */
    int (*text)(const void *user, struct str text, struct strbuf *out);
    /* The same for the digits of a number, which becomes a text then. NULL: none is looked at. */
    int (*number)(const void *user, struct str digits, struct strbuf *out);
};

/* As mask_document(). */
int mask_copy_document(const struct mask_finder *finder, const struct document *document,
                       struct document **out_document);

#endif
