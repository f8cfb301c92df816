/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/limits: a person lifts a rate limit. */
#include "core/api/control.h"
#include "core/api/control_body.h"
#include "core/api/control_state.h"
#include "core/loop/loop.h"
#include "core/value/builder.h"
#include "core/value/value.h"

/* {"scope": ..., "accepted": true}: durable. */
static void on_reset(void *user, int status, const struct error *err)
{
    struct control_call *call = user;
    struct error failure = {0};
    cleanup_document struct document *document = NULL;
    if (status != 0) {
        control_call_fail(call, err);
        return;
    }
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("scope"), str_from(call->id));
    builder_member_bool(b, STR("accepted"), true);
    builder_map_end(b);
    if (builder_finish(b, &document, &failure) != 0) {
        control_call_fail(call, &failure);
    } else {
        control_call_document(call, ANSWER_OK, document);
    }
}

void control_limit(struct control_call *call, const struct control_question *request,
                   const struct document *body)
{
    struct error err = {0};
    struct loop *loop = call->control->options.loop;
    struct str part = control_body_text(body, "scope");
    struct loop_limit_reset reset = {.who = request->who};
    if (!str_equal_text(control_body_text(body, "order"), "reset")) {
        (void)error_set(&err, E_INVALID, "'order' of the body has to be 'reset'");
    } else if (part.n == 0) {
        (void)error_set(&err, E_INVALID, "the body has no 'scope', what the limit is for");
    }
    if (err.code != 0) {
        control_call_fail(call, &err);
        return;
    }
    if (loop_find_limit(loop, part, &reset.scope, &err) != 0) {
        control_call_refuse_scope(call, &err);
        return;
    }
    call->id = str_dup(reset.scope);
    if (call->id == NULL) {
        (void)error_nomem(&err);
        control_call_fail(call, &err);
        return;
    }
    loop_reset_limit(loop, &reset, on_reset, call);
}
