/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/host/http.h"
#include "core/host/mail.h"
#include "core/loop/tape.h"
#include "core/loop/tape_call.h"
#include "core/loop/tape_match.h"
#include "core/loop/tape_text.h"
#include "core/value/mask.h"
#include "core/value/secrets.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/scratch_folder.h"

#define CANARY "c4n4ry-t0k3n-of-nobody"

/* ---- the text ---- */

static struct tape_call a_call(const char *body, const char *answer)
{
    return (struct tape_call){
        .outcome = TAPE_RESPONSE,
        .request = {.method = STR("POST"),
                    .url = STR("http://a.test/x"),
                    .body = {.bytes = str_from(body)}},
        .response = {.status = 201, .body = {.bytes = str_from(answer)}, .took_ms = 2.5},
    };
}

/* What is written of a call reads back as it was. */
static void expect_same(const struct tape_call *call, const char *wanted)
{
    struct strbuf text = STRBUF_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tape_row row = TAPE_ROW_INIT;
    tape_text_append_head(&text);
    tape_text_append_call(call, NULL, &text);
    assert_string_equal(strchr(text.p, '\n') + 1, wanted);
    assert_int_equal(tape_text_read("t", strbuf_str(&text), &diagnostics, &row), 0);
    assert_int_equal(row.count, 1);
    const struct tape_call *back = row.calls[0];
    assert_int_equal(back->line, 2);
    assert_int_equal(back->outcome, call->outcome);
    assert_true(str_equal(back->request.body.bytes, call->request.body.bytes));
    assert_true(str_equal(back->response.body.bytes, call->response.body.bytes));
    assert_int_equal(back->request.body.left_out, call->request.body.left_out);
    assert_int_equal(back->response.status, call->response.status);
    tape_row_finish(&row);
    diagnostics_finish(&diagnostics);
    strbuf_finish(&text);
}

static void test_tape__bodies_are_json_text_or_bytes(void **state)
{
    (void)state;
    struct tape_call call = a_call("{\"a\":1}", "plain \"text\"\n");
    expect_same(&call,
                "{\"request\":{\"method\":\"POST\",\"url\":\"http://a.test/x\",\"headers\":[]"
                ",\"json\":{\"a\":1}},\"response\":{\"status\":201,\"headers\":[],\"body\":"
                "\"plain \\\"text\\\"\\n\",\"took_ms\":2.5}}\n");
    call = a_call("{ \"a\": 1 }", "");
    call.response.body.bytes = str_make("\0\377z", 3);
    expect_same(&call,
                "{\"request\":{\"method\":\"POST\",\"url\":\"http://a.test/x\",\"headers\":[]"
                ",\"body\":\"{ \\\"a\\\": 1 }\"},\"response\":{\"status\":201,\"headers\":[]"
                ",\"bytes\":\"\\u0000\\u00ff\\u007a\",\"took_ms\":2.5}}\n");
    call = a_call("", "[1.5,null,\"\xC3\xA9\"]");
    call.request.body.left_out = 600000;
    expect_same(&call,
                "{\"request\":{\"method\":\"POST\",\"url\":\"http://a.test/x\",\"headers\":[]"
                ",\"left_out\":600000},\"response\":{\"status\":201,\"headers\":[],\"json\":"
                "[1.5,null,\"\xC3\xA9\"],\"took_ms\":2.5}}\n");
}

static void test_tape__failures_are_kept(void **state)
{
    (void)state;
    struct tape_call call = a_call("", "");
    call.outcome = TAPE_FAILURE;
    call.response.status = 0;
    call.failure = (struct tape_failure){.code = STR("TIMEOUT"),
                                         .symbol = STR("http.timeout"),
                                         .message = STR("no answer"),
                                         .hint = STR("wait"),
                                         .is_maybe_done = true};
    expect_same(&call,
                "{\"request\":{\"method\":\"POST\",\"url\":\"http://a.test/x\",\"headers\":[]}"
                ",\"failure\":{\"code\":\"TIMEOUT\",\"symbol\":\"http.timeout\",\"message\":"
                "\"no answer\",\"hint\":\"wait\",\"maybe_done\":true}}\n");
}

