/* SPDX-License-Identifier: Apache-2.0 */
#include "core/api/control.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/api/control_body.h"
#include "core/api/control_definition.h"
#include "core/api/control_state.h"
#include "core/api/item_filter.h"
#include "core/api/item_live.h"
#include "core/api/numbers.h"
#include "core/api/read_thread.h"
#include "core/api/route.h"
#include "core/base/clock.h"
#include "core/engine/run.h"
#include "core/journal/journal_reader.h"
#include "core/loop/loop.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

int control_create(const struct control_options *options, struct control **out_control,
                   struct error *err)
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL) {
        return error_nomem(err);
    }
    control->options = *options;
    control->started_at = clock_unix_ms();
    int status = read_thread_open(loop_uv(options->loop), options->folder, &control->reads, err);
    if (status != 0) {
        free(control);
        return status;
    }
    *out_control = control;
    return 0;
}

void control_destroy(struct control *control)
{
    if (control != NULL) {
        read_thread_close(control->reads);
        control_definitions_finish(&control->definitions);
        free(control);
    }
}

uint32_t control_waiting(const struct control *control)
{
    return control->waiting;
}

/* ---- calls ---- */

struct control_call *control_call_create(struct control *control, control_reply_cb cb, void *user)
{
    struct control_call *call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    *call = (struct control_call){.control = control, .cb = cb, .user = user};
    control->waiting++;
    return call;
}

void control_call_answer(struct control_call *call, const struct answer *answer)
{
    call->control->waiting--;
    call->cb(call->user, answer);
    free(call->id);
    free(call);
}

void control_call_document(struct control_call *call, enum answer_status status,
                           const struct document *document)
{
    struct answer answer = ANSWER_INIT;
    bool is_made = answer_document(&answer, status, document, NULL) == 0;
    control_call_answer(call, is_made ? &answer : NULL);
    answer_finish(&answer);
}

void control_call_fail(struct control_call *call, const struct error *err)
{
    struct answer answer = ANSWER_INIT;
    bool is_made = answer_failure(&answer, err, NULL) == 0;
    control_call_answer(call, is_made ? &answer : NULL);
    answer_finish(&answer);
}

void control_call_refuse_scope(struct control_call *call, const struct error *err)
{
    struct answer answer = ANSWER_INIT;
    const struct answer_problem problem = {
        .status = err->code == E_CONFLICT ? ANSWER_CONFLICT : ANSWER_NOT_FOUND,
        .code = err->code == E_CONFLICT ? "ambiguous" : "no_such_scope",
        .message = str_from(err->message),
        .hint = err->code == E_CONFLICT ? "give more of the scope" : NULL};
    bool is_made = answer_problem(&answer, &problem, NULL) == 0;
    control_call_answer(call, is_made ? &answer : NULL);
    answer_finish(&answer);
}

void control_call_busy(struct control_call *call, const char *message, uint32_t retry_after_s)
{
    struct answer answer = ANSWER_INIT;
    bool is_made = answer_busy(&answer, str_from(message), retry_after_s, NULL) == 0;
    control_call_answer(call, is_made ? &answer : NULL);
    answer_finish(&answer);
}

bool control_refuse_start(struct control_call *call)
{
    struct loop_refusal refusal;
    if (!loop_refuses_start(call->control->options.loop, &refusal)) {
        return false;
    }
    control_call_busy(call, refusal.message, refusal.retry_after_s);
    return true;
}

/* ---- reading ---- */

