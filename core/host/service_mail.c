/* SPDX-License-Identifier: Apache-2.0 */

/* ops.mail over `struct host_mail`. The contract is in opstream/mail.h. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/host_timer.h"
#include "core/host/mail.h"
#include "core/host/mail_message.h"
#include "core/host/op.h"
#include "core/host/runtime.h"
#include "core/host/scope.h"
#include "core/host/start_failure.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/value/value.h"

enum {
    REQUEST_SIZE_MAX = 65536,
    MAX_PORT = 65535,
    PARTS_FIXED = 5,
    ATTACHMENT_SIZE_MIN = offsetof(ops_mail_attachment, bytes) + sizeof(ops_str),
};

struct mail_op {
    struct op op;       /* first */
    struct arena arena; /* all texts, of the request and of the answer */
    struct host_mail_request request;
    struct strbuf message;
    struct str message_id;
    struct error fault; /* of the request; code 0: none */
    ops_mail_done done;
    void *user;
    void *call; /* of host_mail; NULL: none under way, or aborted already */
    bool is_failure;
    ops_mail_res result;
    ops_error failure;
};

/* ---- the answer ---- */

static void call_done(struct op *op)
{
    struct mail_op *mail = (struct mail_op *)op;
    mail->done(mail->user, op_task(op), mail->is_failure ? NULL : &mail->result,
               mail->is_failure ? &mail->failure : NULL);
}

static void set_failure(struct mail_op *mail, const struct host_mail_failure *from)
{
    mail->is_failure = true;
    mail->failure = (ops_error){
        .size = sizeof(ops_error),
        .code = task_failure_code_from_name(from->code),
        .retry = from->is_final ? OPS_RETRY_NO : OPS_RETRY_DEFAULT,
        .effect = from->is_maybe_done ? OPS_EFFECT_MAYBE : OPS_EFFECT_NONE,
        .symbol = ops_from_str(str_from(from->symbol)),
        .message = ops_from_str(arena_dup_str(&mail->arena, from->message)),
        .hint = ops_from_str(arena_dup_str(&mail->arena, from->hint)),
    };
}

static void call_cancelled(struct op *op)
{
    set_failure((struct mail_op *)op,
                &(struct host_mail_failure){.code = "CANCELLED",
                                            .symbol = "mail.cancelled",
                                            .message = STR("the call was cancelled")});
    call_done(op);
}

static void on_done(void *user, const struct host_mail_result *result,
                    const struct host_mail_failure *failure)
{
    struct mail_op *mail = user;
    mail->call = NULL;
    if (mail->op.is_dropped) {
        op_finish(&mail->op, NULL);
        return;
    }
    if (failure != NULL) {
        set_failure(mail, failure);
    } else {
        mail->result = (ops_mail_res){
            .size = sizeof(ops_mail_res),
            .code = result->code,
            .reply = ops_from_str(arena_dup_str(&mail->arena, result->reply)),
            .message_id = ops_from_str(mail->message_id),
            .duration_ms = result->duration_ms,
        };
    }
    op_finish(&mail->op, call_done);
}

/* ---- the operation ---- */

static void fail_request(struct mail_op *mail, const char *code, const struct error *error)
{
    on_done(mail, NULL,
            &(struct host_mail_failure){
                .code = code, .symbol = "mail.request", .message = str_from(error->message)});
}

static void mail_start(struct op *op)
{
    struct mail_op *mail = (struct mail_op *)op;
    const struct host_mail *service = op->host->mail;
    struct error error = {0};
    if (mail->fault.code != 0) {
        fail_request(mail, "CONFIG", &mail->fault);
        return;
    }
    mail->request.token = op->task->token;
    int status = service->send(service->self, &mail->request, on_done, mail, &mail->call, &error);
    if (status != 0) {
        const char *code = start_failure_name(status);
        fail_request(mail, code != NULL ? code : "INPUT", &error);
    }
}

static void mail_abort(struct op *op, enum op_abort how)
{
    struct mail_op *mail = (struct mail_op *)op;
    const struct host_mail *service = op->host->mail;
    (void)how;
    void *call = take_pointer(&mail->call);
    if (call != NULL) {
        service->abort(service->self, call);
    }
}

static void mail_destroy(struct op *op)
{
    struct mail_op *mail = (struct mail_op *)op;
    struct str password = mail->request.password;
    if (password.n > 0) {
        explicit_bzero((char *)(uintptr_t)password.p, password.n);
    }
    strbuf_finish(&mail->message);
    arena_finish(&mail->arena);
    free(mail);
}

static const struct op_type mail_type = {
    .name = "mail", .start = mail_start, .abort = mail_abort, .destroy = mail_destroy};

