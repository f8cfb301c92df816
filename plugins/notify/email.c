/* SPDX-License-Identifier: Apache-2.0 */
#include "email.h"

#include <stdio.h>
#include <stdlib.h>

#include "message/html.h"
#include "message/inline.h"
#include "target.h"

#define CELL "<td style=\"border:1px solid #ccc;padding:2px 8px\">"

_Static_assert(NOTE_FILES <= OPS_MAIL_ATTACHMENTS, "an e-mail takes all of them");

const struct channel channel_email = {.name = "email", .word = "E-mail"};

/* ---- where to ---- */

static ops_str setting(ops_val settings, ops_val defaults, const char *name)
{
    ops_str own = ops_get_str(settings, name, NULL);
    return own.n > 0 ? own : ops_get_str(defaults, name, NULL);
}

/* The same by handle: what may be a secret, which only the host reads. */
static ops_val handle(ops_val settings, ops_val defaults, const char *name)
{
    ops_val own = ops_get(settings, name);
    return own != 0 ? own : ops_get(defaults, name);
}

/* "smtps://mail.example.com:465": the schema has made sure of its form. */
static const char *read_server(ops_str server, int is_plain, struct email *out)
{
    int is_tls = server.n > 8 && memcmp(server.p, "smtps://", 8) == 0;
    uint64_t at = is_tls ? 8 : 7;
    if (server.n == 0) {
        return "there is no 'server' to send e-mail by: set it in 'integrations.notify.email' or "
               "in the target";
    }
    if (is_tls && is_plain) {
        return "'tls: none' is for smtp://, not for smtps://";
    }
    uint64_t end = server.n - (server.p[server.n - 1] == '/');
    uint64_t colon = end;
    while (colon > at && server.p[colon - 1] >= '0' && server.p[colon - 1] <= '9') {
        colon--;
    }
    int has_port = colon > at && colon < end && server.p[colon - 1] == ':';
    uint64_t host_end = has_port ? colon - 1 : end;
    int is_bracketed = server.p[at] == '[' && server.p[host_end - 1] == ']';
    out->req.port = has_port ? (uint32_t)strtoul(server.p + colon, NULL, 10) : 0;
    (void)snprintf(out->host, sizeof out->host, "%.*s",
                   (int)(host_end - at - (is_bracketed ? 2 : 0)),
                   server.p + at + (is_bracketed ? 1 : 0));
    out->req.host = ops_text(out->host);
    out->req.tls = is_tls ? OPS_MAIL_TLS : is_plain ? OPS_MAIL_PLAIN : OPS_MAIL_STARTTLS;
    return NULL;
}

/* One address or a list of them; how many. */
static uint64_t read_addresses(ops_val value, ops_str *out)
{
    uint64_t n = ops.value->count(ops.h, value);
    if (ops.value->get_str(ops.h, value, out) == OPS_OK) {
        return 1;
    }
    for (uint64_t i = 0; i < n && i < OPS_MAIL_RECIPIENTS; i++) {
        ops_val one = 0;
        (void)ops.value->at(ops.h, value, i, &one);
        (void)ops.value->get_str(ops.h, one, &out[i]);
    }
    return n < OPS_MAIL_RECIPIENTS ? n : OPS_MAIL_RECIPIENTS;
}

static void read_recipients(ops_val settings, struct email *out)
{
    ops_mail_req *req = &out->req;
    req->to = out->addresses;
    req->n_to = read_addresses(ops_get(settings, "to"), out->addresses);
    req->cc = req->to + req->n_to;
    req->n_cc = read_addresses(ops_get(settings, "cc"), out->addresses + req->n_to);
    req->bcc = req->cc + req->n_cc;
    req->n_bcc = read_addresses(ops_get(settings, "bcc"), out->addresses + req->n_to + req->n_cc);
}

/* ---- the text ---- */

static void append_line(struct text *out, ops_str name, const char *between, ops_str value)
{
    text_append_str(out, name);
    text_append_literal(out, between);
    text_append_str(out, value);
    text_append_literal(out, "\n");
}

static void write_text(const struct note *note, struct text *out)
{
    text_append_str(out, note->text);
    text_append_literal(out, note->text.n > 0 ? "\n" : "");
    for (uint64_t i = 0; i < note_field_count(note); i++) {
        ops_str name;
        ops_str value;
        note_field_at(note, i, &name, &value);
        text_append_literal(out, i == 0 ? "\n" : "");
        append_line(out, name, ": ", value);
    }
    if (note->columns != 0) {
        text_append_literal(out, "\n");
        note_append_table(note, out, SIZE_MAX);
    }
    for (uint64_t i = 0; i < note_link_count(note); i++) {
        ops_str text;
        ops_str url;
        note_link_at(note, i, &text, &url);
        text_append_literal(out, i == 0 ? "\n" : "");
        append_line(out, text, ": ", url);
    }
    if (note->digest.n > 0) {
        append_line(out, ops_text("\n" NOTE_DIGEST_TITLE), ":\n", note->digest);
    }
}

/* ---- the HTML ---- */

static void write_digest(const struct note *note, struct text *out)
{
    ops_str rest = note->digest;
    text_append_literal(out, rest.n > 0 ? "<h3>" NOTE_DIGEST_TITLE "</h3>\n" : "");
    while (rest.n > 0) {
        text_append_literal(out, "<p>");
        inline_append_html_text(out, note_take_line(&rest));
        text_append_literal(out, "</p>\n");
    }
}

