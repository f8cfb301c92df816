/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_CHECK_H
#define CORE_VALUE_SCHEMA_CHECK_H

/*
 * One run of a compiled schema over a value. schema_check.c walks the nodes; the other
 * schema_check_*.c hold the rules: about one value alone, lists, maps, and logic.
 *
 * A run is quiet (no report: it ends at the first broken rule) or collects every violation.
 * Validation is quiet first; only a value that is not valid is looked at a second time. So
 * conditions (not, if, contains) are always quiet, and nothing is evaluated more than twice.
 *
 * Values that are not known yet make answers of three kinds: see enum verdict.
 *
 * Used by:  schema_check*.c.
 * Uses:     schema_node, schema_report.
 * Threads:  [any]; one run belongs to one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/value/schema_node.h"
#include "core/value/schema_report.h"

struct error;

/* In this order: the worst of several is the verdict of all together. */
enum verdict {
    VERDICT_OK,
    VERDICT_MAYBE, /* it depends on a value that is not known yet */
    VERDICT_BAD,
};

/* Which members or items the rules have looked at, for unevaluatedProperties and -Items. */
struct check_marks {
    uint64_t *bits;
    size_t count;
    uint64_t small[2]; /* enough for 128 */
};

struct check {
    const struct schema *schema;
    schema_look_cb look; /* NULL: everything is known */
    void *user;
    struct schema_report *report; /* NULL: quiet */
    size_t steps;
    uint32_t depth;
    int status; /* why the run ended early: E_NOMEM, E_LIMIT */
    bool is_secret;
    bool is_name; /* a member's name is being checked, not a value */
    struct error *err;
};

/* A value, the way to it, and who keeps account of what is looked at in it (NULL: nobody). */
struct check_spot {
    const struct value *value;
    const struct schema_place *place;
    struct check_marks *marks;
};

static inline enum verdict verdict_worst(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

/* True when nothing can change the verdict any more: a quiet run that failed, or an end. */
static inline bool check_is_over(const struct check *c, enum verdict verdict)
{
    return c->status != 0 || (c->report == NULL && verdict == VERDICT_BAD);
}

/* Checks the value at `spot` against `node`. */
enum verdict check_node(struct check *c, uint32_t node, const struct check_spot *spot);

/* As check_node(), without violations. */
enum verdict check_quietly(struct check *c, uint32_t node, const struct check_spot *spot);

/* Counts steps; false when there were too many, and then the run ends. */
bool check_step(struct check *c, size_t count);

/* Ends the run with `status`. */
enum verdict check_abort(struct check *c, int status);

/* The empty message of the next violation; NULL when the run is quiet. */
struct strbuf *check_message(struct check *c);

/* Keeps the message as a violation of `rule`. VERDICT_BAD, as from the next three. */
enum verdict check_fail(struct check *c, const struct schema_place *place, const char *rule);

/* The same for a value whose type is none of `types`. */
enum verdict check_fail_types(struct check *c, const struct schema_place *place, const char *rule,
                              unsigned types);

/* The same for a value that is none of `choices` (a list), with the nearest of them. `cause` is
 * the const or enum that says so, or NULL. */
enum verdict check_fail_choice(struct check *c, const struct check_spot *spot, const char *rule,
                               const struct schema_rule *cause, const struct value *choices);

/* The same for a map without the key `name`. */
enum verdict check_fail_missing(struct check *c, const struct schema_place *place,
                                const struct value *name);

/* The same for a member's name, with the nearest right one (may be empty). */
enum verdict check_fail_name(struct check *c, const struct schema_place *place, const char *rule,
                             struct str suggestion);

/* Appends ", found " and the value, or that it is not shown. */
void check_append_found(struct check *c, struct strbuf *out, const struct value *value);

/* The same, and whether it is text: ", found text '5'". */
void check_append_found_typed(struct check *c, struct strbuf *out, const struct value *value);

/* Whether `value` is or holds one that is not known, or that another one stands for. */
bool check_holds_unknown(struct check *c, const struct value *value);

/* Marks for `count` items or members; false (and the run ends) when out of memory. */
bool check_marks_init(struct check *c, struct check_marks *marks, size_t count);
void check_marks_finish(struct check_marks *marks);
void check_marks_set(struct check_marks *marks, size_t i); /* NULL is fine */
bool check_marks_has(const struct check_marks *marks, size_t i);
/* Adds the marks of `from` to those of `to` (NULL is fine). */
void check_marks_merge(struct check_marks *to, const struct check_marks *from);

/* The rules, by file. */
enum verdict check_type(struct check *c, const struct schema_rule *rule,
                        const struct check_spot *spot);
enum verdict check_const(struct check *c, const struct schema_rule *rule,
                         const struct check_spot *spot);
enum verdict check_enum(struct check *c, const struct schema_rule *rule,
                        const struct check_spot *spot);
enum verdict check_number(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot);
enum verdict check_count(struct check *c, const struct schema_rule *rule,
                         const struct check_spot *spot);
enum verdict check_pattern(struct check *c, const struct schema_rule *rule,
                           const struct check_spot *spot);
enum verdict check_format(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot);

enum verdict check_contains(struct check *c, const struct schema_rule *rule,
                            const struct check_spot *spot);
enum verdict check_items(struct check *c, const struct schema_rule *rule,
                         const struct check_spot *spot);
enum verdict check_unique_items(struct check *c, const struct check_spot *spot);
enum verdict check_unevaluated_items(struct check *c, const struct schema_rule *rule,
                                     const struct check_spot *spot);

enum verdict check_required(struct check *c, const struct schema_rule *rule,
                            const struct check_spot *spot);
enum verdict check_dependent_required(struct check *c, const struct schema_rule *rule,
                                      const struct check_spot *spot);
enum verdict check_property_names(struct check *c, const struct schema_rule *rule,
                                  const struct check_spot *spot);
enum verdict check_properties(struct check *c, const struct schema_rule *rule,
                              const struct check_spot *spot);
enum verdict check_unevaluated_properties(struct check *c, uint32_t node,
                                          const struct schema_rule *rule,
                                          const struct check_spot *spot);

enum verdict check_all_of(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot);
enum verdict check_any_of(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot);
enum verdict check_one_of(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot);
enum verdict check_not(struct check *c, const struct schema_rule *rule,
                       const struct check_spot *spot);
enum verdict check_if(struct check *c, const struct schema_rule *rule,
                      const struct check_spot *spot);
enum verdict check_dependent_schemas(struct check *c, const struct schema_rule *rule,
                                     const struct check_spot *spot);

#endif