static struct api_numbers numbers_of(const struct control *control)
{
    struct loop_numbers loop = loop_numbers(control->options.loop);
    struct api_numbers numbers = {
        .version = control->options.version,
        .started_at_unix_ms = control->started_at,
        .trouble = loop.trouble,
        .runs_in_memory = loop.runs,
        .runs_parked = loop.parked,
        .nodes_running = loop.tasks,
        .queue_depth = loop.queued,
        .writes_waiting = loop.writes_waiting,
        .timers_armed = loop.timers,
        .runs_started = loop.runs_started,
        .runs_completed = loop.runs_completed,
        .runs_failed = loop.runs_failed,
        .runs_cancelled = loop.runs_cancelled,
        .nodes_started = loop.nodes_started,
        .cache_hits = loop.cache_hits,
        .cache_misses = loop.cache_misses,
        .spent = loop.spent,
        .writes_committed = loop.writes_committed,
        .requests = control->requests,
        .refused_reads = control->refused_reads,
    };
    memcpy(numbers.alerts, loop.alerts, sizeof(numbers.alerts));
    memcpy(numbers.alerts_active, loop.alerts_active, sizeof(numbers.alerts_active));
    memcpy(numbers.breaker_changes, loop.breaker_changes, sizeof(numbers.breaker_changes));
    memcpy(numbers.refused, loop.refused, sizeof(numbers.refused));
    if (control->count_clients != NULL) {
        control->count_clients(control->count_user, &numbers);
    }
    return numbers;
}

void control_count_clients(struct control *control, control_count_cb cb, void *user)
{
    control->count_clients = cb;
    control->count_user = user;
}

/* It takes a look into /proc: only who is asked for it looks. */
static uint64_t resident_bytes(void)
{
    size_t bytes = 0;
    return uv_resident_set_memory(&bytes) == 0 ? bytes : 0;
}

static int note_number(void *user, const struct journal_run *run)
{
    *(uint64_t *)user = run->number;
    return 0;
}

/* A run that cannot be found waits for nothing; the read says why. */
static uint64_t find_number(struct loop *loop, const char *id)
{
    struct journal_reader *reader = loop_reader(loop);
    struct answer answer = ANSWER_INIT;
    char whole[ROUTE_ID_SIZE];
    uint64_t number = 0;
    if (route_resolve_id(reader, str_from(id), whole, &answer, NULL) == ROUTE_FOUND) {
        (void)journal_reader_run(reader, str_from(whole), note_number, &number,
                                 NULL); /* as above */
    }
    answer_finish(&answer);
    return number;
}

static void append_live(struct loop *loop, const struct route_match *match,
                        const struct query *query, struct strbuf *out)
{
    if (match->live == ROUTE_LIVE_QUEUES) {
        loop_append_queues(loop, out);
    } else if (match->live == ROUTE_LIVE_LIMITS) {
        loop_append_limits(loop, LOOP_LIMITS_URGENT, out);
    } else if (match->live == ROUTE_LIVE_COUNTS) {
        loop_append_counts(loop, out);
    } else if (match->live == ROUTE_LIVE_ITEMS && loop_numbers(loop).queued > 0) {
        item_live_append(loop, query, clock_unix_ms(), out);
    } else if (match->live == ROUTE_LIVE_WAITS && loop_has_waits(loop)) {
        loop_append_waits(loop, find_number(loop, match->id), out);
    }
}

static void on_read(void *user, const struct answer *answer)
{
    control_call_answer(user, answer);
}

static void ask_reader(struct control_call *call, const struct control_question *request,
                       const struct route_match *match)
{
    struct control *control = call->control;
    struct error err = {0};
    struct strbuf live = STRBUF_INIT;
    append_live(control->options.loop, match, &request->query, &live);
    struct read_question question = {.match = match,
                                     .query = request->query,
                                     .numbers = numbers_of(control),
                                     .live = strbuf_str(&live),
                                     .now_unix_ms = clock_unix_ms()};
    if (str_equal_text(request->path, "/metrics")) {
        question.numbers.memory_bytes = resident_bytes();
    }
    int status = strbuf_status(&live) != 0
                     ? error_nomem(&err)
                     : read_thread_ask(control->reads, &question, on_read, call, &err);
    if (status == E_LIMIT) {
        control->refused_reads++;
        control_call_busy(call, err.message, 1);
    } else if (status != 0) {
        control_call_fail(call, &err);
    }
    strbuf_finish(&live);
}

