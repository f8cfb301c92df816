/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SANITIZER_H
#define CORE_VALUE_SANITIZER_H

/*
 * Sanitizer: puts *** in the place of what looks like something personal: mail addresses, numbers
 * of cards and telephones, addresses of machines, and what regular expressions of people's own
 * match. Matches that touch or overlap become one ***, so that doing it again changes nothing
 * more (unless an expression matches *** with something beside it).
 *
 * Used by:  model, engine, loop.
 * Uses:     regex, mask_copy, value.
 * Threads:  [any]; a sanitizer never changes once it is made.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/value/mask.h"

struct document;
struct error;
struct sanitizer;

enum {
    SANITIZER_MAX_RULES = 32,
    SANITIZER_MAX_MEMORY_BYTES = 1024 * 1024, /* of a compiled expression */
};

enum sanitizer_kind {
    SANITIZER_PATTERN, /* an expression of one's own */
    SANITIZER_EMAIL,
    SANITIZER_CARD,  /* 13 to 19 digits, in groups or not, with a card's first and check digits */
    SANITIZER_PHONE, /* +49 30 123456, 0049 ..., (555) 123-4567, 555-123-4567 */
    SANITIZER_IP,    /* of version 4 and 6 */
    SANITIZER_KINDS,
};

/* As pipelines name it: "email"; static. Not of SANITIZER_PATTERN. */
struct str sanitizer_kind_name(enum sanitizer_kind kind);

struct sanitizer_rule {
    enum sanitizer_kind kind;
    struct str pattern; /* of SANITIZER_PATTERN: RE2 */
};

/*
 * `rules` are borrowed, at most SANITIZER_MAX_RULES. On success `*out_sanitizer` is owned:
 * sanitizer_destroy(). Fails as regex_compile_within() does, `err` is about rule `*out_rule` then;
 * and with E_INVALID for a pattern that matches the empty text.
 */
int sanitizer_create(const struct sanitizer_rule *rules, size_t count,
                     struct sanitizer **out_sanitizer, size_t *out_rule, struct error *err);
/* NULL is fine. */
void sanitizer_destroy(struct sanitizer *sanitizer);

/* As mask_text(). */
int sanitizer_text(const struct sanitizer *sanitizer, struct str text, struct strbuf *out);

/*
 * As mask_document(). Of numbers only cards and people's own expressions are looked for, in whole
 * ones as in texts.
 */
int sanitizer_document(const struct sanitizer *sanitizer, const struct document *document,
                       struct document **out_document);

/*
 * The same for a failure: what programs go by in it (code, symbol, retry, effect and so on) stays
 * as it is.
 */
int sanitizer_failure(const struct sanitizer *sanitizer, const struct document *failure,
                      struct document **out_failure);

#endif
