/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: what the retry queue has given up, and what people do with it. */
#include <stdio.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/item_input.h"
#include "core/cli/item_pages.h"
#include "core/cli/queue_text.h"
#include "core/cli/state_owner.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"all", 0, NULL, "requeue, drop: all that the filters leave", false},
    {"workflow", 'w', "ID", "only calls of this workflow", false},
    {"node", 'n', "ID", "only calls of nodes with this id", false},
    {"code", 0, "CODE", "only those whose last error has this code", false},
    {"older", 0, "TIME", "given up before: a time, or how long ago: 2h, 7d", false},
    {"newer", 0, "TIME", "given up since", false},
    {"priority", 0, "WORD", "requeue: with it; else only such: high, normal, low", false},
    {"edit", 0, NULL, "requeue: change the input in $EDITOR first", false},
    {"input", 0, "FILE", "requeue: with this input, a JSON object ('-': stdin)", false},
    {"value", 0, "JSON", "skip: what the call is to have given", false},
    {"limit", 0, "N", "list: so many at most, up to 500 [100]", false},
    {"cursor", 0, "CURSOR", "list: the page behind, as the one before said", false},
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static const char *verb_of(const struct command_args *args)
{
    return args->operands[0];
}

static bool is_verb(const struct command_args *args, const char *verb)
{
    return strcmp(verb_of(args), verb) == 0;
}

/* ---- looking ---- */

static int list(struct engine_session *session, const struct command_args *args)
{
    const char *none = item_pages_has_filter(args) ? "there are no such dead letters\n"
                                                   : "there are no dead letters\n";
    return item_pages_show(session, args, "/api/v1/dlq", none);
}

static int show(struct engine_session *session, const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *letter = NULL;
    int code = engine_command_get_letter(session, args->operands[1], &letter);
    if (code != EXIT_DONE) {
        return code;
    }
    if (command_has(args, "json")) {
        return engine_command_print_json(letter);
    }
    queue_text_append_letter(document_root(letter), job_text_style_of_stdout(), &text);
    return engine_command_print(&text);
}

/* ---- deciding ---- */

static int post(struct engine_session *session, const struct command_args *args, const char *id,
                struct strbuf *body, struct document **out_answer)
{
    char below[16];
    (void)snprintf(below, sizeof(below), "/%s", verb_of(args));
    int code = strbuf_status(body) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_post_letter(session, id, below, strbuf_str(body), out_answer);
    strbuf_finish(body);
    return code;
}

static const char *word_of(const struct command_args *args)
{
    return is_verb(args, "requeue") ? "requeued" : is_verb(args, "skip") ? "skipped" : "dropped";
}

static int say(const struct command_args *args, const struct document *answer, const char *id)
{
    struct strbuf text = STRBUF_INIT;
    if (command_has(args, "json")) {
        return engine_command_print_json(answer);
    }
    strbuf_append_format(&text, "%s %s\n", word_of(args), id);
    return engine_command_print(&text);
}

static int append_value(const struct command_args *args, struct strbuf *body)
{
    struct error err = {0};
    cleanup_document struct document *value = NULL;
    if (json_read(str_from(command_value(args, "value")), NULL, &value, &err) != 0) {
        return command_error(EXIT_USAGE, "--value is no JSON: column %u: %s", err.column,
                             err.message);
    }
    strbuf_append_text(body, "{\"value\":");
    json_write(document_root(value), JSON_COMPACT, body);
    strbuf_append_char(body, '}');
    return EXIT_DONE;
}

static int decide(struct engine_session *session, const struct command_args *args, const char *id)
{
    struct strbuf body = STRBUF_INIT;
    cleanup_document struct document *answer = NULL;
    int code = is_verb(args, "skip")      ? append_value(args, &body)
               : is_verb(args, "requeue") ? item_input_append(session, args, id, &body)
                                          : EXIT_DONE;
    if (code != EXIT_DONE) {
        strbuf_finish(&body);
        return code;
    }
    code = post(session, args, id, &body, &answer);
    return code == EXIT_DONE ? say(args, answer, id) : code;
}

static bool is_edited(const struct command_args *args)
{
    return command_has(args, "edit") || command_value(args, "input") != NULL;
}

static int decide_all(struct engine_session *session, const struct command_args *args)
{
    if (is_verb(args, "skip") || is_edited(args)) {
        return decide(session, args, args->operands[1]);
    }
    return item_pages_order(session, args,
                            is_verb(args, "requeue") ? "/api/v1/dlq/requeue" : "/api/v1/dlq/drop",
                            word_of(args));
}

/* ---- what is asked ---- */

/* What is wrong with it; NULL: nothing is. */
static const char *fault_of(const struct command_args *args)
{
    bool is_list = is_verb(args, "list");
    bool is_all = command_has(args, "all");
    size_t ids = args->operand_count - 1;
    if (!is_list && !is_verb(args, "show") && !is_verb(args, "requeue") && !is_verb(args, "skip") &&
        !is_verb(args, "drop")) {
        return "write 'dlq list', 'show', 'requeue', 'skip' or 'drop'";
    }
    if (is_all && !is_verb(args, "requeue") && !is_verb(args, "drop")) {
        return "--all goes with 'requeue' and 'drop'";
    }
    if (is_list || is_all) {
        return ids > 0           ? "an ID goes with none of 'list' and --all"
               : is_edited(args) ? "--edit and --input are for one ID"
                                 : NULL;
    }
    if (ids == 0) {
        return "give an ID, which 'opstream dlq list' shows";
    }
    if (item_pages_has_filter(args)) {
        return "filters go with 'list' and --all";
    }
    if (ids > 1 && (is_edited(args) || is_verb(args, "show") || is_verb(args, "skip"))) {
        return "give one ID";
    }
    if (is_edited(args) && !is_verb(args, "requeue")) {
        return "--edit and --input go with 'requeue'";
    }
    if ((command_value(args, "value") != NULL) != is_verb(args, "skip")) {
        return is_verb(args, "skip") ? "say with --value JSON what the call is to have given"
                                     : "--value goes with 'skip'";
    }
    return NULL;
}

static int run(const struct command_args *args)
{
    const char *fault = fault_of(args);
    if (fault != NULL) {
        return command_usage_error(args->command, "%s", fault);
    }
    return engine_command_run(args, is_verb(args, "list")   ? list
                                    : is_verb(args, "show") ? show
                                                            : decide_all);
}

const struct command cmd_dlq = {
    .name = "dlq",
    .group = "Keep it running",
    .summary = "look at dead letters, try them again or drop them",
    .usage = "list|show|requeue|skip|drop [ID]... [--all] [--json]",
    .details = "A dead letter is a call of the retry queue whose attempts or time are spent, or\n"
               "whose error is not one to retry; unknown ones may have had their effect. A run\n"
               "that ended its engine ten times is one, too: 'retry' starts it again.\n\n"
               "requeue gives it all its attempts again, with the same idempotency key; with\n"
               "--edit or --input it is another call, with another key. skip settles it with\n"
               "the value, drop for good without one. All of it is in the audit log.",
    .options = options,
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = run,
};
