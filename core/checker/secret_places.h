/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_SECRET_PLACES_H
#define CORE_CHECKER_SECRET_PLACES_H

/*
 * Secret places: where the schema of a config, or of settings, lets a secret stand (x-ops-secret).
 * What stands there is made a secret of, as a pipeline would: the plugin gets a handle of the same
 * text, and can't read it.
 *
 * Used by:  stage.
 * Uses:     model (schema_marks), value.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct document;
struct error;
struct schema;

/* A secret of this name and value has to be there. False: it cannot be made. */
typedef bool (*secret_places_cb)(void *user, const char *name, const char *value);

struct secret_places {
    const char *prefix; /* of the names of secrets: letters, digits and _ */
    secret_places_cb make;
    void *user;
    size_t count; /* out: of places that were found */
};

/*
 * A copy of `document` (borrowed) with "{{ secrets.PREFIX0 }}" and so on where texts stand that may
 * be secrets; a fixed text, or one of some, is none. On success `*out_document` is owned:
 * document_unref(). Fails with E_NOMEM, E_LIMIT.
 */
int secret_places_fill(struct secret_places *places, const struct schema *schema,
                       const struct document *document, struct document **out_document,
                       struct error *err);

#endif
