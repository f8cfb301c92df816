/* SPDX-License-Identifier: Apache-2.0 */
#include "service/problem.h"

#include <stdio.h>

#include "service/call.h"
#include "service/status.h"
#include "service/url.h"

enum { SYMBOL_BYTES = 96, HINT_BYTES = 512 };

ops_str problem_find_header(const ops_http_res *res, const char *name)
{
    ops_str none = {NULL, 0};
    for (uint64_t i = 0; i < res->n_headers; i++) {
        if (text_equal_nocase(res->header_names[i], name)) {
            return res->header_values[i];
        }
    }
    return none;
}

void problem_add_words(struct problem *problem, ops_str text)
{
    size_t left = PROBLEM_WORDS_BYTES -
                  (problem->words.n < PROBLEM_WORDS_BYTES ? problem->words.n : PROBLEM_WORDS_BYTES);
    if (text.n == 0 || left == 0) {
        return;
    }
    text_append_literal(&problem->words, problem->words.n > 0 ? "; " : "");
    text_append_line(&problem->words, text, left);
}

/* ---- What the service says ---- */

int problem_is_page(ops_str body)
{
    uint64_t i = 0;
    while (i < body.n && (body.p[i] == ' ' || body.p[i] == '\n' || body.p[i] == '\r' ||
                          body.p[i] == '\t' || (unsigned char)body.p[i] >= 0x80)) {
        i++;
    }
    return i < body.n && body.p[i] == '<';
}

/* {"message": "..."}, {"error": "..."} and {"error": {"message": "..."}} are usual. */
static void read_words(const struct service_answer *answer, struct problem *problem)
{
    static const char *const places[] = {"message", "error.message", "error", "detail"};
    for (size_t i = 0; i < sizeof places / sizeof places[0] && problem->words.n == 0; i++) {
        problem_add_words(problem, pick_str(answer->value, places[i]));
    }
    if (answer->call->node->service->add_words != NULL) {
        answer->call->node->service->add_words(answer, problem);
    }
    if (problem->words.n > 0) {
        return;
    }
    if (problem_is_page(answer->res->body)) {
        problem->is_page = 1;
    } else {
        problem_add_words(problem, answer->res->body);
    }
}

/* ---- What it means ---- */

static uint64_t read_wait_ms(const ops_http_res *res)
{
    int64_t now = ops.timer->unix_ms(ops.h) / 1000;
    uint64_t wait_ms = status_retry_after_ms(problem_find_header(res, "retry-after"), now);
    if (wait_ms == 0 && ops_equal(problem_find_header(res, "x-ratelimit-remaining"), "0")) {
        wait_ms = status_reset_ms(problem_find_header(res, "x-ratelimit-reset"), now);
    }
    return wait_ms;
}

/* "http.not_found" gives "not_found": the texts are static. */
static const char *suffix_of(const char *symbol)
{
    const char *dot = strchr(symbol, '.');
    return dot != NULL ? dot + 1 : symbol;
}

void problem_of_status(const struct service_answer *answer, struct problem *problem)
{
    int is_spent = answer->status == 403 &&
                   (ops_equal(problem_find_header(answer->res, "x-ratelimit-remaining"), "0") ||
                    problem_find_header(answer->res, "retry-after").n > 0);
    struct status_meaning meaning = status_read(is_spent ? 429 : answer->status);
    problem->code = meaning.code;
    problem->symbol = suffix_of(meaning.symbol);
    problem->retry_after_ms = read_wait_ms(answer->res);
}

