/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that combine subschemas about one value.
 *
 * When no branch of anyOf or oneOf fits, the report does not list what every branch wanted: if
 * all of them only wanted another type, another fixed value or keys that are not there, one
 * violation names all of those; else the branch that came closest (report_score()) speaks for all.
 */
#include "core/value/schema_check.h"

#include "core/base/error.h"
#include "core/value/value.h"

/* What anyOf and oneOf count. */
struct branch_count {
    size_t ok;
    size_t maybe;
    uint32_t first_ok; /* the first two branches that fit */
    uint32_t second_ok;
};

enum verdict check_all_of(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot)
{
    enum verdict verdict = VERDICT_OK;
    for (uint32_t i = 0; i < rule->entries.count && !check_is_over(c, verdict); i++) {
        uint32_t node = schema_entry_at(c->schema, rule->entries, i)->node;
        verdict = verdict_worst(verdict, check_node(c, node, spot));
    }
    return verdict;
}

/* As check_node() or check_quietly(); what a branch that is not valid has looked at is forgotten.
 */
static enum verdict check_branch(struct check *c, uint32_t node, const struct check_spot *spot,
                                 bool is_quiet)
{
    if (spot->marks == NULL) {
        return is_quiet ? check_quietly(c, node, spot) : check_node(c, node, spot);
    }
    struct check_marks marks;
    if (!check_marks_init(c, &marks, spot->marks->count)) {
        return VERDICT_BAD;
    }
    struct check_spot inside = {spot->value, spot->place, &marks};
    enum verdict verdict = is_quiet ? check_quietly(c, node, &inside)
                                    : check_node(c, node, &inside);
    if (verdict != VERDICT_BAD) {
        check_marks_merge(spot->marks, &marks);
    }
    check_marks_finish(&marks);
    return verdict;
}

/* The one violation of a branch, when that is all and it is about the value itself; or NULL. */
static const struct schema_finding *find_sole(const struct schema_report *report, size_t from,
                                              uint32_t depth)
{
    bool is_sole = report->count == from + 1 && report->findings[from].depth == depth;
    return is_sole ? &report->findings[from] : NULL;
}

enum { MAX_MISSING = 12 }; /* names in one message */

/* What the branches wanted, as long as they all wanted the same kind of thing. */
struct wanted {
    unsigned types;
    struct strbuf choices; /* the fixed values, as struct value one behind the other */
    bool is_mixed;
    struct report_missing missing[MAX_MISSING]; /* keys, of all branches */
    size_t missing_count;
    bool is_more_missing; /* than keys of the value itself, or more of them */
};

/* The violations of a branch, from number `from` on. */
static void wanted_add_missing(struct wanted *wanted, const struct schema_report *report,
                               size_t from, uint32_t depth)
{
    for (size_t i = from; i < report->count && !wanted->is_more_missing; i++) {
        const struct schema_finding *finding = &report->findings[i];
        if (finding->missing == NULL || finding->depth != depth ||
            wanted->missing_count == MAX_MISSING) {
            wanted->is_more_missing = true;
            return;
        }
        wanted->missing[wanted->missing_count++] =
            (struct report_missing){.name = finding->missing, .is_first = i == from};
    }
    wanted->is_more_missing = wanted->is_more_missing || report->is_cut || report->count == from;
}

static bool wanted_is_one(const struct wanted *wanted)
{
    return !wanted->is_mixed || !wanted->is_more_missing;
}

static void wanted_add(struct wanted *wanted, const struct schema_finding *sole)
{
    const struct schema_rule *cause = sole != NULL ? sole->cause : NULL;
    bool is_const = cause != NULL && cause->kind == SCHEMA_RULE_CONST;
    bool is_enum = cause != NULL && cause->kind == SCHEMA_RULE_ENUM;
    if (sole != NULL && sole->types != 0 && wanted->choices.n == 0) {
        wanted->types |= sole->types;
    } else if (is_const && wanted->types == 0) {
        strbuf_append(&wanted->choices, cause->operand, sizeof(*cause->operand));
    } else if (is_enum && wanted->types == 0) {
        strbuf_append(&wanted->choices, value_at(cause->operand, 0),
                      value_count(cause->operand) * sizeof(*cause->operand));
    } else {
        wanted->is_mixed = true;
    }
}

