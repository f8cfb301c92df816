/* SPDX-License-Identifier: Apache-2.0 */
#include "failure.h"

#include <stdio.h>
#include <time.h>

#include "instance.h"
#include "service/problem.h"
#include "service/status.h"

enum { QUOTED_BYTES = 400, QUOTED_MODEL_BYTES = 100 };

/* What a service says of a failure. */
struct words {
    int32_t status; /* 0: it came in a stream */
    ops_str type;
    ops_str code;
    ops_str message;
};

/* ---- Kinds ---- */

const struct failure_kind failure_no_key = {
    OPS_E_AUTH, "llm.no_key", "wants a key, and 'integrations.llm' has none",
    "write api_key: \"{{ secrets.llm_key }}\" there, and set OPSTREAM_SECRET_LLM_KEY",
    OPS_RETRY_NO};
const struct failure_kind failure_stream_cut = {OPS_E_UNAVAILABLE, "llm.stream_cut",
                                                "broke off before the answer was whole", "",
                                                OPS_RETRY_DEFAULT};
const struct failure_kind failure_not_json = {
    OPS_E_UPSTREAM, "llm.not_json", "answered what is no answer of its API",
    "look at 'provider' and 'base_url' of 'integrations.llm'", OPS_RETRY_DEFAULT};
const struct failure_kind failure_html = {
    OPS_E_UPSTREAM, "llm.html", "answered with a page for people instead of JSON",
    "'base_url' of 'integrations.llm' leads to something else, or a proxy has answered",
    OPS_RETRY_DEFAULT};
const struct failure_kind failure_empty = {OPS_E_UPSTREAM, "llm.empty_answer",
                                           "gave an empty answer", "", OPS_RETRY_YES};
const struct failure_kind failure_max_tokens = {
    OPS_E_RESOURCE, "llm.max_tokens", "was cut off by 'max_tokens' before the answer was whole",
    "set a larger 'max_tokens'", OPS_RETRY_NO};
const struct failure_kind failure_filtered = {
    OPS_E_INPUT, "llm.content_filter", "kept the answer back by its content filter",
    "look at what the prompt asks for, and what data it holds", OPS_RETRY_NO};
const struct failure_kind failure_refused = {
    OPS_E_INPUT, "llm.refused", "did not want to answer",
    "look at what the prompt asks for, and what data it holds", OPS_RETRY_NO};
const struct failure_kind failure_bad_output = {
    OPS_E_UPSTREAM, "llm.bad_output", "did not give what was asked for",
    "say in the prompt what the answer looks like, or ask a more able model", OPS_RETRY_DEFAULT};
const struct failure_kind failure_too_large = {OPS_E_RESOURCE, "llm.answer_too_large",
                                               "answered more than can be taken", "", OPS_RETRY_NO};
const struct failure_kind failure_no_memory = {
    OPS_E_RESOURCE, "llm.memory", "could not be called: out of memory", "", OPS_RETRY_DEFAULT};

static const struct failure_kind unauthorized = {
    OPS_E_AUTH, "llm.unauthorized", "does not take the key of 'integrations.llm.api_key'",
    "set a valid one", OPS_RETRY_NO};
static const struct failure_kind forbidden = {
    OPS_E_PERMISSION, "llm.forbidden",
    "says that the key of 'integrations.llm.api_key' may not do that",
    "use a key that may use this model", OPS_RETRY_NO};
static const struct failure_kind no_model = {OPS_E_NOT_FOUND, "llm.model_not_found",
                                             "has no such model, or not for this key",
                                             "look at the spelling of 'model'", OPS_RETRY_NO};
static const struct failure_kind not_found = {
    OPS_E_NOT_FOUND, "llm.not_found", "has nothing at this place",
    "look at 'provider' and 'base_url' of 'integrations.llm'", OPS_RETRY_NO};
static const struct failure_kind rate_limited = {
    OPS_E_RATE_LIMITED, "llm.rate_limited", "says that it is called too often",
    "set 'rate_limit' under 'integrations.llm'", OPS_RETRY_DEFAULT};
static const struct failure_kind no_quota = {
    OPS_E_RESOURCE, "llm.quota", "says that what was paid for is used up",
    "look at the account of the key; waiting alone does not help", OPS_RETRY_NO};
static const struct failure_kind overloaded = {OPS_E_UNAVAILABLE, "llm.overloaded", "is overloaded",
                                               "", OPS_RETRY_DEFAULT};
static const struct failure_kind context_window = {
    OPS_E_INPUT, "llm.context_window",
    "says that the prompt and 'max_tokens' do not fit into the model's context window",
    "send less, or ask a model with a larger window", OPS_RETRY_NO};

static const struct failure_kind redirected = {
    OPS_E_UPSTREAM, "llm.redirect", "says that it is at another address",
    "write that address as 'base_url' of 'integrations.llm': redirects are not followed",
    OPS_RETRY_NO};