static const char *hint_of(const struct service_call *call, const struct problem *problem,
                           char *out)
{
    const struct service *service = call->node->service;
    ops_status code = problem->code;
    const char *place = service->place != NULL ? service->place : service->id;
    const char *dot = strrchr(place, '.');
    if (problem->is_page && code == OPS_E_UPSTREAM) {
        (void)snprintf(out, HINT_BYTES,
                       "look whether integrations.%s.base_url leads to the API, and what stands "
                       "between",
                       place);
        return out;
    }
    const char *path = service->token_path != NULL ? service->token_path : "token";
    const char *more = service->token_hint != NULL ? service->token_hint : "";
    int is_made = call_has_made_credential(call->node);
    if (is_made) {
        path = service->credential->path;
        more = service->credential->hint;
    }
    if (code == OPS_E_AUTH) {
        if (call->node->token != 0 || is_made) {
            (void)snprintf(out, HINT_BYTES, "integrations.%s.%s is refused: set a valid one. %s",
                           place, path, more);
        } else {
            (void)snprintf(out, HINT_BYTES,
                           "integrations.%s.%s is not set: write \"{{ secrets.%s_token }}\" there. "
                           "%s",
                           place, path, dot != NULL ? dot + 1 : place, more);
        }
        return out;
    }
    if (code == OPS_E_PERMISSION) {
        (void)snprintf(out, HINT_BYTES, "the token %s integrations.%s.%s may not do this. %s",
                       is_made ? "made of" : "in", place, path, more);
        return out;
    }
    return code == OPS_E_RATE_LIMITED ? "set 'rate_limit' in the service's integrations"
           : code == OPS_E_INPUT      ? "the service refuses what was sent"
                                      : "";
}

/* ---- The end ---- */

void problem_fail(struct service_call *call, const struct problem *problem)
{
    char symbol[SYMBOL_BYTES];
    char hint[HINT_BYTES] = "";
    int is_whole = strchr(problem->symbol, '.') != NULL;
    ops_error e = ops_error_make(problem->code, NULL);
    (void)snprintf(symbol, sizeof symbol, "%s%s%s", is_whole ? "" : call->node->service->id,
                   is_whole ? "" : ".", problem->symbol);
    e.message = problem->message;
    e.symbol = ops_text(symbol);
    e.hint = ops_text(problem->hint != NULL ? problem->hint : hint_of(call, problem, hint));
    e.retry = problem->retry;
    e.retry_after_ms = problem->retry_after_ms;
    e.effect = problem->effect;
    e.flags = call_is_repeatable(call) ? OPS_ERROR_REPEATABLE : 0;
    e.upstream_status = problem->status;
    (void)ops.exec->fail(ops.h, call->task, &e); /* STALE: it has ended already */
}

/* A copy in the task's memory, with a NUL behind it; `otherwise`, static, when there is none. */
static const char *keep_text(struct service_call *call, ops_str text, const char *otherwise)
{
    void *memory = NULL;
    if (text.n == 0 || ops.value->alloc(ops.h, call->task, text.n + 1, &memory) != OPS_OK) {
        return otherwise;
    }
    memcpy(memory, text.p, (size_t)text.n);
    return memory;
}

/* Fails the task, or leaves that to the operation. `message` is copied. */
static void end(struct service_call *call, struct problem *problem, const struct text *message,
                const char *otherwise)
{
    ops_str made = message->failed ? ops_text(NULL) : text_str(message);
    problem->message = made;
    if (call->out.on_problem == NULL) {
        problem->message = made.n > 0 ? made : ops_text(otherwise);
        problem_fail(call, problem);
        return;
    }
    void *kept = NULL;
    problem->message = ops_text(keep_text(call, made, otherwise));
    if (ops.value->alloc(ops.h, call->task, sizeof *problem, &kept) != OPS_OK) {
        problem_fail(call, problem);
        return;
    }
    memcpy(kept, problem, sizeof *problem);
    ((struct problem *)kept)->words = (struct text){NULL, 0, 0, 0};
    call->out.on_problem(call, kept);
}

/* What is done and can be repeated is looked for again: that it is done need not end the step. */
static uint32_t effect_of(const struct service_call *call, int32_t status)
{
    uint32_t effect = status_effect(status, ops_text(call->out.request->method));
    return effect == OPS_EFFECT_DONE && call_is_repeatable(call) ? OPS_EFFECT_MAYBE : effect;
}