static enum verdict fail_wanted(struct check *c, const char *name, const struct wanted *wanted,
                                const struct check_spot *spot)
{
    struct strbuf *message = check_message(c);
    if (message == NULL) {
        return VERDICT_BAD;
    }
    if (wanted->is_mixed) {
        strbuf_append_text(message, "must have ");
        report_append_missing(message, wanted->missing, wanted->missing_count);
        return check_fail(c, spot->place, "required");
    }
    if (wanted->types != 0) {
        strbuf_append_text(message, "must be ");
        report_append_types(message, wanted->types);
        check_append_found_typed(c, message, spot->value);
        return check_fail_types(c, spot->place, name, wanted->types);
    }
    if (strbuf_status(&wanted->choices) != 0) {
        return check_abort(c, E_NOMEM);
    }
    struct value choices = {.type = VALUE_LIST};
    choices.count = (uint32_t)(wanted->choices.n / sizeof(choices));
    choices.as.items = (const struct value *)(const void *)wanted->choices.p;
    strbuf_append_text(message, "must be one of ");
    report_append_choices(message, &choices);
    check_append_found(c, message, spot->value);
    return check_fail_choice(c, spot, name, NULL, &choices);
}

/* The state of a loud run through the branches. */
struct branch_choice {
    size_t start;        /* the report's length before the first branch */
    size_t best_end;     /* the best branch's violations end here */
    uint64_t best_score; /* UINT64_MAX: no branch so far */
    bool was_cut;        /* before the first branch */
    bool is_best_cut;
    size_t limit; /* of the report, before the first branch */
    struct wanted wanted;
};

static void choose_branch(struct check *c, struct branch_choice *choice, uint32_t depth)
{
    struct schema_report *report = c->report;
    wanted_add(&choice->wanted, find_sole(report, choice->best_end, depth));
    wanted_add_missing(&choice->wanted, report, choice->best_end, depth);
    uint64_t score = report_score(report, choice->best_end, depth);
    if (score < choice->best_score) {
        choice->best_score = score;
        choice->is_best_cut = report->is_cut;
        report_keep_newer(report, choice->start, choice->best_end);
        choice->best_end = report->count;
    } else {
        report_cut(report, choice->best_end);
    }
    report->is_cut = choice->was_cut;
}

static void count_branch(struct branch_count *count, enum verdict verdict, uint32_t i)
{
    if (verdict == VERDICT_OK) {
        if (count->ok == 0) {
            count->first_ok = i;
        } else if (count->ok == 1) {
            count->second_ok = i;
        }
        count->ok++;
    }
    count->maybe += verdict == VERDICT_MAYBE ? 1 : 0;
}

/* Runs all branches; when none fits, the report says why as described above. */
static struct branch_count check_branches(struct check *c, const char *name,
                                          const struct schema_rule *rule,
                                          const struct check_spot *spot)
{
    struct branch_count count = {0};
    struct branch_choice choice = {.best_score = UINT64_MAX};
    if (c->report != NULL) {
        choice.start = choice.best_end = c->report->count;
        choice.was_cut = c->report->is_cut;
        choice.limit = c->report->limit;
    }
    bool needs_all = spot->marks != NULL || rule->kind == SCHEMA_RULE_ONE_OF;
    for (uint32_t i = 0; i < rule->entries.count && c->status == 0; i++) {
        uint32_t node = schema_entry_at(c->schema, rule->entries, i)->node;
        if (c->report != NULL) {
            /* As much room as the first branch has, behind the best branch so far. */
            c->report->limit = choice.limit + (choice.best_end - choice.start);
        }
        enum verdict verdict = check_branch(c, node, spot, false);
        count_branch(&count, verdict, i);
        if (verdict == VERDICT_BAD && c->report != NULL && c->status == 0) {
            choose_branch(c, &choice, report_depth(spot->place));
        }
        if (count.ok > 0 && !needs_all) {
            break;
        }
    }
    bool fits = count.ok + count.maybe > 0;
    bool is_summed_up = !fits && rule->entries.count > 1 && wanted_is_one(&choice.wanted);
    if (c->report != NULL && c->status == 0) {
        c->report->limit = choice.limit;
        report_cut(c->report, fits || is_summed_up ? choice.start : c->report->count);
        c->report->is_cut = choice.was_cut || (!fits && !is_summed_up && choice.is_best_cut);
        if (is_summed_up) {
            (void)fail_wanted(c, name, &choice.wanted, spot); /* the counts give the verdict */
        }
    }
    strbuf_finish(&choice.wanted.choices);
    return count;
}

