/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/job_command.h"
#include "core/cli/state_owner.h"
#include "core/value/json.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    JOB_JSON_OPTION,
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

/* {"name": EVENT, "data": DATA} */
static int make_body(const struct command_args *args, struct strbuf *out)
{
    struct error err = {0};
    cleanup_document struct document *data = NULL;
    bool has_data = args->operand_count > 2;
    if (has_data && json_read(str_from(args->operands[2]), NULL, &data, &err) != 0) {
        return command_error(EXIT_USAGE, "DATA is no JSON: column %u: %s", err.column, err.message);
    }
    strbuf_append_text(out, "{\"name\":");
    json_write_string(str_from(args->operands[1]), out);
    if (has_data) {
        strbuf_append_text(out, ",\"data\":");
        json_write(document_root(data), JSON_COMPACT, out);
    }
    strbuf_append_char(out, '}');
    return strbuf_status(out) == 0 ? EXIT_DONE : command_error(EXIT_STATE, "out of memory");
}

static int send_event(struct engine_session *session, const struct command_args *args)
{
    struct strbuf body = STRBUF_INIT;
    int code = make_body(args, &body);
    if (code == EXIT_DONE) {
        code = job_command_run(session, args,
                               &(struct job_command){.below = "/events",
                                                     .body = strbuf_str(&body),
                                                     .done = "sent to"});
    }
    strbuf_finish(&body);
    return code;
}

static int run(const struct command_args *args)
{
    return engine_command_run(args, send_event);
}

const struct command cmd_send = {
    .name = "send",
    .group = "Change runs",
    .summary = "send a run an event, for a 'wait' or a state machine",
    .usage = "ID EVENT [DATA] [--json]",
    .details = "DATA is JSON. The event is kept until a 'wait' or a state takes it, also when it\n"
               "comes before its wait; one that nothing in the run can take is refused.",
    .options = options,
    .min_operands = 2,
    .max_operands = 3,
    .run = run,
};
