/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/job_command.h"

#include "core/cli/command.h"
#include "core/cli/engine_command.h"
#include "core/cli/terminal.h"
#include "core/value/value.h"

static int say(const struct job_command *command, const struct document *answer)
{
    const struct value *id = value_get(document_root(answer), STR("id"));
    struct strbuf text = STRBUF_INIT;
    strbuf_append_format(&text, "%s ", command->done);
    terminal_append_safe(&text, value_is(id, VALUE_STRING) ? value_str(id) : STR(""));
    strbuf_append_char(&text, '\n');
    return engine_command_print(&text);
}

int job_command_run(struct engine_session *session, const struct command_args *args,
                    const struct job_command *command)
{
    cleanup_document struct document *answer = NULL;
    int code =
        engine_command_post_job(session, args->operands[0], command->below, command->body, &answer);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(answer) : say(command, answer);
}
