/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The llm plugin through the real host, with a service that is faked byte by byte: what is sent,
 * and what becomes of streams wherever they are cut. How services behave is in test_llm.py.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/host/budget.h"
#include "core/host/kv.h"
#include "tests/sdk/rig.h"

static struct rig rig;
static uint64_t last_token;

/* Nothing is bounded. */
static void grant(void *self, uint64_t token, const struct host_budget_wish *wish,
                  host_budget_done_cb done, void *user, void **out_wait)
{
    (void)self;
    (void)token;
    (void)wish;
    (void)out_wait;
    done(user, &(struct host_budget_answer){.status = HOST_BUDGET_GRANTED});
}

static void take(void *self, uint64_t token, const struct host_budget_use *use)
{
    (void)self;
    (void)token;
    (void)use;
}

/* A store with one entry, which somebody else may write between two calls. */
static struct {
    const char *value; /* NULL: none */
    uint64_t version;
    const char *others; /* is there by the time of the next put */
    char put[512];      /* the last */
} store;

static struct host_kv_entry stored(void)
{
    return (struct host_kv_entry){.value = str_from(store.value), .version = store.version};
}

static void store_get(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    struct host_kv_entry entry = stored();
    (void)self;
    (void)request;
    done(user, store.value != NULL ? HOST_KV_OK : HOST_KV_NOT_FOUND,
         store.value != NULL ? &entry : NULL);
}

static void store_put(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    (void)self;
    if (store.others != NULL) {
        store.value = store.others;
        store.others = NULL;
        store.version++;
    }
    struct host_kv_entry entry = stored();
    if (request->condition == HOST_KV_IF_VERSION && request->version != store.version) {
        done(user, HOST_KV_CONFLICT, &entry);
        return;
    }
    (void)snprintf(store.put, sizeof store.put, "%.*s %.*s", STR_ARG(request->key),
                   STR_ARG(request->value));
    entry.value = STR("");
    done(user, HOST_KV_OK, &entry);
}

static const struct host_kv kv = {.get = store_get, .put = store_put};

static const struct host_budget budget = {.settle = take, .reserve = grant};

static int open_rig(void **state)
{
    static const char *const folder = PLUGIN_DIR;
    (void)state;
    last_token = 0;
    memset(&store, 0, sizeof store);
    rig_open(&rig, &(struct rig_options){
                       .folders = &folder, .folder_count = 1, .budget = &budget, .kv = &kv});
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' has no '%s'", text, words);
    }
}

static struct rig_call *call_of(const char *type, const char *config)
{
    struct error err = {0};
    if (rig_start(&rig, ++last_token, type, config, &err) != 0) {
        fail_msg("%s: %s", config, err.message);
    }
    return rig_wait_call(&rig, rig.call_count + 1);
}

/* Ends the call; its task may go on. */
static void answer(struct rig_call *call, int32_t status, const char *body)
{
    const struct host_http_response response = {.status = status, .body = str_from(body)};
    call->is_open = false;
    call->done(call->user, &response, NULL);
}

static const char *end_of(struct rig_call *call, int32_t status, const char *body)
{
    answer(call, status, body);
    return rig_wait(&rig, last_token);
}

/* ---- What is sent ---- */

static const char openai_key[] = "{\"api_key\":\"k-1\",\"headers\":{\"X-Team\":\"t\"}}";
static const char anthropic_key[] =
    "{\"provider\":\"anthropic\",\"base_url\":\"https://api.anthropic.com\","
    "\"api_key\":\"k-2\"}";
static const char ollama[] = "{\"provider\":\"ollama\",\"base_url\":\"http://o:1/\"}";