/* ---- the request ---- */

static struct str str_of(ops_str s)
{
    return str_make(s.n > 0 ? s.p : "", (size_t)s.n);
}

static bool list_is_bad(const ops_str *list, uint64_t n)
{
    bool is_bad = n > OPS_MAIL_RECIPIENTS || (n > 0 && list == NULL);
    for (uint64_t i = 0; !is_bad && i < n; i++) {
        is_bad = ops_str_is_bad(list[i]);
    }
    return is_bad;
}

static bool attachments_are_bad(const ops_mail_req *req)
{
    bool is_bad = req->n_attachments > OPS_MAIL_ATTACHMENTS ||
                  (req->n_attachments > 0 && req->attachments == NULL);
    for (uint64_t i = 0; !is_bad && i < req->n_attachments; i++) {
        const ops_mail_attachment *one = req->attachments[i];
        is_bad = one == NULL || one->size < ATTACHMENT_SIZE_MIN || ops_str_is_bad(one->name) ||
                 ops_str_is_bad(one->content_type) || ops_bytes_are_bad(one->bytes);
    }
    return is_bad;
}

/* What the plugin gave, as far as both sides know it. */
static ops_status read_request(const ops_mail_req *req, ops_mail_req *out)
{
    const uint32_t size_min = offsetof(ops_mail_req, user) + sizeof out->user;
    if (req == NULL || req->size < size_min || req->size > REQUEST_SIZE_MAX) {
        return OPS_E_INTERNAL;
    }
    memcpy(out, req, sizeof *out);
    const ops_str texts[] = {out->host, out->from, out->reply_to, out->subject,
                             out->text, out->html, out->label};
    bool is_bad = out->on_done == NULL || list_is_bad(out->to, out->n_to) ||
                  list_is_bad(out->cc, out->n_cc) || list_is_bad(out->bcc, out->n_bcc) ||
                  attachments_are_bad(out);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        is_bad = is_bad || ops_str_is_bad(texts[i]);
    }
    if (is_bad) {
        return OPS_E_INTERNAL;
    }
    return out->flags != 0 || out->tls > OPS_MAIL_PLAIN ? OPS_E_UNSUPPORTED : OPS_OK;
}

static bool has_line_end(struct str text)
{
    return text.n > 0 &&
           (memchr(text.p, '\r', text.n) != NULL || memchr(text.p, '\n', text.n) != NULL ||
            memchr(text.p, '\0', text.n) != NULL);
}

static int check_request(const ops_mail_req *req, struct error *err)
{
    uint64_t bytes = req->text.n + req->html.n;
    for (uint64_t i = 0; i < req->n_attachments; i++) {
        bytes += req->attachments[i]->bytes.n;
    }
    if (req->host.n == 0 || req->port > MAX_PORT) {
        return error_set(err, E_INVALID, "the server has a host, and a port up to 65535");
    }
    if (req->n_to + req->n_cc + req->n_bcc == 0) {
        return error_set(err, E_INVALID, "there is no recipient: 'to', 'cc' and 'bcc' are empty");
    }
    if (req->n_to + req->n_cc + req->n_bcc > OPS_MAIL_RECIPIENTS) {
        return error_set(err, E_INVALID, "there are more than %u recipients", OPS_MAIL_RECIPIENTS);
    }
    if (bytes > OPS_MAIL_BYTES) {
        return error_set(err, E_INVALID, "the message is larger than %u bytes", OPS_MAIL_BYTES);
    }
    return 0;
}

static int check_login(const struct host_mail_request *request, struct error *err)
{
    if (has_line_end(request->username) || has_line_end(request->password)) {
        return error_set(err, E_INVALID, "the user's name or the password has a line end");
    }
    if (request->username.n == 0 && request->password.n > 0) {
        return error_set(err, E_INVALID, "there is a password, but no user's name");
    }
    return 0;
}

/* ---- the message ---- */

/* The lists of a message, read; in the arena. */
struct lists {
    struct mail_address *all; /* to, cc, bcc, one after the other */
    struct mail_attachment *attachments;
};

static int read_list(struct mail_op *mail, const ops_str *list, uint64_t n, const char *field,
                     struct mail_address **at, struct error *err)
{
    int status = 0;
    for (uint64_t i = 0; i < n && status == 0; i++) {
        struct str text = arena_dup_str(&mail->arena, str_of(list[i]));
        status = text.p == NULL ? error_nomem(err) : mail_address_read(text, field, (*at)++, err);
    }
    return status;
}

