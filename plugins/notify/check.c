/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdio.h>

#include "service/status.h"
#include "target.h"

enum { MESSAGE_BYTES = 512 };

/* In the task's memory, as the questions are. */
struct check {
    ops_task task;
    uint32_t asked;
    uint32_t open;
    ops_status code; /* of the first that is not there; OPS_OK: all are */
    char message[MESSAGE_BYTES];
};

struct question {
    struct check *check;
    struct target target;
    struct channel_request request;
};

static void end_if_over(struct check *check)
{
    if (--check->open > 0) {
        return;
    }
    if (check->asked == 0) {
        ops_fail_text(check->task, OPS_E_UNSUPPORTED,
                      "none of the targets can be asked without writing to it");
    } else if (check->code != OPS_OK) {
        ops_fail_text(check->task, check->code, check->message);
    } else {
        struct ops_map out = ops_map_begin(check->task);
        ops_map_i64(&out, "asked", check->asked);
        ops_complete_map(check->task, &out);
    }
}

static void note_failure(struct question *question, ops_status code, ops_str why)
{
    struct check *check = question->check;
    if (check->code == OPS_OK) {
        struct text line = {0};
        check->code = code;
        text_append_line(&line, why, MESSAGE_BYTES - TARGET_NAME_BYTES - 32);
        (void)snprintf(check->message, MESSAGE_BYTES, "target '%s': %.*s", question->target.name,
                       (int)line.n, line.p != NULL ? line.p : "");
        text_finish(&line);
    }
}

static void on_answer(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct question *question = user;
    const struct channel *channel = question->target.channel;
    char word[CHANNEL_WORD_BYTES] = "";
    char why[CHANNEL_WORD_BYTES + 64];
    const char *hint = NULL;
    if (err != NULL) {
        note_failure(question, err->code, err->message);
    } else if (res->status < 200 || res->status >= 300) {
        (void)snprintf(why, sizeof why, "%s answered the check with %d", channel->word,
                       res->status);
        note_failure(question, status_read(res->status).code, ops_text(why));
    } else if (channel->judge != NULL) {
        ops_status code = channel->judge(task, res, word, &hint);
        (void)snprintf(why, sizeof why, "%s answered the check: %s", channel->word, word);
        if (code != OPS_OK) {
            note_failure(question, code, ops_text(why));
        }
    }
    end_if_over(question->check);
}

static void ask(struct question *question)
{
    struct channel_request *request = &question->request;
    struct check *check = question->check;
    ops_str texts[CHANNEL_HEADERS] = {{0}}; /* the values are handles */
    ops_status status =
        question->target.channel->ask(check->task, question->target.settings, request);
    const ops_http_req req = {.size = (uint32_t)sizeof req,
                              .flags = OPS_HTTP_NO_REDIRECT,
                              .url_val = request->url,
                              .header_names = request->names,
                              .header_values = texts,
                              .header_vals = request->values,
                              .n_headers = request->n_headers,
                              .on_done = on_answer,
                              .user = question};
    check->asked++;
    check->open++;
    status = status == OPS_OK ? ops.http->send(ops.h, check->task, &req, NULL) : status;
    if (status != OPS_OK) {
        note_failure(question, status, ops_text("it could not be asked"));
        end_if_over(check);
    }
}

static void ask_target(struct check *check, ops_str name, ops_val value)
{
    struct target target;
    struct question *question = NULL;
    if (target_read(name, value, &target) != OPS_OK || target.channel->ask == NULL) {
        return;
    }
    question = ops_task_alloc(check->task, sizeof *question);
    if (question != NULL) { /* else the task has failed */
        question->check = check;
        question->target = target;
        ask(question);
    }
}

void check_targets(ops_val targets, ops_task task)
{
    struct check *check = ops_task_alloc(task, sizeof *check);
    uint64_t n = ops.value->count(ops.h, targets);
    if (check == NULL) {
        return;
    }
    check->task = task;
    check->open = 1; /* this one: none may end the task while they start */
    for (uint64_t i = 0; i < n; i++) {
        ops_str name = ops_text(NULL);
        ops_val value = 0;
        (void)ops.value->pair(ops.h, targets, i, &name, &value);
        ask_target(check, name, value);
    }
    end_if_over(check);
}