/* ---- commands ---- */

/* A run that keeps all the events that it may: nobody knows when something takes one. */
enum { FULL_RUN_RETRY_S = 10 };

/* The run that the path names. False: it is answered. */
static bool find_run(struct control_call *call, const char *id, uint64_t *out_number)
{
    struct journal_reader *reader = loop_reader(call->control->options.loop);
    struct answer answer = ANSWER_INIT;
    struct error err = {0};
    uint64_t number = 0;
    char whole[ROUTE_ID_SIZE];
    int status = route_resolve_id(reader, str_from(id), whole, &answer, &err);
    if (status == ROUTE_FOUND) {
        status = journal_reader_run(reader, str_from(whole), note_number, &number, &err);
        call->id = str_dup(str_from(whole));
    }
    bool is_found = status == ROUTE_FOUND && call->id != NULL;
    if (status == ROUTE_REFUSED) {
        control_call_answer(call, &answer);
    } else if (!is_found) {
        control_call_fail(call, &err);
    }
    answer_finish(&answer);
    *out_number = number;
    return is_found;
}

/* {"id": ..., "accepted": true}: it is durable; what comes of it is seen in the run. */
static void on_command(void *user, int status, const struct error *err)
{
    struct control_call *call = user;
    if (status == E_LIMIT) {
        control_call_busy(call, err->message, FULL_RUN_RETRY_S);
        return;
    }
    if (status != 0) {
        control_call_fail(call, err);
        return;
    }
    struct document *document = NULL;
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("id"), str_from(call->id));
    builder_member_bool(b, STR("accepted"), true);
    builder_map_end(b);
    struct error failure = {0};
    if (builder_finish(b, &document, &failure) != 0) {
        control_call_fail(call, &failure);
        return;
    }
    control_call_document(call, ANSWER_OK, document);
    document_unref(document);
}

/* A member as a document of its own. `*out` is owned, NULL when it is not there. */
static int member_document(const struct document *body, const char *name, struct document **out,
                           struct error *err)
{
    const struct value *value = body != NULL ? value_get(document_root(body), str_from(name))
                                             : NULL;
    *out = NULL;
    if (value == NULL) {
        return 0;
    }
    struct builder *b = builder_create();
    builder_embed(b, body, value);
    return builder_finish(b, out, err);
}

/* {"name": "approved", "data": ...} */
static int read_event(const struct document *body, struct loop_command *command,
                      struct document **out_data, struct error *err)
{
    command->name = control_body_text(body, "name");
    if (command->name.n == 0) {
        return error_set(err, E_INVALID, "the body has no 'name', the name of the event");
    }
    return member_document(body, "data", out_data, err);
}

/* {"node": "deploy", "again": true}, or {"fail": true, "message"}, or {"output": ...} */
static int read_resolution(const struct document *body, struct loop_command *command,
                           struct document **out_data, struct error *err)
{
    const struct value *root = body != NULL ? document_root(body) : NULL;
    bool is_again = value_get(root, STR("again")) != NULL;
    bool is_failed = value_get(root, STR("error")) != NULL;
    bool has_output = value_get(root, STR("output")) != NULL;
    command->name = control_body_text(body, "node");
    if (command->name.n == 0) {
        return error_set(err, E_INVALID, "the body has no 'node', the path of the node");
    }
    if ((is_again ? 1 : 0) + (is_failed ? 1 : 0) + (has_output ? 1 : 0) != 1) {
        return error_set(err, E_INVALID,
                         "the body has to have one of 'again', 'error' and 'output'");
    }
    command->resolution = is_again    ? RUN_RESOLVE_AGAIN
                          : is_failed ? RUN_RESOLVE_FAIL
                                      : RUN_RESOLVE_OUTPUT;
    return is_again ? 0 : member_document(body, is_failed ? "error" : "output", out_data, err);
}

