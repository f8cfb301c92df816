/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/cleanup.h"
#include "core/cli/brought_env.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_command.h"
#include "core/cli/run_input.h"
#include "core/cli/state_owner.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"from", 0, "NODE", "do this node and what follows it again", false},
    {"input", 0, "FILE", "with another input, JSON or YAML ('-': stdin)", false},
    {"force", 0, NULL, "even if the retry queue may still make calls of it", false},
    BROUGHT_ENV_OPTION,
    JOB_JSON_OPTION,
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int add_input(const struct command_args *args, struct strbuf *out)
{
    cleanup_document struct document *input = NULL;
    if (command_value(args, "input") == NULL) {
        return EXIT_DONE;
    }
    int code = run_input_read_file(args, &input);
    if (code == EXIT_DONE) {
        strbuf_append_text(out, ",\"input\":");
        json_write(document_root(input), JSON_COMPACT, out);
    }
    return code;
}

static int retry(struct engine_session *session, const struct command_args *args)
{
    struct strbuf body = STRBUF_INIT;
    const char *from = command_value(args, "from");
    strbuf_append_char(&body, '{');
    int code = brought_env_append(session, args, &body);
    if (from != NULL) {
        strbuf_append_text(&body, ",\"from\":");
        json_write_string(str_from(from), &body);
    }
    strbuf_append_text(&body, command_has(args, "force") ? ",\"force\":true" : "");
    code = code == EXIT_DONE ? add_input(args, &body) : code;
    strbuf_append_char(&body, '}');
    if (code == EXIT_DONE) {
        code = job_command_run(
            session, args,
            &(struct job_command){.below = "/retry", .body = strbuf_str(&body), .done = "started"});
    }
    strbuf_finish(&body);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, retry);
}

const struct command cmd_retry = {
    .name = "retry",
    .group = "Change runs",
    .summary = "do what is left of a run that has ended, as a new run",
    .usage = "ID [--from NODE] [--input FILE] [--force] [--json]",
    .details =
        "The new run takes over the results of the nodes that completed; with --from not\n"
        "those of NODE and of what follows it. What was undone is done again. With\n"
        "another input nothing is taken over, unless --from says from where on it counts.\n\n"
        "The variables of its definition have the values that they have here, then those\n"
        "of the first run, as long as its engine knows them.\n\n"
        "It is refused while the retry queue has calls of the run, waiting or dead, that\n"
        "the new one would make again, with another key: they would be made twice. Have\n"
        "them settled ('opstream queue', 'opstream dlq'), or say --force.",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
