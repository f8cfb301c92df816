/* SPDX-License-Identifier: Apache-2.0 */
#include "messages.h"

#include "body.h"
#include "question.h"

void messages_write(struct body *body, const struct question *question,
                    void (*write)(struct body *body, const struct message *message))
{
    uint64_t n = question_count(question);
    body_open(body, "messages", '[');
    if (question->system.n > 0) {
        const struct message system = {.role = ROLE_SYSTEM, .content = question->system};
        write(body, &system);
    }
    for (uint64_t i = 0; i < n; i++) {
        struct message message = question_message(question, i);
        write(body, &message);
    }
    body_close(body, ']');
}

void messages_write_tools(struct body *body, const struct question *question)
{
    uint64_t n = ops.value->count(ops.h, question->tools);
    if (n == 0) {
        return;
    }
    body_open(body, "tools", '[');
    for (uint64_t i = 0; i < n; i++) {
        ops_val tool = 0;
        (void)ops.value->at(ops.h, question->tools, i, &tool); /* i is below the count */
        body_open(body, NULL, '{');
        body_text(body, "type", "function");
        body_val(body, "function", tool);
        body_close(body, '}');
    }
    body_close(body, ']');
}
