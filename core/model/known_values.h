/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_MODEL_KNOWN_VALUES_H
#define CORE_MODEL_KNOWN_VALUES_H

/*
 * Known values: what is sure of the values in a template before it is resolved. Text around an
 * expression gives text, whatever the expression says, so does a variable of the environment that
 * is not set yet, and an expression without names has one value for ever.
 *
 * Used by:  model (violations).
 * Uses:     expr (template, pieces), value (schema).
 * Threads:  [any]; one belongs to one thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"
#include "core/value/schema.h"

struct known_value;
struct template;
struct value;

struct known_values {
    const struct template *template;
    struct known_value *constants; /* sorted */
    size_t count;
    size_t cap;
    int status; /* E_NOMEM, once that happened while something was looked at */
};

/*
 * Evaluates the constants of `template` (borrowed); those that fail are left open. Owned on 0:
 * known_values_finish(). Fails with E_NOMEM.
 */
int known_values_find(const struct template *template, struct known_values *out);
void known_values_finish(struct known_values *known);

/* A schema_look_cb for values of the template's source; `known` is a struct known_values. */
enum schema_knowledge known_values_look(const struct value **value, void *known);

/* The same for copies of these values, by their texts alone; `status` is an int that is 0. */
enum schema_knowledge known_values_look_open(const struct value **value, void *status);

/* Whether an expression, sound or not, is in `text`: {{ ... }}, or ${ ... } without a NAME. */
bool known_values_has_expression(struct str text);

#endif
