/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/scope_order.h"

#include "core/cli/command.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_text.h"
#include "core/cli/terminal.h"
#include "core/value/json.h"
#include "core/value/value.h"

static int post(struct engine_session *session, const struct command_args *args,
                struct document **out_answer)
{
    struct strbuf path = STRBUF_INIT;
    struct strbuf body = STRBUF_INIT;
    strbuf_append_format(&path, "/api/v1/%s", args->command->parent->name);
    strbuf_append_text(&body, "{\"order\":");
    json_write_string(str_from(args->command->name), &body);
    strbuf_append_text(&body, ",\"scope\":");
    json_write_string(str_from(args->operands[0]), &body);
    strbuf_append_char(&body, '}');
    int code = strbuf_status(&path) != 0 || strbuf_status(&body) != 0
                   ? command_error(EXIT_STATE, "out of memory")
                   : engine_command_post(session, strbuf_str(&path), strbuf_str(&body), out_answer);
    strbuf_finish(&path);
    strbuf_finish(&body);
    return code;
}

/* "forced open http https://api.example.com:443"; what has no states is "reset". */
static int say(const struct command_args *args, const struct value *answer)
{
    struct strbuf text = STRBUF_INIT;
    struct str state = job_text_get(answer, "state");
    if (state.n > 0) {
        job_text_append_state(state, (struct job_text_style){0}, &text);
    } else {
        strbuf_append_text(&text, args->command->name);
    }
    strbuf_append_char(&text, ' ');
    terminal_append_safe(&text, job_text_get(answer, "scope"));
    strbuf_append_char(&text, '\n');
    return engine_command_print(&text);
}

static int give(struct engine_session *session, const struct command_args *args)
{
    cleanup_document struct document *answer = NULL;
    int code = post(session, args, &answer);
    if (code != EXIT_DONE) {
        return code;
    }
    return command_has(args, "json") ? engine_command_print_json(answer)
                                     : say(args, document_root(answer));
}

int scope_order_run(const struct command_args *args)
{
    if (args->operands[0][0] == '\0') {
        return command_usage_error(args->command, "the scope is empty; 'opstream %s' shows scopes",
                                   args->command->parent->name);
    }
    return engine_command_run(args, give);
}
