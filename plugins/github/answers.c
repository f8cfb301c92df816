/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

enum { SECONDARY_WAIT_MS = 60 * 1000 };

/* ---- Limits ---- */

static int has_words(ops_str text, const char *words)
{
    size_t n = strlen(words);
    for (uint64_t i = 0; i + n <= text.n; i++) {
        if (text_equal_nocase(ops_slice(text.p + i, n), words)) {
            return 1;
        }
    }
    return 0;
}

static int is_secondary(const struct service_answer *answer)
{
    ops_str message = pick_str(answer->value, "message");
    return has_words(message, "secondary rate limit") || has_words(message, "abuse detection");
}

int answers_judge(const struct service_answer *answer, struct problem *problem)
{
    int is_refusal = answer->status == 403 || answer->status == 429;
    int is_secondary_limit = is_refusal && is_secondary(answer);
    if (!is_refusal) {
        return 0;
    }
    problem_of_status(answer, problem);
    if (is_secondary_limit) {
        problem->code = OPS_E_RATE_LIMITED;
        problem->symbol = "secondary_rate_limit";
        problem->hint = "too much at once: set a lower 'max_concurrency' in integrations.github";
    } else if (problem->code == OPS_E_RATE_LIMITED) {
        problem->symbol = "rate_limit";
    }
    if (problem->code == OPS_E_RATE_LIMITED && problem->retry_after_ms == 0) {
        problem->retry_after_ms = SECONDARY_WAIT_MS;
    }
    return 1;
}

/* ---- Words ---- */

/* "Label.name: already_exists", or the message if there is one. */
static void add_error(struct problem *problem, ops_val error)
{
    struct text line = {NULL, 0, 0, 0};
    ops_str text = {NULL, 0};
    ops_str message = pick_str(error, "message");
    ops_str field = pick_str(error, "field");
    ops_str code = pick_str(error, "code");
    if (ops.value->get_str(ops.h, error, &text) == OPS_OK) {
        problem_add_words(problem, text);
        return;
    }
    text_append_str(&line, pick_str(error, "resource"));
    text_append_literal(&line, line.n > 0 && field.n > 0 ? "." : "");
    text_append_str(&line, field);
    text_append_literal(&line, line.n > 0 ? ": " : "");
    text_append_str(&line, message.n > 0 ? message : code);
    problem_add_words(problem, text_str(&line));
    text_finish(&line);
}

/* What GitHub would have the token be good for: of a fine-grained one, else of a classic one. */
static void add_needs(const struct service_answer *answer, struct problem *problem)
{
    static const char *const names[] = {"x-accepted-github-permissions", "x-accepted-oauth-scopes"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ops_str needs = problem_find_header(answer->res, names[i]);
        struct text line = {NULL, 0, 0, 0};
        if (needs.n == 0) {
            continue;
        }
        text_append_literal(&line, "it takes a token with ");
        text_append_str(&line, needs);
        problem_add_words(problem, text_str(&line));
        text_finish(&line);
        return;
    }
}

void answers_add_words(const struct service_answer *answer, struct problem *problem)
{
    ops_val errors = pick_find(answer->value, "errors");
    uint64_t n = ops.value->type(ops.h, errors) == OPS_TYPE_LIST ? ops.value->count(ops.h, errors)
                                                                 : 0;
    for (uint64_t i = 0; i < n; i++) {
        ops_val error = 0;
        if (ops.value->at(ops.h, errors, i, &error) == OPS_OK) {
            add_error(problem, error);
        }
    }
    if (problem->code == OPS_E_PERMISSION) {
        add_needs(answer, problem);
    }
}

/* ---- Issues ---- */

int answers_wants(struct service_call *call, ops_val item)
{
    int is_pull = ops.value->type(ops.h, ops_get(item, "pull_request")) == OPS_TYPE_MAP;
    ops_val config = 0;
    if (!is_pull || ops.value->retain(ops.h, call->config, call->page, &config) != OPS_OK) {
        return !is_pull;
    }
    return ops_get_bool(config, "pull_requests", 0); /* what is read goes with the page */
}
