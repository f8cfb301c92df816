/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGINS_SEARCH_TERMS_H
#define PLUGINS_SEARCH_TERMS_H

/*
 * Terms: the words of a text that people wrote, as a query of FTS5. Each is quoted, so that nothing
 * in it is syntax; "main.c:12" is looked for as the words main, c and 12 one after the other.
 */

#include <stddef.h>

#include "opstream/abi.h"

enum { TERMS_MAX = 100 };

enum terms_match {
    TERMS_ANY, /* one is enough */
    TERMS_ALL,
};

struct terms {
    char *query; /* owned; "" when the text has no word */
    size_t used;
    size_t left_out; /* different ones, behind the first TERMS_MAX */
};

/* 0: out of memory; else `*out` is to be ended with terms_finish(). */
int terms_read(ops_str text, enum terms_match match, struct terms *out);
void terms_finish(struct terms *terms);

#endif