/* ---- What it means ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* `part` is in small letters. */
static int has(ops_str s, const char *part)
{
    size_t n = strlen(part);
    for (uint64_t i = 0; i + n <= s.n; i++) {
        size_t k = 0;
        while (k < n && lower(s.p[i + k]) == part[k]) {
            k++;
        }
        if (k == n) {
            return 1;
        }
    }
    return 0;
}

static int has_one_of(ops_str s, const char *const *parts)
{
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (has(s, parts[i])) {
            return 1;
        }
    }
    return 0;
}

/* Services have codes for it, or only words. */
static int is_context_window(const struct words *words)
{
    static const char *const codes[] = {"context_length", "exceed_context", NULL};
    static const char *const said[] = {"context length",
                                       "context window",
                                       "context size",
                                       "context limit",
                                       "maximum context",
                                       "prompt is too long",
                                       "input is too long",
                                       "too many tokens",
                                       "maximum number of tokens",
                                       NULL};
    int is_refusal = words->status == 0 || words->status == 400 || words->status == 413 ||
                     words->status == 422;
    return has_one_of(words->code, codes) || has_one_of(words->type, codes) ||
           (is_refusal && has_one_of(words->message, said));
}

static int is_no_quota(const struct words *words)
{
    static const char *const said[] = {"credit balance", "exceeded your current quota", NULL};
    return has(words->code, "insufficient_quota") || has(words->type, "insufficient_quota") ||
           has(words->type, "billing") || words->status == 402 || has_one_of(words->message, said);
}

static int is_filtered(const struct words *words)
{
    static const char *const codes[] = {"content_filter", "content_policy", NULL};
    return has_one_of(words->code, codes) || has_one_of(words->type, codes);
}

/* Some refuse the call because of it, without 404. */
static int is_no_model(const struct words *words)
{
    static const char *const codes[] = {"model_not_found", "invalid_model", "deploymentnotfound",
                                        NULL};
    static const char *const said[] = {"not a valid model", "invalid model", NULL};
    return has_one_of(words->code, codes) || has_one_of(words->type, codes) ||
           (words->status == 400 && has_one_of(words->message, said)) ||
           (words->status == 404 && has(words->message, "model"));
}

/* NULL: only the status says something. */
static const struct failure_kind *kind_of(const struct words *words)
{
    int32_t status = words->status;
    if (is_context_window(words)) {
        return &context_window;
    }
    if (is_no_quota(words)) {
        return &no_quota;
    }
    if (is_filtered(words)) {
        return &failure_filtered;
    }
    if (status == 401 || has(words->type, "authentication")) {
        return &unauthorized;
    }
    if (status == 403 || has(words->type, "permission_error")) {
        return &forbidden;
    }
    if (is_no_model(words)) {
        return &no_model;
    }
    if (status == 404 || has(words->type, "not_found")) {
        return has(words->message, "model") ? &no_model : &not_found;
    }
    if (status >= 300 && status < 400) {
        return &redirected;
    }
    if (status == 429 || has(words->type, "rate_limit") || has(words->code, "rate_limit")) {
        return &rate_limited;
    }
    return status == 529 || has(words->type, "overloaded") ? &overloaded : NULL;
}

/* ---- What was said ---- */

/*
 * {"error": {message, type, code}}, {"error": "text"}, {"message": ...}, {"detail": "text"}, or a
 * list of one of these.
 */
static void read_words(ops_val said, struct words *words)
{
    ops_val first = 0;
    said = ops.value->at(ops.h, said, 0, &first) == OPS_OK ? first : said;
    ops_val error = ops_get(said, "error");
    error = error != 0 ? error : said;
    if (ops.value->get_str(ops.h, error, &words->message) == OPS_OK) {
        return;
    }
    words->message = ops_get_str(error, "message", NULL);
    words->type = ops_get_str(error, "type", NULL);
    words->code = ops_get_str(error, "code", NULL);
    if (words->message.n == 0) {
        words->message = ops_get_str(error, "detail", NULL);
    }
}

static void append_service(struct text *out, const ops_node *node)
{
    text_append_literal(out, node->provider->name);
    if (!ops_equal(text_str(&node->base_url), node->provider->base_url)) {
        text_append_literal(out, " at ");
        text_append_line(out, text_str(&node->base_url), QUOTED_BYTES);
    }
}

static void append_said(struct text *out, int32_t status, ops_str said)
{
    char number[32] = "";
    if (status > 0) {
        (void)snprintf(number, sizeof number, "%d", (int)status);
    }
    if (status == 0 && said.n == 0) {
        return;
    }
    text_append_literal(out, " (");
    text_append_literal(out, number);
    text_append_literal(out, status > 0 && said.n > 0 ? ": " : "");
    text_append_line(out, said, QUOTED_BYTES);
    text_append_literal(out, ")");
}