static void test_tape__a_line_that_grows_too_long_has_no_bodies(void **state)
{
    (void)state;
    struct tape_call call = a_call("", "");
    char *controls = malloc(TAPE_MAX_BODY_BYTES);
    assert_non_null(controls);
    memset(controls, 1, TAPE_MAX_BODY_BYTES); /* six bytes each, when they are written */
    call.request.body.bytes = str_make(controls, TAPE_MAX_BODY_BYTES);
    call.response.body.bytes = str_make(controls, TAPE_MAX_BODY_BYTES);
    struct strbuf text = STRBUF_INIT;
    tape_text_append_call(&call, NULL, &text);
    assert_string_equal(
        text.p, "{\"request\":{\"method\":\"POST\",\"url\":\"http://a.test/x\",\"headers\":[]"
                ",\"left_out\":524288},\"response\":{\"status\":201,\"headers\":[],"
                "\"left_out\":524288,\"took_ms\":2.5}}\n");
    strbuf_finish(&text);
    free(controls);
}

static void test_tape__credentials_are_known_by_the_name_of_the_header(void **state)
{
    (void)state;
    static const char *const secret[] = {"Authorization", "proxy-authorization", "Cookie",
                                         "Set-Cookie",    "X-Api-Key",           "PRIVATE-TOKEN",
                                         "X-Auth-Key",    "X-Amz-Security-Token"};
    static const char *const open[] = {"Accept", "Idempotency-Key", "X-RateLimit-Remaining-Tokens",
                                       "ETag", "Content-Type"};
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        assert_true(tape_text_is_credential(str_from(secret[i])));
    }
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        assert_false(tape_text_is_credential(str_from(open[i])));
    }
}

static void test_tape__secrets_are_nowhere_on_it(void **state)
{
    (void)state;
    const struct str texts[] = {STR(CANARY)};
    struct mask *mask = NULL;
    struct strbuf text = STRBUF_INIT;
    struct tape_header headers[] = {{STR("X-Custom"), STR("id " CANARY)},
                                    {STR("Authorization"), STR("Basic dXNlcjpwYXNz")}};
    struct tape_call call = a_call("{\"key\":\"" CANARY "\"}", "<" CANARY ">");
    call.request.url = STR("http://a.test/" CANARY "?t=" CANARY);
    call.request.headers = (struct tape_headers){headers, 2};
    call.response.url = STR("http://b.test/" CANARY);
    assert_int_equal(mask_create(texts, 1, &mask, NULL), 0);
    tape_text_append_call(&call, mask, &text);
    assert_null(strstr(text.p, CANARY));
    assert_null(strstr(text.p, "dXNlcjpwYXNz"));
    assert_non_null(strstr(text.p, "\"url\":\"http://a.test/***?t=***\""));
    assert_non_null(strstr(text.p, "[\"X-Custom\",\"id ***\"],[\"Authorization\",\"***\"]"));
    assert_non_null(strstr(text.p, "\"json\":{\"key\":\"***\"}"));
    assert_non_null(strstr(text.p, "\"body\":\"<***>\""));
    strbuf_finish(&text);
    mask_destroy(mask);
}

static void expect_damage(const char *text, const char *wanted)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tape_row row = TAPE_ROW_INIT;
    struct strbuf said = STRBUF_INIT;
    assert_int_equal(tape_text_read("t", str_from(text), &diagnostics, &row), E_INVALID);
    diagnostics_print(&diagnostics, NULL, NULL, 0, &said);
    assert_string_equal(strbuf_str(&said).p, wanted);
    strbuf_finish(&said);
    diagnostics_finish(&diagnostics);
    tape_row_finish(&row);
}

