/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/engine_command.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/api/query.h"
#include "core/api/route.h"
#include "core/base/error.h"
#include "core/cli/engine_full.h"
#include "core/cli/engine_request.h"
#include "core/cli/list_text.h"
#include "core/cli/terminal.h"
#include "core/value/json.h"
#include "core/value/value.h"

int engine_command_run(const struct command_args *args, engine_command_cb work)
{
    struct error err = {0};
    struct engine_session *session = NULL;
    const char *option = command_value(args, "state");
    if (engine_session_open(option, &session, &err) != 0) {
        return command_error(exit_code_of_state(option), "%s", err.message);
    }
    engine_session_use(session, args, NULL);
    int code = work(session, args);
    if (code == EXIT_DONE && engine_session_is_alone(session)) {
        code = EXIT_STUCK;
    }
    engine_session_close(session);
    return code;
}

static struct str text_at(const struct document *document, const char *pointer)
{
    const struct value *value = value_pointer(document_root(document), str_from(pointer));
    return value_is(value, VALUE_STRING) ? value_str(value) : STR("");
}

static void tell_candidates(const struct document *document)
{
    const struct value *list = value_pointer(document_root(document), STR("/error/candidates"));
    struct strbuf text = STRBUF_INIT;
    if (value_is(list, VALUE_LIST) && value_count(list) > 0) {
        list_text_append_jobs(list, (struct job_text_style){0}, &text);
    }
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
}

/* A "parameter 'limit'" of the API is what the option of that name became. */
static void append_message(struct str message, struct strbuf *out)
{
    const struct str begin = STR("parameter '");
    const char *name = message.p + begin.n;
    const char *quote = str_starts_with(message, begin) ? memchr(name, '\'', message.n - begin.n)
                                                        : NULL;
    if (quote == NULL) {
        strbuf_append_str(out, message);
        return;
    }
    strbuf_append_text(out, "--");
    strbuf_append(out, name, (size_t)(quote - name));
    strbuf_append(out, quote + 1, (size_t)(message.p + message.n - quote - 1));
}

/* Says on stderr why the answer is a refusal. Returns `code`. */
static int tell_refusal(const struct engine_reply *reply, int code)
{
    struct strbuf text = STRBUF_INIT;
    if (reply->document == NULL) {
        return command_error(code, "the engine gave an answer that nobody understands (%d)",
                             reply->status);
    }
    struct str hint = text_at(reply->document, "/error/hint");
    append_message(text_at(reply->document, "/error/message"), &text);
    if (hint.n > 0) {
        strbuf_append_text(&text, "; ");
        strbuf_append_str(&text, hint);
    }
    (void)command_error(code, "%.*s", STR_ARG(strbuf_str(&text)));
    tell_candidates(reply->document);
    strbuf_finish(&text);
    return code;
}

static void pause_ms(uint64_t ms)
{
    struct timespec rest = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
}

/* Again and again, for a while. */
static int ask_while_full(struct engine_session *session, const struct engine_request *request,
                          struct engine_reply *reply, struct error *err)
{
    struct engine_full full = {0};
    for (;;) {
        int status = engine_request(session, request, reply, err);
        if (status != 0 || !engine_full_is(reply->status, reply->document)) {
            return status;
        }
        bool is_first = full.waited_ms == 0;
        uint64_t wait_ms = engine_full_wait_ms(&full, reply->document);
        if (wait_ms == 0) {
            return 0;
        }
        if (is_first) {
            terminal_write_stderr(STR("opstream: " ENGINE_FULL_WAITS));
        }
        engine_reply_finish(reply);
        pause_ms(wait_ms);
    }
}

static int tell_full(const struct engine_reply *reply)
{
    struct strbuf text = STRBUF_INIT;
    engine_full_append(reply->document, &text);
    int code = command_error(EXIT_STUCK, "%.*s", STR_ARG(strbuf_str(&text)));
    strbuf_finish(&text);
    return code;
}

/* `is_start`: of a run; else it is asked for something of one that is there. */
static int ask(struct engine_session *session, const struct engine_request *request, bool is_start,
               struct document **out_document)
{
    struct error err = {0};
    struct engine_reply reply = ENGINE_REPLY_INIT;
    if (ask_while_full(session, request, &reply, &err) != 0) {
        bool is_said = err.message[0] == '\0';
        return is_said ? EXIT_STATE : command_error(EXIT_STATE, "%s", err.message);
    }
    int code = EXIT_DONE;
    if (engine_full_is(reply.status, reply.document)) {
        code = tell_full(&reply);
    } else if (reply.status >= 400 || reply.document == NULL) {
        code = tell_refusal(&reply, is_start ? exit_code_of_refused_start(reply.status)
                                             : exit_code_of_refusal(reply.status));
    } else {
        *out_document = document_ref(reply.document);
    }
    engine_reply_finish(&reply);
    return code;
}