/* "OpenAI, asked for 'gpt-9', has no such model, or not for this key (404: ...)" */
static void end(const struct failing *failing, const struct failure_kind *kind, int32_t status,
                ops_str said, uint64_t retry_after_ms)
{
    struct text message = {NULL, 0, 0, 0};
    append_service(&message, failing->node);
    text_append_literal(&message, ", asked for '");
    text_append_line(&message, failing->model, QUOTED_MODEL_BYTES);
    text_append_literal(&message, "', ");
    text_append_literal(&message, kind->what);
    append_said(&message, status, said);

    ops_error e = ops_error_make(kind->code, kind->what);
    e.message = message.failed ? e.message : text_str(&message);
    e.symbol = ops_text(kind->symbol);
    e.hint = ops_text(kind->hint);
    e.retry = kind->retry;
    e.retry_after_ms = retry_after_ms;
    e.details = failing->details;
    e.upstream_status = status;
    e.flags = OPS_ERROR_REPEATABLE; /* asking twice costs twice, and changes nothing */
    (void)ops.exec->fail(ops.h, failing->task, &e); /* STALE: it has ended already */
    text_finish(&message);
}

/* "http.bad_gateway" as "llm.bad_gateway". */
static void end_by_status(const struct failing *failing, const struct words *words,
                          uint64_t retry_after_ms)
{
    char symbol[64];
    struct status_meaning meaning = status_read(words->status);
    const char *dot = strchr(meaning.symbol, '.');
    (void)snprintf(symbol, sizeof symbol, "llm%s", dot != NULL ? dot : ".failed");
    const struct failure_kind kind = {
        meaning.code, symbol, meaning.code == OPS_E_INPUT ? "refuses the call" : "could not answer",
        "", OPS_RETRY_DEFAULT};
    end(failing, &kind, words->status, words->message, retry_after_ms);
}

/* Some give milliseconds besides, which are nearer to the truth. */
static uint64_t read_wait_ms(const ops_http_res *res)
{
    ops_str ms = problem_find_header(res, "retry-after-ms");
    uint64_t wait_ms = 0;
    for (uint64_t i = 0; i < ms.n && i < 8 && ms.p[i] >= '0' && ms.p[i] <= '9'; i++) {
        wait_ms = wait_ms * 10 + (uint64_t)(ms.p[i] - '0');
    }
    return wait_ms > 0 ? wait_ms
                       : status_retry_after_ms(problem_find_header(res, "retry-after"),
                                               (int64_t)time(NULL));
}

void failure_of_status(const struct failing *failing, const ops_http_res *res)
{
    ops_str body = res->body;
    ops_val said = 0;
    struct words words = {.status = res->status};
    if (ops.value->from_json(ops.h, failing->task, body, &said, NULL) == OPS_OK) {
        read_words(said, &words);
    }
    if (words.message.n == 0) {
        words.message = problem_is_page(body) ? ops_text("a page for people, no JSON") : body;
    }

    const struct failure_kind *kind = kind_of(&words);
    if (kind == &unauthorized && !instance_has_credential(failing->node)) {
        kind = &failure_no_key;
    }
    if (kind != NULL) {
        end(failing, kind, res->status, words.message, read_wait_ms(res));
    } else {
        end_by_status(failing, &words, read_wait_ms(res));
    }
}

void failure_of_event(const struct failing *failing, ops_val error)
{
    static const struct failure_kind broken = {OPS_E_UNAVAILABLE, "llm.stream_error",
                                               "stopped in the middle of its answer", "",
                                               OPS_RETRY_DEFAULT};
    struct words words = {0};
    read_words(error, &words);
    const struct failure_kind *kind = kind_of(&words);
    end(failing, kind != NULL ? kind : &broken, 0, words.message, 0);
}

void failure_of_transport(const struct failing *failing, const ops_error *err, uint64_t received)
{
    if (err->code != OPS_E_CANCELLED && err->code != OPS_E_TIMEOUT && received > 0) {
        failure_of_kind(failing, &failure_stream_cut, err->message);
        return;
    }
    ops_error e = *err;
    e.flags = OPS_ERROR_REPEATABLE;
    (void)ops.exec->fail(ops.h, failing->task, &e); /* STALE: it has ended already */
}

void failure_of_kind(const struct failing *failing, const struct failure_kind *kind, ops_str said)
{
    end(failing, kind, 0, said, 0);
}

void failure_of_config(ops_task task, const char *path, const char *message)
{
    ops_error e = ops_error_make(OPS_E_CONFIG, message);
    e.path = ops_text(path);
    e.symbol = ops_text("llm.config");
    (void)ops.exec->fail(ops.h, task, &e); /* STALE: it has ended already */
}
