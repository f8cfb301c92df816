/* SPDX-License-Identifier: Apache-2.0 */
#include "core/engine/last_attempt.h"

#include "core/base/check.h"
#include "core/base/quantity.h"
#include "core/base/str.h"
#include "core/model/catalogue.h"
#include "core/model/pipeline.h"
#include "core/model/policy.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum { ON_SHOWN = 6 };

static const struct retry_settings *settings_of(const struct last_attempt *last)
{
    return &last->node->policies->retry;
}

/* Of a program that has ended by itself; 0: none is known. */
static int64_t exit_code(const struct last_attempt *last)
{
    const struct value *details = value_get(document_root(last->document), STR("details"));
    const struct value *code = value_get(details, STR("exit_code"));
    return value_is(code, VALUE_INT) ? value_int(code) : 0;
}

/* The config of its type can say which exit codes are tried again. */
static bool has_rules_of_exit(const struct last_attempt *last)
{
    const struct value *config = schema_source(last->node->type->config_schema);
    return value_get(value_get(config, STR("properties")), STR("on_exit")) != NULL;
}

static struct str code_of(const struct last_attempt *last)
{
    return last->failure->code.n > 0 ? last->failure->code : STR("a failure without a code");
}

/* "'retry.on' (TIMEOUT, 503) names neither UPSTREAM nor 404" */
static void append_not_listed(const struct last_attempt *last, struct strbuf *out)
{
    const struct retry_settings *settings = settings_of(last);
    int status = (int)last->failure->status;
    strbuf_append_text(out, "'retry.on' (");
    for (uint32_t i = 0; i < settings->on_count && i < ON_SHOWN; i++) {
        strbuf_append_text(out, i > 0 ? ", " : "");
        strbuf_append_str(out, settings->on[i]);
    }
    strbuf_append_text(out, settings->on_count > ON_SHOWN ? ", ...)" : ")");
    strbuf_append_text(out, status > 0 ? " names neither " : " does not name ");
    strbuf_append_str(out, code_of(last));
    if (status > 0) {
        strbuf_append_format(out, " nor %d", status);
    }
}

static void append_not_transient(const struct last_attempt *last, struct strbuf *out)
{
    int status = (int)last->failure->status;
    if (exit_code(last) > 0 && has_rules_of_exit(last)) {
        strbuf_append_format(
            out, "exit code %lld is tried again only where 'on_exit' or 'retry.on' says so",
            (long long)exit_code(last));
        return;
    }
    if (status > 0) {
        strbuf_append_format(out, "status %d", status);
    } else {
        strbuf_append_str(out, code_of(last));
    }
    strbuf_append_text(out, " does not pass by itself; 'retry.on' can name it");
}

static void append_duration(int64_t ms, struct strbuf *out)
{
    char text[QUANTITY_TEXT_SIZE];
    quantity_format_duration(ms, text);
    strbuf_append_text(out, text);
}

/* "'retry.deadline' (10 s)" */
static void append_deadline(const struct last_attempt *last, struct strbuf *out)
{
    strbuf_append_text(out, "'retry.deadline' (");
    append_duration(settings_of(last)->deadline_ms, out);
    strbuf_append_char(out, ')');
}

static void append_late(const struct last_attempt *last, const char *why, struct strbuf *out)
{
    strbuf_append_text(out, why);
    append_deadline(last, out);
}

static void append_retry_after(const struct last_attempt *last, struct strbuf *out)
{
    strbuf_append_text(out, "the service asks to wait ");
    append_duration(last->failure->retry_after_ms, out);
    append_late(last, ", which is beyond ", out);
}

void last_attempt_append(const struct last_attempt *last, struct strbuf *out)
{
    if (last->is_stopping) {
        strbuf_append_text(out, "the run was about to end, and nothing new began");
        return;
    }
    switch (last->end) {
    case RETRY_END_NONE:
        append_late(last, "no further attempt could begin within ", out);
        return;
    case RETRY_END_HAD_EFFECT:
        strbuf_append_text(out, "it had its effect, and would have it twice");
        return;
    case RETRY_END_WORD:
        strbuf_append_text(out, "the node itself forbids it");
        return;
    case RETRY_END_NOT_LISTED:
        append_not_listed(last, out);
        return;
    case RETRY_END_NOT_TRANSIENT:
        append_not_transient(last, out);
        return;
    case RETRY_END_ATTEMPTS:
        strbuf_append_format(out, "all %u attempts are spent", settings_of(last)->max_attempts);
        return;
    case RETRY_END_DEADLINE:
        append_late(last, "the next attempt would begin after ", out);
        return;
    case RETRY_END_RETRY_AFTER:
        append_retry_after(last, out);
        return;
    case RETRY_END_MAYBE_TWICE:
        strbuf_append_text(out, "it may have had its effect, and is not known to do no harm twice");
        return;
    }
    unreachable_state("retry end", (int)last->end);
}