#define HEAD    "{\"opstream_tape\":1}\n"
#define NO_NAME "the name of a header is not empty, and has no line's end, NUL or ':'\n"
#define REQUEST "\"request\":{\"method\":\"GET\",\"url\":\"u\"}"

static void test_tape__damage_has_its_place(void **state)
{
    (void)state;
    expect_damage("",
                  "t:1:1: error: this is no tape: its first line must be {\"opstream_tape\":1}\n");
    expect_damage("{}\n", "t:1:1: error: this is no tape: its first line must be "
                          "{\"opstream_tape\":1}\n");
    expect_damage("[1]\n", "t:1:1: error: a line must be a map, not a list\n");
    expect_damage("{\"opstream_tape\":2}\n",
                  "t:1:18: error: this opstream reads tapes of version 1 alone\n");
    expect_damage(HEAD "\n{" REQUEST ",\"response\":{\"status\":\"ok\"}}\n",
                  "t:3:60: error: a response needs a 'status', a whole number from 100 to 599\n");
    expect_damage(HEAD "{" REQUEST "}\n",
                  "t:2:1: error: a call has either a 'response' or a 'failure'\n");
    expect_damage(HEAD "{\"response\":{\"status\":200}}\n",
                  "t:2:1: error: a call needs a 'request'\n");
    expect_damage(HEAD "{" REQUEST ",\"respons\":{\"status\":200}}\n",
                  "t:2:39: error: unknown key 'respons'\n  did you mean 'response'?\n");
    expect_damage(HEAD "{\"request\":{\"url\":1},\"response\":{\"status\":200}}\n",
                  "t:2:12: error: the key 'method' is missing\n"
                  "t:2:19: error: 'url' must be text, not a whole number\n");
    expect_damage(HEAD "{" REQUEST ",\"failure\":{\"code\":\"TIMEOT\",\"message\":\"m\"}}\n",
                  "t:2:57: error: there is no code 'TIMEOT'\n  did you mean 'TIMEOUT'?\n");
    expect_damage(HEAD "{" REQUEST ",\"response\":{\"status\":200,\"json\":1,\"body\":\"\"}}\n",
                  "t:2:80: error: one of 'json', 'body', 'bytes' and 'left_out' says what the body "
                  "is\n");
    expect_damage(HEAD "{" REQUEST ",\"response\":{\"status\":200,\"bytes\":\"\xE2\x82\xAC\"}}\n",
                  "t:2:72: error: 'bytes' must be text with characters from U+0000 to U+00FF\n");
    expect_damage(HEAD "{" REQUEST ",\"response\":{\"status\":200,\"headers\":[[\"a\"]]}}\n",
                  "t:2:75: error: a header is a pair [NAME, VALUE] of texts\n");
    expect_damage(HEAD "{" REQUEST ",\"response\":{\"status\":200,\"headers\":[[\"a\\nb\",\"\"],"
                       "[\"a:b\",\"\"],[\"\",\"\"],[\"a\",\"b\\r\\nc: d\"],[\"a\",\"\\tb:\"]]}}\n",
                  "t:2:76: error: " NO_NAME "t:2:88: error: " NO_NAME "t:2:99: error: " NO_NAME
                  "t:2:111: error: the value of a header has no line's end or NUL\n");
    static const char *const times[] = {"1e300", "-1", "-0.5", "\"5\"", "1000000001"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char line[200];
        (void)snprintf(line, sizeof(line),
                       HEAD "{" REQUEST ",\"response\":{\"status\":200,\"took_ms\":%s}}\n",
                       times[i]);
        expect_damage(line, "t:2:74: error: 'took_ms' must be a number from 0 to 1,000,000,000\n");
    }
    expect_damage(HEAD "{" REQUEST ",\"response\":{\"status\":200}\n",
                  "t:2:64: error: expected ',' or '}', found the end of the text\n");
}

/* ---- which call it is ---- */

