/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value/schema_check.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/value/value.h"

enum {
    UNKNOWN_MAX_DEPTH = 128
}; /* documents are less deep; beyond, "unknown" is the safe answer */

enum verdict check_abort(struct check *c, int status)
{
    if (c->status == 0) {
        c->status = status;
        if (status == E_NOMEM) {
            (void)error_nomem(c->err); /* c->status carries the code */
        }
    }
    return VERDICT_BAD;
}

bool check_step(struct check *c, size_t count)
{
    c->steps += count;
    if (c->steps > SCHEMA_MAX_STEPS && c->status == 0) {
        (void)check_abort(c, error_set(c->err, E_LIMIT,
                                       "checking the value against its schema takes more than %d "
                                       "steps: make one of them simpler",
                                       (int)SCHEMA_MAX_STEPS));
    }
    return c->status == 0;
}

struct strbuf *check_message(struct check *c)
{
    if (c->report == NULL || c->status != 0) {
        return NULL;
    }
    strbuf_clear(&c->report->message);
    return &c->report->message;
}

static enum verdict add_finding(struct check *c, const struct schema_place *place,
                                const struct schema_finding *finding)
{
    if (c->report == NULL || c->status != 0) {
        return VERDICT_BAD;
    }
    int status = report_add(c->report, place, finding);
    if (status == E_LIMIT) {
        (void)error_set(c->err, E_LIMIT, "the violations need more than %d bytes of text",
                        (int)SCHEMA_MAX_REPORT_BYTES);
    }
    return status != 0 ? check_abort(c, status) : VERDICT_BAD;
}

/* A finding about a value, or about a name when one is being checked. */
static struct schema_finding make_finding(const struct check *c, const char *rule)
{
    struct schema_finding finding = {0};
    finding.violation.rule = str_from(c->is_name ? "propertyNames" : rule);
    finding.violation.on_key = c->is_name;
    return finding;
}

enum verdict check_fail(struct check *c, const struct schema_place *place, const char *rule)
{
    struct schema_finding finding = make_finding(c, rule);
    return add_finding(c, place, &finding);
}

enum verdict check_fail_types(struct check *c, const struct schema_place *place, const char *rule,
                              unsigned types)
{
    struct schema_finding finding = make_finding(c, rule);
    finding.types = types;
    return add_finding(c, place, &finding);
}

enum verdict check_fail_choice(struct check *c, const struct check_spot *spot, const char *rule,
                               const struct schema_rule *cause, const struct value *choices)
{
    struct schema_finding finding = make_finding(c, rule);
    finding.cause = cause;
    finding.is_choice = true;
    if (value_is(spot->value, VALUE_STRING) && !c->is_secret) {
        struct suggest nearest = suggest_start(value_str(spot->value));
        for (size_t i = 0; i < value_count(choices); i++) {
            const struct value *choice = value_at(choices, i);
            if (value_is(choice, VALUE_STRING)) {
                suggest_offer(&nearest, value_str(choice));
            }
        }
        finding.violation.suggestion = nearest.best;
    }
    return add_finding(c, spot->place, &finding);
}

enum verdict check_fail_missing(struct check *c, const struct schema_place *place,
                                const struct value *name)
{
    struct schema_finding finding = make_finding(c, "required");
    finding.missing = name;
    return add_finding(c, place, &finding);
}

enum verdict check_fail_name(struct check *c, const struct schema_place *place, const char *rule,
                             struct str suggestion)
{
    struct schema_finding finding = {0};
    finding.violation.rule = str_from(rule);
    finding.violation.on_key = true;
    finding.violation.suggestion = suggestion;
    return add_finding(c, place, &finding);
}

void check_append_found(struct check *c, struct strbuf *out, const struct value *value)
{
    if (c->is_secret) {
        strbuf_append_text(out, ", found a value that is not shown");
        return;
    }
    strbuf_append_text(out, ", found ");
    report_append_value(out, value);
}