enum verdict check_any_of(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot)
{
    struct branch_count count = check_branches(c, "anyOf", rule, spot);
    if (count.ok > 0) {
        /* What a branch that may fit has looked at is marked, so that the marks are no more than
         * a maybe. */
        return spot->marks != NULL && count.maybe > 0 ? VERDICT_MAYBE : VERDICT_OK;
    }
    return count.maybe > 0 ? VERDICT_MAYBE : VERDICT_BAD;
}

enum verdict check_one_of(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot)
{
    struct branch_count count = check_branches(c, "oneOf", rule, spot);
    if (count.ok > 1) {
        struct strbuf *message = check_message(c);
        if (message != NULL) {
            strbuf_append_format(message,
                                 "must fit exactly one of %u forms, but fits %zu of them: the "
                                 "forms %u and %u, say",
                                 rule->entries.count, count.ok, count.first_ok + 1,
                                 count.second_ok + 1);
        }
        return check_fail(c, spot->place, "oneOf");
    }
    if (count.maybe > 0) {
        return VERDICT_MAYBE;
    }
    return count.ok == 1 ? VERDICT_OK : VERDICT_BAD;
}

enum verdict check_not(struct check *c, const struct schema_rule *rule,
                       const struct check_spot *spot)
{
    struct check_spot inside = {spot->value, spot->place, NULL};
    enum verdict verdict = check_quietly(c, rule->node, &inside);
    if (verdict != VERDICT_OK) {
        return verdict == VERDICT_BAD ? VERDICT_OK : VERDICT_MAYBE;
    }
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "must not be of the kind that 'not' describes");
        check_append_found(c, message, spot->value);
    }
    return check_fail(c, spot->place, "not");
}

/* With an open condition either branch may have to hold, so that both only leave marks. */
static enum verdict check_both(struct check *c, const struct schema_rule *rule,
                               const struct check_spot *spot)
{
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t node = schema_entry_at(c->schema, rule->entries, i)->node;
        if (node != SCHEMA_NO_NODE) {
            (void)check_branch(c, node, spot, true); /* it is a maybe either way */
        }
    }
    return VERDICT_MAYBE;
}

enum verdict check_if(struct check *c, const struct schema_rule *rule,
                      const struct check_spot *spot)
{
    enum verdict condition = check_branch(c, rule->node, spot, true);
    if (c->status != 0) {
        return VERDICT_BAD;
    }
    if (condition == VERDICT_MAYBE) {
        return check_both(c, rule, spot);
    }
    uint32_t i = condition == VERDICT_OK ? 0 : 1;
    uint32_t node = schema_entry_at(c->schema, rule->entries, i)->node;
    return node == SCHEMA_NO_NODE ? VERDICT_OK : check_node(c, node, spot);
}

enum verdict check_dependent_schemas(struct check *c, const struct schema_rule *rule,
                                     const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_MAP)) {
        return VERDICT_OK;
    }
    enum verdict verdict = VERDICT_OK;
    for (uint32_t i = 0; i < rule->entries.count && !check_is_over(c, verdict); i++) {
        const struct schema_entry *entry = schema_entry_at(c->schema, rule->entries, i);
        if (check_step(c, 1) && value_get(spot->value, entry->key) != NULL) {
            verdict = verdict_worst(verdict, check_node(c, entry->node, spot));
        }
    }
    return verdict;
}