static int read_lists(struct mail_op *mail, const ops_mail_req *req, struct lists *lists,
                      struct error *err)
{
    size_t n = (size_t)(req->n_to + req->n_cc + req->n_bcc);
    struct str *recipients = arena_calloc(&mail->arena, n, sizeof *recipients);
    lists->all = arena_calloc(&mail->arena, n, sizeof *lists->all);
    lists->attachments =
        arena_calloc(&mail->arena, (size_t)req->n_attachments + 1, sizeof *lists->attachments);
    if (recipients == NULL || lists->all == NULL || lists->attachments == NULL) {
        return error_nomem(err);
    }
    struct mail_address *at = lists->all;
    int status = read_list(mail, req->to, req->n_to, "to", &at, err);
    if (status == 0) {
        status = read_list(mail, req->cc, req->n_cc, "cc", &at, err);
    }
    if (status == 0) {
        status = read_list(mail, req->bcc, req->n_bcc, "bcc", &at, err);
    }
    for (size_t i = 0; i < n && status == 0; i++) {
        recipients[i] = lists->all[i].address;
    }
    for (uint64_t i = 0; i < req->n_attachments; i++) {
        lists->attachments[i] =
            (struct mail_attachment){.name = str_of(req->attachments[i]->name),
                                     .type = str_of(req->attachments[i]->content_type),
                                     .bytes = str_of(req->attachments[i]->bytes)};
    }
    mail->request.recipients = recipients;
    mail->request.recipient_count = n;
    return status;
}

/* "<KEY.LABEL@example.com>", where what may not stand in it is '-'. */
static int make_message_id(struct mail_op *mail, ops_str label, struct str domain)
{
    struct strbuf id = STRBUF_INIT;
    struct str key = str_of(mail->op.task->info.idempotency_key);
    strbuf_append_format(&id, "<%.*s", STR_ARG(key.n > 0 ? key : STR("opstream")));
    if (label.n > 0) {
        strbuf_append_char(&id, '.');
    }
    for (uint64_t i = 0; i < label.n; i++) {
        char c = label.p[i];
        bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_';
        strbuf_append_char(&id, is_safe ? c : '-');
    }
    strbuf_append_format(&id, "@%.*s>", STR_ARG(domain));
    mail->message_id = strbuf_status(&id) == 0 ? arena_dup_str(&mail->arena, strbuf_str(&id))
                                               : (struct str){0};
    strbuf_finish(&id);
    return mail->message_id.p != NULL ? 0 : E_NOMEM;
}

/* What a secret could stand in, for the one who looks. */
static int keep_parts(struct mail_op *mail, const ops_mail_req *req, const struct lists *lists)
{
    size_t count = 0;
    struct str *parts = arena_calloc(
        &mail->arena, PARTS_FIXED + mail->request.recipient_count + 2 * (size_t)req->n_attachments,
        sizeof *parts);
    if (parts == NULL) {
        return E_NOMEM;
    }
    const ops_str fixed[PARTS_FIXED] = {req->subject, req->text, req->html, req->from,
                                        req->reply_to};
    bool is_kept = true;
    for (size_t i = 0; i < PARTS_FIXED; i++) {
        parts[count++] = arena_dup_str(&mail->arena, str_of(fixed[i]));
    }
    for (size_t i = 0; i < mail->request.recipient_count; i++) {
        parts[count++] = lists->all[i].name.n > 0 ? lists->all[i].name : lists->all[i].address;
    }
    for (size_t i = 0; i < req->n_attachments; i++) {
        parts[count++] = arena_dup_str(&mail->arena, lists->attachments[i].name);
        parts[count++] = arena_dup_str(&mail->arena, lists->attachments[i].bytes);
    }
    for (size_t i = 0; i < count; i++) {
        is_kept = is_kept && parts[i].p != NULL;
    }
    mail->request.parts = parts;
    mail->request.part_count = count;
    return is_kept ? 0 : E_NOMEM;
}

/* A string that is given by its handle: the plugin may not be able to read it. */
static ops_status keep_handle(struct mail_op *mail, ops_val v, struct str *out)
{
    struct plugin *plugin = mail->op.task->plugin;
    struct scope *scope = NULL;
    struct scope_value value;
    *out = STR("");
    if (v == 0) {
        return OPS_OK;
    }
    if (!value_acquire(plugin, v, &value, &scope)) {
        return OPS_E_STALE;
    }
    bool is_text = value_is(value.value, VALUE_STRING);
    if (is_text) {
        *out = arena_dup_str(&mail->arena, value_str(value.value));
    }
    scope_release(plugin, scope);
    return !is_text ? OPS_E_INTERNAL : out->p != NULL ? OPS_OK : OPS_E_RESOURCE;
}

