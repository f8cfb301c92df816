/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/http.h"
#include "core/host/mail.h"
#include "core/loop/tape_call.h"
#include "core/loop/tape_file.h"
#include "core/loop/tape_match.h"
#include "core/loop/tape_text.h"
#include "core/value/mask.h"
#include "core/value/secrets.h"

/* How a long answer that is read in pieces comes. */
enum { PIECE_BYTES = 16 * 1024 };

/* A call that is made: from send() until `done` has run. */
struct taped_call {
    struct tape *tape;
    struct host_http_request request; /* its texts are kept until then */
    host_http_done_cb done;
    void (*on_chunk)(void *user, struct str bytes);
    void *user;
    struct tape_call *taped; /* NULL: there is none, or there was no room for it */
    void *inner;             /* TAPE_RECORD */
    struct strbuf chunks;    /* TAPE_RECORD: the body that came in pieces */
    uint64_t chunk_bytes;    /* likewise, also when it is too large to be kept */
    char *why;               /* TAPE_PLAY: there is no such call; owned */
    bool is_aborted;         /* TAPE_PLAY */
    struct taped_call *next; /* TAPE_PLAY: that waits for its turn */
};

struct tape {
    enum tape_mode mode;
    char *path;
    struct tape_file file; /* TAPE_RECORD */
    char *text;            /* TAPE_PLAY */
    size_t size;
    struct tape_row row;
    const struct secrets *secrets;
    struct host_http inner;
    size_t left_out;
    bool lacks_memory; /* TAPE_RECORD: something is missing that nobody could be told of */
    uv_idle_t turn;    /* TAPE_PLAY: answers come at the next turn of the loop */
    bool has_handle;
    struct taped_call *first;
    struct taped_call *last;
};

/* ---- recording ---- */

static struct str keep(struct tape *tape, struct str text)
{
    struct str kept = arena_dup_str(&tape->row.arena, text);
    tape->lacks_memory = tape->lacks_memory || kept.p == NULL;
    return kept.p != NULL ? kept : STR("");
}

static struct tape_body keep_body(struct tape *tape, struct str bytes)
{
    if (bytes.n > TAPE_MAX_BODY_BYTES) {
        return (struct tape_body){.left_out = bytes.n};
    }
    return (struct tape_body){.bytes = keep(tape, bytes)};
}

static struct tape_headers keep_headers(struct tape *tape, const struct host_http_header *headers,
                                        size_t count)
{
    struct tape_headers kept = {0};
    kept.items = arena_calloc(&tape->row.arena, count + 1, sizeof(*kept.items));
    tape->lacks_memory = tape->lacks_memory || kept.items == NULL;
    for (size_t i = 0; kept.items != NULL && i < count && i < TAPE_MAX_HEADERS; i++) {
        kept.items[kept.count++] = (struct tape_header){.name = keep(tape, headers[i].name),
                                                        .value = keep(tape, headers[i].value)};
    }
    return kept;
}

/* Its place on the tape is that of its beginning. NULL: the tape is full. */
static struct tape_call *begin_call(struct tape *tape, const struct host_http_request *request)
{
    bool is_full = arena_size_bytes(&tape->row.arena) > TAPE_MAX_BYTES;
    struct tape_call *call = is_full ? NULL : tape_row_add(&tape->row);
    if (call == NULL) {
        tape->left_out++;
        return NULL;
    }
    call->request = (struct tape_request){
        .method = keep(tape, request->method),
        .url = keep(tape, request->url),
        .headers = keep_headers(tape, request->headers, request->header_count),
        .body = keep_body(tape, request->body),
    };
    return call;
}

static void keep_response(struct taped_call *call, const struct host_http_response *response)
{
    struct tape *tape = call->tape;
    struct tape_call *taped = call->taped;
    bool is_same_url = str_equal(response->effective_url, call->request.url);
    taped->response = (struct tape_response){
        .status = response->status,
        .headers = keep_headers(tape, response->headers, response->header_count),
        .body = keep_body(tape, response->body),
        .url = is_same_url ? STR("") : keep(tape, response->effective_url),
        .took_ms = response->duration_ms,
    };
    if (call->chunk_bytes > TAPE_MAX_BODY_BYTES) {
        taped->response.body.left_out = call->chunk_bytes;
    } else if (call->chunk_bytes > 0) {
        taped->response.body = keep_body(tape, strbuf_str(&call->chunks));
        tape->lacks_memory = tape->lacks_memory || strbuf_status(&call->chunks) != 0;
    }
    taped->outcome = TAPE_RESPONSE;
}