static void test_llm__sends_what_each_service_wants(void **state)
{
    (void)state;
    static const char config[] =
        "{\"model\":\"m\",\"system\":\"s\",\"prompt\":\"p\\\"\\u0001\",\"stop\":[\"x\"],"
        "\"tools\":[{\"name\":\"t\",\"parameters\":{\"type\":\"object\"}}]}";
    static const char *const cases[][2] = {
        {openai_key,
         "POST https://api.openai.com/v1/chat/completions Content-Type=application/json "
         "Authorization=Bearer k-1 X-Team=t "
         "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"
         "{\"role\":\"user\",\"content\":\"p\\\"\\u0001\"}],\"max_tokens\":1000,"
         "\"temperature\":0.7,\"stop\":[\"x\"],\"tools\":[{\"type\":\"function\",\"function\":"
         "{\"name\":\"t\",\"parameters\":{\"type\":\"object\"}}}]}"},
        {anthropic_key,
         "POST https://api.anthropic.com/v1/messages Content-Type=application/json x-api-key=k-2 "
         "anthropic-version=2023-06-01 {\"model\":\"m\",\"max_tokens\":1000,"
         "\"system\":[{\"type\":\"text\",\"text\":\"s\"}],\"messages\":[{\"role\":\"user\","
         "\"content\":[{\"type\":\"text\",\"text\":\"p\\\"\\u0001\"}]}],\"temperature\":0.7,"
         "\"stop_sequences\":[\"x\"],\"tools\":[{\"name\":\"t\",\"input_schema\":"
         "{\"type\":\"object\"}}]}"},
        {ollama, "POST http://o:1/api/chat Content-Type=application/json {\"model\":\"m\","
                 "\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
                 "\"content\":\"p\\\"\\u0001\"}],\"tools\":[{\"type\":\"function\",\"function\":"
                 "{\"name\":\"t\",\"parameters\":{\"type\":\"object\"}}}],\"options\":"
                 "{\"num_predict\":1000,\"temperature\":0.7,\"stop\":[\"x\"]},\"stream\":false}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig.settings = cases[i][0];
        struct rig_call *call = call_of("llm", config);
        assert_string_equal(call->text.p, cases[i][1]);
        assert_has(end_of(call, 500, "{}"), "\"symbol\":\"llm.server_error\"");
    }
}

/* ---- Streams ---- */

#define SAID(piece) "data: {\"choices\":[{\"delta\":{\"content\":\"" piece "\"}}]}\n\n"

static const char openai_stream[] =
    ": ping\r\n\r\ndata: {\"model\":\"m-1\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n"
    "\r\n" SAID("{\\\"a\\\":") SAID(
        "\\\"\xC3\xA4\\\"}") "data: "
                             "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
                             "\"function\":"
                             "{\"name\":\"t\",\"arguments\":\"{\\\"n\\\"\"}}]}}]}\n\n"
                             "data: "
                             "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
                             "{\"arguments\":\":1}\"}}]}}]}\n\n"
                             "data: "
                             "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                             "data: "
                             "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":"
                             "2}}\n\n"
                             "data: [DONE]\n\n";

static const char anthropic_stream[] =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m-1\","
    "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
    "event: ping\ndata: {\"type\": \"ping\"}\n\n"
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
    "\"text\":\"{\\\"a\\\":\"}}\n\n"
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
    "\"text\":\"\\\"\xC3\xA4\\\"}\"}}\n\n"
    "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\","
    "\"id\":\"c1\",\"name\":\"t\",\"input\":{}}}\n\n"
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
    "\"partial_json\":\"{\\\"n\\\"\"}}\n\n"
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\","
    "\"partial_json\":\":1}\"}}\n\n"
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},"
    "\"usage\":{\"output_tokens\":2}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static const char ollama_stream[] =
    "{\"model\":\"m-1\",\"message\":{\"content\":\"{\\\"a\\\":\"},\"done\":false}\n"
    "{\"model\":\"m-1\",\"message\":{\"content\":\"\\\"\xC3\xA4\\\"}\"},\"done\":false}\n"
    "{\"model\":\"m-1\",\"message\":{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":"
    "\"t\","
    "\"arguments\":{\"n\":1}}}]},\"done\":false}\n"
    "{\"model\":\"m-1\",\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\","
    "\"prompt_eval_count\":3,\"eval_count\":2}\n";

