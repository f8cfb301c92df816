/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/error.h"
#include "core/checker/report.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/cli/terminal.h"
#include "core/host/manifest.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

/* What a plugin wrote need not be UTF-8: a byte that is not becomes '?'. */
static void build_text(struct builder *b, const char *text)
{
    struct strbuf safe = STRBUF_INIT;
    terminal_append_safe(&safe, str_from(text));
    if (strbuf_status(&safe) != 0) {
        builder_fail_nomem(b);
    }
    builder_string(b, strbuf_str(&safe));
    strbuf_finish(&safe);
}

static void build_row(struct builder *b, const struct report_row *row)
{
    const char *text = NULL;
    builder_map_begin(b);
    builder_member_string(b, STR("id"), str_from(row->rule->id));
    builder_member_string(b, STR("severity"), str_from(rule_severity_name(row->rule)));
    builder_member_string(b, STR("title"), str_from(row->rule->title));
    builder_member_string(b, STR("outcome"), str_from(verdict_outcome_name(row->verdict)));
    builder_member_int(b, STR("took_ms"), row->verdict->took_ms);
    builder_key(b, STR("remark"));
    build_text(b, row->verdict->remark);
    builder_key(b, STR("findings"));
    builder_list_begin(b);
    for (size_t i = 0; (text = verdict_finding(row->verdict, i)) != NULL; i++) {
        build_text(b, text);
    }
    builder_list_end(b);
    builder_member_int(b, STR("findings_left_out"), (int64_t)row->verdict->lost_count);
    builder_map_end(b);
}

static void build_plugin(struct builder *b, const struct manifest *manifest)
{
    builder_key(b, STR("id"));
    if (manifest == NULL) {
        builder_null(b);
        builder_member_null(b, STR("version"));
        return;
    }
    builder_string(b, manifest->plugin.id);
    builder_member_string(b, STR("version"), manifest->plugin.version);
}

int report_append_json(const struct report *report, struct strbuf *out, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_key(b, STR("path"));
    build_text(b, report->subject->path);
    build_plugin(b, report->subject->manifest);
    /* As text: JSON's readers round numbers above 2^53. */
    struct strbuf seed = STRBUF_INIT;
    strbuf_append_format(&seed, "%llu", (unsigned long long)report->subject->seed);
    builder_member_string(b, STR("seed"), strbuf_str(&seed));
    builder_member_bool(b, STR("good"), report_is_good(report));
    builder_key(b, STR("rules"));
    builder_list_begin(b);
    for (size_t i = 0; i < report->count; i++) {
        build_row(b, &report->rows[i]);
    }
    builder_list_end(b);
    builder_map_end(b);
    strbuf_finish(&seed);

    cleanup_document struct document *document = NULL;
    int status = builder_finish(b, &document, err);
    if (status == 0) {
        json_write(document_root(document), JSON_PRETTY, out);
        strbuf_append_char(out, '\n');
    }
    return status;
}
