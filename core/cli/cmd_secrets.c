/* SPDX-License-Identifier: Apache-2.0 */
/* secrets: what pipelines read as secrets.NAME: which there are, and those of the store. */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/engine_command.h"
#include "core/cli/secret_env.h"
#include "core/cli/secret_input.h"
#include "core/cli/secret_list.h"
#include "core/cli/site_config.h"
#include "core/cli/state_owner.h"
#include "core/cli/terminal.h"
#include "core/loop/secret_sources.h"
#include "core/loop/secret_store.h"
#include "core/loop/state_folder.h"
#include "core/model/settings.h"
#include "core/value/secret_hosts.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

static const struct command_option options[] = {
    {"host", 0, "HOST", "set: a host that it may go to (may be repeated)", true},
    {"processes", 0, NULL, "set, with --host: 'code' nodes may have it, too", false},
    {"keep", 0, NULL, "set: the value stays, and --host tells the hosts", false},
    {"json", 0, NULL, "list: print one JSON document", false},
    STATE_OPTION,
    {"config", 0, "FILE", "settings, instead of " SITE_CONFIG_FILE, false},
    {NULL, 0, NULL, NULL, false},
};

struct session {
    const struct command_args *args;
    struct secrets *secrets;
    struct secret_sources *sources;
    struct settings settings;
};

static int fail(const struct error *err)
{
    return command_error(EXIT_STATE, "%s", err->message);
}

/* ---- where ---- */

/* The folder of the state is checked, and made for a first secret. */
static int open_folder(const struct command_args *args, enum state_folder_use use)
{
    struct error err = {0};
    struct state_folder *folder = NULL;
    const struct state_folder_options open = {.path = command_value(args, "state"), .use = use};
    int status = state_folder_open(&open, &folder, &err);
    bool is_foreign = status == 0 && state_folder_is_foreign(folder);
    int code = status == 0 ? EXIT_DONE : fail(&err);
    if (is_foreign) {
        code = command_error(EXIT_STATE, "'%s' belongs to another user: run this as that user",
                             state_folder_path(folder));
    }
    state_folder_close(folder);
    return code;
}

static int open_session(struct session *session, const struct command_args *args)
{
    struct error err = {0};
    cleanup_free char *state = NULL;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    *session = (struct session){.args = args};
    if (secret_env_take(&session->secrets, &err) != 0 ||
        state_folder_locate(command_value(args, "state"), &state, &err) != 0) {
        return fail(&err);
    }
    const struct secret_sources_options sources = {
        .credentials = credentials != NULL && credentials[0] == '/' ? credentials : NULL,
        .state = state};
    if (secret_sources_create(&sources, &session->sources, &err) != 0) {
        return fail(&err);
    }
    int code = site_config_read(command_value(args, "config"), &session->settings);
    if (code == EXIT_DONE && site_config_secrets(&session->settings, session->sources, &err) != 0) {
        return fail(&err);
    }
    return code;
}

static void close_session(struct session *session)
{
    settings_finish(&session->settings);
    secret_sources_destroy(session->sources);
    secrets_destroy(session->secrets);
}

/* ---- list ---- */

static int list(struct session *session)
{
    struct error err = {0};
    struct strbuf text = STRBUF_INIT;
    cleanup_document struct document *found = NULL;
    if (secret_list_make(session->sources, session->secrets, &found, &err) != 0) {
        return fail(&err);
    }
    if (command_has(session->args, "json")) {
        return engine_command_print_json(found);
    }
    if (value_count(document_root(found)) == 0) {
        terminal_write_stderr(STR("there are no secrets; 'opstream secrets set NAME' sets one\n"));
        return EXIT_DONE;
    }
    secret_list_append(document_root(found), terminal_has_color(1), &text);
    return engine_command_print(&text);
}

/* ---- set ---- */

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
static int tell_set(const struct session *session, struct str name, int64_t version)
{
    struct strbuf text = STRBUF_INIT;
    struct secrets_variable variable = {{0}};
    strbuf_append_text(&text, "set ");
    terminal_append_safe(&text, name);
    strbuf_append_format(&text, ", version %" PRId64 "\n", version);
    (void)secrets_variable_of(name, &variable); /* run() has looked */
    if (secrets_has_variable(session->secrets, name) && !command_has(session->args, "keep")) {
        struct strbuf note = STRBUF_INIT;
        strbuf_append_format(&note, "%s is set here, and counts before the store\n", variable.text);
        terminal_write_stderr(strbuf_str(&note));
        strbuf_finish(&note);
    }
    return engine_command_print(&text);
}