static void test_tape__stars_are_any_text(void **state)
{
    (void)state;
    assert_true(tape_match_text(STR("abc"), STR("abc")));
    assert_false(tape_match_text(STR("abc"), STR("abcd")));
    assert_true(tape_match_text(STR("a***c"), STR("ac")));
    assert_true(tape_match_text(STR("a***c"), STR("a-secret-c")));
    assert_true(tape_match_text(STR("a***c"), STR("a***c")));
    assert_false(tape_match_text(STR("a***c"), STR("a-secret-d")));
    assert_true(tape_match_text(STR("***x***y"), STR("1x2y3y")));
    assert_false(tape_match_text(STR("***x***y***"), STR("1y2x")));
    assert_true(tape_match_text(STR("***"), STR("")));
    assert_false(tape_match_text(STR("ab***b"), STR("ab")));
    assert_true(tape_match_text(STR("******"), STR("z")));
}

static struct tape_row a_row(const char *lines)
{
    struct strbuf text = STRBUF_INIT;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct tape_row row = TAPE_ROW_INIT;
    strbuf_append_format(&text, HEAD "%s", lines);
    assert_int_equal(tape_text_read("t", strbuf_str(&text), &diagnostics, &row), 0);
    diagnostics_finish(&diagnostics);
    strbuf_finish(&text);
    return row;
}

#define ANSWER ",\"response\":{\"status\":200}}\n"
static const char three_calls[] =
    "{\"request\":{\"method\":\"GET\",\"url\":\"http://a.test/1\"}" ANSWER
    "{\"request\":{\"method\":\"POST\",\"url\":\"http://a.test/2\",\"json\":{\"n\":1}}" ANSWER
    "{\"request\":{\"method\":\"GET\",\"url\":\"http://a.test/1\"}" ANSWER;

static void test_tape__json_of_a_person_has_its_content_type(void **state)
{
    (void)state;
    struct tape_row row = a_row("{" REQUEST ",\"response\":{\"status\":200,\"json\":1}}\n"
                                "{" REQUEST
                                ",\"response\":{\"status\":200,\"json\":1,\"headers\":[]}}\n");
    assert_int_equal(row.calls[0]->response.headers.count, 1);
    assert_true(str_equal_text(row.calls[0]->response.headers.items[0].name, "content-type"));
    assert_int_equal(row.calls[1]->response.headers.count, 0);
    tape_row_finish(&row);
}

static void test_tape__equal_calls_are_taken_in_order(void **state)
{
    (void)state;
    struct tape_row row = a_row(three_calls);
    const struct tape_request given = {.method = STR("GET"), .url = STR("http://a.test/1")};
    struct tape_call *first = tape_match_find(&row, &given);
    assert_ptr_equal(first, row.calls[0]);
    first->is_used = true;
    struct tape_call *second = tape_match_find(&row, &given);
    assert_ptr_equal(second, row.calls[2]);
    second->is_used = true;
    assert_null(tape_match_find(&row, &given));
    tape_row_finish(&row);
}

static void expect_why(const struct tape_row *row, struct tape_request given, const char *wanted)
{
    struct strbuf why = STRBUF_INIT;
    assert_null(tape_match_find(row, &given));
    tape_match_append_why(row, &given, &why);
    assert_string_equal(strbuf_str(&why).p, wanted);
    strbuf_finish(&why);
}

