/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SCHEMA_REPORT_H
#define CORE_VALUE_SCHEMA_REPORT_H

/*
 * The report while it is written. A violation's message is put together in `message`, then
 * report_add() keeps it. Violations of a branch (of anyOf, say) stand at the end of the list, so
 * that report_cut() drops them again, and report_keep_newer() prefers them to older ones.
 *
 * Used by:  schema_*.c.
 * Uses:     schema, base.
 * Threads:  [any]; one report belongs to one thread until it is handed out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/value/schema.h"

struct schema_rule;
struct value;

/* The way from the root of the instance to a value; NULL is the root. */
struct schema_place {
    const struct schema_place *parent;
    const struct value *key; /* a member's name; NULL: an item */
    size_t index;            /* of the item */
    uint32_t depth;          /* 1 for what is right below the root */
};

struct schema_finding {
    struct schema_violation violation;
    const struct schema_rule *cause; /* the const or enum that was broken, or NULL */
    unsigned types;                  /* SCHEMA_* that would be right; 0: it is not the type */
    bool is_choice;                  /* the value is none of those that are fixed */
    const struct value *missing;     /* the name of the key that is not there, or NULL */
    uint32_t depth;                  /* of the place */
    char *text;                      /* owned: the bytes of the violation */
    size_t text_bytes;
};

struct schema_report {
    struct schema_finding *findings;
    size_t text_bytes; /* of all findings */
    size_t count;
    size_t cap;
    size_t limit; /* of `count` */
    bool is_cut;
    struct strbuf message; /* of the next violation */
    struct strbuf pointer; /* only for building one */
};

struct schema_report *report_create(void);

static inline uint32_t report_depth(const struct schema_place *place)
{
    return place != NULL ? place->depth : 0;
}

/*
 * Keeps report->message as a violation at `place`. `finding` gives all but texts and depth. Beyond
 * the limit of a report only `is_cut` is set. Fails with E_NOMEM, and with E_LIMIT when the texts
 * are too large.
 */
int report_add(struct schema_report *report, const struct schema_place *place,
               const struct schema_finding *finding);

/* Drops the violations from number `count` on. */
void report_cut(struct schema_report *report, size_t count);

/* Replaces those from `older` to `newer` by those from `newer` to the end. */
void report_keep_newer(struct schema_report *report, size_t older, size_t newer);

/*
 * Lower is nearer to what was meant: first that the value itself is of a kind that was asked
 * for, then that its members' fixed values (a `kind`, say) are, then few violations.
 */
uint64_t report_score(const struct schema_report *report, size_t from, uint32_t depth);

/* Pieces of messages. A long text is cut, a control character escaped. */
void report_append_text(struct strbuf *out, struct str text);
/* 'text', 12, true, null, a map, a list */
void report_append_value(struct strbuf *out, const struct value *value);
/* The same, but "text 'text'": what looks like a number may be text. */
void report_append_typed_value(struct strbuf *out, const struct value *value);
/* "text", "a whole number or null" from SCHEMA_* bits */
void report_append_types(struct strbuf *out, unsigned types);
/* One of several keys that are missing: each branch wants some of them. */
struct report_missing {
    const struct value *name;
    bool is_first; /* of its branch */
};
/* "one of the keys 'a' or 'b'"; "one of the keys 'a', or 'b' and 'c'" */
void report_append_missing(struct strbuf *out, const struct report_missing *list, size_t count);
/* "'GET', 'POST' or 'PUT'", or the first of many and "or 12 others" */
void report_append_choices(struct strbuf *out, const struct value *list);

#endif
