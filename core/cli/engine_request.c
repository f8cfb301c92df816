/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/engine_request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/api/answer.h"
#include "core/api/control_client.h"
#include "core/api/query.h"
#include "core/api/route.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/engine_moment.h"
#include "core/journal/journal_reader.h"
#include "core/loop/state_folder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { ENGINE_TRIES = 500, READ_TRIES = 50, PAUSE_NS = 20 * 1000000 };

struct engine_session {
    const struct command_args *args;
    struct workspace *workspace;
    struct engine_launch *launch;
    struct state_folder *folder;   /* NULL: it is not there yet */
    struct journal_reader *reader; /* NULL: there is no state yet */
    char *path;
    bool is_alone; /* what was changed waits for an engine: none could be started */
};

/* ---- opening ---- */

static int open_folder(struct engine_session *session, const char *option, struct error *err)
{
    struct state_folder_options options = {.path = option, .use = STATE_FOLDER_EXISTING};
    int status = state_folder_locate(option, &session->path, err);
    if (status == 0) {
        status = state_folder_open(&options, &session->folder, err);
        status = status == E_NOT_FOUND ? 0 : status;
    }
    return status;
}

static int open_reader(struct engine_session *session, struct error *err)
{
    if (session->folder == NULL || state_folder_is_foreign(session->folder)) {
        return 0; /* of another user: its engine reads */
    }
    int status = journal_reader_open(state_folder_path(session->folder), &session->reader, err);
    return status == E_NOT_FOUND ? 0 : status;
}

void engine_session_use(struct engine_session *session, const struct command_args *args,
                        struct workspace *workspace)
{
    session->args = args;
    session->workspace = workspace;
}

void engine_session_keep_launch(struct engine_session *session, struct engine_launch *launch)
{
    session->launch = launch;
}

int engine_session_open(const char *option, struct engine_session **out_session, struct error *err)
{
    struct engine_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        return error_nomem(err);
    }
    int status = open_folder(session, option, err);
    if (status == 0) {
        status = open_reader(session, err);
    }
    if (status != 0) {
        engine_session_close(session);
        return status;
    }
    *out_session = session;
    return 0;
}

void engine_session_close(struct engine_session *session)
{
    if (session == NULL) {
        return;
    }
    journal_reader_close(session->reader);
    state_folder_close(session->folder);
    free(session->path);
    free(session);
}

const char *engine_session_folder(const struct engine_session *session)
{
    return session->folder != NULL ? state_folder_path(session->folder) : session->path;
}

/* ---- asking ---- */

static int read_answer(struct answer *answer, struct engine_reply *reply, struct error *err)
{
    reply->status = answer->status;
    if (strcmp(answer->content_type, ANSWER_TYPE_JSON) != 0) {
        reply->text = answer->body;
        answer->body = STRBUF_INIT;
        return 0;
    }
    const struct json_limits limits = {
        .max_bytes = SIZE_MAX, .max_depth = VALUE_MAX_DEPTH, .max_values = SIZE_MAX};
    return json_read(str_trim(strbuf_str(&answer->body)), &limits, &reply->document, err);
}

static int ask_file(struct engine_session *session, const struct engine_request *request,
                    struct str path, struct engine_reply *reply, struct error *err)
{
    struct answer answer = ANSWER_INIT;
    struct query_text query;
    if (session->folder != NULL && state_folder_is_foreign(session->folder)) {
        return error_set(err, E_INVALID,
                         "the state folder '%s' belongs to another user, whose engine has ended",
                         session->path);
    }
    int status = query_text_read(request->query, &query, err);
    if (status == 0) {
        struct route_request asked = {.query = {.params = query.params, .count = query.count},
                                      .reader = session->reader,
                                      .now_unix_ms = clock_unix_ms()};
        status = route_answer(str_from(request->method != NULL ? request->method : "GET"), path,
                              &asked, &answer, err);
    }
    if (status == 0) {
        status = read_answer(&answer, reply, err);
    }
    query_text_finish(&query);
    answer_finish(&answer);
    return status;
}

/* Whether somebody listens: cheaper than to load what speaks HTTP. */
static const char *find_engine(const struct engine_session *session)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = session->folder != NULL ? state_folder_socket(session->folder, NULL) : NULL;
    if (path == NULL || strlen(path) >= sizeof(address.sun_path)) {
        return NULL;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0) {
        (void)close(fd); /* nothing was written */
    }
    return is_there ? path : NULL;
}

bool engine_session_is_live(const struct engine_session *session)
{
    return find_engine(session) != NULL;
}

const char *engine_session_socket(const struct engine_session *session)
{
    return find_engine(session);
}

bool engine_session_is_alone(const struct engine_session *session)
{
    return session->is_alone;
}

/* It has changed nothing, and the next engine may. */
static bool is_ending(const struct document *answer)
{
    const struct value *root = answer != NULL ? document_root(answer) : NULL;
    const struct value *code = value_get(value_get(root, STR("error")), STR("code"));
    return value_is(code, VALUE_STRING) && str_equal_text(value_str(code), "stopped");
}

