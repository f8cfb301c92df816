/* SPDX-License-Identifier: Apache-2.0 */
/* `sanitize`: what is hidden in the results of a pipeline. */
#include "core/base/error.h"
#include "core/base/suggest.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/report.h"
#include "core/model/storage.h"
#include "core/model/tree.h"
#include "core/value/sanitizer.h"

static const struct report *report_of(const struct draft *draft)
{
    return &draft->loader->report;
}

static void report_unknown(struct draft *draft, const struct tree *item)
{
    struct suggest nearest = suggest_start(item->text);
    for (int kind = SANITIZER_EMAIL; kind < SANITIZER_KINDS; kind++) {
        suggest_offer(&nearest, sanitizer_kind_name((enum sanitizer_kind)kind));
    }
    report_error(report_of(draft), item->place, "'sanitize' knows no '%.*s'", STR_ARG(item->text));
    if (nearest.best.n > 0) {
        report_nearest(report_of(draft), &nearest);
    } else {
        report_hint(report_of(draft),
                    "it knows email, card, phone and ip; write {pattern: \"...\"} for an "
                    "expression of your own");
    }
}

/* The kind of that name. False: there is none, and it is reported. */
static bool read_kind(struct draft *draft, const struct tree *item, struct sanitizer_rule *out)
{
    for (int kind = SANITIZER_EMAIL; kind < SANITIZER_KINDS; kind++) {
        if (str_equal(item->text, sanitizer_kind_name((enum sanitizer_kind)kind))) {
            *out = (struct sanitizer_rule){.kind = (enum sanitizer_kind)kind};
            return true;
        }
    }
    report_unknown(draft, item);
    return false;
}

static bool read_pattern(struct draft *draft, const struct tree *map, struct sanitizer_rule *out)
{
    struct str pattern = STR("");
    format_check(report_of(draft), map, format_sanitize_keys, "a map in 'sanitize'",
                 draft->is_profile ? FORMAT_PROFILE : 0);
    bool is_there = format_text(map, "pattern", &pattern);
    if (!is_there && tree_get(map, STR("pattern")) == NULL &&
        !format_is_misspelt(map, format_sanitize_keys, "pattern")) {
        report_error(report_of(draft), map->place, "a map in 'sanitize' needs 'pattern'");
    }
    *out = (struct sanitizer_rule){.kind = SANITIZER_PATTERN, .pattern = pattern};
    return is_there;
}

static bool read_rule(struct draft *draft, const struct tree *item, struct sanitizer_rule *out)
{
    if (tree_is(item, TREE_MAP)) {
        return read_pattern(draft, item, out);
    }
    if (tree_is(item, TREE_TEXT)) {
        return read_kind(draft, item, out);
    }
    report_error(report_of(draft), item->place,
                 "'sanitize' is a list of names and of maps with 'pattern', not of %s",
                 tree_kind_name(item));
    return false;
}

/* `items[i]` is what rule `i` was read from. Fails with E_NOMEM alone. */
static int compile(struct draft *draft, const struct sanitizer_rule *rules,
                   const struct tree *const *items, size_t count)
{
    struct sanitizer *sanitizer = NULL;
    struct error err = {0};
    size_t rule = 0;
    int status = sanitizer_create(rules, count, &sanitizer, &rule, &err);
    if (status == E_NOMEM) {
        return status;
    }
    if (status != 0) {
        const struct tree *pattern = tree_get(items[rule], STR("pattern"));
        report_error(report_of(draft), (pattern != NULL ? pattern : items[rule])->place,
                     "'sanitize': %s", err.message);
        return 0;
    }
    draft->storage->pipeline.sanitizer = sanitizer;
    return storage_take_sanitizer(draft->storage, sanitizer);
}

int sanitize_read(struct draft *draft)
{
    const struct tree *list = format_list(draft->tree, "sanitize");
    struct sanitizer_rule rules[SANITIZER_MAX_RULES];
    const struct tree *items[SANITIZER_MAX_RULES];
    size_t count = 0;
    if (list == NULL) {
        return 0;
    }
    if (list->count > SANITIZER_MAX_RULES) {
        report_error(report_of(draft), list->place, "'sanitize' has %u entries, the limit is %d",
                     list->count, SANITIZER_MAX_RULES);
        return 0;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (read_rule(draft, &list->as.items[i], &rules[count])) {
            items[count++] = &list->as.items[i];
        }
    }
    return count > 0 ? compile(draft, rules, items, count) : 0;
}
