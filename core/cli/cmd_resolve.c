/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_command.h"
#include "core/cli/state_owner.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"again", 0, NULL, "it starts again, whatever effect it had", false},
    {"fail", 0, NULL, "it failed", false},
    {"output", 0, "JSON", "it did its work, and this is what it gave", false},
    JOB_JSON_OPTION,
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int append_answer(const struct command_args *args, struct strbuf *out)
{
    struct error err = {0};
    const char *output = command_value(args, "output");
    cleanup_document struct document *document = NULL;
    int given = (command_has(args, "again") ? 1 : 0) + (command_has(args, "fail") ? 1 : 0) +
                (output != NULL ? 1 : 0);
    if (given != 1) {
        return command_error(EXIT_USAGE, "say one of --again, --fail and --output JSON");
    }
    if (output != NULL && json_read(str_from(output), NULL, &document, &err) != 0) {
        return command_error(EXIT_USAGE, "--output is no JSON: column %u: %s", err.column,
                             err.message);
    }
    if (output != NULL) {
        strbuf_append_text(out, ",\"output\":");
        json_write(document_root(document), JSON_COMPACT, out);
    } else if (command_has(args, "fail")) {
        strbuf_append_text(out, ",\"error\":{\"code\":\"UNKNOWN\",\"message\":\"a person said "
                                "that it failed\"}");
    } else {
        strbuf_append_text(out, ",\"again\":true");
    }
    return EXIT_DONE;
}

static int resolve(struct engine_session *session, const struct command_args *args)
{
    struct strbuf body = STRBUF_INIT;
    strbuf_append_text(&body, "{\"node\":");
    json_write_string(str_from(args->operands[1]), &body);
    int code = append_answer(args, &body);
    strbuf_append_char(&body, '}');
    if (code == EXIT_DONE && strbuf_status(&body) != 0) {
        code = command_error(EXIT_STATE, "out of memory");
    }
    if (code == EXIT_DONE) {
        code = job_command_run(session, args,
                               &(struct job_command){.below = "/resolve",
                                                     .body = strbuf_str(&body),
                                                     .done = "resolved in"});
    }
    strbuf_finish(&body);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, resolve);
}

const struct command cmd_resolve = {
    .name = "resolve",
    .group = "Change runs",
    .summary = "say what became of a node that is unknown",
    .usage = "ID NODE --again|--fail|--output JSON [--json]",
    .details = "A node with 'at_most_once' that was at work when its engine ended may have had\n"
               "its effect or not: it is unknown, and its run waits (approval_required) until a\n"
               "person has looked. NODE is its path, as 'status' shows it.",
    .options = options,
    .min_operands = 2,
    .max_operands = 2,
    .run = run,
};
