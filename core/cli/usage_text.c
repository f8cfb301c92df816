/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/usage_text.h"

#include "core/base/str.h"
#include "core/cli/job_text.h"
#include "core/policy/purse.h"
#include "core/value/value.h"

/* Of all calls nobody knows it. */
static bool is_unknown(const struct value *usage, const char *unknown)
{
    int64_t calls = job_text_int(usage, "calls");
    return calls > 0 && job_text_int(usage, unknown) == calls;
}

static void append_tokens(const struct value *usage, struct strbuf *out)
{
    int64_t reserved = job_text_int(usage, "tokens");
    int64_t input = job_text_int(usage, "input_tokens");
    int64_t output = job_text_int(usage, "output_tokens");
    int64_t cached = job_text_int(usage, "cached_tokens");
    if (value_get(usage, STR("tokens")) != NULL) {
        strbuf_append_format(out, ", up to %lld tokens", (long long)reserved);
    } else if (value_get(usage, STR("input_tokens")) != NULL &&
               !is_unknown(usage, "uncounted_calls")) {
        strbuf_append_format(out, ", %lld + %lld tokens", (long long)input, (long long)output);
    } else {
        strbuf_append_text(out, ", tokens not known");
    }
    if (cached > 0) {
        strbuf_append_format(out, " (%lld from a cache)", (long long)cached);
    }
}

static void append_cost(const struct value *usage, struct strbuf *out)
{
    if (value_get(usage, STR("cost")) == NULL || is_unknown(usage, "unpriced_calls")) {
        strbuf_append_text(out, ", cost not known");
        return;
    }
    bool is_part = job_text_int(usage, "unpriced_calls") > 0;
    char cost[PURSE_TEXT_SIZE];
    purse_format_dollars(job_text_number(usage, "cost", 0.0), cost);
    strbuf_append_format(out, ", $%s", cost);
    strbuf_append_text(out, is_part ? " without those of unknown price" : "");
}

void usage_text_append(const struct value *usage, struct strbuf *out)
{
    int64_t calls = job_text_int(usage, "calls");
    if (!value_is(usage, VALUE_MAP)) {
        return;
    }
    strbuf_append_format(out, "%lld call%s", (long long)calls, calls == 1 ? "" : "s");
    append_tokens(usage, out);
    append_cost(usage, out);
}