static void keep_failure(struct taped_call *call, const struct host_http_failure *failure)
{
    struct tape *tape = call->tape;
    call->taped->failure = (struct tape_failure){
        .code = keep(tape, str_from(failure->code)),
        .symbol = keep(tape, str_from(failure->symbol)),
        .message = keep(tape, failure->message),
        .hint = keep(tape, failure->hint),
        .is_maybe_done = failure->is_maybe_done,
    };
    call->taped->outcome = TAPE_FAILURE;
}

static void destroy_call(struct taped_call *call)
{
    strbuf_finish(&call->chunks);
    free(call->why);
    free(call);
}

/* One that was given up has no end that could be played. */
static void on_recorded(void *user, const struct host_http_response *response,
                        const struct host_http_failure *failure)
{
    struct taped_call *call = user;
    if (call->taped != NULL && response != NULL) {
        keep_response(call, response);
    } else if (call->taped != NULL && strcmp(failure->code, "CANCELLED") != 0) {
        keep_failure(call, failure);
    }
    call->done(call->user, response, failure);
    destroy_call(call);
}

static void on_chunk(void *user, struct str bytes)
{
    struct taped_call *call = user;
    call->chunk_bytes += bytes.n;
    if (call->chunk_bytes <= TAPE_MAX_BODY_BYTES) {
        strbuf_append_str(&call->chunks, bytes);
    }
    call->on_chunk(call->user, bytes);
}

static struct taped_call *create_call(struct tape *tape, const struct host_http_request *request,
                                      host_http_done_cb done, void *user)
{
    struct taped_call *call = calloc(1, sizeof(*call));
    if (call != NULL) {
        *call = (struct taped_call){.tape = tape,
                                    .request = *request,
                                    .done = done,
                                    .on_chunk = request->on_chunk,
                                    .user = user};
    }
    return call;
}

static int record_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                       void *user, void **out_call, struct error *err)
{
    struct tape *tape = self;
    struct taped_call *call = create_call(tape, request, done, user);
    if (call == NULL) {
        return error_nomem(err);
    }
    struct host_http_request asked = *request;
    asked.on_chunk = request->on_chunk != NULL ? on_chunk : NULL;
    int status = tape->inner.send(tape->inner.self, &asked, on_recorded, call, &call->inner, err);
    if (status != 0) { /* it did not go out */
        destroy_call(call);
        return status;
    }
    call->taped = begin_call(tape, request);
    *out_call = call;
    return 0;
}

static void record_abort(void *self, void *aborted)
{
    const struct tape *tape = self;
    const struct taped_call *call = aborted;
    tape->inner.abort(tape->inner.self, call->inner);
}

/* ---- playing ---- */

/* What the tape cannot answer. */
static void tell_refusal(struct taped_call *call, const char *code, const char *symbol,
                         const char *message)
{
    const struct host_http_failure told = {
        .code = code,
        .symbol = symbol,
        .message = str_from(message),
        .hint = call->why != NULL ? str_from(call->why) : STR(""),
    };
    call->done(call->user, NULL, &told);
}

static void tell_response(struct taped_call *call)
{
    const struct tape_response *taped = &call->taped->response;
    struct host_http_header *headers = calloc(taped->headers.count + 1, sizeof(*headers));
    if (headers == NULL) {
        tell_refusal(call, "RESOURCE", "http.memory", "out of memory");
        return;
    }
    for (size_t i = 0; i < taped->headers.count; i++) {
        headers[i] = (struct host_http_header){.name = taped->headers.items[i].name,
                                               .value = taped->headers.items[i].value};
    }
    struct str body = taped->body.bytes;
    for (size_t at = 0; call->on_chunk != NULL && at < body.n; at += PIECE_BYTES) {
        call->on_chunk(call->user, str_make(body.p + at,
                                            body.n - at < PIECE_BYTES ? body.n - at : PIECE_BYTES));
    }
    const struct host_http_response told = {
        .status = taped->status,
        .headers = headers,
        .header_count = taped->headers.count,
        .body = call->on_chunk != NULL ? STR("") : body,
        .effective_url = taped->url.n > 0 ? taped->url : call->request.url,
        .duration_ms = taped->took_ms,
        .first_byte_ms = taped->took_ms,
        .body_bytes = body.n,
        .tls_subject = STR(""),
        .tls_issuer = STR(""),
    };
    call->done(call->user, &told, NULL);
    free(headers);
}