static void test_tape__what_is_not_on_it_is_told_with_the_nearest(void **state)
{
    (void)state;
    struct tape_row row = a_row(three_calls);
    struct tape_row none = a_row("");
    expect_why(&row,
               (struct tape_request){.method = STR("POST"),
                                     .url = STR("http://a.test/2"),
                                     .body = {.bytes = STR("{\"n\":2}")}},
               "the nearest is in line 3: POST http://a.test/2; its body differs from byte 6 on: "
               "there '{\"n\":1}', here '{\"n\":2}'");
    expect_why(&row, (struct tape_request){.method = STR("PUT"), .url = STR("http://a.test/2")},
               "the nearest is in line 3: POST http://a.test/2");
    row.calls[0]->is_used = true;
    row.calls[2]->is_used = true;
    expect_why(&row, (struct tape_request){.method = STR("GET"), .url = STR("http://a.test/1")},
               "the nearest is in line 2: GET http://a.test/1; it was made already");
    expect_why(&none, (struct tape_request){.method = STR("GET"), .url = STR("x")},
               "it has no calls");
    tape_row_finish(&row);
    tape_row_finish(&none);
}

/* ---- between the host and the network ---- */

struct heard {
    int ends;
    int32_t status;
    char code[32];
    char text[256];
    char body[64];
    size_t pieces;
};

static void on_done(void *user, const struct host_http_response *response,
                    const struct host_http_failure *failure)
{
    struct heard *heard = user;
    heard->ends++;
    if (response != NULL) {
        heard->status = response->status;
        (void)snprintf(heard->body, sizeof(heard->body), "%.*s", STR_ARG(response->body));
    } else {
        (void)snprintf(heard->code, sizeof(heard->code), "%s", failure->code);
        (void)snprintf(heard->text, sizeof(heard->text), "%.*s|%.*s", STR_ARG(failure->message),
                       STR_ARG(failure->hint));
    }
}

/* What has gone out, for net_answer(). */
static struct {
    struct str url;
    host_http_done_cb done;
    void *user;
} sent;

static int net_send(void *self, const struct host_http_request *request, host_http_done_cb done,
                    void *user, void **out_call, struct error *err)
{
    (void)err;
    (*(int *)self)++;
    sent.url = request->url;
    sent.done = done;
    sent.user = user;
    *out_call = self;
    return 0;
}

static void net_answer(void)
{
    const struct host_http_header headers[] = {{STR("Set-Cookie"), STR("s=" CANARY)}};
    const struct host_http_response response = {.status = 200,
                                                .headers = headers,
                                                .header_count = 1,
                                                .body = STR("you sent " CANARY),
                                                .effective_url = sent.url};
    const struct host_http_failure failure = {
        .code = "UNAVAILABLE", .symbol = "http.refused", .message = STR("nobody there")};
    bool is_bad = str_ends_with(sent.url, STR("/bad"));
    sent.done(sent.user, is_bad ? NULL : &response, is_bad ? &failure : NULL);
}

static void net_abort(void *self, void *call)
{
    (void)self;
    (void)call;
}

struct taped {
    struct scratch_folder folder;
    char path[512];
    uv_loop_t uv;
    struct secrets *secrets;
    struct tape *tape;
    int sent;
    struct host_http http;
    struct host_mail mail;
};

static void open_tape(struct taped *taped, enum tape_mode mode)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct error err = {0};
    assert_int_equal(uv_loop_init(&taped->uv), 0);
    assert_int_equal(tape_create(mode, taped->path, &diagnostics, &taped->tape, &err), 0);
    taped->http = (struct host_http){.self = &taped->sent, .send = net_send, .abort = net_abort};
    assert_int_equal(
        tape_wrap(taped->tape, &taped->uv, taped->secrets, &taped->http, &taped->mail, &err), 0);
    diagnostics_finish(&diagnostics);
}

static void close_tape(struct taped *taped)
{
    tape_close(taped->tape);
    (void)uv_run(&taped->uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&taped->uv), 0);
    tape_destroy(taped->tape);
    taped->tape = NULL;
}

