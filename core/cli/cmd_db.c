/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: the file that keeps the runs: where it is, whether it agrees with itself, a copy of it, and
 * its room. What only reads does so beside an engine that is at work.
 */
#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/cli/workspace.h"
#include "core/journal/journal_reader.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/loop.h"
#include "core/loop/state_check.h"
#include "core/loop/state_folder.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    STATE_OPTION,
    {"json", 0, NULL, "check, path: print one JSON document", false},
    WORKSPACE_OPTIONS,
    {NULL, 0, NULL, NULL, false},
};

static int print_and_finish(struct strbuf *out, int code)
{
    if (strbuf_status(out) != 0) {
        code = command_error(EXIT_STATE, "out of memory");
    } else if (out->n > 0) {
        int written = terminal_write_stdout(strbuf_str(out));
        code = written == EXIT_DONE ? code : written;
    }
    strbuf_finish(out);
    return code;
}

static int print_document(struct builder *b, int code)
{
    struct error err = {0};
    struct strbuf out = STRBUF_INIT;
    cleanup_document struct document *document = NULL;
    if (builder_finish(b, &document, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    json_write(document_root(document), JSON_PRETTY, &out);
    strbuf_append_char(&out, '\n');
    return print_and_finish(&out, code);
}

/* The folder is there and ours. */
static int open_folder(const struct command_args *args, struct state_folder **out_folder)
{
    struct error err = {0};
    const struct state_folder_options open = {.path = command_value(args, "state"),
                                              .use = STATE_FOLDER_EXISTING};
    if (state_folder_open(&open, out_folder, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    if (!state_folder_is_foreign(*out_folder)) {
        return EXIT_DONE;
    }
    int code = command_error(EXIT_STATE, "'%s' belongs to another user: ask who it belongs to",
                             state_folder_path(*out_folder));
    state_folder_close(*out_folder);
    *out_folder = NULL;
    return code;
}

/* ---- path ---- */

/* A folder that is not there yet would be made with the first run. */
static int find_path(const struct command_args *args, struct strbuf *out)
{
    struct error err = {0};
    cleanup_free char *place = NULL;
    struct state_folder *folder = NULL;
    const struct state_folder_options open = {.path = command_value(args, "state"),
                                              .use = STATE_FOLDER_EXISTING};
    int status = state_folder_open(&open, &folder, &err);
    if (status == 0) {
        strbuf_append_text(out, state_folder_file(folder, STATE_FILE_DATABASE));
        state_folder_close(folder);
        return EXIT_DONE;
    }
    if (status == E_NOT_FOUND) {
        status = state_folder_locate(open.path, &place, &err);
    }
    if (status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    strbuf_append_format(out, "%s/state.db", place);
    return EXIT_DONE;
}

static int path(const struct command_args *args)
{
    struct strbuf found = STRBUF_INIT;
    struct strbuf out = STRBUF_INIT;
    int code = find_path(args, &found);
    if (code == EXIT_DONE && command_has(args, "json")) {
        struct builder *b = builder_create();
        builder_map_begin(b);
        builder_member_string(b, STR("path"), strbuf_str(&found));
        builder_map_end(b);
        code = print_document(b, EXIT_DONE);
    } else if (code == EXIT_DONE) {
        terminal_append_safe(&out, strbuf_str(&found));
        strbuf_append_char(&out, '\n');
        code = print_and_finish(&out, EXIT_DONE);
    }
    strbuf_finish(&found);
    return code;
}

/* ---- check ---- */

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
    return print_and_finish(out, code);
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
    return print_document(b, code);
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

static int check_folder(const struct command_args *args, const struct state_folder *folder)
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

/* ---- backup ---- */

static int backup_folder(const struct command_args *args, const struct state_folder *folder)
{
    struct error err = {0};
    int status = journal_sqlite_backup(state_folder_path(folder), args->operands[1], &err);
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

/* ---- vacuum ---- */

struct vacuum {
    sem_t woken;
    bool is_done;
    int status;
};

static void wake(void *user)
{
    struct vacuum *vacuum = user;
    (void)sem_post(&vacuum->woken); /* fails only above INT_MAX, and then it is awake */
}

static void note_done(void *user, int status)
{
    struct vacuum *vacuum = user;
    vacuum->is_done = true;
    vacuum->status = status;
}

static int vacuum_journal(const struct state_folder *folder, struct vacuum *vacuum,
                          struct error *err)
{
    struct journal *journal = NULL;
    const struct journal_sqlite_options open = {
        .folder = state_folder_path(folder), .wake = wake, .user = vacuum};
    int status = journal_sqlite_open(&open, &journal, err);
    if (status == 0) {
        status = journal_sqlite_vacuum(journal, note_done, vacuum, err);
    }
    while (status == 0 && !vacuum->is_done) {
        (void)sem_wait(&vacuum->woken); /* interrupted: it looks once more */
        journal_collect(journal);
    }
    journal_close(journal);
    if (status == 0 && vacuum->status != 0) {
        status = error_set(err, vacuum->status, "cannot vacuum '%s': %s",
                           state_folder_file(folder, STATE_FILE_DATABASE),
                           error_code_text(vacuum->status));
    }
    return status;
}

static int refuse_busy(const struct state_owner *owner, const struct state_folder *folder)
{
    struct strbuf who = STRBUF_INIT;
    state_owner_append(owner, &who);
    int code = command_error(EXIT_STATE, "'%s' is in use by %.*s: stop that first",
                             state_folder_path(folder), STR_ARG(strbuf_str(&who)));
    strbuf_finish(&who);
    return code;
}

static int vacuum_locked(const struct state_folder *folder)
{
    struct error err = {0};
    struct vacuum vacuum = {.status = 0};
    if (sem_init(&vacuum.woken, 0, 0) != 0) {
        return command_error(EXIT_STATE, "cannot vacuum: %s", strerror(errno));
    }
    int status = vacuum_journal(folder, &vacuum, &err);
    (void)sem_destroy(&vacuum.woken); /* nobody waits */
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int vacuum_folder(const struct command_args *args, const struct state_folder *folder)
{
    struct error err = {0};
    struct state_lock *lock = NULL;
    struct state_owner owner = {0};
    const char *file = state_folder_file(folder, STATE_FILE_DATABASE);
    (void)args;
    if (access(file, F_OK) != 0) {
        return command_error(EXIT_STATE, "cannot read '%s': %s", file, strerror(errno));
    }
    int status = state_lock_try(folder, STATE_OWNER_CLI, &lock, &owner, &err);
    if (status == STATE_LOCK_BUSY) {
        return refuse_busy(&owner, folder);
    }
    if (status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int code = vacuum_locked(folder);
    state_lock_release(lock);
    return code;
}

/* ---- which ---- */

typedef int (*folder_cb)(const struct command_args *args, const struct state_folder *folder);

static const struct verb {
    const char *name;
    size_t operands;
    folder_cb run;
} verbs[] = {
    {"check", 1, check_folder}, {"backup", 2, backup_folder}, {"vacuum", 1, vacuum_folder}};

static int run(const struct command_args *args)
{
    const char *name = args->operands[0];
    struct state_folder *folder = NULL;
    if (strcmp(name, "path") == 0 && args->operand_count == 1) {
        return path(args);
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(name, verbs[i].name) == 0 && args->operand_count == verbs[i].operands) {
            int code = open_folder(args, &folder);
            code = code == EXIT_DONE ? verbs[i].run(args, folder) : code;
            state_folder_close(folder);
            return code;
        }
    }
    return command_usage_error(args->command,
                               "write 'db check', 'db backup FILE', 'db vacuum' or 'db path'");
}

const struct command cmd_db = {
    .name = "db",
    .group = "Keep it running",
    .summary = "check, copy or shrink the file that keeps the runs",
    .usage = "check | backup FILE | vacuum | path [--state DIR] [--json]",
    .details = "check replays every run from its records and compares what the tables say; the\n"
               "result is 0 when all agrees, 1 when not, 74 when it cannot be read. A run whose\n"
               "definition cannot be loaded here is unchecked, not wrong.\n\n"
               "backup copies the file, and large documents to a folder 'blobs' beside the copy.\n"
               "check and backup may be used while an engine is at work.\n\n"
               "vacuum gives the room of removed runs back to the system; no engine may be at\n"
               "work.\n\n"
               "path prints where the file is.",
    .options = options,
    .min_operands = 1,
    .max_operands = 2,
    .run = run,
};
