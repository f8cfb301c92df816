/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about one value alone. */
#include "core/value/schema_check.h"

#include <inttypes.h>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/value/json.h"
#include "core/value/regex.h"
#include "core/value/schema_format.h"
#include "core/value/schema_number.h"
#include "core/value/value.h"

enum verdict check_type(struct check *c, const struct schema_rule *rule,
                        const struct check_spot *spot)
{
    if ((schema_type_of(spot->value) & rule->types) != 0) {
        return VERDICT_OK;
    }
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "must be ");
        report_append_types(message, rule->types);
        check_append_found_typed(c, message, spot->value);
    }
    return check_fail_types(c, spot->place, "type", rule->types);
}

enum verdict check_const(struct check *c, const struct schema_rule *rule,
                         const struct check_spot *spot)
{
    if (value_equal(rule->operand, spot->value)) {
        return VERDICT_OK;
    }
    if (check_holds_unknown(c, spot->value)) {
        return VERDICT_MAYBE;
    }
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        struct value one = {.type = VALUE_LIST, .count = 1, .as.items = rule->operand};
        strbuf_append_text(message, "must be ");
        report_append_choices(message, &one);
        check_append_found(c, message, spot->value);
        return check_fail_choice(c, spot, "const", rule, &one);
    }
    return VERDICT_BAD;
}

enum verdict check_enum(struct check *c, const struct schema_rule *rule,
                        const struct check_spot *spot)
{
    size_t count = value_count(rule->operand);
    for (size_t i = 0; i < count && check_step(c, 1); i++) {
        if (value_equal(value_at(rule->operand, i), spot->value)) {
            return VERDICT_OK;
        }
    }
    if (check_holds_unknown(c, spot->value)) {
        return VERDICT_MAYBE;
    }
    struct strbuf *message = check_message(c);
    if (message == NULL) {
        return VERDICT_BAD;
    }
    strbuf_append_text(message, count == 0   ? "no value is allowed here"
                                : count == 1 ? "must be "
                                             : "must be one of ");
    report_append_choices(message, rule->operand);
    check_append_found(c, message, spot->value);
    return check_fail_choice(c, spot, "enum", rule, rule->operand);
}

static bool is_number_allowed(const struct schema_rule *rule, const struct value *number)
{
    if (rule->kind == SCHEMA_RULE_MULTIPLE_OF) {
        return schema_number_is_multiple(number, rule->operand);
    }
    int order = schema_number_compare(number, rule->operand);
    switch (rule->kind) {
    case SCHEMA_RULE_MAXIMUM:
        return order <= 0;
    case SCHEMA_RULE_EXCLUSIVE_MAXIMUM:
        return order < 0;
    case SCHEMA_RULE_MINIMUM:
        return order >= 0;
    default:
        return order > 0;
    }
}

struct number_text {
    const char *rule;
    const char *must;
};

static struct number_text number_text_of(enum schema_rule_kind kind)
{
    switch (kind) {
    case SCHEMA_RULE_MULTIPLE_OF:
        return (struct number_text){"multipleOf", "must be a multiple of "};
    case SCHEMA_RULE_MAXIMUM:
        return (struct number_text){"maximum", "must be at most "};
    case SCHEMA_RULE_EXCLUSIVE_MAXIMUM:
        return (struct number_text){"exclusiveMaximum", "must be less than "};
    case SCHEMA_RULE_MINIMUM:
        return (struct number_text){"minimum", "must be at least "};
    default:
        return (struct number_text){"exclusiveMinimum", "must be more than "};
    }
}

enum verdict check_number(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot)
{
    bool is_number = value_is(spot->value, VALUE_INT) || value_is(spot->value, VALUE_DOUBLE);
    if (!is_number || is_number_allowed(rule, spot->value)) {
        return VERDICT_OK;
    }
    struct number_text text = number_text_of(rule->kind);
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, text.must);
        json_write(rule->operand, JSON_COMPACT, message);
        check_append_found(c, message, spot->value);
    }
    return check_fail(c, spot->place, text.rule);
}

struct count_text {
    enum value_type type;
    const char *rule;
    const char *must; /* "must have at most" */
    const char *unit; /* "item" */
    const char *tail;
    bool is_most;
};

static struct count_text count_text_of(enum schema_rule_kind kind)
{
    static const char most[] = "must have at most";
    static const char least[] = "must have at least";
    switch (kind) {
    case SCHEMA_RULE_MAX_LENGTH:
        return (struct count_text){VALUE_STRING, "maxLength", "must be at most",
                                   "character",  " long",     true};
    case SCHEMA_RULE_MIN_LENGTH:
        return (struct count_text){VALUE_STRING, "minLength", "must be at least",
                                   "character",  " long",     false};
    case SCHEMA_RULE_MAX_ITEMS:
        return (struct count_text){VALUE_LIST, "maxItems", most, "item", "", true};
    case SCHEMA_RULE_MIN_ITEMS:
        return (struct count_text){VALUE_LIST, "minItems", least, "item", "", false};
    case SCHEMA_RULE_MAX_PROPERTIES:
        return (struct count_text){VALUE_MAP, "maxProperties", most, "key", "", true};
    default:
        return (struct count_text){VALUE_MAP, "minProperties", least, "key", "", false};
    }
}

enum verdict check_count(struct check *c, const struct schema_rule *rule,
                         const struct check_spot *spot)
{
    struct count_text text = count_text_of(rule->kind);
    const struct value *value = spot->value;
    if (!value_is(value, text.type)) {
        return VERDICT_OK;
    }
    bool is_string = text.type == VALUE_STRING;
    uint64_t count = is_string ? utf8_count(value_str(value).p, value_str(value).n)
                               : value_count(value);
    if (text.is_most ? count <= rule->limit : count >= rule->limit) {
        return VERDICT_OK;
    }

    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_format(message, "%s %" PRIu64 " %s%s%s, found %" PRIu64, text.must,
                             rule->limit, text.unit, rule->limit == 1 ? "" : "s", text.tail, count);
    }
    return check_fail(c, spot->place, text.rule);
}

enum verdict check_pattern(struct check *c, const struct schema_rule *rule,
                           const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_STRING)) {
        return VERDICT_OK;
    }
    bool matches = false;
    int status = check_step(c, value_count(spot->value) / 64)
                     ? regex_search(rule->regex, value_str(spot->value), &matches, c->err)
                     : c->status;
    if (status != 0) {
        return check_abort(c, status);
    }
    if (matches) {
        return VERDICT_OK;
    }

    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message,
                           rule->examples != NULL ? "must be like " : "must match the pattern ");
        if (rule->examples != NULL) {
            report_append_choices(message, rule->examples);
        } else {
            report_append_value(message, rule->operand);
        }
        check_append_found(c, message, spot->value);
    }
    return check_fail(c, spot->place, "pattern");
}

enum verdict check_format(struct check *c, const struct schema_rule *rule,
                          const struct check_spot *spot)
{
    if (!value_is(spot->value, VALUE_STRING) || rule->format->is_valid(value_str(spot->value))) {
        return VERDICT_OK;
    }
    struct strbuf *message = check_message(c);
    if (message != NULL) {
        strbuf_append_text(message, "must be ");
        strbuf_append_text(message, rule->format->what);
        check_append_found(c, message, spot->value);
    }
    return check_fail(c, spot->place, "format");
}
