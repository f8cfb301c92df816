/* SPDX-License-Identifier: Apache-2.0 */

/* A plugin for tests: sends by ops.mail what its config says, and calls it badly. */

#include <string.h>

#include "opstream/sdk.h"

static void on_done(void *user, ops_task task, const ops_mail_res *res, const ops_error *err)
{
    struct ops_map out = ops_map_begin(task);
    (void)user;
    if (err != NULL) {
        (void)ops.exec->fail(ops.h, task, err);
        return;
    }
    ops_map_i64(&out, "code", res->code);
    ops_map_str(&out, "reply", res->reply);
    ops_map_str(&out, "message_id", res->message_id);
    ops_complete_map(task, &out);
}

static void abort_soon(void *user, ops_task task)
{
    (void)task;
    (void)ops.mail->abort(ops.h, *(ops_op *)user);
}

/* As later headers might have it. */
struct later_attachment {
    ops_mail_attachment known;
    uint64_t later;
};

static void send_execute(ops_node *node, ops_task task, ops_val config)
{
    ops_str to = ops_get_str(config, "to", NULL);
    ops_str bcc = ops_get_str(config, "bcc", NULL);
    ops_op *op = ops_task_alloc(task, sizeof *op);
    const struct later_attachment file = {.known = {.size = (uint32_t)sizeof file,
                                                    .name = ops_get_str(config, "file", NULL),
                                                    .bytes = ops_text("bytes")},
                                          .later = 4711};
    const ops_mail_attachment *const files[] = {&file.known, &file.known};
    ops_mail_req req = {.size = (uint32_t)sizeof req,
                        .tls = (uint32_t)ops_get_i64(config, "tls", 0),
                        .host = ops_get_str(config, "host", "mail.test"),
                        .port = (uint32_t)ops_get_i64(config, "port", 0),
                        .username = ops_get(config, "username"),
                        .password = ops_get(config, "password"),
                        .from = ops_get_str(config, "from", "A <a@one.test>"),
                        .to = &to,
                        .n_to = to.n > 0,
                        .bcc = &bcc,
                        .n_bcc = bcc.n > 0,
                        .reply_to = ops_get_str(config, "reply_to", NULL),
                        .subject = ops_get_str(config, "subject", NULL),
                        .text = ops_get_str(config, "text", NULL),
                        .attachments = files,
                        .n_attachments = file.known.name.n > 0 ? 2 : 0,
                        .label = ops_get_str(config, "label", NULL),
                        .on_done = on_done};
    (void)node;
    if (op != NULL && ops.mail->send(ops.h, task, &req, op) != OPS_OK) {
        ops_fail_text(task, OPS_E_INTERNAL, "it was refused");
    } else if (op != NULL && ops_get_bool(config, "abort", 0)) {
        (void)ops.exec->post(ops.h, task, abort_soon, op);
    }
}

static ops_status send_with(ops_task task, const ops_mail_req *base, uint32_t size, ops_str subject)
{
    ops_mail_req req = *base;
    req.size = size;
    req.subject = subject;
    return ops.mail->send(ops.h, task, &req, NULL);
}

static void refused_execute(ops_node *node, ops_task task, ops_val config)
{
    struct ops_map out = ops_map_begin(task);
    const ops_str to = ops_text("b@two.test");
    static const ops_mail_attachment short_one = {.size = 8};
    const ops_mail_attachment *list = &short_one;
    ops_mail_req good = {.size = (uint32_t)sizeof good,
                         .host = ops_text("mail.test"),
                         .from = ops_text("a@one.test"),
                         .to = &to,
                         .n_to = 1,
                         .on_done = on_done};
    ops_mail_req req = good;
    (void)node;
    (void)config;
    ops_map_i64(&out, "no_request", ops.mail->send(ops.h, task, NULL, NULL));
    ops_map_i64(&out, "size", send_with(task, &good, 8, ops_text("")));
    ops_map_i64(&out, "no_text", send_with(task, &good, good.size, ops_text("\xff")));
    ops_map_i64(&out, "stale", send_with(task + 1, &good, good.size, ops_text("")));
    req.on_done = NULL;
    ops_map_i64(&out, "no_done", ops.mail->send(ops.h, task, &req, NULL));
    req = good;
    req.flags = 1;
    ops_map_i64(&out, "flags", ops.mail->send(ops.h, task, &req, NULL));
    req = good;
    req.tls = 3;
    ops_map_i64(&out, "tls", ops.mail->send(ops.h, task, &req, NULL));
    req = good;
    req.n_to = OPS_MAIL_RECIPIENTS + 1;
    ops_map_i64(&out, "recipients", ops.mail->send(ops.h, task, &req, NULL));
    req = good;
    req.attachments = &list;
    req.n_attachments = 1;
    ops_map_i64(&out, "attachment", ops.mail->send(ops.h, task, &req, NULL));
    list = NULL;
    ops_map_i64(&out, "no_attachment", ops.mail->send(ops.h, task, &req, NULL));
    ops_map_i64(&out, "abort_stale", ops.mail->abort(ops.h, 1));
    ops_complete_map(task, &out);
}

static const ops_node_type send_type = OPS_NODE("mail.send", OPS_NODE_PARALLEL, send_execute);
static const ops_node_type refused_type =
    OPS_NODE("mail.refused", OPS_NODE_PARALLEL, refused_execute);

OPS_PLUGIN("mail", "1.0.0", &send_type, &refused_type);