static ops_status keep_login(struct mail_op *mail, const ops_mail_req *req)
{
    ops_status status = keep_handle(mail, req->username, &mail->request.username);
    return status == OPS_OK ? keep_handle(mail, req->password, &mail->request.password) : status;
}

static int keep_server(struct mail_op *mail, const ops_mail_req *req)
{
    static const uint16_t ports[] = {465, 587, 25};
    struct host_mail_request *request = &mail->request;
    struct strbuf url = STRBUF_INIT;
    request->tls = (enum host_mail_tls)req->tls;
    request->port = req->port != 0 ? (uint16_t)req->port : ports[req->tls];
    request->host = arena_dup_str(&mail->arena, str_of(req->host));
    request->timeout_ms = req->timeout_ms;
    request->connect_timeout_ms = req->connect_timeout_ms;
    bool is_address6 = request->host.n > 0 && memchr(request->host.p, ':', request->host.n) != NULL;
    strbuf_append_text(&url, request->tls == HOST_MAIL_TLS ? "smtps://" : "smtp://");
    strbuf_append_format(&url, is_address6 ? "[%.*s]:%u" : "%.*s:%u", STR_ARG(request->host),
                         request->port);
    request->url = strbuf_status(&url) == 0 ? arena_dup_str(&mail->arena, strbuf_str(&url))
                                            : (struct str){0};
    strbuf_finish(&url);
    return request->host.p != NULL && request->url.p != NULL ? 0 : E_NOMEM;
}

static int read_single(struct mail_op *mail, ops_str from, const char *field,
                       struct mail_address *out, struct error *err)
{
    struct str text = arena_dup_str(&mail->arena, str_of(from));
    return text.p != NULL ? mail_address_read(text, field, out, err) : error_nomem(err);
}

static int make_message(struct mail_op *mail, const ops_mail_req *req, struct error *err)
{
    struct lists lists = {0};
    struct mail_message message = {.subject = str_of(req->subject),
                                   .text = str_of(req->text),
                                   .html = str_of(req->html),
                                   .to_count = (size_t)req->n_to,
                                   .cc_count = (size_t)req->n_cc,
                                   .attachment_count = (size_t)req->n_attachments,
                                   .date_unix_ms = host_unix_ms(mail->op.host)};
    int status = read_lists(mail, req, &lists, err);
    if (status == 0) {
        status = read_single(mail, req->from, "from", &message.from, err);
    }
    if (status == 0 && req->reply_to.n > 0) {
        status = read_single(mail, req->reply_to, "reply_to", &message.reply_to, err);
    }
    if (status == 0) {
        status = make_message_id(mail, req->label, message.from.domain);
    }
    if (status == 0) {
        status = keep_parts(mail, req, &lists);
    }
    if (status == 0) {
        message.to = lists.all;
        message.cc = lists.all + req->n_to;
        message.attachments = lists.attachments;
        message.message_id = mail->message_id;
        status = mail_message_write(&message, &mail->message, err);
    }
    mail->request.sender = message.from.address;
    mail->request.message = strbuf_str(&mail->message);
    return status;
}

/* OPS_OK, also when the request is wrong, which `fault` says then. */
static ops_status request_make(struct mail_op *mail, const ops_mail_req *req)
{
    ops_status login = keep_login(mail, req);
    if (login != OPS_OK) {
        return login;
    }
    int status = check_request(req, &mail->fault);
    if (status == 0) {
        status = check_login(&mail->request, &mail->fault);
    }
    if (status == 0) {
        status = keep_server(mail, req);
    }
    if (status == 0) {
        status = make_message(mail, req, &mail->fault);
    }
    return status == E_NOMEM ? OPS_E_RESOURCE : OPS_OK;
}

static ops_status service_send(void *h, ops_task task, const ops_mail_req *req, ops_op *out)
{
    ops_mail_req known;
    ops_status status = read_request(req, &known);
    if (status != OPS_OK) {
        return status;
    }
    struct mail_op *mail = calloc(1, sizeof *mail);
    if (mail == NULL) {
        return OPS_E_RESOURCE;
    }
    status = op_init(&mail->op, &mail_type, h, task);
    if (status != OPS_OK) {
        free(mail);
        return status;
    }
    mail->done = known.on_done;
    mail->user = known.user;
    status = request_make(mail, &known);
    if (status != OPS_OK) {
        op_discard(&mail->op);
        return status;
    }
    return op_submit(&mail->op, call_cancelled, out);
}

static ops_status service_abort(void *h, ops_op op)
{
    return op_request_abort(h, op, &mail_type);
}

const ops_if_mail service_mail = {
    .size = sizeof(ops_if_mail),
    .version = 1,
    .send = service_send,
    .abort = service_abort,
};
