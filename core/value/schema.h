/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_H
#define CORE_VALUE_SCHEMA_H

/*
 * JSON Schema, draft 2020-12: all validation keywords, $ref, $defs, $id and $anchor within the
 * document, `default`. Asserted formats: date-time, date, time, duration, uri, uri-reference,
 * email, hostname, ipv4, ipv6, uuid, and our own ops-duration ('30s', as `timeout` is written);
 * other names are annotations, and so are unknown keywords
 * and `x-*`. A keyword that means something in the draft (or meant it in an older one) and is
 * not supported is refused at compile time, never ignored: $dynamicRef, references to other
 * documents, dependencies, additionalItems.
 *
 * Patterns are in RE2's syntax (regex.h). Below a subschema marked `x-ops-secret: true` or
 * `writeOnly: true` messages do not show the value.
 *
 * What breaks a `pattern` is told by the `examples` beside it, if there are some.
 *
 * When no branch of anyOf or oneOf fits, one violation names the types or the fixed values that
 * they all ask for, if that is all they ask; else the branch that came closest speaks for all:
 * the value's own type and fixed values decide first, then its members' fixed values, then the
 * number of violations. A value of the wrong type is not looked at further by its subschema.
 *
 * Limits, each E_LIMIT: 100,000 subschemas and 1,000 patterns of one schema, 512 subschemas inside
 * each other and 10,000,000 steps of one validation.
 *
 * Used by:  model (inputs, configs), host (manifests), cli.
 * Uses:     value, and regex for `pattern`.
 * Threads:  [any]; a compiled schema never changes.
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

struct document;
struct error;
struct schema;
struct value;

/* One broken rule. All slices live as long as the report. */
struct schema_violation {
    struct str pointer;    /* JSON pointer to the value in the instance */
    struct str rule;       /* the keyword: "type", "required", ...; "false": that schema */
    struct str message;    /* "must be one of 'GET', 'POST'": says what is allowed */
    struct str suggestion; /* the nearest allowed spelling, or empty */
    bool on_key;           /* the member's name is at fault; `pointer` names the member */
};

struct schema_report; /* the violations of one validation, all of them (at most 1,000) */

/*
 * Compiles `schema` (shared: held until schema_destroy()).
 * Fails with E_INVALID: the message begins with the JSON pointer of the fault in the schema;
 * E_LIMIT, E_NOMEM.
 */
int schema_compile(const struct document *schema, struct schema **out_schema, struct error *err);

/* As schema_compile(), for a value inside `document`; $ref resolves against `root`. */
int schema_compile_value(const struct document *document, const struct value *root,
                         struct schema **out_schema, struct error *err);

/*
 * As schema_compile_value(), and at every depth a key is refused that is no keyword: what a
 * misspelt one was to check, nothing would. Keys that begin with `x-` are the author's; of those
 * that begin with `x-ops-`, or are one letter off, it must be a mark of ours, with a value that
 * means something.
 */
int schema_compile_strictly(const struct document *document, const struct value *root,
                            struct schema **out_schema, struct error *err);

void schema_destroy(struct schema *schema);

/*
 * Whether `name` is a keyword; others are taken for remarks. When it is none, `*out_nearest` is
 * that which was probably meant, or the empty slice.
 */
bool schema_knows_keyword(struct str name, struct str *out_nearest);

/* Some part of it has a keyword that is none of JSON Schema's, or a format that is not asserted. */
bool schema_has_annotations(const struct schema *schema);

/* The value that the schema was compiled from, borrowed. */
const struct value *schema_source(const struct schema *schema);

/*
 * Checks `value`. Returns 0 when it is valid; E_INVALID when rules are broken, and then
 * `*out_report` (may be NULL) is owned by the caller: schema_report_destroy(); `err` says the
 * first of them. Also fails with E_LIMIT, E_NOMEM, and then there is no report.
 */
int schema_validate(const struct schema *schema, const struct value *value,
                    struct schema_report **out_report, struct error *err);

/* What is known of a value that may be a template still. */
enum schema_knowledge {
    SCHEMA_KNOWN,
    SCHEMA_SOME_TEXT, /* which one is open: it breaks the rules that refuse every text */
    SCHEMA_UNKNOWN,   /* it satisfies every rule; a container that holds one is checked for the rest
                       */
};

/*
 * Tells what is known of `*value`. It may be exchanged for another one, which stands in its place
 * and lives until the validation is over. `user` is the caller's.
 */
typedef enum schema_knowledge (*schema_look_cb)(const struct value **value, void *user);

/* As schema_validate(), with values that are not known yet. */
int schema_validate_partial(const struct schema *schema, const struct value *value,
                            schema_look_cb look, void *user, struct schema_report **out_report,
                            struct error *err);

/*
 * `document` with the defaults of the schema's properties filled in where members are missing
 * (at every depth, in defaults as well; a default is not itself checked here). Defaults come from
 * properties, patternProperties, additionalProperties, prefixItems and items, also through $ref
 * and allOf, but not from conditional subschemas. Where `type` is integer, a number like 3.0
 * becomes the whole number that it is (up to 2^53). Without anything to change this is `document`
 * itself, with one more reference. Fails with E_NOMEM, E_LIMIT.
 */
int schema_fill_defaults(const struct schema *schema, const struct document *document,
                         struct document **out_document, struct error *err);

size_t schema_report_count(const struct schema_report *report);
const struct schema_violation *schema_report_at(const struct schema_report *report, size_t i);
/* Rules were broken beyond the 1,000 that a report holds. */
bool schema_report_is_cut(const struct schema_report *report);
void schema_report_destroy(struct schema_report *report);

/* The formats, also for others: true when `text` is an RFC 3339 date-time, and so on. */
bool schema_is_date_time(struct str text);
bool schema_is_duration(struct str text);
bool schema_is_uri(struct str text);
bool schema_is_email(struct str text);

#endif
