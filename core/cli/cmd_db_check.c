/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the file that keeps the runs agrees with itself. Only reads, beside an engine that is at
 * work, too.
 */
#include <inttypes.h>

#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/db_folder.h"
#include "core/cli/engine_command.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/journal/journal_reader.h"
#include "core/loop/state_check.h"
#include "core/loop/state_folder.h"
#include "core/value/builder.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    STATE_OPTION,
    {"json", 0, NULL, "print one JSON document", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

enum { KINDS = JOURNAL_UNUSED + 1 };

struct report {
    const char *file;
    struct strbuf text;
    struct builder *lists[KINDS]; /* of maps; with --json */
    uint64_t counts[KINDS];
    struct state_check_numbers numbers;
};

static const char *const labels[KINDS] = {
    [JOURNAL_DIFFERS] = "differs", [JOURNAL_UNCHECKED] = "unchecked", [JOURNAL_UNUSED] = "unused"};

static void add_line(struct report *report, const struct journal_finding *finding)
{
    strbuf_append_text(&report->text, labels[finding->kind]);
    if (finding->run.n > 0) {
        strbuf_append_text(&report->text, ": run ");
        terminal_append_safe(&report->text, finding->run);
    }
    /* What a restore refuses says so itself. */
    if (finding->seq > 0 && !str_starts_with(finding->text, STR("record "))) {
        strbuf_append_format(&report->text, ", record %" PRIu64, finding->seq);
    }
    strbuf_append_text(&report->text, ": ");
    terminal_append_safe(&report->text, finding->text);
    strbuf_append_char(&report->text, '\n');
}

static void add_map(struct builder *b, const struct journal_finding *finding)
{
    builder_map_begin(b);
    builder_key(b, STR("run"));
    if (finding->run.n > 0) {
        builder_string(b, finding->run);
    } else {
        builder_null(b);
    }
    builder_key(b, STR("record"));
    if (finding->seq > 0) {
        builder_int(b, (int64_t)finding->seq);
    } else {
        builder_null(b);
    }
    builder_member_string(b, STR("text"), finding->text);
    builder_map_end(b);
}

static int note_finding(void *user, const struct journal_finding *finding)
{
    struct report *report = user;
    report->counts[finding->kind]++;
    if (report->lists[finding->kind] != NULL) {
        add_map(report->lists[finding->kind], finding);
    } else {
        add_line(report, finding);
    }
    return strbuf_status(&report->text);
}

static void append_count(struct strbuf *out, uint64_t count, const char *noun)
{
    strbuf_append_format(out, "%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}

static int print_text(struct report *report, int code)
{
    const struct state_check_numbers *numbers = &report->numbers;
    struct strbuf *out = &report->text;
    terminal_append_safe(out, str_from(report->file));
    strbuf_append_text(out, ": replayed ");
    append_count(out, numbers->runs, "run");
    strbuf_append_text(out, ", ");
    append_count(out, numbers->records, "record");
    strbuf_append_text(out, ", ");
    append_count(out, numbers->nodes, "node");
    strbuf_append_text(out, "; looked at ");
    append_count(out, numbers->file.definitions, "definition");
    strbuf_append_text(out, ", ");
    append_count(out, numbers->file.blobs, "large document");
    strbuf_append_text(out, numbers->unchecked > 0 ? "; could not check " : "");
    if (numbers->unchecked > 0) {
        append_count(out, numbers->unchecked, "run");
    }
    strbuf_append_text(out, "\n");
    if (report->counts[JOURNAL_DIFFERS] == 0) {
        strbuf_append_text(out, "all agrees\n");
    } else {
        append_count(out, report->counts[JOURNAL_DIFFERS], "difference");
        strbuf_append_char(out, '\n');
    }
    int printed = engine_command_print(out);
    return printed == EXIT_DONE ? code : printed;
}

static void embed_list(struct builder *b, struct str key, struct builder **list)
{
    cleanup_document struct document *document = NULL;
    builder_list_end(*list);
    int status = builder_finish(*list, &document, NULL);
    *list = NULL;
    builder_key(b, key);
    if (status == 0) {
        builder_embed(b, document, document_root(document));
    } else {
        builder_fail_nomem(b);
    }
}

static int print_json(struct report *report, int code)
{
    const struct state_check_numbers *numbers = &report->numbers;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("path"), str_from(report->file));
    builder_member_bool(b, STR("agrees"), report->counts[JOURNAL_DIFFERS] == 0);
    builder_member_int(b, STR("runs"), (int64_t)numbers->runs);
    builder_member_int(b, STR("records"), (int64_t)numbers->records);
    builder_member_int(b, STR("nodes"), (int64_t)numbers->nodes);
    builder_member_int(b, STR("definitions"), (int64_t)numbers->file.definitions);
    builder_member_int(b, STR("documents"), (int64_t)numbers->file.blobs);
    embed_list(b, STR("differences"), &report->lists[JOURNAL_DIFFERS]);
    embed_list(b, STR("unchecked"), &report->lists[JOURNAL_UNCHECKED]);
    embed_list(b, STR("unused"), &report->lists[JOURNAL_UNUSED]);
    builder_map_end(b);
    return db_folder_print_json(b, code);
}

static int check_all(struct workspace *workspace, struct journal_reader *reader,
                     const struct command_args *args, struct report *report)
{
    struct error err = {0};
    struct load_options loading = workspace_options(workspace);
    struct journal_findings findings = {.each = note_finding, .user = report};
    bool has_json = command_has(args, "json");
    for (size_t i = 0; has_json && i < KINDS; i++) {
        report->lists[i] = builder_create();
        builder_list_begin(report->lists[i]);
    }
    if (state_check(reader, &loading, &findings, &report->numbers, &err) != 0) {
        return command_error(EXIT_STATE, "%s",
                             err.code != 0 ? err.message : error_code_text(E_NOMEM));
    }
    int code = report->counts[JOURNAL_DIFFERS] > 0 ? EXIT_RUN_FAILED : EXIT_DONE;
    return has_json ? print_json(report, code) : print_text(report, code);
}

static int check(const struct command_args *args, const struct state_folder *folder)
{
    struct error err = {0};
    struct workspace workspace;
    struct journal_reader *reader = NULL;
    struct report report = {.file = state_folder_file(folder, STATE_FILE_DATABASE)};
    if (journal_reader_open(state_folder_path(folder), &reader, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int code = workspace_open(&workspace, args);
    if (code == EXIT_DONE) {
        code = check_all(&workspace, reader, args, &report);
    }
    for (size_t i = 0; i < KINDS; i++) {
        builder_destroy(report.lists[i]);
    }
    strbuf_finish(&report.text);
    workspace_finish(&workspace);
    journal_reader_close(reader);
    return code;
}

static int run(const struct command_args *args)
{
    return db_folder_run(args, check);
}

const struct command cmd_db_check = {
    .name = "check",
    .parent = &cmd_db,
    .summary = "replay every run, compare what the tables say",
    .usage = "[--state DIR] [--json]",
    .details = "Every run is made once more from its records, and compared with what the tables\n"
               "say of it; large documents and definitions are looked at, too. The result is 0\n"
               "when all agrees, 1 when not, 74 when it cannot be read. A run whose definition\n"
               "cannot be loaded here is unchecked, not wrong.\n\n"
               "It only reads, and may be used while an engine is at work.",
    .options = options,
    .run = run,
};