void check_append_found_typed(struct check *c, struct strbuf *out, const struct value *value)
{
    if (c->is_secret) {
        check_append_found(c, out, value);
        return;
    }
    strbuf_append_text(out, ", found ");
    report_append_typed_value(out, value);
}

static bool holds_unknown_below(struct check *c, const struct value *value, unsigned depth)
{
    const struct value *seen = value;
    if (depth > UNKNOWN_MAX_DEPTH || !check_step(c, 1) || c->look(&seen, c->user) != SCHEMA_KNOWN ||
        seen != value) {
        return true;
    }
    bool is_list = value_is(value, VALUE_LIST);
    size_t count = is_list || value_is(value, VALUE_MAP) ? value_count(value) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct value *below = is_list ? value_at(value, i)
                                            : &value_member_at(value, i)->value;
        if (holds_unknown_below(c, below, depth + 1)) {
            return true;
        }
    }
    return false;
}

bool check_holds_unknown(struct check *c, const struct value *value)
{
    return c->look != NULL && holds_unknown_below(c, value, 0);
}

bool check_marks_init(struct check *c, struct check_marks *marks, size_t count)
{
    *marks = (struct check_marks){.count = count};
    size_t words = (count + 63) / 64;
    if (words <= sizeof(marks->small) / sizeof(marks->small[0])) {
        return true;
    }
    marks->bits = calloc(words, sizeof(marks->bits[0]));
    if (marks->bits == NULL) {
        (void)check_abort(c, E_NOMEM); /* the caller sees false */
        return false;
    }
    return true;
}

void check_marks_finish(struct check_marks *marks)
{
    free(marks->bits);
}

void check_marks_set(struct check_marks *marks, size_t i)
{
    if (marks != NULL) {
        uint64_t *words = marks->bits != NULL ? marks->bits : marks->small;
        words[i / 64] |= UINT64_C(1) << i % 64;
    }
}

bool check_marks_has(const struct check_marks *marks, size_t i)
{
    const uint64_t *words = marks->bits != NULL ? marks->bits : marks->small;
    return (words[i / 64] >> i % 64 & 1) != 0;
}

void check_marks_merge(struct check_marks *to, const struct check_marks *from)
{
    if (to == NULL) {
        return;
    }
    CHECK(to->count == from->count);
    uint64_t *words = to->bits != NULL ? to->bits : to->small;
    const uint64_t *more = from->bits != NULL ? from->bits : from->small;
    for (size_t i = 0; i < (to->count + 63) / 64; i++) {
        words[i] |= more[i];
    }
}

