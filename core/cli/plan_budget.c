/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/plan_budget.h"

#include <stdbool.h>

#include "core/base/quantity.h"
#include "core/cli/terminal.h"
#include "core/model/policy.h"
#include "core/policy/purse.h"
#include "core/value/builder.h"

static void append_most(struct strbuf *out, bool *is_first)
{
    strbuf_append_text(out, *is_first ? " at most " : ", ");
    *is_first = false;
}

void plan_budget_append(const struct budget_settings *budget, struct strbuf *out, size_t start)
{
    bool is_first = true;
    char time[QUANTITY_TEXT_SIZE];
    char cost[PURSE_TEXT_SIZE];
    if (budget == NULL) {
        return;
    }
    strbuf_append_text(out, out->n > start ? "; spends" : "spends");
    if (budget->tokens >= 0) {
        append_most(out, &is_first);
        strbuf_append_format(out, "%lld tokens", (long long)budget->tokens);
    }
    if (budget->cost >= 0) {
        append_most(out, &is_first);
        purse_format_dollars(purse_dollars(budget->cost), cost);
        strbuf_append_format(out, "$%s", cost);
    }
    if (budget->calls >= 0) {
        append_most(out, &is_first);
        strbuf_append_format(out, "%lld call%s", (long long)budget->calls,
                             budget->calls == 1 ? "" : "s");
    }
    if (budget->time_ms >= 0) {
        quantity_format_duration(budget->time_ms, time);
        strbuf_append_format(out, "%s within %s", is_first ? " only" : "", time);
    }
    if (budget->model.n > 0) {
        strbuf_append_text(out, ", else asks ");
        terminal_append_safe(out, budget->model);
    }
}

static void build_count(struct builder *b, struct str key, int64_t count)
{
    if (count >= 0) {
        builder_member_int(b, key, count);
    } else {
        builder_member_null(b, key);
    }
}

static void build_number(struct builder *b, struct str key, int64_t number, double unit)
{
    if (number >= 0) {
        builder_member_double(b, key, (double)number / unit);
    } else {
        builder_member_null(b, key);
    }
}

void plan_budget_build(struct builder *b, const struct budget_settings *budget)
{
    if (budget == NULL) {
        builder_member_null(b, STR("budget"));
        return;
    }
    builder_key(b, STR("budget"));
    builder_map_begin(b);
    build_count(b, STR("tokens"), budget->tokens);
    build_number(b, STR("cost"), budget->cost, 1e9);
    build_count(b, STR("calls"), budget->calls);
    build_number(b, STR("time_seconds"), budget->time_ms, 1000.0);
    if (budget->model.n > 0) {
        builder_member_string(b, STR("model"), budget->model);
    } else {
        builder_member_null(b, STR("model"));
    }
    builder_map_end(b);
}
