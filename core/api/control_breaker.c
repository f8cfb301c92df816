/* SPDX-License-Identifier: Apache-2.0 */
/* POST /api/v1/breakers: a person's order for a circuit breaker. */
#include "core/api/answer.h"
#include "core/api/control.h"
#include "core/api/control_body.h"
#include "core/api/control_state.h"
#include "core/loop/loop.h"
#include "core/value/builder.h"
#include "core/value/value.h"

struct named_order {
    const char *name;
    enum breaker_order order;
    enum breaker_state state; /* that it leads to */
};

static const struct named_order orders[] = {
    {"open", BREAKER_ORDER_OPEN, BREAKER_FORCED_OPEN},
    {"close", BREAKER_ORDER_RESET, BREAKER_CLOSED},
    {"reset", BREAKER_ORDER_RESET, BREAKER_CLOSED},
    {"disable", BREAKER_ORDER_DISABLE, BREAKER_DISABLED},
};

static const struct named_order *read_order(const struct document *body, struct error *err)
{
    struct str name = control_body_text(body, "order");
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (str_equal_text(name, orders[i].name)) {
            return &orders[i];
        }
    }
    (void)error_set(err, E_INVALID,
                    "'order' of the body has to be 'open', 'close', 'disable' or 'reset'");
    return NULL;
}

/* {"scope": ..., "state": ..., "accepted": true}: durable; the state is that of this moment. */
static int make_answer(const struct control_call *call, struct document **out, struct error *err)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_string(b, STR("scope"), str_from(call->id));
    builder_member_string(b, STR("state"), str_from(breaker_state_name(call->breaker_state)));
    builder_member_bool(b, STR("accepted"), true);
    builder_map_end(b);
    return builder_finish(b, out, err);
}

static void on_ordered(void *user, int status, const struct error *err)
{
    struct control_call *call = user;
    struct error failure = {0};
    cleanup_document struct document *document = NULL;
    if (status != 0) {
        control_call_fail(call, err);
    } else if (make_answer(call, &document, &failure) != 0) {
        control_call_fail(call, &failure);
    } else {
        control_call_document(call, ANSWER_OK, document);
    }
}

void control_breaker(struct control_call *call, const struct control_question *request,
                     const struct document *body)
{
    struct error err = {0};
    struct loop *loop = call->control->options.loop;
    struct str part = control_body_text(body, "scope");
    struct loop_breaker_order order = {.who = request->who};
    const struct named_order *named = read_order(body, &err);
    if (named != NULL && part.n == 0) {
        (void)error_set(&err, E_INVALID, "the body has no 'scope', what the breaker is for");
    }
    if (err.code != 0) {
        control_call_fail(call, &err);
        return;
    }
    if (loop_find_breaker(loop, part, &order.scope, &err) != 0) {
        control_call_refuse_scope(call, &err);
        return;
    }
    call->id = str_dup(order.scope);
    if (call->id == NULL) {
        (void)error_nomem(&err);
        control_call_fail(call, &err);
        return;
    }
    order.order = named->order;
    call->breaker_state = named->state;
    loop_order_breaker(loop, &order, on_ordered, call);
}