/* {"env": {"NAME": "value"}}: of variables that its definition reads; they are kept nowhere. */
static int read_env(const struct document *body, struct document **out_env, struct error *err)
{
    const struct value *env = body != NULL ? value_get(document_root(body), STR("env")) : NULL;
    for (size_t i = 0; value_is(env, VALUE_MAP) && i < value_count(env); i++) {
        if (!value_is(&value_member_at(env, i)->value, VALUE_STRING)) {
            return error_set(err, E_INVALID, "a value of 'env' is no text");
        }
    }
    if (env != NULL && !value_is(env, VALUE_MAP)) {
        return error_set(err, E_INVALID, "'env' is no map");
    }
    return member_document(body, "env", out_env, err);
}

/* {"value": ...} */
static int read_value(const struct document *body, struct document **out_value, struct error *err)
{
    int status = member_document(body, "value", out_value, err);
    return status == 0 && *out_value == NULL
               ? error_set(err, E_INVALID,
                           "the body has no 'value', what the call is to have given")
               : status;
}

static enum loop_action action_of(enum route_action action)
{
    switch (action) {
    case ROUTE_PAUSE:
        return LOOP_PAUSE;
    case ROUTE_RESUME:
        return LOOP_RESUME;
    case ROUTE_SEND:
        return LOOP_SEND;
    case ROUTE_RESOLVE:
        return LOOP_RESOLVE;
    case ROUTE_REQUEUE:
        return LOOP_REQUEUE;
    case ROUTE_SKIP:
        return LOOP_SKIP;
    case ROUTE_DROP:
        return LOOP_DROP;
    default:
        return LOOP_CANCEL;
    }
}

/* One that its run has no room for; or the engine. */
static bool refuse_event(struct control_call *call, uint64_t number)
{
    struct loop_refusal refusal;
    if (!loop_refuses_event(call->control->options.loop, number, &refusal)) {
        return false;
    }
    control_call_busy(call, refusal.message, refusal.retry_after_s);
    return true;
}

static int read_requeue(const struct document *body, struct loop_command *command,
                        struct document **out_input, struct error *err)
{
    int status = item_filter_priority(control_body_text(body, "priority"), &command->has_priority,
                                      &command->priority, err);
    return status == 0 ? member_document(body, "input", out_input, err) : status;
}

static void carry_out(struct control_call *call, const struct control_question *request,
                      const struct route_match *match, const struct document *body)
{
    struct error err = {0};
    cleanup_document struct document *data = NULL;
    cleanup_document struct document *env = NULL;
    struct loop_command command = {.action = action_of(match->action), .who = request->who};
    int status = 0;
    if (!find_run(call, match->id, &command.run) ||
        (match->action == ROUTE_SEND && refuse_event(call, command.run))) {
        return;
    }
    if (match->action == ROUTE_SEND) {
        status = read_event(body, &command, &data, &err);
    } else if (match->action == ROUTE_RESOLVE) {
        status = read_resolution(body, &command, &data, &err);
    } else if (match->action == ROUTE_RESUME) {
        status = read_env(body, &env, &err);
    } else if (match->action == ROUTE_REQUEUE) {
        status = read_requeue(body, &command, &data, &err);
    } else if (match->action == ROUTE_SKIP) {
        status = read_value(body, &data, &err);
    }
    if (status != 0) {
        control_call_fail(call, &err);
        return;
    }
    command.data = data;
    command.env = env;
    loop_command(call->control->options.loop, &command, on_command, call);
}

/* ---- requests ---- */

