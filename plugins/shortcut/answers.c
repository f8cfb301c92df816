/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include "service/url.h"

enum { MINUTE_MS = 60 * 1000 };

int answers_judge(const struct service_answer *answer, struct problem *problem)
{
    if (answer->status != 429) {
        return 0;
    }
    problem_of_status(answer, problem);
    problem->symbol = "rate_limit";
    problem->retry_after_ms = problem->retry_after_ms > 0 ? problem->retry_after_ms : MINUTE_MS;
    return 1;
}

void answers_add_words(const struct service_answer *answer, struct problem *problem)
{
    ops_val errors = pick_find(answer->value, "errors");
    uint32_t type = ops.value->type(ops.h, errors);
    uint64_t n = type == OPS_TYPE_MAP ? ops.value->count(ops.h, errors) : 0;
    if (type == OPS_TYPE_STRING || type == OPS_TYPE_LIST) {
        problem_add_words(problem, url_scalar(errors));
    }
    for (uint64_t i = 0; i < n; i++) {
        struct text line = {NULL, 0, 0, 0};
        ops_str field = {NULL, 0};
        ops_val why = 0;
        if (ops.value->pair(ops.h, errors, i, &field, &why) == OPS_OK) {
            text_append_str(&line, field);
            text_append_literal(&line, ": ");
            text_append_str(&line, url_scalar(why));
            problem_add_words(problem, text_str(&line));
        }
        text_finish(&line);
    }
}