/* One arm for each kind, nothing else. */
static enum verdict check_rule(struct check *c, uint32_t node, const struct schema_rule *rule,
                               const struct check_spot *spot)
{
    switch (rule->kind) {
    case SCHEMA_RULE_TYPE:
        return check_type(c, rule, spot);
    case SCHEMA_RULE_CONST:
        return check_const(c, rule, spot);
    case SCHEMA_RULE_ENUM:
        return check_enum(c, rule, spot);
    case SCHEMA_RULE_MULTIPLE_OF:
    case SCHEMA_RULE_MAXIMUM:
    case SCHEMA_RULE_EXCLUSIVE_MAXIMUM:
    case SCHEMA_RULE_MINIMUM:
    case SCHEMA_RULE_EXCLUSIVE_MINIMUM:
        return check_number(c, rule, spot);
    case SCHEMA_RULE_MAX_LENGTH:
    case SCHEMA_RULE_MIN_LENGTH:
    case SCHEMA_RULE_MAX_ITEMS:
    case SCHEMA_RULE_MIN_ITEMS:
    case SCHEMA_RULE_MAX_PROPERTIES:
    case SCHEMA_RULE_MIN_PROPERTIES:
        return check_count(c, rule, spot);
    case SCHEMA_RULE_PATTERN:
        return check_pattern(c, rule, spot);
    case SCHEMA_RULE_FORMAT:
        return check_format(c, rule, spot);
    case SCHEMA_RULE_UNIQUE_ITEMS:
        return check_unique_items(c, spot);
    case SCHEMA_RULE_CONTAINS:
        return check_contains(c, rule, spot);
    case SCHEMA_RULE_ITEMS:
        return check_items(c, rule, spot);
    case SCHEMA_RULE_REQUIRED:
        return check_required(c, rule, spot);
    case SCHEMA_RULE_DEPENDENT_REQUIRED:
        return check_dependent_required(c, rule, spot);
    case SCHEMA_RULE_PROPERTY_NAMES:
        return check_property_names(c, rule, spot);
    case SCHEMA_RULE_PROPERTIES:
        return check_properties(c, rule, spot);
    case SCHEMA_RULE_DEPENDENT_SCHEMAS:
        return check_dependent_schemas(c, rule, spot);
    case SCHEMA_RULE_REF:
        return check_node(c, rule->node, spot);
    case SCHEMA_RULE_ALL_OF:
        return check_all_of(c, rule, spot);
    case SCHEMA_RULE_ANY_OF:
        return check_any_of(c, rule, spot);
    case SCHEMA_RULE_ONE_OF:
        return check_one_of(c, rule, spot);
    case SCHEMA_RULE_NOT:
        return check_not(c, rule, spot);
    case SCHEMA_RULE_IF:
        return check_if(c, rule, spot);
    case SCHEMA_RULE_UNEVALUATED_ITEMS:
        return check_unevaluated_items(c, rule, spot);
    case SCHEMA_RULE_UNEVALUATED_PROPERTIES:
        return check_unevaluated_properties(c, node, rule, spot);
    }
    unreachable_state("schema rule", (int)rule->kind);
}

/* A value of the wrong type breaks other rules, too, but they would say nothing new. */
static enum verdict check_rules(struct check *c, uint32_t index, const struct check_spot *spot)
{
    const struct schema_node *node = &c->schema->nodes[index];
    enum verdict verdict = VERDICT_OK;
    for (uint32_t i = 0; i < node->rule_count; i++) {
        const struct schema_rule *rule = schema_rule_at(c->schema, node, i);
        enum verdict one = check_rule(c, index, rule, spot);
        verdict = verdict_worst(verdict, one);
        bool is_wrong_type = one == VERDICT_BAD && rule->kind == SCHEMA_RULE_TYPE;
        if (is_wrong_type || check_is_over(c, verdict)) {
            return verdict;
        }
    }
    return verdict;
}

/* Text that nobody knows yet: what is wrong with it is wrong with every text. */
static enum verdict check_some_text(struct check *c, uint32_t index, const struct check_spot *spot)
{
    const struct schema_node *node = &c->schema->nodes[index];
    enum verdict verdict = VERDICT_MAYBE;
    for (uint32_t i = 0; i < node->rule_count && !check_is_over(c, verdict); i++) {
        const struct schema_rule *rule = schema_rule_at(c->schema, node, i);
        switch (rule->kind) {
        case SCHEMA_RULE_TYPE:
        case SCHEMA_RULE_REF:
        case SCHEMA_RULE_ALL_OF:
        case SCHEMA_RULE_ANY_OF:
        case SCHEMA_RULE_ONE_OF:
            verdict = verdict_worst(verdict, check_rule(c, index, rule, spot));
            break;
        default:
            break;
        }
    }
    return verdict;
}

/* unevaluated* sees only what its own node has looked at; the parent's marks get it afterwards. */
static enum verdict check_with_marks(struct check *c, uint32_t index, const struct check_spot *spot)
{
    struct check_marks marks;
    if (!check_marks_init(c, &marks, value_count(spot->value))) {
        return VERDICT_BAD;
    }
    struct check_spot inside = {spot->value, spot->place, &marks};
    enum verdict verdict = check_rules(c, index, &inside);
    check_marks_merge(spot->marks, &marks);
    check_marks_finish(&marks);
    return verdict;
}