static int read_body(struct str text, struct document **out_body, struct error *err)
{
    struct error inner = {0};
    if (text.n == 0) {
        return 0;
    }
    int status = json_read(text, NULL, out_body, &inner);
    if (status == 0 && !value_is(document_root(*out_body), VALUE_MAP)) {
        return error_set(err, E_INVALID, "the body is no JSON object");
    }
    if (status == E_LIMIT) { /* as it is, it is too large for ever */
        status = E_INVALID;
    }
    return status == 0
               ? 0
               : error_set(err, status, "the body cannot be read as JSON: line %u, column %u: %s",
                           inner.line, inner.column, inner.message);
}

/* What cannot be kept is not accepted: it would wait for nobody knows how long. */
static bool refuse_for_room(struct control_call *call)
{
    struct answer answer = ANSWER_INIT;
    struct strbuf text = STRBUF_INIT;
    const char *trouble = loop_trouble(call->control->options.loop);
    if (trouble == NULL) {
        return false;
    }
    strbuf_append_format(&text,
                         "nothing can be kept in '%s' at the moment: %s; nothing was accepted: ask "
                         "again when that is over",
                         call->control->options.folder, trouble);
    const struct answer_problem problem = {
        .status = ANSWER_NO_STORAGE, .code = "storage", .message = strbuf_str(&text)};
    bool is_made = strbuf_status(&text) == 0 && answer_problem(&answer, &problem, NULL) == 0;
    control_call_answer(call, is_made ? &answer : NULL);
    strbuf_finish(&text);
    answer_finish(&answer);
    return true;
}

static void change(struct control_call *call, const struct control_question *request,
                   const struct route_match *match)
{
    struct error err = {0};
    uint64_t number = 0;
    cleanup_document struct document *body = NULL;
    if (call->control->is_stopped) {
        (void)error_set(&err, E_CANCELED, "this engine is ending: ask again");
        control_call_fail(call, &err);
        return;
    }
    if (refuse_for_room(call)) {
        return;
    }
    if (read_body(request->body, &body, &err) != 0 ||
        control_body_check(match->action, body, &err) != 0) {
        control_call_fail(call, &err);
        return;
    }
    switch (match->action) {
    case ROUTE_START:
        control_start(call, request, body, STR(""));
        return;
    case ROUTE_EXECUTE:
        control_start(call, request, body, str_from(match->id));
        return;
    case ROUTE_CANCEL:
    case ROUTE_PAUSE:
    case ROUTE_RESUME:
    case ROUTE_SEND:
    case ROUTE_RESOLVE:
    case ROUTE_REQUEUE:
    case ROUTE_SKIP:
    case ROUTE_DROP:
        carry_out(call, request, match, body);
        return;
    case ROUTE_RETRY:
        if (!control_refuse_start(call) && find_run(call, match->id, &number)) {
            control_retry(call, request, body, number);
        }
        return;
    case ROUTE_TRY_ALL:
    case ROUTE_REQUEUE_ALL:
    case ROUTE_DROP_ALL:
        control_items(call, request, match->action, body);
        return;
    case ROUTE_BREAKER:
        control_breaker(call, request, body);
        return;
    case ROUTE_LIMIT:
        control_limit(call, request, body);
        return;
    case ROUTE_READ:
    case ROUTE_STREAM:
        break;
    }
    (void)error_set(&err, E_INVALID, "this cannot be asked for here");
    control_call_fail(call, &err);
}

void control_stop(struct control *control)
{
    control->is_stopped = true;
}

void control_handle(struct control *control, const struct control_question *request,
                    control_reply_cb cb, void *user)
{
    struct route_match match;
    struct answer answer = ANSWER_INIT;
    struct control_call *call = control_call_create(control, cb, user);
    control->requests++;
    if (call == NULL) {
        cb(user, NULL);
        return;
    }
    int found = route_find(request->method, request->path, &match, &answer, NULL);
    if (found != ROUTE_FOUND) {
        control_call_answer(call, found == ROUTE_REFUSED ? &answer : NULL);
    } else if (match.action == ROUTE_READ) {
        ask_reader(call, request, &match);
    } else {
        change(call, request, &match);
    }
    answer_finish(&answer);
}
