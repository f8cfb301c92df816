/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/mail_message.h"

#include "core/base/error.h"
#include "core/host/mail_text.h"

/* '=' and '_' never stand side by side in what the two encodings write. */
#define OUTER "=_opstream_mixed"
#define INNER "=_opstream_alternative"

/* ---- what is checked ---- */

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < ' ' || c == 0x7F) {
            return true;
        }
    }
    return false;
}

static bool is_type(struct str type)
{
    const char *slash = type.n > 0 ? memchr(type.p, '/', type.n) : NULL;
    for (size_t i = 0; i < type.n; i++) {
        if (type.p[i] < ' ' || type.p[i] > '~') {
            return false;
        }
    }
    return slash != NULL && slash > type.p && slash + 1 < type.p + type.n &&
           type.n <= MAIL_TYPE_BYTES;
}

static int check_attachment(const struct mail_attachment *one, size_t i, struct error *err)
{
    if (one->name.n == 0 || one->name.n > MAIL_FILE_NAME_BYTES || has_control(one->name) ||
        memchr(one->name.p, '/', one->name.n) != NULL) {
        return error_set(err, E_INVALID,
                         "attachment %zu: its name has 1 to %d bytes, no '/' and no control "
                         "characters",
                         i + 1, MAIL_FILE_NAME_BYTES);
    }
    if (one->type.n > 0 && !is_type(one->type)) {
        return error_set(err, E_INVALID, "attachment %zu: its type is not like 'application/pdf'",
                         i + 1);
    }
    return 0;
}

static int check(const struct mail_message *message, struct error *err)
{
    int status = 0;
    if (has_control(message->subject)) {
        return error_set(err, E_INVALID,
                         "'subject' has a control character or a line end: it is one line");
    }
    if (message->subject.n > MAIL_SUBJECT_BYTES) {
        return error_set(err, E_INVALID, "'subject' is longer than %d bytes", MAIL_SUBJECT_BYTES);
    }
    for (size_t i = 0; i < message->attachment_count && status == 0; i++) {
        status = check_attachment(&message->attachments[i], i, err);
    }
    return status;
}

/* ---- the header ---- */

static void append_address(struct strbuf *out, const struct mail_address *address)
{
    bool is_ascii = true;
    for (size_t i = 0; i < address->name.n; i++) {
        is_ascii = is_ascii && address->name.p[i] >= ' ' && address->name.p[i] <= '~';
    }
    if (address->name.n == 0) {
        strbuf_append_str(out, address->address);
        return;
    }
    if (is_ascii) {
        strbuf_append_format(out, "\"%.*s\"", STR_ARG(address->name));
    } else {
        mail_text_append_words(out, address->name);
    }
    strbuf_append_format(out, "\r\n <%.*s>", STR_ARG(address->address));
}

static void append_addresses(struct strbuf *out, const char *name,
                             const struct mail_address *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_append_text(out, i == 0 ? name : ",\r\n ");
        append_address(out, &addresses[i]);
    }
    if (count > 0) {
        strbuf_append_text(out, "\r\n");
    }
}

static void append_header(const struct mail_message *message, struct strbuf *out)
{
    strbuf_append_text(out, "Date: ");
    mail_text_append_date(out, message->date_unix_ms);
    strbuf_append_text(out, "\r\n");
    append_addresses(out, "From: ", &message->from, 1);
    append_addresses(out, "To: ", message->to, message->to_count);
    append_addresses(out, "Cc: ", message->cc, message->cc_count);
    if (message->to_count + message->cc_count == 0) {
        strbuf_append_text(out, "To: undisclosed-recipients:;\r\n");
    }
    append_addresses(out, "Reply-To: ", &message->reply_to, message->reply_to.address.n > 0);
    strbuf_append_text(out, "Subject: ");
    mail_text_append_words(out, message->subject);
    strbuf_append_format(out, "\r\nMessage-ID: %.*s\r\nMIME-Version: 1.0\r\n",
                         STR_ARG(message->message_id));
}

/* ---- the parts ---- */

static void append_text(struct strbuf *out, const char *type, struct str text)
{
    strbuf_append_format(out,
                         "Content-Type: %s; charset=utf-8\r\n"
                         "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                         type);
    mail_text_append_quoted(out, text);
}

static void append_body(const struct mail_message *message, struct strbuf *out)
{
    if (message->html.n == 0) {
        append_text(out, "text/plain", message->text);
        return;
    }
    if (message->text.n == 0) {
        append_text(out, "text/html", message->html);
        return;
    }
    strbuf_append_text(out, "Content-Type: multipart/alternative; boundary=\"" INNER "\"\r\n\r\n"
                            "--" INNER "\r\n");
    append_text(out, "text/plain", message->text);
    strbuf_append_text(out, "\r\n--" INNER "\r\n");
    append_text(out, "text/html", message->html);
    strbuf_append_text(out, "\r\n--" INNER "--\r\n");
}

/* RFC 2231 for names beyond ASCII. */
static void append_file_name(struct strbuf *out, struct str name)
{
    static const char digits[] = "0123456789ABCDEF";
    bool is_plain = true;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        is_plain = is_plain && c >= ' ' && c <= '~' && c != '"' && c != '\\';
    }
    if (is_plain) {
        strbuf_append_format(out, "filename=\"%.*s\"", STR_ARG(name));
        return;
    }
    strbuf_append_text(out, "filename*=UTF-8''");
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        bool is_safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
        char text[3] = {'%', digits[c >> 4], digits[c & 15]};
        strbuf_append(out, is_safe ? &name.p[i] : text, is_safe ? 1 : sizeof text);
    }
}

static void append_attachment(struct strbuf *out, const struct mail_attachment *one)
{
    struct str type = one->type.n > 0 ? one->type : STR("application/octet-stream");
    strbuf_append_format(out,
                         "\r\n--" OUTER "\r\nContent-Type: %.*s\r\n"
                         "Content-Transfer-Encoding: base64\r\n"
                         "Content-Disposition: attachment;\r\n ",
                         STR_ARG(type));
    append_file_name(out, one->name);
    strbuf_append_text(out, "\r\n\r\n");
    mail_text_append_base64(out, one->bytes);
}

int mail_message_write(const struct mail_message *message, struct strbuf *out, struct error *err)
{
    int status = check(message, err);
    if (status != 0) {
        return status;
    }
    append_header(message, out);
    if (message->attachment_count > 0) {
        strbuf_append_text(out, "Content-Type: multipart/mixed; boundary=\"" OUTER "\"\r\n\r\n"
                                "--" OUTER "\r\n");
    }
    append_body(message, out);
    for (size_t i = 0; i < message->attachment_count; i++) {
        append_attachment(out, &message->attachments[i]);
    }
    if (message->attachment_count > 0) {
        strbuf_append_text(out, "\r\n--" OUTER "--\r\n");
    }
    return strbuf_status(out) == 0 ? 0 : error_nomem(err);
}