static void append_message(struct text *message, const struct service_answer *answer,
                           const struct problem *problem)
{
    struct service_call *call = answer->call;
    char number[32];
    const char *subject = call->out.subject != NULL ? call->out.subject : call->operation->subject;
    int is_missing = problem->code == OPS_E_NOT_FOUND && subject != NULL;
    text_append_literal(message, call->node->service->name);
    if (is_missing) {
        text_append_literal(message, ": ");
        url_append_shown(message, subject, call->config);
        text_append_literal(message, answer->status == 410
                                         ? " is not there any more"
                                         : " is not there, or the token may not see it");
    }
    int is_good = answer->status >= 200 && answer->status < 300;
    (void)snprintf(number, sizeof number,
                   is_missing ? " (%d"
                   : is_good  ? " refuses"
                              : " answered %d",
                   (int)answer->status);
    text_append_literal(message, number);
    if (problem->words.n > 0) {
        text_append_literal(message, ": ");
        text_append(message, problem->words.p, problem->words.n);
    }
    text_append_literal(message, problem->is_page ? " with a page instead of JSON" : "");
    text_append_literal(message, is_missing ? ")" : "");
}

void problem_fail_answer(struct service_call *call, const struct service_answer *answer,
                         struct problem *problem)
{
    struct text message = {NULL, 0, 0, 0};
    problem->effect = problem->is_unchanged ? OPS_EFFECT_NONE : effect_of(call, answer->status);
    problem->status = answer->status;
    read_words(answer, problem);
    if (problem->is_page && problem->code == OPS_E_NOT_FOUND) { /* not the service speaks here */
        problem->code = OPS_E_UPSTREAM;
        problem->symbol = "not_json";
    }
    append_message(&message, answer, problem);
    end(call, problem, &message, "the service answered with an error");
    text_finish(&message);
    text_finish(&problem->words);
}

/* The host's error is over when this returns: what is to live longer is copied. */
static void hand_over(struct service_call *call, const ops_error *e)
{
    struct text message = {NULL, 0, 0, 0};
    struct problem problem = {
        .code = e->code,
        .symbol = keep_text(call, e->symbol, "http.transport"),
        .hint = keep_text(call, e->hint, ""),
        .retry_after_ms = e->retry_after_ms,
        .retry = e->retry,
        .effect = e->effect,
    };
    text_append_str(&message, e->message);
    end(call, &problem, &message, "no answer came");
    text_finish(&message);
}

void problem_fail_transport(struct service_call *call, const ops_error *err)
{
    ops_error e = *err;
    e.flags = call_is_repeatable(call) ? OPS_ERROR_REPEATABLE : 0;
    if (status_is_safe(ops_text(call->out.request->method))) {
        e.effect = OPS_EFFECT_NONE;
    }
    if (call->out.on_problem != NULL && e.code != OPS_E_CANCELLED) {
        hand_over(call, &e);
        return;
    }
    (void)ops.exec->fail(ops.h, call->task, &e); /* STALE: it has ended already */
}

void problem_fail_body(struct service_call *call, const struct service_answer *answer,
                       const char *symbol, const char *what)
{
    struct text message = {NULL, 0, 0, 0};
    struct problem problem = {.code = OPS_E_UPSTREAM, .symbol = symbol, .hint = ""};
    problem.effect = effect_of(call, answer->status);
    text_append_literal(&message, call->node->service->name);
    if (problem_is_page(answer->res->body)) {
        problem.symbol = "not_json";
        problem.hint = NULL;
        problem.is_page = 1;
        text_append_literal(&message, " answered with a page instead of JSON");
    } else {
        problem.retry = call_is_repeatable(call) ? OPS_RETRY_YES : OPS_RETRY_DEFAULT;
        text_append_literal(&message, what);
    }
    problem.status = answer->status;
    end(call, &problem, &message, "the answer is no use");
    text_finish(&message);
}

void problem_fail_config(struct service_call *call, const char *field, const char *what)
{
    struct text message = {NULL, 0, 0, 0};
    struct text path = {NULL, 0, 0, 0};
    text_append_literal(&message, "'");
    text_append_literal(&message, field);
    text_append_literal(&message, "' ");
    text_append_literal(&message, what);
    text_append_literal(&path, "/");
    for (const char *at = field; *at != '\0'; at++) {
        text_append(&path, *at == '.' ? "/" : at, 1);
    }
    ops_error e = ops_error_make(OPS_E_CONFIG, what);
    e.message = message.failed ? e.message : text_str(&message);
    e.path = text_str(&path);
    (void)ops.exec->fail(ops.h, call->task, &e); /* STALE: it has ended already */
    text_finish(&message);
    text_finish(&path);
}
