/* SPDX-License-Identifier: Apache-2.0 */

/* The node type `llm.session`: what a session has, for who only wants to read it. */

#include "failure.h"
#include "nodes.h"
#include "session.h"

static void on_open(void *user, int is_well)
{
    const struct session *session = user;
    if (!is_well) {
        return;
    }
    ops_val messages = session_messages(session);
    if (messages == 0) {
        ops_fail_text(session->task, OPS_E_RESOURCE, "out of memory");
        return;
    }
    struct ops_map out = ops_map_begin(session->task);
    ops_map_val(&out, "messages", messages);
    ops_map_i64(&out, "turns", (int64_t)ops.value->count(ops.h, session->turns));
    ops_complete_map(session->task, &out);
}

void session_execute(ops_node *node, ops_task task, ops_val config)
{
    const char *fault = NULL;
    struct session *session = ops_task_alloc(task, sizeof *session);
    (void)node;
    if (session == NULL) {
        return;
    }
    if (session_read(session, task, config, &fault) <= 0) {
        failure_of_config(task, "/session", fault);
        return;
    }
    session_open(session, on_open, session);
}
