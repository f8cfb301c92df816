/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/engine_moment.h"

#include <stdio.h>
#include <unistd.h>

#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/state_owner.h"
#include "core/cli/workspace.h"
#include "core/loop/loop.h"

struct moment {
    struct workspace own;
    struct workspace *workspace;
    struct state_hold hold;
    struct answer *answer;
    bool is_answered;
    bool has_failed;
    bool is_left;
};

static void on_answer(void *user, const struct answer *answer)
{
    struct moment *moment = user;
    moment->is_answered = true;
    moment->has_failed = answer == NULL;
    if (answer != NULL) {
        *moment->answer = (struct answer){
            .status = answer->status, .content_type = answer->content_type, .allow = answer->allow};
        strbuf_append_str(&moment->answer->body, strbuf_str(&answer->body));
        moment->has_failed = strbuf_status(&moment->answer->body) != 0;
    }
}

static void ask(struct moment *moment, const struct engine_moment_request *request)
{
    char who[32];
    (void)snprintf(who, sizeof(who), "uid %u", (unsigned)getuid());
    const struct control_question asked = {.method = request->method,
                                           .path = request->path,
                                           .body = request->body,
                                           .who = str_from(who)};
    control_handle(moment->hold.control, &asked, on_answer, moment);
    loop_wait(moment->workspace->loop, &moment->is_answered);
    state_hold_end(&moment->hold, moment->workspace, &moment->is_left);
}

/* The line that says why stands on stderr: there is no other. */
static int said(struct error *err)
{
    return error_set(err, E_IO, "%s", "");
}

int engine_moment_ask(const struct command_args *args, const struct engine_moment_request *request,
                      struct answer *out_answer, struct error *err)
{
    struct moment moment = {.answer = out_answer, .workspace = request->workspace};
    int status = 0;
    if (state_hold_open(&moment.hold, args, STATE_OWNER_CLI) != EXIT_DONE) {
        status = said(err);
    }
    if (status == 0 && moment.hold.role != STATE_ROLE_ENGINE) {
        status = ENGINE_MOMENT_BUSY;
    }
    /* Not before: it takes the secrets out of the environment, and who was busy is asked again. */
    if (status == 0 && moment.workspace == NULL) {
        moment.workspace = &moment.own;
        status = workspace_open(&moment.own, args) == EXIT_DONE ? 0 : said(err);
    }
    if (status == 0 &&
        state_hold_begin(&moment.hold, moment.workspace, STATE_BEGIN_MOMENT) != EXIT_DONE) {
        status = said(err);
    }
    if (status == 0) {
        ask(&moment, request);
        status = moment.has_failed ? error_nomem(err) : 0;
    }
    if (status != ENGINE_MOMENT_BUSY && moment.workspace != NULL) {
        workspace_finish(moment.workspace); /* the lock goes back when the file is closed */
    }
    if (status == 0 && moment.is_left && state_hold_hand_over(&moment.hold, args) != EXIT_DONE) {
        status = ENGINE_MOMENT_ALONE;
    }
    if (request->out_launch != NULL && moment.is_left) {
        *request->out_launch = moment.hold.launch;
        moment.hold.launch = (struct engine_launch){0};
    }
    state_hold_finish(&moment.hold);
    return status;
}
