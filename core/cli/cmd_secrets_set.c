/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a secret in the store, or says where one may go. Its value comes in by stdin alone. */
#include <inttypes.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/secret_input.h"
#include "core/cli/secret_session.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/loop/secret_sources.h"
#include "core/loop/secret_store.h"
#include "core/value/secret_hosts.h"
#include "core/value/secrets.h"

static const struct command_option options[] = {
    {"host", 0, "HOST", "a host that it may go to (may be repeated)", true},
    {"processes", 0, NULL, "with --host: 'code' nodes may have it, too", false},
    {"keep", 0, NULL, "the value stays, and --host tells the hosts", false},
    STATE_OPTION,
    SECRET_SESSION_OPTION,
    {NULL, 0, NULL, NULL, false},
};

static int read_hosts(const struct command_args *args, struct strbuf *out)
{
    const char *host = NULL;
    for (size_t i = 0; (host = command_value_at(args, "host", i)) != NULL; i++) {
        const char *fault = secret_hosts_fault_of(str_from(host));
        if (fault != NULL) {
            return command_error(EXIT_USAGE, "--host: '%s' %s", host, fault);
        }
        secret_hosts_add(out, str_from(host));
    }
    return strbuf_status(out) == 0 ? EXIT_DONE : command_error(EXIT_STATE, "out of memory");
}

/* "set api_key, version 2"; and what stands before it. */
static int tell_set(const struct secret_session *session, struct str name, int64_t version)
{
    struct strbuf text = STRBUF_INIT;
    struct secrets_variable variable = {{0}};
    strbuf_append_text(&text, "set ");
    terminal_append_safe(&text, name);
    strbuf_append_format(&text, ", version %" PRId64 "\n", version);
    (void)secrets_variable_of(name, &variable); /* secret_session_run() has looked */
    if (secrets_has_variable(session->secrets, name) && !command_has(session->args, "keep")) {
        struct strbuf note = STRBUF_INIT;
        strbuf_append_format(&note, "%s is set here, and counts before the store\n", variable.text);
        terminal_write_stderr(strbuf_str(&note));
        strbuf_finish(&note);
    }
    return engine_command_print(&text);
}

static int change(struct secret_session *session, struct str name, const struct secret_input *input,
                  const struct strbuf *hosts)
{
    struct error err = {0};
    int64_t version = 0;
    const struct secret_change wish = {
        .name = name,
        .value = str_make(input->p, input->n),
        .hosts = hosts->n > 0 ? hosts->p : NULL,
        .allows_processes = command_has(session->args, "processes"),
        .now_unix_ms = clock_unix_ms(),
    };
    int code = secret_session_open_folder(session, STATE_FOLDER_CREATE);
    if (code == EXIT_DONE &&
        secret_store_set(secret_sources_store(session->sources), &wish, &version, &err) != 0) {
        code = secret_session_fail(&err);
    }
    return code == EXIT_DONE ? tell_set(session, name, version) : code;
}

static int set(struct secret_session *session)
{
    const struct command_args *args = session->args;
    const char *name = args->operands[0];
    struct secret_input input = {0};
    struct strbuf hosts = STRBUF_INIT;
    bool keeps = command_has(args, "keep");
    int code = read_hosts(args, &hosts);
    if (code == EXIT_DONE && hosts.n == 0 && (keeps || command_has(args, "processes"))) {
        code = command_usage_error(args->command, "--%s goes with --host",
                                   keeps ? "keep" : "processes");
    }
    if (code == EXIT_DONE && !keeps) {
        code = secret_input_read(name, &input);
    }
    if (code == EXIT_DONE) {
        code = change(session, str_from(name), &input, &hosts);
    }
    secret_input_finish(&input);
    strbuf_finish(&hosts);
    return code;
}

static int run(const struct command_args *args)
{
    if (args->operand_count > 1) {
        return command_usage_error(args->command,
                                   "a value is never an argument, which others can see: it comes "
                                   "from the standard input");
    }
    return secret_session_run(args, set);
}

const struct command cmd_secrets_set = {
    .name = "set",
    .parent = &cmd_secrets,
    .summary = "keep one in the store, or say where it may go",
    .usage = "NAME [--host HOST]... [--processes] [--keep]",
    .details = "It asks for the value, or reads it from the standard input. What is there gets a\n"
               "new version. With --host it goes to these hosts alone (HOST, HOST:PORT,\n"
               "*.DOMAIN), and to no process; without, to those written in pipelines.\n\n"
               "set NAME --keep --host HOST changes the hosts alone, also of a secret that\n"
               "comes from another place.",
    .options = options,
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = run,
};
