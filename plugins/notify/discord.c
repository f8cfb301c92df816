/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Discord: a webhook's message with one embed, and its files as parts of a form. Its Markdown is
 * nearly CommonMark's.
 */

#include "build.h"
#include "target.h"

#include <stdio.h>

enum {
    TITLE_MAX = 256,
    DESCRIPTION_MAX = 4096,
    NAME_MAX = 256,
    VALUE_MAX = 1024,
    EMBED_MAX = 6000, /* of all texts of an embed */
    TABLE_BYTES = 1500,
    LINK_BYTES = 900,
    FILES_MAX = 10,
    BOUNDARY_BYTES = 32,
    DIGEST_BYTES = 1500, /* beside a message of its own */
};

/* A field may not be empty. */
static ops_str or_dash(ops_str s)
{
    return s.n > 0 ? s : ops_text("-");
}

static size_t characters(const struct text *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->n; i++) {
        count += ((unsigned char)text->p[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Fields come first: what is left of the embed's limit is the description's. */
static void add_fields(const struct note *note, struct ops_map *embed, size_t *left)
{
    struct build_list fields = build_list_begin(note->task);
    uint64_t n = note_field_count(note);
    for (uint64_t i = 0; i < n; i++) {
        struct ops_map field = ops_map_begin(note->task);
        struct text name = {0};
        struct text value = {0};
        ops_str texts[2];
        note_field_at(note, i, &texts[0], &texts[1]);
        note_append_cut(&name, texts[0], NAME_MAX - 1);
        note_append_cut(&value, or_dash(texts[1]), VALUE_MAX - 1);
        size_t taken = characters(&name) + characters(&value);
        if (taken + 1 > *left) {
            text_finish(&name);
            text_finish(&value);
            break;
        }
        *left -= taken;
        build_text(&field, "name", &name);
        build_text(&field, "value", &value);
        ops_map_bool(&field, "inline", 1);
        build_list_map(&fields, &field);
    }
    if (n > 0) {
        build_list_end(&fields, embed, "fields");
    }
}

static void add_description(const struct note *note, struct ops_map *embed, size_t left)
{
    struct text tail = {0};
    struct text all = {0};
    uint64_t links = note_link_count(note);
    if (note->columns != 0) {
        text_append_literal(&tail, "\n```\n");
        note_append_table(note, &tail, TABLE_BYTES);
        text_append_literal(&tail, "```");
    }
    for (uint64_t i = 0; i < links && tail.n < TABLE_BYTES + LINK_BYTES; i++) {
        ops_str text;
        ops_str url;
        note_link_at(note, i, &text, &url);
        text_append_literal(&tail, i == 0 ? "\n\n[" : " \xC2\xB7 [");
        text_append_str(&tail, text);
        text_append_literal(&tail, "](");
        text_append_str(&tail, url);
        text_append_literal(&tail, ")");
    }
    size_t room = left < DESCRIPTION_MAX ? left : DESCRIPTION_MAX;
    size_t used = characters(&tail) + 1;
    note_append_cut(&all, note->text, room > used ? room - used : 0);
    if (room > used) {
        text_append_str(&all, text_str(&tail));
    }
    all.failed = all.failed || tail.failed;
    text_finish(&tail);
    build_text(embed, "description", &all);
}

static struct ops_map make_embed(const struct note *note)
{
    static const int64_t colours[] = {0x3498DB, 0xF1C40F, 0xE74C3C, 0x8E0000};
    struct ops_map embed = ops_map_begin(note->task);
    struct ops_map footer = ops_map_begin(note->task);
    struct text title = {0};
    size_t left = EMBED_MAX - (note->digest.n > 0 ? DIGEST_BYTES + TITLE_MAX : 0);
    note_append_cut(&title, note->title, TITLE_MAX - 1);
    left -= characters(&title) + strlen("critical");
    build_text(&embed, "title", &title);
    ops_map_i64(&embed, "color", colours[note->severity]);
    ops_map_text(&footer, "text", note_severity_name(note->severity));
    build_map_end(&footer, &embed, "footer");
    add_fields(note, &embed, &left);
    add_description(note, &embed, left);
    return embed;
}

/* An embed of its own, of what was held back. */
static struct ops_map make_digest(const struct note *note)
{
    struct ops_map embed = ops_map_begin(note->task);
    struct text lines = {0};
    note_append_digest(note, &lines, note->is_digest ? DESCRIPTION_MAX : DIGEST_BYTES);
    ops_map_text(&embed, "title", NOTE_DIGEST_TITLE);
    build_text(&embed, "description", &lines);
    return embed;
}

/* ---- files ---- */

static int holds(ops_str bytes, const char *boundary)
{
    return bytes.n > 0 && memmem(bytes.p, (size_t)bytes.n, boundary, strlen(boundary)) != NULL;
}

/* A text that is in none of the parts. */
static void choose_boundary(const struct note *note, ops_str json, char out[BOUNDARY_BYTES])
{
    int is_free = 0;
    for (unsigned k = 1; !is_free; k++) {
        (void)snprintf(out, BOUNDARY_BYTES, "opstream-part-%u", k);
        is_free = !holds(json, out);
        for (uint64_t i = 0; i < note->n_files && is_free; i++) {
            is_free = !holds(note->files[i].bytes, out);
        }
    }
}

static void append_part(struct text *out, const char *boundary, const char *disposition,
                        ops_str type, ops_str bytes)
{
    text_append_literal(out, "--");
    text_append_literal(out, boundary);
    text_append_literal(out, "\r\nContent-Disposition: form-data; ");
    text_append_literal(out, disposition);
    text_append_literal(out, "\r\nContent-Type: ");
    text_append_str(out, type);
    text_append_literal(out, "\r\n\r\n");
    text_append_str(out, bytes);
    text_append_literal(out, "\r\n");
}

/* `name="files[0]"; filename="a \"b\".txt"`, as browsers write it: a quote is %22. */
static void append_file(struct text *out, const char *boundary, uint64_t i,
                        const struct note_file *file)
{
    struct text name = {0};
    char field[48];
    (void)snprintf(field, sizeof field, "name=\"files[%llu]\"; filename=\"", (unsigned long long)i);
    text_append_literal(&name, field);
    for (uint64_t k = 0; k < file->name.n; k++) {
        int is_quote = file->name.p[k] == '"';
        text_append(&name, is_quote ? "%22" : file->name.p + k, is_quote ? 3 : 1);
    }
    text_append(&name, "\"\0", 2);
    append_part(out, boundary, name.failed ? "" : name.p, file->type, file->bytes);
    out->failed = out->failed || name.failed;
    text_finish(&name);
}

/* The message and its files as one form. */
static ops_status make_form(const struct note *note, struct channel_request *out)
{
    char boundary[BOUNDARY_BYTES];
    struct text type = {0};
    ops_val kept = 0;
    choose_boundary(note, out->body, boundary);
    append_part(&out->form, boundary, "name=\"payload_json\"", ops_text("application/json"),
                out->body);
    for (uint64_t i = 0; i < note->n_files; i++) {
        append_file(&out->form, boundary, i, &note->files[i]);
    }
    text_append_literal(&out->form, "--");
    text_append_literal(&out->form, boundary);
    text_append_literal(&out->form, "--\r\n");
    text_append_literal(&type, "multipart/form-data; boundary=");
    text_append_literal(&type, boundary);
    ops_status status = out->form.failed || type.failed
                            ? OPS_E_RESOURCE
                            : ops.value->new_str(ops.h, note->task, text_str(&type), &kept);
    text_finish(&type);
    (void)ops.value->get_str(ops.h, kept, &out->type); /* it is one */
    out->body = text_str(&out->form);
    return status;
}

static const char *refuse(const struct note *note, ops_val settings)
{
    (void)settings;
    return note->n_files > FILES_MAX ? "is of Discord, which takes 10 files a message" : NULL;
}

/* ---- the message ---- */

/* With a question for the message's id; a part that is no text is no part. */
static ops_status make_url(ops_task task, ops_val settings, ops_val *out)
{
    ops_val thread = ops_get(settings, "thread_id");
    ops_val parts[3] = {ops_get(settings, "webhook_url"), 0, thread};
    const char *query = thread != 0 ? "?wait=true&thread_id=" : "?wait=true";
    ops_status status = ops.value->new_str(ops.h, task, ops_text(query), &parts[1]);
    return status == OPS_OK ? ops.secret->join(ops.h, task, parts, thread != 0 ? 3 : 2, 0, out)
                            : status;
}

static ops_status build(const struct note *note, ops_val settings, struct channel_request *out)
{
    struct ops_map body = ops_map_begin(note->task);
    struct ops_map mentions = ops_map_begin(note->task);
    struct build_list embeds = build_list_begin(note->task);
    struct build_list nobody = build_list_begin(note->task);
    ops_str username = ops_get_str(settings, "username", NULL);
    ops_str avatar = ops_get_str(settings, "avatar_url", NULL);
    if (username.n > 0) {
        ops_map_str(&body, "username", username);
    }
    if (avatar.n > 0) {
        ops_map_str(&body, "avatar_url", avatar);
    }
    if (!note->is_digest) {
        struct ops_map embed = make_embed(note);
        build_list_map(&embeds, &embed);
    }
    if (note->digest.n > 0) {
        struct ops_map digest = make_digest(note);
        build_list_map(&embeds, &digest);
    }
    build_list_end(&embeds, &body, "embeds");
    build_list_end(&nobody, &mentions, "parse");
    build_map_end(&mentions, &body, "allowed_mentions"); /* a text must not call everybody */
    ops_status status = make_url(note->task, settings, &out->url);
    status = status == OPS_OK ? build_json(&body, &out->body) : status;
    return status == OPS_OK && note->n_files > 0 ? make_form(note, out) : status;
}

/* Asked for, a webhook tells what it is. */
static ops_status ask(ops_task task, ops_val settings, struct channel_request *out)
{
    (void)task;
    out->url = ops_get(settings, "webhook_url");
    return OPS_OK;
}

static void read_id(ops_task task, const ops_http_res *res, char out[TARGET_ID_BYTES])
{
    ops_val answer = 0;
    if (ops.value->from_json(ops.h, task, res->body, &answer, NULL) == OPS_OK) {
        ops_str id = ops_get_str(answer, "id", NULL);
        (void)snprintf(out, TARGET_ID_BYTES, "%.*s", (int)id.n, id.p);
    }
}

const struct channel channel_discord = {
    .name = "discord",
    .word = "Discord",
    .is_blind = 1,
    .ask = ask,
    .refuse = refuse,
    .build = build,
    .judge = channel_judge_page,
    .read_id = read_id,
    .gone_hint = "the webhook was deleted, or its URL is not whole: make one in the channel's "
                 "settings, under Integrations",
};