/* Returns ENGINE_MOMENT_BUSY when nobody listens any more. */
static int ask_engine(const char *socket_path, const struct engine_request *request,
                      struct engine_reply *reply, struct error *err)
{
    struct strbuf target = STRBUF_INIT;
    struct control_result result = {0};
    strbuf_append_str(&target, request->path);
    if (request->query.n > 0) {
        strbuf_append_char(&target, '?');
        strbuf_append_str(&target, request->query);
    }
    const struct control_request asked = {
        .method = request->method != NULL ? str_from(request->method) : STR("GET"),
        .target = strbuf_str(&target),
        .body = request->body};
    int status = strbuf_status(&target) != 0 ? error_nomem(err)
                                             : control_call(socket_path, &asked, &result, err);
    strbuf_finish(&target);
    if (result.status != 0 && !is_ending(result.document)) { /* a refusal is an answer */
        *reply = (struct engine_reply){.status = result.status, .document = result.document};
        return 0;
    }
    bool is_leaving = status == E_NOT_FOUND || result.status != 0; /* or has left just now */
    control_result_finish(&result);
    return is_leaving ? ENGINE_MOMENT_BUSY : status;
}

static int ask_once(struct engine_session *session, const struct engine_request *request,
                    struct str path, struct engine_reply *reply, struct error *err)
{
    struct answer answer = ANSWER_INIT;
    const struct engine_moment_request asked = {.method = str_from(request->method),
                                                .path = path,
                                                .body = request->body,
                                                .workspace = session->workspace,
                                                .out_launch = session->launch};
    int status = engine_moment_ask(session->args, &asked, &answer, err);
    if (status == ENGINE_MOMENT_ALONE) {
        session->is_alone = true;
        status = 0;
    }
    if (status == 0) {
        status = read_answer(&answer, reply, err);
    }
    answer_finish(&answer);
    return status;
}

/*
 * What changes something needs an engine, for a moment at least. Who has the lock meanwhile either
 * listens soon or, a moment's engine itself, gives it back.
 */
static int ask_moment(struct engine_session *session, const struct engine_request *request,
                      struct str path, struct engine_reply *reply, struct error *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int status = ask_once(session, request, path, reply, err);
    for (int i = 0; status == ENGINE_MOMENT_BUSY && i < ENGINE_TRIES; i++) {
        (void)nanosleep(&pause, NULL); /* a signal may cut it short */
        const char *socket_path = find_engine(session);
        status = socket_path != NULL ? ask_engine(socket_path, request, reply, err)
                                     : ask_once(session, request, path, reply, err);
    }
    return status != ENGINE_MOMENT_BUSY
               ? status
               : error_set(err, E_TIMEOUT,
                           "another process has the state folder '%s' and does not listen: see "
                           "engine.log there, and who it is in state.lock",
                           engine_session_folder(session));
}

/* The engine if there is one. One that is killed may drop who asks before it stops listening. */
static int ask_reading(struct engine_session *session, const struct engine_request *request,
                       struct str path, struct engine_reply *reply, struct error *err)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int status = E_IO;
    for (int i = 0; status == E_IO && i < READ_TRIES; i++) {
        const char *socket_path = find_engine(session);
        status = socket_path != NULL ? ask_engine(socket_path, request, reply, err)
                                     : ENGINE_MOMENT_BUSY;
        if (status == E_IO) {
            (void)nanosleep(&pause, NULL); /* a signal may cut it short */
        }
    }
    return status == ENGINE_MOMENT_BUSY ? ask_file(session, request, path, reply, err) : status;
}

static int ask(struct engine_session *session, const struct engine_request *request,
               struct str path, struct engine_reply *reply, struct error *err)
{
    bool is_change = session->args != NULL && request->method != NULL &&
                     strcmp(request->method, "GET") != 0;
    if (!is_change) {
        return ask_reading(session, request, path, reply, err);
    }
    const char *socket_path = find_engine(session);
    int status = socket_path != NULL ? ask_engine(socket_path, request, reply, err)
                                     : ENGINE_MOMENT_BUSY;
    return status == ENGINE_MOMENT_BUSY ? ask_moment(session, request, path, reply, err) : status;
}

int engine_request(struct engine_session *session, const struct engine_request *request,
                   struct engine_reply *out_reply, struct error *err)
{
    struct engine_reply reply = ENGINE_REPLY_INIT;
    char *path = str_dup(request->path);
    if (path == NULL) {
        return error_nomem(err);
    }
    int64_t size = query_decode(path, request->path.n, false);
    int status = size < 0 ? error_set(err, E_INVALID, "a path is no percent-encoded text")
                          : ask(session, request, str_make(path, (size_t)size), &reply, err);
    free(path);
    if (status != 0) {
        engine_reply_finish(&reply);
        return status;
    }
    *out_reply = reply;
    return 0;
}

void engine_reply_finish(struct engine_reply *reply)
{
    document_unref(reply->document);
    strbuf_finish(&reply->text);
    *reply = ENGINE_REPLY_INIT;
}
