/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rate_limit`: how many calls a time. A rate alone says all of it; in a map, keys that are not
 * there are as further out.
 */
#include "core/base/quantity.h"
#include "core/model/draft.h"
#include "core/model/format.h"
#include "core/model/format_values.h"
#include "core/model/policies.h"
#include "core/model/tree.h"

static void set_rate(struct rate_settings *out, struct quantity_rate rate)
{
    out->limit = (uint32_t)rate.count; /* no more than INT32_MAX is a rate */
    out->period_ms = rate.per_ms;
}

void policy_rate_set(struct rate_settings *out, struct quantity_rate rate)
{
    set_rate(out, rate);
    out->burst = rate_default_burst(out->limit);
}

/* A map that has no rate of its own takes that of a place further out. */
static void check_rate(const struct report *report, struct policy_said said,
                       const struct policies_draft *all)
{
    const struct rate_settings *rate = &all->policies.rate;
    if (rate->limit == 0) {
        if (!policies_says(said, "rate") &&
            !format_is_misspelt(said.map, format_rate_keys, "rate")) {
            report_error(report, said.map->place, "%s needs a 'rate'", said.what);
            report_hint(report, "write {rate: 5000/hour, burst: 100}, for example");
        }
        return;
    }
    bool is_said = policies_says(said, "rate") || policies_says(said, "burst");
    if (!is_said || all->burst_at.line == 0 || rate->burst <= rate->limit) {
        return;
    }
    if (policies_says(said, "burst")) {
        report_error(report, policies_place_of(said, "burst"),
                     "'burst' of %s is %u, more than its rate of %u", said.what, rate->burst,
                     rate->limit);
    } else {
        report_error(report, policies_place_of(said, "rate"),
                     "'rate' of %s is smaller than its 'burst', at %u:%u", said.what,
                     all->burst_at.line, all->burst_at.column);
    }
    report_hint(report, "a burst is a part of the calls that the rate allows");
}

int policy_rate_lay(struct draft *draft, struct policy_said said, struct policies_draft *out)
{
    struct rate_settings *rate = &out->policies.rate;
    struct quantity_rate alone;
    struct quantity_rate found;
    bool is_alone = format_values_call_rate(said.map, &alone);
    if (is_alone || format_values_is_off(said.map)) {
        *rate = (struct rate_settings){0};
        out->burst_at = (struct place){0};
    }
    if (is_alone) {
        policy_rate_set(rate, alone);
    }
    if (!tree_is(said.map, TREE_MAP)) {
        return 0; /* the table of keys has said so, where it is nothing of all that */
    }
    format_check(&draft->loader->report, said.map, format_rate_keys, said.what, 0);
    if (format_values_call_rate(tree_get(said.map, STR("rate")), &found)) {
        set_rate(rate, found);
    }
    if (format_count(said.map, "burst", &rate->burst)) {
        out->burst_at = policies_place_of(said, "burst");
    }
    if (out->burst_at.line == 0) {
        rate->burst = rate->limit > 0 ? rate_default_burst(rate->limit) : 0;
    }
    if (!draft->is_profile) {
        check_rate(&draft->loader->report, said, out);
    }
    return 0;
}