static void tell_failure(struct taped_call *call)
{
    const struct tape_failure *taped = &call->taped->failure;
    const struct host_http_failure told = {.code = taped->code.p,
                                           .symbol = taped->symbol.p,
                                           .is_maybe_done = taped->is_maybe_done,
                                           .message = taped->message,
                                           .hint = taped->hint};
    call->done(call->user, NULL, &told);
}

static void answer(struct taped_call *call)
{
    const struct tape_call *taped = call->taped;
    if (call->is_aborted) {
        tell_refusal(call, "CANCELLED", "http.cancelled", "the call was cancelled");
    } else if (taped == NULL) {
        tell_refusal(call, "CONFIG", "http.not_on_tape", "the call is not on the tape");
    } else if (taped->outcome == TAPE_FAILURE) {
        tell_failure(call);
    } else if (taped->response.body.left_out > 0) {
        tell_refusal(call, "CONFIG", "http.not_on_tape",
                     "the body of the answer was too large for the tape");
    } else {
        tell_response(call);
    }
    destroy_call(call);
}

static void on_turn(uv_idle_t *handle)
{
    struct tape *tape = handle->data;
    struct taped_call *call = tape->first;
    tape->first = NULL;
    tape->last = NULL;
    (void)uv_idle_stop(handle); /* cannot fail */
    while (call != NULL) {
        struct taped_call *next = call->next;
        answer(call);
        call = next;
    }
}

/* As it would be on a tape. */
static struct str hide(const struct tape *tape, struct str text, struct strbuf *space)
{
    const struct mask *mask = secrets_mask(tape->secrets);
    int result = mask != NULL ? mask_text(mask, text, space) : MASK_CLEAN;
    return result == MASK_CLEAN ? text : strbuf_str(space);
}

static void append_why(const struct tape *tape, const struct tape_request *given,
                       struct strbuf *out)
{
    strbuf_append_format(out, "'%s' has no %.*s %.*s; ", tape->path, STR_ARG(given->method),
                         STR_ARG(given->url));
    tape_match_append_why(&tape->row, given, out);
}

/* Its place on the tape, or why it has none. */
static void find_call(struct tape *tape, struct taped_call *call)
{
    const struct host_http_request *request = &call->request;
    struct strbuf url = STRBUF_INIT;
    struct strbuf body = STRBUF_INIT;
    struct strbuf why = STRBUF_INIT;
    bool is_large = request->body.n > TAPE_MAX_BODY_BYTES;
    struct tape_request given = {.method = request->method, .url = hide(tape, request->url, &url)};
    if (is_large) {
        given.body.left_out = request->body.n;
    } else {
        given.body.bytes = hide(tape, request->body, &body);
    }
    call->taped = tape_match_find(&tape->row, &given);
    if (call->taped != NULL) {
        call->taped->is_used = true;
    } else {
        append_why(tape, &given, &why);
        call->why = strbuf_take(&why);
    }
    strbuf_finish(&url);
    strbuf_finish(&body);
}

static int play_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                     void *user, void **out_call, struct error *err)
{
    struct tape *tape = self;
    struct taped_call *call = create_call(tape, request, done, user);
    if (call == NULL) {
        return error_nomem(err);
    }
    find_call(tape, call);
    if (tape->last != NULL) {
        tape->last->next = call;
    } else {
        tape->first = call;
        (void)uv_idle_start(&tape->turn, on_turn); /* cannot fail with a callback */
    }
    tape->last = call;
    *out_call = call;
    return 0;
}

static void play_abort(void *self, void *aborted)
{
    (void)self; /* a call knows its tape */
    ((struct taped_call *)aborted)->is_aborted = true;
}

static int play_mail(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                     void *user, void **out_call, struct error *err)
{
    const struct tape *tape = self;
    (void)request;
    (void)done;
    (void)user;
    (void)out_call;
    return error_set(err, E_INVALID, "mail is not on a tape: nothing is sent while '%s' is played",
                     tape->path);
}

static void play_mail_abort(void *self, void *call)
{
    (void)self;
    (void)call; /* none ever goes out */
}