static void append_cells(struct text *out, ops_val row, uint64_t columns, const char *open,
                         const char *close)
{
    text_append_literal(out, "<tr>");
    for (uint64_t i = 0; i < columns; i++) {
        ops_val cell = 0;
        (void)ops.value->at(ops.h, row, i, &cell);
        text_append_literal(out, open);
        inline_append_html_text(out, note_cell(cell));
        text_append_literal(out, close);
    }
    text_append_literal(out, "</tr>\n");
}

static void write_table(const struct note *note, struct text *out)
{
    uint64_t columns = ops.value->count(ops.h, note->columns);
    uint64_t rows = ops.value->count(ops.h, note->rows);
    text_append_literal(out, "<table style=\"border-collapse:collapse\">\n");
    append_cells(out, note->columns, columns, CELL "<b>", "</b></td>");
    for (uint64_t i = 0; i < rows; i++) {
        ops_val row = 0;
        (void)ops.value->at(ops.h, note->rows, i, &row);
        append_cells(out, row, columns, CELL, "</td>");
    }
    text_append_literal(out, "</table>\n");
}

static void write_fields(const struct note *note, struct text *out)
{
    uint64_t n = note_field_count(note);
    text_append_literal(out, n > 0 ? "<table style=\"border-collapse:collapse\">\n" : "");
    for (uint64_t i = 0; i < n; i++) {
        ops_str name;
        ops_str value;
        note_field_at(note, i, &name, &value);
        text_append_literal(out, "<tr>" CELL "<b>");
        inline_append_html_text(out, name);
        text_append_literal(out, "</b></td>" CELL);
        inline_append_html_text(out, value);
        text_append_literal(out, "</td></tr>\n");
    }
    text_append_literal(out, n > 0 ? "</table>\n" : "");
}

static void write_links(const struct note *note, struct text *out)
{
    uint64_t n = note_link_count(note);
    for (uint64_t i = 0; i < n; i++) {
        ops_str text;
        ops_str url;
        note_link_at(note, i, &text, &url);
        text_append_literal(out, i == 0 ? "<p><a href=\"" : " &middot; <a href=\"");
        inline_append_html_text(out, url);
        text_append_literal(out, "\">");
        inline_append_html_text(out, text);
        text_append_literal(out, "</a>");
    }
    text_append_literal(out, n > 0 ? "</p>\n" : "");
}

static void write_html(const struct note *note, struct text *out)
{
    static const char *const colours[] = {"#3498db", "#f1c40f", "#e74c3c", "#8e0000"};
    text_append_literal(out, "<!DOCTYPE html>\n<html><body style=\"font-family:sans-serif\">\n"
                             "<div style=\"border-left:4px solid ");
    text_append_literal(out, colours[note->severity]);
    text_append_literal(out, ";padding-left:12px\">\n<h2>");
    inline_append_html_text(out, note->title);
    text_append_literal(out, "</h2>\n");
    html_append_markdown(out, note->text);
    write_fields(note, out);
    if (note->columns != 0) {
        write_table(note, out);
    }
    write_links(note, out);
    write_digest(note, out);
    text_append_literal(out, "</div>\n</body></html>\n");
}

/* ---- attachments ---- */

static void read_attachments(const struct note *note, struct email *out)
{
    for (uint64_t i = 0; i < note->n_files; i++) {
        const struct note_file *file = &note->files[i];
        out->attached[i] = &out->attachments[i];
        out->attachments[i] = (ops_mail_attachment){.size = (uint32_t)sizeof(ops_mail_attachment),
                                                    .name = file->name,
                                                    .content_type = file->type,
                                                    .bytes = file->bytes};
    }
    out->req.attachments = out->attached;
    out->req.n_attachments = note->n_files;
}

/* ---- all of it ---- */

static void write_subject(const struct note *note, struct text *out)
{
    if (note->severity != NOTE_INFO) {
        text_append_literal(out, "[");
        text_append_literal(out, note_severity_name(note->severity));
        text_append_literal(out, "] ");
    }
    text_append_str(out, note->title);
}

const char *email_build(const struct note *note, ops_val settings, ops_val defaults,
                        struct email *out)
{
    int is_plain = ops_equal(setting(settings, defaults, "tls"), "none");
    const char *fault = read_server(setting(settings, defaults, "server"), is_plain, out);
    out->req.size = (uint32_t)sizeof out->req;
    out->req.username = handle(settings, defaults, "username");
    out->req.password = handle(settings, defaults, "password");
    out->req.from = setting(settings, defaults, "from");
    out->req.reply_to = setting(settings, defaults, "reply_to");
    if (fault == NULL && out->req.from.n == 0) {
        fault = "there is no 'from': set it in 'integrations.notify.email' or in the target";
    }
    read_recipients(settings, out);
    read_attachments(note, out);
    write_subject(note, &out->subject);
    write_text(note, &out->text);
    write_html(note, &out->html);
    if (out->subject.failed || out->text.failed || out->html.failed) {
        fault = "out of memory";
    }
    out->req.subject = text_str(&out->subject);
    out->req.text = text_str(&out->text);
    out->req.html = text_str(&out->html);
    return fault;
}

void email_finish(struct email *email)
{
    text_finish(&email->subject);
    text_finish(&email->text);
    text_finish(&email->html);
}