static struct heard ask(struct taped *taped, const char *url)
{
    struct heard heard = {0};
    struct error err = {0};
    void *call = NULL;
    const struct host_http_header header = {STR("Authorization"), STR("Bearer " CANARY)};
    const struct host_http_request request = {.method = STR("GET"),
                                              .url = str_from(url),
                                              .headers = &header,
                                              .header_count = 1,
                                              .body = STR("t=" CANARY)};
    assert_int_equal(taped->http.send(taped->http.self, &request, on_done, &heard, &call, &err), 0);
    assert_int_equal(heard.ends, 0); /* never from inside send() */
    if (tape_mode(taped->tape) == TAPE_RECORD) {
        net_answer();
    } else {
        (void)uv_run(&taped->uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(heard.ends, 1);
    return heard;
}

static void read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(out, 1, size - 1, file);
    out[n] = '\0';
    (void)fclose(file);
}

static void test_tape__what_was_recorded_answers_without_a_network(void **state)
{
    (void)state;
    static const char *const entries[] = {"OPSTREAM_SECRET_TOKEN=" CANARY, NULL};
    static const char *const others[] = {"OPSTREAM_SECRET_TOKEN=another-value", NULL};
    struct taped taped = {0};
    struct stat st;
    char text[4096];
    struct str value;
    struct error err = {0};
    scratch_folder_make(&taped.folder);
    (void)snprintf(taped.path, sizeof(taped.path), "%s/t.tape", taped.folder.path);
    assert_int_equal(secrets_create(entries, &taped.secrets, NULL), 0);
    assert_int_equal(secrets_look(taped.secrets, STR("token"), &value, &err), 0);
    open_tape(&taped, TAPE_RECORD);
    assert_int_equal(ask(&taped, "http://a.test/1").status, 200);
    assert_string_equal(ask(&taped, "http://a.test/bad").code, "UNAVAILABLE");
    assert_int_equal(taped.sent, 2);
    assert_int_equal(stat(taped.path, &st), -1); /* until it is saved */
    assert_int_equal(tape_save(taped.tape, taped.secrets, &err), 0);
    assert_int_equal(tape_numbers(taped.tape).calls, 2);
    close_tape(&taped);
    secrets_destroy(taped.secrets);

    assert_int_equal(stat(taped.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    read_file(taped.path, text, sizeof(text));
    assert_null(strstr(text, CANARY));

    assert_int_equal(secrets_create(others, &taped.secrets, NULL), 0);
    open_tape(&taped, TAPE_PLAY);
    struct heard heard = ask(&taped, "http://a.test/1"); /* with what the tape has as *** */
    assert_int_equal(heard.status, 200);
    assert_string_equal(heard.body, "you sent ***");
    assert_int_equal(tape_numbers(taped.tape).unused, 1);
    heard = ask(&taped, "http://a.test/1");
    assert_string_equal(heard.code, "CONFIG");
    assert_non_null(strstr(heard.text, "the call is not on the tape|'"));
    assert_non_null(strstr(heard.text, "' has no GET http://a.test/1; the nearest is in line 2: "
                                       "GET http://a.test/1; it was made already"));
    assert_string_equal(ask(&taped, "http://a.test/bad").code, "UNAVAILABLE");
    assert_int_equal(tape_numbers(taped.tape).unused, 0);
    assert_int_equal(taped.sent, 2);
    close_tape(&taped);
    secrets_destroy(taped.secrets);
    scratch_folder_remove(&taped.folder);
}

static void test_tape__an_aborted_call_hears_of_it(void **state)
{
    (void)state;
    struct taped taped = {0};
    struct heard heard = {0};
    struct error err = {0};
    void *call = NULL;
    const struct host_http_request request = {.method = STR("GET"), .url = STR("http://a.test/1")};
    scratch_folder_make(&taped.folder);
    (void)snprintf(taped.path, sizeof(taped.path), "%s/t.tape", taped.folder.path);
    FILE *file = fopen(taped.path, "w");
    assert_non_null(file);
    (void)fprintf(file, HEAD "%s", three_calls);
    (void)fclose(file);
    open_tape(&taped, TAPE_PLAY);
    assert_int_equal(taped.http.send(taped.http.self, &request, on_done, &heard, &call, &err), 0);
    taped.http.abort(taped.http.self, call);
    assert_int_equal(heard.ends, 0);
    (void)uv_run(&taped.uv, UV_RUN_NOWAIT);
    assert_int_equal(heard.ends, 1);
    assert_string_equal(heard.code, "CANCELLED");
    assert_int_equal(taped.mail.send(taped.mail.self, NULL, NULL, NULL, NULL, &err), E_INVALID);
    assert_non_null(strstr(err.message, "mail is not on a tape"));
    close_tape(&taped);
    scratch_folder_remove(&taped.folder);
}

static void on_chunk(void *user, struct str bytes)
{
    struct heard *heard = user;
    assert_true(bytes.n > 0);
    heard->pieces++;
}

static void test_tape__a_long_answer_comes_in_pieces(void **state)
{
    (void)state;
    struct taped taped = {0};
    struct heard heard = {0};
    struct error err = {0};
    void *call = NULL;
    const struct host_http_request request = {
        .method = STR("GET"), .url = STR("u"), .on_chunk = on_chunk};
    scratch_folder_make(&taped.folder);
    (void)snprintf(taped.path, sizeof(taped.path), "%s/t.tape", taped.folder.path);
    FILE *file = fopen(taped.path, "w");
    assert_non_null(file);
    (void)fprintf(file, HEAD "{" REQUEST ",\"response\":{\"status\":200,\"body\":\"%040000d\"}}\n",
                  1);
    (void)fclose(file);
    open_tape(&taped, TAPE_PLAY);
    assert_int_equal(taped.http.send(taped.http.self, &request, on_done, &heard, &call, &err), 0);
    (void)uv_run(&taped.uv, UV_RUN_NOWAIT);
    assert_int_equal(heard.ends, 1);
    assert_int_equal(heard.pieces, 3);
    assert_string_equal(heard.body, "");
    close_tape(&taped);
    scratch_folder_remove(&taped.folder);
}

static void test_tape__running_out_of_memory_is_told(void **state)
{
    (void)state;
    static const char text[] = HEAD "{\"request\":{\"method\":\"GET\",\"url\":\"u\",\"headers\":"
                                    "[[\"a\",\"b\"]],\"bytes\":\"z\"},\"response\":{\"status\":200,"
                                    "\"json\":{\"a\":[1]}}}\n";
    for (long n = 0;; n++) {
        struct diagnostics diagnostics = DIAGNOSTICS_INIT;
        struct tape_row row = TAPE_ROW_INIT;
        failing_alloc_arm(n);
        int status = tape_text_read("t", str_from(text), &diagnostics, &row);
        bool is_reached = failing_alloc_disarm();
        tape_row_finish(&row);
        diagnostics_finish(&diagnostics);
        assert_int_equal(status, is_reached ? E_NOMEM : 0);
        if (!is_reached) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tape__bodies_are_json_text_or_bytes),
        cmocka_unit_test(test_tape__failures_are_kept),
        cmocka_unit_test(test_tape__a_line_that_grows_too_long_has_no_bodies),
        cmocka_unit_test(test_tape__credentials_are_known_by_the_name_of_the_header),
        cmocka_unit_test(test_tape__secrets_are_nowhere_on_it),
        cmocka_unit_test(test_tape__damage_has_its_place),
        cmocka_unit_test(test_tape__stars_are_any_text),
        cmocka_unit_test(test_tape__json_of_a_person_has_its_content_type),
        cmocka_unit_test(test_tape__equal_calls_are_taken_in_order),
        cmocka_unit_test(test_tape__what_is_not_on_it_is_told_with_the_nearest),
        cmocka_unit_test(test_tape__what_was_recorded_answers_without_a_network),
        cmocka_unit_test(test_tape__an_aborted_call_hears_of_it),
        cmocka_unit_test(test_tape__a_long_answer_comes_in_pieces),
        cmocka_unit_test(test_tape__running_out_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