/* ---- the loop's side ---- */

int tape_wrap(struct tape *tape, struct uv_loop_s *uv, const struct secrets *secrets,
              struct host_http *http, struct host_mail *mail, struct error *err)
{
    tape->inner = *http;
    tape->secrets = secrets;
    if (tape->mode == TAPE_RECORD) {
        *http = (struct host_http){.self = tape, .send = record_send, .abort = record_abort};
        return 0;
    }
    if (uv_idle_init(uv, &tape->turn) != 0) {
        return error_nomem(err);
    }
    tape->turn.data = tape;
    tape->has_handle = true;
    *http = (struct host_http){.self = tape, .send = play_send, .abort = play_abort};
    *mail = (struct host_mail){.self = tape, .send = play_mail, .abort = play_mail_abort};
    return 0;
}

void tape_close(struct tape *tape)
{
    if (tape != NULL && tape->has_handle) {
        tape->has_handle = false;
        uv_close((uv_handle_t *)&tape->turn, NULL);
    }
}

/* ---- life ---- */

static int read_tape(struct tape *tape, struct diagnostics *diagnostics, struct error *err)
{
    int status = tape_file_read(tape->path, &tape->text, &tape->size, err);
    if (status != 0) {
        return status;
    }
    status = tape_text_read(tape->path, str_make(tape->text, tape->size), diagnostics, &tape->row);
    return status == 0 ? 0 : error_set(err, status, "the tape '%s' cannot be played", tape->path);
}

int tape_create(enum tape_mode mode, const char *path, struct diagnostics *diagnostics,
                struct tape **out_tape, struct error *err)
{
    struct tape *tape = calloc(1, sizeof(*tape));
    if (tape == NULL) {
        return error_nomem(err);
    }
    tape->mode = mode;
    tape->path = str_dup(str_from(path));
    int status = tape->path != NULL ? 0 : error_nomem(err);
    if (status == 0) {
        status = mode == TAPE_RECORD ? tape_file_begin(&tape->file, path, err)
                                     : read_tape(tape, diagnostics, err);
    }
    *out_tape = tape;
    return status;
}

void tape_destroy(struct tape *tape)
{
    if (tape == NULL) {
        return;
    }
    tape_file_finish(&tape->file);
    tape_row_finish(&tape->row);
    free(tape->text);
    free(tape->path);
    free(tape);
}

enum tape_mode tape_mode(const struct tape *tape)
{
    return tape->mode;
}

struct str tape_source(const struct tape *tape)
{
    return str_make(tape->text, tape->size);
}

struct tape_numbers tape_numbers(const struct tape *tape)
{
    struct tape_numbers numbers = {.left_out = tape->left_out};
    for (size_t i = 0; i < tape->row.count; i++) {
        const struct tape_call *call = tape->row.calls[i];
        bool is_large = call->request.body.left_out > 0 || call->response.body.left_out > 0;
        numbers.calls += call->outcome != TAPE_NOT_OVER ? 1 : 0;
        numbers.unused += call->is_used ? 0 : 1;
        numbers.large += is_large ? 1 : 0;
    }
    return numbers;
}

void tape_append_unused(const struct tape *tape, size_t most, struct strbuf *out)
{
    for (size_t i = 0; i < tape->row.count && most > 0; i++) {
        const struct tape_call *call = tape->row.calls[i];
        if (!call->is_used) {
            strbuf_append_format(out, "  line %u: %.*s %.*s\n", (unsigned)call->line,
                                 STR_ARG(call->request.method), STR_ARG(call->request.url));
            most--;
        }
    }
}

int tape_save(struct tape *tape, const struct secrets *secrets, struct error *err)
{
    const struct mask *mask = secrets_mask(secrets);
    struct strbuf text = STRBUF_INIT;
    if (tape->lacks_memory) {
        return error_nomem(err);
    }
    tape_text_append_head(&text);
    for (size_t i = 0; i < tape->row.count; i++) {
        if (tape->row.calls[i]->outcome != TAPE_NOT_OVER) {
            tape_text_append_call(tape->row.calls[i], mask, &text);
        }
    }
    int status = strbuf_status(&text) == 0 ? tape_file_save(&tape->file, strbuf_str(&text), err)
                                           : error_nomem(err);
    strbuf_finish(&text);
    return status;
}