static const struct {
    const char *settings;
    const char *stream;
    const char *id; /* of the tool's call */
} streams[] = {
    {openai_key, openai_stream, "c1"},
    {anthropic_key, anthropic_stream, "c1"},
    {ollama, ollama_stream, "call_1"},
};
enum { STREAMS = sizeof streams / sizeof streams[0] };

static const char stream_config[] =
    "{\"model\":\"m\",\"prompt\":\"p\",\"stream\":true,\"tools\":[{\"name\":\"t\"}]}";

/* `cut` is where the second piece begins; each further byte is a piece of its own at 0. */
static const char *end_of_stream(const char *stream, size_t n, size_t cut)
{
    struct rig_call *call = call_of("llm", stream_config);
    assert_non_null(call->on_chunk);
    for (size_t i = 0; i < n && cut == 0; i++) {
        call->on_chunk(call->user, str_make(stream + i, 1));
    }
    if (cut > 0) {
        call->on_chunk(call->user, str_make(stream, cut < n ? cut : n));
        call->on_chunk(call->user, str_make(stream + (cut < n ? cut : n), cut < n ? n - cut : 0));
    }
    return end_of(call, 200, "");
}

static int reopen(void)
{
    rig_close(&rig);
    return open_rig(NULL);
}

static void test_llm__streams_may_be_cut_anywhere(void **state)
{
    (void)state;
    for (size_t s = 0; s < STREAMS; s++) {
        char expected[512];
        (void)snprintf(
            expected, sizeof expected,
            "done {\"text\":\"{\\\"a\\\":\\\"\xC3\xA4\\\"}\",\"json\":{\"a\":\"\xC3\xA4\"},"
            "\"tool_calls\":[{\"id\":\"%s\",\"name\":\"t\",\"arguments\":{\"n\":1}}],"
            "\"model\":\"m-1\",\"usage\":{\"input_tokens\":3,\"output_tokens\":2,"
            "\"cached_tokens\":0},\"cost\":null,\"finish_reason\":\"tool_calls\","
            "\"calls\":1,\"a\":\"\xC3\xA4\"}",
            streams[s].id);
        size_t n = strlen(streams[s].stream);
        for (size_t cut = 0; cut <= n; cut++) {
            if (rig.call_count == RIG_CALLS) {
                assert_int_equal(reopen(), 0);
            }
            rig.settings = streams[s].settings;
            assert_string_equal(end_of_stream(streams[s].stream, n, cut), expected);
            assert_has(rig.tasks[last_token].progress.p, "-1 10 bytes;");
        }
    }
}

/* However short of its end a stream is: the answer is whole, or the error says that it is cut. */
static void test_llm__no_stream_that_is_cut_passes_for_whole(void **state)
{
    (void)state;
    for (size_t s = 0; s < STREAMS; s++) {
        size_t n = strlen(streams[s].stream);
        size_t whole = 0;
        for (size_t cut = 1; cut < n; cut++) {
            if (rig.call_count == RIG_CALLS) {
                assert_int_equal(reopen(), 0);
            }
            rig.settings = streams[s].settings;
            const char *end = end_of_stream(streams[s].stream, cut, cut);
            int is_whole = strncmp(end, "done ", 5) == 0;
            if (is_whole) {
                assert_has(end, "\"arguments\":{\"n\":1}");
                whole++;
            } else {
                assert_has(end, "\"symbol\":\"llm.stream_cut\"");
                assert_has(end, "\"code\":\"UNAVAILABLE\"");
                assert_int_equal(whole, 0);
            }
        }
        assert_in_range(whole, 1, n / 2); /* what follows the reason of the end may be missing */
    }
}