static enum verdict check_false(struct check *c, const struct check_spot *spot)
{
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message,
                           c->is_name ? "this name is not allowed" : "no value is allowed here");
    }
    return check_fail(c, spot->place, "false");
}

/* The depth's bound is what makes the recursion of the check_*() functions safe. */
static enum verdict check_limits(struct check *c)
{
    if (!check_step(c, 1)) {
        return VERDICT_BAD;
    }
    if (c->depth >= SCHEMA_MAX_DEPTH) {
        return check_abort(c, error_set(c->err, E_LIMIT,
                                        "more than %d subschemas inside each other ask about one "
                                        "value: make the schema or the value less deep",
                                        (int)SCHEMA_MAX_DEPTH));
    }
    return VERDICT_OK;
}

enum verdict check_node(struct check *c, uint32_t index, const struct check_spot *given)
{
    const struct schema_node *node = &c->schema->nodes[index];
    struct check_spot inside = *given;
    const struct check_spot *spot = &inside;
    enum schema_knowledge knowledge = SCHEMA_KNOWN;
    if (check_limits(c) != VERDICT_OK) {
        return VERDICT_BAD;
    }
    if (node->is_false) {
        return check_false(c, spot);
    }
    if (node->rule_count == 0) {
        return VERDICT_OK;
    }
    if (c->look != NULL && !c->is_name) {
        knowledge = c->look(&inside.value, c->user);
    }
    if (knowledge == SCHEMA_UNKNOWN) {
        return VERDICT_MAYBE;
    }
    bool was_secret = c->is_secret;
    c->is_secret = was_secret || node->is_secret;
    c->depth++;
    bool is_container = value_is(spot->value, VALUE_LIST) || value_is(spot->value, VALUE_MAP);
    enum verdict verdict = knowledge == SCHEMA_SOME_TEXT ? check_some_text(c, index, spot)
                           : node->has_unevaluated && is_container
                               ? check_with_marks(c, index, spot)
                               : check_rules(c, index, spot);
    c->depth--;
    c->is_secret = was_secret;
    return verdict;
}

enum verdict check_quietly(struct check *c, uint32_t node, const struct check_spot *spot)
{
    struct schema_report *report = c->report;
    c->report = NULL;
    enum verdict verdict = check_node(c, node, spot);
    c->report = report;
    return verdict;
}

/* Says the first violation, and how many there are. */
static int summarize(const struct schema_report *report, struct error *err)
{
    if (report->count == 0) {
        return error_set(err, E_INVALID, "the value breaks its schema");
    }
    const struct schema_violation *first = &report->findings[0].violation;
    (void)error_set(err, E_INVALID, "%.*s%s%.*s", STR_ARG(first->pointer),
                    first->pointer.n > 0 ? ": " : "", STR_ARG(first->message));
    return E_INVALID;
}

int schema_validate_partial(const struct schema *schema, const struct value *value,
                            schema_look_cb look, void *user, struct schema_report **out_report,
                            struct error *err)
{
    struct check quiet = {.schema = schema, .look = look, .user = user, .err = err};
    struct check_spot spot = {.value = value};
    enum verdict verdict = check_node(&quiet, 0, &spot);
    if (quiet.status != 0) {
        return quiet.status;
    }
    if (verdict != VERDICT_BAD) {
        return 0;
    }

    struct check loud = {.schema = schema, .look = look, .user = user, .err = err};
    loud.report = report_create();
    if (loud.report == NULL) {
        return error_nomem(err);
    }
    (void)check_node(&loud, 0, &spot); /* the first pass gave the verdict */
    if (loud.status != 0 || out_report == NULL) {
        int status = loud.status != 0 ? loud.status : summarize(loud.report, err);
        schema_report_destroy(loud.report);
        return status;
    }
    *out_report = loud.report;
    return summarize(loud.report, err);
}

int schema_validate(const struct schema *schema, const struct value *value,
                    struct schema_report **out_report, struct error *err)
{
    return schema_validate_partial(schema, value, NULL, NULL, out_report, err);
}
