/* SPDX-License-Identifier: Apache-2.0 */
/* Shows one dead letter. */
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/queue_text.h"
#include "core/cli/state_owner.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"json", 0, NULL, "print one JSON document", false},
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int show(struct engine_session *session, const struct command_args *args)
{
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *letter = NULL;
    int code = engine_command_get_letter(session, args->operands[0], &letter);
    if (code != EXIT_DONE) {
        return code;
    }
    if (command_has(args, "json")) {
        return engine_command_print_json(letter);
    }
    queue_text_append_letter(document_root(letter), job_text_style_of_stdout(), &text);
    return engine_command_print(&text);
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, show);
}

const struct command cmd_dlq_show = {
    .name = "show",
    .parent = &cmd_dlq,
    .summary = "show one dead letter, with its input and last errors",
    .usage = "ID [--json]",
    .options = options,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