static void test_llm__errors_in_a_stream_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *stream;
        const char *symbol;
    } cases[] = {
        {anthropic_key,
         "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
         "\"message\":\"Overloaded\"}}\n\n",
         "llm.overloaded"},
        {openai_key, SAID("a") "data: {\"error\":{\"message\":\"The server had an error\"}}\n\n",
         "llm.stream_error"},
        {openai_key,
         "data: {\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"too long\"}}\n\n",
         "llm.context_window"},
        {ollama, "{\"error\":\"it has stopped\"}\n", "llm.stream_error"},
        {openai_key, SAID("a") "data: {oops\n\ndata: [DONE]\n\n", "llm.not_json"},
        {openai_key, "<html>", "llm.html"},
        {ollama, " <!DOCTYPE html>", "llm.html"},
        {openai_key, "", "llm.stream_cut"},
        {openai_key, "data: [DONE]\n\n", "llm.empty_answer"},
        {openai_key, "{\"nothing\":1}", "llm.not_json"},
        {openai_key, SAID("a") "data: {\"choices\":[{\"finish_reason\":\"content_filter\"}]}\n\n",
         "llm.content_filter"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[64];
        rig.settings = cases[i].settings;
        (void)snprintf(words, sizeof words, "\"symbol\":\"%s\"", cases[i].symbol);
        assert_has(end_of_stream(cases[i].stream, strlen(cases[i].stream), SIZE_MAX), words);
    }
}

static void test_llm__a_service_that_does_not_stream_is_understood(void **state)
{
    (void)state;
    static const char whole[] = "{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"hi\"},"
                                "\"finish_reason\":\"stop\"}]}";
    rig.settings = openai_key;
    assert_has(end_of_stream(whole, strlen(whole), 7), "done {\"text\":\"hi\"");
}

/* ---- Ends ---- */

static void test_llm__a_connection_that_breaks_is_a_cut_stream(void **state)
{
    (void)state;
    const struct host_http_failure failure = {.code = "UNAVAILABLE",
                                              .symbol = "http.reset",
                                              .is_maybe_done = true,
                                              .message = STR("connection reset")};
    rig.settings = openai_key;
    struct rig_call *call = call_of("llm", stream_config);
    call->on_chunk(call->user, str_make(openai_stream, 100));
    call->is_open = false;
    call->done(call->user, NULL, &failure);
    const char *end = rig_wait(&rig, last_token);
    assert_has(end, "\"symbol\":\"llm.stream_cut\"");
    assert_has(end, "connection reset");

    call = call_of("llm", stream_config);
    call->is_open = false;
    call->done(call->user, NULL, &failure);
    assert_has(rig_wait(&rig, last_token), "\"symbol\":\"http.reset\"");
}

static void test_llm__cancel_ends_the_call(void **state)
{
    (void)state;
    rig.settings = openai_key;
    struct rig_call *call = call_of("llm", stream_config);
    call->on_chunk(call->user, str_make(openai_stream, 100));
    host_task_cancel(rig.host, rig.tasks[last_token].handle, HOST_CANCEL_REQUESTED);
    assert_has(rig_wait(&rig, last_token), "CANCELLED");
    assert_true(call->is_aborted);
    assert_int_equal(rig.tasks[last_token].ends, 1);
}

static void test_llm__a_wait_that_the_service_asks_for_is_passed_on(void **state)
{
    (void)state;
    const struct host_http_header headers[] = {{STR("Retry-After"), STR("7")},
                                               {STR("retry-after-ms"), STR("1500")}};
    static const char body[] = "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"slow\"}}";
    for (size_t n = 1; n <= 2; n++) {
        const struct host_http_response response = {
            .status = 429, .body = str_from(body), .headers = headers, .header_count = n};
        rig.settings = anthropic_key;
        struct rig_call *call = call_of("llm", stream_config);
        call->is_open = false;
        call->done(call->user, &response, NULL);
        assert_has(rig_wait(&rig, last_token),
                   n == 1 ? "\"retry_after_ms\":7000" : "\"retry_after_ms\":1500");
    }
}

