/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_CONFIG_MAKER_H
#define CORE_CHECKER_CONFIG_MAKER_H

/*
 * Config maker: values that a JSON Schema allows, by chance.
 *
 * It reads the schema as far as it understands it (types, properties, bounds, formats, branches,
 * $ref within the schema; texts for patterns from `examples`, `default` and a list of its own),
 * makes a value, and asks the schema whether it is right; else it tries again, with less in it.
 *
 * Used by:  config_set, stage.
 * Uses:     value, chance, facets, sample_text.
 * Threads:  [any]
 */

struct chance;
struct document;
struct error;
struct schema;

/* How much of what may be there is. */
enum config_size {
    CONFIG_SMALL,  /* only what is required */
    CONFIG_MEDIUM, /* by chance */
    CONFIG_LARGE,  /* all that goes together */
    /* The same, and as many places as go together are at a bound of their schema: */
    CONFIG_LEAST, /* minLength, minItems, minimum */
    CONFIG_MOST,  /* maxLength, maxItems, maxProperties, maximum; up to 250,000 bytes in all */
    CONFIG_WIDE,  /* the same, and texts are of letters of four bytes */
};

/*
 * A value that `schema` allows. On success `*out_document` is owned: document_unref(). Fails with
 * E_NOT_FOUND (none was found: the message says what the last one broke), E_NOMEM, E_LIMIT.
 */
int config_maker_make(const struct schema *schema, struct chance *chance, enum config_size size,
                      struct document **out_document, struct error *err);

#endif