static int change(struct session *session, struct str name, const struct secret_input *input,
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
    int code = open_folder(session->args, STATE_FOLDER_CREATE);
    if (code == EXIT_DONE &&
        secret_store_set(secret_sources_store(session->sources), &wish, &version, &err) != 0) {
        code = fail(&err);
    }
    return code == EXIT_DONE ? tell_set(session, name, version) : code;
}

static int set(struct session *session)
{
    const struct command_args *args = session->args;
    const char *name = args->operands[1];
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

/* ---- rm, rotate ---- */

static int rm(struct session *session)
{
    struct error err = {0};
    struct str name = str_from(session->args->operands[1]);
    int code = open_folder(session->args, STATE_FOLDER_EXISTING);
    if (code == EXIT_DONE &&
        secret_store_remove(secret_sources_store(session->sources), name, &err) != 0) {
        code = err.code == E_NOT_FOUND ? command_error(EXIT_USAGE, "%s", err.message) : fail(&err);
    }
    return code;
}

static int rotate(struct session *session)
{
    struct error err = {0};
    struct strbuf text = STRBUF_INIT;
    size_t count = 0;
    int code = open_folder(session->args, STATE_FOLDER_EXISTING);
    if (code == EXIT_DONE &&
        secret_store_rotate(secret_sources_store(session->sources), &count, &err) != 0) {
        code = fail(&err);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    strbuf_append_format(&text, "sealed %zu secret%s with a new key\n", count,
                         count == 1 ? "" : "s");
    return engine_command_print(&text);
}

/* ---- which ---- */

static const struct verb {
    const char *name;
    size_t operands;
    int (*run)(struct session *session);
} verbs[] = {{"list", 1, list}, {"set", 2, set}, {"rm", 2, rm}, {"rotate", 1, rotate}};

static int run_verb(const struct verb *verb, const struct command_args *args)
{
    struct session session;
    struct secrets_variable variable;
    if (verb->operands == 2 && !secrets_variable_of(str_from(args->operands[1]), &variable)) {
        return command_usage_error(args->command,
                                   "a secret's name has 1 to 128 letters, digits, '_', '-' and "
                                   "'.'");
    }
    int code = open_session(&session, args);
    code = code == EXIT_DONE ? verb->run(&session) : code;
    close_session(&session);
    return code;
}

static int run(const struct command_args *args)
{
    if (args->operand_count > 2 && strcmp(args->operands[0], "set") == 0) {
        return command_usage_error(args->command,
                                   "a value is never an argument, which others can see: it comes "
                                   "from the standard input");
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(args->operands[0], verbs[i].name) == 0 &&
            args->operand_count == verbs[i].operands) {
            return run_verb(&verbs[i], args);
        }
    }
    return command_usage_error(args->command,
                               "write 'secrets list', 'secrets set NAME', 'secrets rm NAME' or "
                               "'secrets rotate'");
}

const struct command cmd_secrets = {
    .name = "secrets",
    .group = "Keep it running",
    .summary = "set and list what pipelines read as secrets.NAME",
    .usage = "list | set NAME [--host HOST]... | rm NAME | rotate",
    .details = "A secret comes from the first that has it: the variable OPSTREAM_SECRET_NAME,\n"
               "$CREDENTIALS_DIRECTORY of the service manager, 'secrets_folder' of\n"
               "opstream.yaml [" SECRET_SOURCES_FOLDER "] with a file for each, and the store:\n"
               "secrets.json in the state folder, sealed with the key in secrets.key there, or\n"
               "with the credential 'opstream-secrets-key'. An engine sees a change at once.\n\n"
               "list shows names, where each comes from and where it may go; never values. One\n"
               "in brackets does not count: another place has it, too.\n\n"
               "set asks for the value, or reads it from the standard input. What is there\n"
               "gets a new version. With --host it goes to these hosts alone (HOST, HOST:PORT,\n"
               "*.DOMAIN), and to no process; without, to those written in pipelines.\n"
               "set NAME --keep --host HOST changes the hosts alone, also of a secret that\n"
               "comes from another place.\n\n"
               "rotate seals all values with a new key; when it is cut off, old and new go on\n"
               "working. Make copies of the store and of the key in different places.",
    .options = options,
    .min_operands = 1,
    .max_operands = SIZE_MAX,
    .run = run,
};