static void test_llm__check_asks_for_the_models(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        const char *call;
        int32_t status;
        const char *end;
    } cases[] = {
        {openai_key,
         "GET https://api.openai.com/v1/models Content-Type=application/json "
         "Authorization=Bearer k-1 X-Team=t ",
         401, "done {\"status\":401}"},
        {ollama, "GET http://o:1/api/tags Content-Type=application/json ", 503,
         "asked for its models it answered 503"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        rig.settings = cases[i].settings;
        assert_int_equal(rig_start_check(&rig, ++last_token, "llm", "", &err), 0);
        struct rig_call *call = rig_wait_call(&rig, rig.call_count + 1);
        assert_string_equal(call->text.p, cases[i].call);
        assert_has(end_of(call, cases[i].status, ""), cases[i].end);
    }
}

static void test_llm__embeddings_must_be_what_was_asked_for(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"data\":[]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":9,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":[\"1\"]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[]},{\"index\":1,\"embedding\":[]}]}",
        "{\"data\":7}",
        "[]",
    };
    rig.settings = openai_key;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rig_call *call =
            call_of("llm.embed", "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"dimensions\":1}");
        assert_has(call->text.p, "/embeddings ");
        assert_has(call->text.p, "{\"model\":\"m\",\"input\":[\"a\",\"b\"],"
                                 "\"encoding_format\":\"float\",\"dimensions\":1}");
        assert_has(end_of(call, 200, bad[i]), "\"symbol\":\"llm.bad_output\"");
    }
}

/* ---- Sessions ---- */

#define TURN(key, word)                                                                            \
    "{\"key\":\"" key "\",\"messages\":[{\"role\":\"user\",\"content\":\"" word "\"}]}"

/* The key of the rig's tasks is "key-1": an earlier attempt has kept its turn. */
static void test_llm__an_attempt_says_nothing_twice_in_a_session(void **state)
{
    (void)state;
    rig.settings = openai_key;
    store.value = "{\"turns\":[" TURN("other", "before") "," TURN("key-1", "lost") "]}";
    store.version = 4;
    struct rig_call *call =
        call_of("llm", "{\"model\":\"m\",\"prompt\":\"now\",\"session\":\"s\"}");
    assert_has(call->text.p, "\"messages\":[{\"role\":\"user\",\"content\":\"before\"},"
                             "{\"role\":\"user\",\"content\":\"now\"}]");
    store.others = "{\"turns\":[" TURN("key-1", "lost") "," TURN("new", "beside") "]}";
    assert_has(end_of(call, 200, "{\"choices\":[{\"message\":{\"content\":\"yes\"}}]}"),
               "\"text\":\"yes\"");
    assert_string_equal(
        store.put, "session:s {\"turns\":[{\"key\":\"key-1\",\"messages\":["
                   "{\"role\":\"user\",\"content\":\"now\"},{\"role\":\"assistant\",\"content\":"
                   "\"yes\"}]}," TURN("new", "beside") "]}");
}

static void test_llm__what_is_no_session_begins_anew(void **state)
{
    (void)state;
    rig.settings = openai_key;
    store.value = "{\"turns\":7}";
    store.version = 4;
    struct rig_call *call =
        call_of("llm", "{\"model\":\"m\",\"prompt\":\"now\",\"session\":\"s\"}");
    assert_has(call->text.p, "\"messages\":[{\"role\":\"user\",\"content\":\"now\"}]");
    (void)end_of(call, 200, "{\"choices\":[{\"message\":{\"content\":\"yes\"}}]}");
    assert_has(store.put, "{\"turns\":[{\"key\":\"key-1\"");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_llm__sends_what_each_service_wants),
        CASE(test_llm__streams_may_be_cut_anywhere),
        CASE(test_llm__no_stream_that_is_cut_passes_for_whole),
        CASE(test_llm__errors_in_a_stream_are_told),
        CASE(test_llm__a_service_that_does_not_stream_is_understood),
        CASE(test_llm__a_connection_that_breaks_is_a_cut_stream),
        CASE(test_llm__cancel_ends_the_call),
        CASE(test_llm__a_wait_that_the_service_asks_for_is_passed_on),
        CASE(test_llm__check_asks_for_the_models),
        CASE(test_llm__embeddings_must_be_what_was_asked_for),
        CASE(test_llm__an_attempt_says_nothing_twice_in_a_session),
        CASE(test_llm__what_is_no_session_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