int engine_command_get(struct engine_session *session, struct str path, struct str query,
                       struct document **out_document)
{
    return ask(session, &(struct engine_request){.path = path, .query = query}, false,
               out_document);
}

int engine_command_post(struct engine_session *session, struct str path, struct str body,
                        struct document **out_document)
{
    const struct engine_request request = {.method = "POST", .path = path, .body = body};
    return ask(session, &request, false, out_document);
}

int engine_command_start(struct engine_session *session, struct str body,
                         struct document **out_document)
{
    const struct engine_request request = {
        .method = "POST", .path = STR("/api/v1/jobs"), .body = body};
    return ask(session, &request, true, out_document);
}

/* What ids of runs, and paths of nodes in those of child runs, are made of. */
static bool is_id(const char *id)
{
    for (; *id != '\0'; id++) {
        bool is_letter = (*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z');
        if (!is_letter && !(*id >= '0' && *id <= '9') && strchr("-_./[]#@:~", *id) == NULL) {
            return false;
        }
    }
    return true;
}

/* The child run's slashes would be those of the path. */
static void append_id(const char *id, struct strbuf *out)
{
    for (; *id != '\0'; id++) {
        char c = *id == '/' ? ROUTE_SLASH : *id;
        query_append_escaped(out, str_make(&c, 1));
    }
}

/* Where ids stand in paths, and where people see them. */
struct id_place {
    const char *path;
    const char *kind; /* "a run" */
    const char *its;  /* "the run" */
    const char *hint;
};

static const struct id_place of_runs = {"/api/v1/jobs/", "a run", "the run",
                                        "'opstream list' shows ids, with --key KEY that of a key"};
static const struct id_place of_letters = {"/api/v1/dlq/", "a dead letter", "the dead letter",
                                           "'opstream dlq list' shows ids"};

static int ask_one(struct engine_session *session, const struct id_place *place, const char *id,
                   const char *below, struct engine_request request, struct document **out_document)
{
    struct strbuf path = STRBUF_INIT;
    if (id[0] == '\0') {
        return command_error(EXIT_USAGE, "the id of %s is empty; %s", place->its, place->hint);
    }
    if (!is_id(id)) {
        return command_error(EXIT_USAGE, "'%s' is no id of %s; %s", id, place->kind, place->hint);
    }
    strbuf_append_text(&path, place->path);
    append_id(id, &path);
    strbuf_append_text(&path, below);
    int code = strbuf_status(&path) != 0 ? command_error(EXIT_STATE, "out of memory") : EXIT_DONE;
    if (code == EXIT_DONE) {
        request.path = strbuf_str(&path);
        code = ask(session, &request, false, out_document);
    }
    strbuf_finish(&path);
    return code;
}

int engine_command_get_job(struct engine_session *session, const char *id, const char *below,
                           struct str query, struct document **out_document)
{
    return ask_one(session, &of_runs, id, below, (struct engine_request){.query = query},
                   out_document);
}

int engine_command_post_job(struct engine_session *session, const char *id, const char *below,
                            struct str body, struct document **out_document)
{
    return ask_one(session, &of_runs, id, below,
                   (struct engine_request){.method = "POST", .body = body}, out_document);
}

int engine_command_get_letter(struct engine_session *session, const char *id,
                              struct document **out_document)
{
    return ask_one(session, &of_letters, id, "", (struct engine_request){0}, out_document);
}

int engine_command_post_letter(struct engine_session *session, const char *id, const char *below,
                               struct str body, struct document **out_document)
{
    return ask_one(session, &of_letters, id, below,
                   (struct engine_request){.method = "POST", .body = body}, out_document);
}

int engine_command_print(struct strbuf *text)
{
    int code = strbuf_status(text) != 0 ? command_error(EXIT_STATE, "out of memory")
                                        : terminal_write_stdout(strbuf_str(text));
    strbuf_finish(text);
    return code;
}

int engine_command_print_json(const struct document *document)
{
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(document), JSON_PRETTY, &text);
    strbuf_append_char(&text, '\n');
    return engine_command_print(&text);
}
