/* SPDX-License-Identifier: Apache-2.0 */
#include "core/checker/stage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/error.h"
#include "core/checker/config_maker.h"
#include "core/checker/config_set.h"
#include "core/checker/secret_places.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum {
    DEADLINE_MS = 10 * 60 * 1000, /* virtual: who polls for ever is cancelled then */
    CREDITS = 1000,               /* then the consumer is behind for good */
    CONFIG_SHOWN = 300,
    LATE_MS = 45 * 1000,
    SETTLE_TRIES = 100, /* of a millisecond */
    SETTINGS_TRIES = 64,
};

char *stage_text(const struct document *document)
{
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(document), JSON_COMPACT, &text);
    return strbuf_take(&text);
}

/* ---- Secrets ---- */

static bool make_secret(void *user, const char *name, const char *value)
{
    struct stage *stage = user;
    return ops_test_secret(stage->host, name, value) == OPS_OK;
}

/* Nothing is appended when no secret may stand in it. */
static void append_with_secrets(struct stage *stage, const struct schema *schema,
                                const char *prefix, const struct document *document,
                                struct strbuf *out)
{
    struct secret_places places = {.prefix = prefix, .make = make_secret, .user = stage};
    struct document *filled = NULL;
    if (schema != NULL && secret_places_fill(&places, schema, document, &filled, NULL) == 0) {
        if (places.count > 0) {
            json_write(document_root(filled), JSON_COMPACT, out);
        }
        document_unref(filled);
    }
}

char *stage_with_secrets(struct stage *stage, const struct stage_act *act)
{
    struct strbuf text = STRBUF_INIT;
    struct document *config = NULL;
    if (json_read(str_from(act->config), NULL, &config, NULL) == 0) {
        append_with_secrets(stage, act->node->type.config_schema, "config", config, &text);
        document_unref(config);
    }
    if (text.n == 0 && stage->secret_settings.n > 0) {
        strbuf_append_text(&text, act->config);
    }
    return text.n > 0 ? strbuf_take(&text) : NULL;
}

/* ---- Configs ---- */

/* The set ends here. */
static bool visit_set(struct stage *stage, const struct stage_act *like, struct config_set *set,
                      stage_visit_fn visit, void *user)
{
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < set->count; i++) {
        char *config = stage_text(set->configs[i]);
        struct stage_act act = *like;
        act.config = config;
        goes_on = config != NULL && visit(stage, &act, user);
        free(config);
    }
    config_set_finish(set);
    return goes_on;
}

void stage_each(struct stage *stage, size_t wanted, stage_visit_fn visit, void *user)
{
    const struct manifest *manifest = stage->subject->manifest;
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < manifest->node_count; i++) {
        struct config_set set;
        struct stage_act act = {.node = &manifest->nodes[i], .what = ""};
        if (config_set_init(&set, stage->subject, act.node, wanted, NULL) == 0) {
            goes_on = visit_set(stage, &act, &set, visit, user);
        }
    }
}

void stage_each_check(struct stage *stage, stage_visit_fn visit, void *user)
{
    const struct manifest *manifest = stage->subject->manifest;
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < manifest->node_count; i++) {
        const struct stage_act act = {.node = &manifest->nodes[i], .what = ""};
        if ((act.node->type.flags & NODE_TYPE_CHECKS) != 0) {
            goes_on = visit(stage, &act, user);
        }
    }
}

void stage_each_bound(struct stage *stage, stage_visit_fn visit, void *user)
{
    const struct manifest *manifest = stage->subject->manifest;
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < manifest->node_count; i++) {
        struct config_set set;
        struct stage_act act = {.node = &manifest->nodes[i], .what = "at bounds of its schema"};
        if (config_set_init_bounds(&set, stage->subject, act.node, NULL) == 0) {
            goes_on = visit_set(stage, &act, &set, visit, user);
        }
    }
}

/* ---- Who plays the services ---- */

static const int32_t statuses[] = {200, 200, 200, 200, 201, 204, 301, 304, 400, 401, 403,
                                   404, 409, 410, 422, 429, 429, 500, 502, 503, 504};

static const char *const headers[] = {
    NULL,
    "Content-Type: application/json",
    "Content-Type: text/html; charset=x",
    "Retry-After: 2\nX-RateLimit-Remaining: 0",
    "Retry-After: soon",
    "ETag: \"abc\"\nLink: <https://api.example.com/next>; rel=\"next\"",
    "Location: /elsewhere\nSet-Cookie: a=b",
};

static const char *const bodies[] = {
    "{}",
    "[]",
    "null",
    "true",
    "\"text\"",
    "[{}]",
    "{\"ok\":true}",
    "{\"ok\":false,\"error\":\"not_allowed\",\"message\":\"no\"}",
    "{\"id\":7,\"name\":\"thing\",\"data\":[],\"items\":[],\"errors\":[]}",
    "{\"id\":\"seven\",\"name\":7,\"data\":{},\"items\":null}",
    "{\"error\":{\"message\":\"no\",\"code\":7,\"type\":\"bad\"}}",
    "{\"message\":\"Not Found\",\"errors\":[{\"field\":\"x\"}]}",
    "{\"data\":",
    "{\"id\":1e400}",
    "{\"a\":\"\\ud800\"}",
    "<html>502</html>",
    "data: {}\n\ndata: [DONE]\n\n",
    "data: {\"choices\":\n\n",
    "\xFF\xFE\x00x",
    "",
    "ok",
};

static size_t count_of(size_t bytes, size_t each)
{
    return bytes / each;
}

/* A body like the node's own output: with it a node comes further than with any other. */
static bool make_body(struct stage *stage)
{
    const struct schema *schema = stage->node != NULL ? stage->node->type.output_schema : NULL;
    struct document *document = NULL;
    if (schema == NULL ||
        config_maker_make(schema, &stage->chance, CONFIG_LARGE, &document, NULL) != 0) {
        return false;
    }
    json_write(document_root(document), JSON_COMPACT, &stage->body);
    document_unref(document);
    return strbuf_status(&stage->body) == 0;
}

static void choose_body(struct stage *stage)
{
    bool is_any = stage->mood == MOOD_ANY;
    strbuf_clear(&stage->body);
    if (!chance_percent(&stage->chance, is_any ? 20 : 60) || !make_body(stage)) {
        const size_t good = 9; /* the first of them are JSON */
        size_t count = is_any ? count_of(sizeof bodies, sizeof bodies[0]) : good;
        strbuf_clear(&stage->body);
        strbuf_append_text(&stage->body, bodies[chance_below(&stage->chance, count)]);
    }
}

static int on_http(void *user, const ops_test_http_call *call, ops_test_answer *answer)
{
    struct stage *stage = user;
    (void)call;
    choose_body(stage);
    answer->status = 200;
    answer->body = (ops_str){strbuf_str(&stage->body).p, stage->body.n};
    if (stage->mood == MOOD_GOOD) {
        return 1;
    }
    size_t count = count_of(sizeof statuses, sizeof statuses[0]);
    answer->status = statuses[chance_below(&stage->chance, count)];
    answer->headers =
        headers[chance_below(&stage->chance, count_of(sizeof headers, sizeof headers[0]))];
    answer->piece_bytes = chance_percent(&stage->chance, 50) ? 3 : 0;
    answer->late_ms = chance_percent(&stage->chance, 10) ? LATE_MS : 0;
    if (chance_percent(&stage->chance, 15)) {
        answer->status = 0;
        answer->code = chance_percent(&stage->chance, 50) ? OPS_E_UNAVAILABLE : OPS_E_TIMEOUT;
        answer->effect = OPS_EFFECT_MAYBE;
    }
    return chance_percent(&stage->chance, 3) ? 0 : 1;
}

/* ---- Opening ---- */

static enum stage_result start(struct stage *stage, const struct stage_act *act,
                               ops_test_task *out_task, ops_test_problem *why)
{
    char type[256];
    struct str name = act->node->type.name;
    bool has_secrets = act->has_secrets && stage->secret_settings.n > 0;
    size_t n = name.n < sizeof type ? name.n : sizeof type - 1;
    ops_test_spec spec = {
        .type = type,
        .settings = strbuf_str(has_secrets ? &stage->secret_settings : &stage->settings).p,
        .config = act->config,
        .deadline_ms = DEADLINE_MS,
        .credits = act->config != NULL ? CREDITS : 0,
        .origin = act->config == NULL ? "https://api.example.com:443" : NULL,
        .flags = act->config == NULL ? OPS_TEST_CHECK : 0,
    };
    memcpy(type, name.p, n);
    type[n] = '\0';
    ops_status status = ops_test_start(stage->host, &spec, out_task, why);
    if (status == OPS_OK) {
        return STAGE_ENDED;
    }
    return STAGE_REFUSED;
}

/* The next settings. False: the verdict says why there are none. */
static bool make_settings(struct stage *stage)
{
    struct document *settings = NULL;
    struct error err = {0};
    if (config_set_settings(stage->subject, &stage->chance, &settings, &err) != 0) {
        if (stage->subject->settings_path != NULL) {
            verdict_fail(stage->verdict, "%s", err.message);
        } else {
            verdict_fail(stage->verdict,
                         "no settings could be made by settings_schema (%s): give some with "
                         "--settings",
                         err.message);
        }
        return false;
    }
    strbuf_clear(&stage->settings);
    strbuf_clear(&stage->secret_settings);
    json_write(document_root(settings), JSON_COMPACT, &stage->settings);
    append_with_secrets(stage, stage->subject->manifest->plugin.settings_schema, "setting",
                        settings, &stage->secret_settings);
    document_unref(settings);
    return strbuf_status(&stage->settings) == 0 && strbuf_status(&stage->secret_settings) == 0;
}

static bool takes_settings(struct stage *stage, const struct stage_act *act, ops_test_problem *why)
{
    ops_test_task task = 0;
    if (start(stage, act, &task, why) != STAGE_ENDED) {
        return false;
    }
    (void)ops_test_cancel(stage->host, task, OPS_CANCEL_REQUESTED | OPS_TEST_KILL);
    (void)ops_test_run(stage->host, task); /* it has not begun, so it ends at once */
    (void)ops_test_forget(stage->host, task);
    return true;
}

/* There are settings that the schema allows and create() does not: others may do. */
static bool choose_settings(struct stage *stage)
{
    const struct manifest_node *node = &stage->subject->manifest->nodes[0];
    struct config_set set;
    bool is_made = make_settings(stage);
    if (!is_made || config_set_init(&set, stage->subject, node, 1, NULL) != 0) {
        return is_made;
    }
    char *config = stage_text(set.configs[0]);
    struct stage_act act = {.node = node, .config = config, .what = ""};
    for (int i = 0; config != NULL && i < SETTINGS_TRIES && !takes_settings(stage, &act, NULL);
         i++) {
        if (stage->subject->settings_path != NULL || !make_settings(stage)) {
            break;
        }
    }
    free(config);
    config_set_finish(&set);
    return true;
}

uint64_t stage_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool stage_is_late(const struct stage *stage, unsigned parts)
{
    return stage_now_ms() - stage->began_ms > stage->subject->timeout_ms / 2 / parts;
}

/* Its init() runs. `fault` may be NULL. */
static bool open_host(struct stage *stage, const ops_test_fault *fault, ops_test_problem *why)
{
    const ops_test_options options = {
        .flags = OPS_TEST_OWN_THREADS, .seed = stage->subject->seed, .fault = fault};
    stage->complaint_count = 0;
    if (ops_test_open(stage->subject->path, &options, &stage->host, why) != OPS_OK) {
        return false;
    }
    ops_test_http_handle(stage->host, on_http, stage);
    return true;
}

/* False: its code still runs. */
static bool close_host(struct stage *stage)
{
    ops_test_host *host = stage->host;
    stage->host = NULL;
    if (ops_test_close(host) == OPS_E_TIMEOUT) {
        verdict_fail(stage->verdict, "its code still runs after all has ended");
        return false;
    }
    return true;
}

bool stage_reopen(struct stage *stage, const ops_test_fault *fault, ops_test_problem *why)
{
    return close_host(stage) && open_host(stage, fault, why);
}

bool stage_open(struct stage *stage, const struct subject *subject, struct verdict *verdict)
{
    ops_test_problem why = {.text = ""};
    *stage = (struct stage){
        .subject = subject,
        .verdict = verdict,
        .chance = {subject->seed},
        .began_ms = stage_now_ms(),
    };
    verdict_stage(verdict, "loading it, and its init()");
    if (!open_host(stage, NULL, &why)) {
        verdict_fail(verdict, "%s", why.text);
        return false;
    }
    return choose_settings(stage);
}

void stage_close(struct stage *stage)
{
    verdict_stage(stage->verdict, "destroying its nodes, and its shutdown()");
    (void)close_host(stage); /* the verdict has it */
    strbuf_finish(&stage->settings);
    strbuf_finish(&stage->secret_settings);
    strbuf_finish(&stage->body);
}

/* ---- Judging ---- */

static void append_act(const struct stage *stage, const struct stage_act *act, struct strbuf *out)
{
    strbuf_append_format(out, "%.*s", STR_ARG(act->node->type.name));
    if (act->config != NULL) {
        size_t n = strlen(act->config);
        strbuf_append_format(out, " with %.*s", CONFIG_SHOWN, act->config);
        if (n > CONFIG_SHOWN) {
            strbuf_append_format(out, "... (%zu bytes)", n);
        }
    } else {
        strbuf_append_text(out, ", its check()");
    }
    if (act->cancel_step > 0) {
        static const char *const moments[] = {"before", "after", "some time after"};
        strbuf_append_format(out, ", cancelled %s step %" PRIu64, moments[act->cancel_moment],
                             act->cancel_step);
    }
    if (act->has_secrets) {
        strbuf_append_text(out, ", with secrets");
    }
    if (act->what[0] != '\0') {
        strbuf_append_format(out, ", %s", act->what);
    }
    if (ops_test_fault_hits(stage->host) > 0) {
        strbuf_append_format(out, " (%s)", ops_test_fault_last(stage->host));
    }
}

static void complain(struct stage *stage, const struct stage_act *act, const char *what)
{
    struct strbuf text = STRBUF_INIT;
    if (stage->view == VIEW_NOTHING) {
        return;
    }
    append_act(stage, act, &text);
    verdict_fail(stage->verdict, "%s: %s", text.p != NULL ? text.p : "", what);
    strbuf_finish(&text);
}

/* Handles that are over are used in vain by who has not heard of a cancel yet: that is no fault. */
static bool counts(const struct stage *stage, const struct stage_act *act,
                   const ops_test_complaint *complaint)
{
    bool is_output = complaint->kind == OPS_TEST_BAD_OUTPUT;
    if (is_output || stage->view == VIEW_OUTPUTS) {
        return is_output && stage->view == VIEW_OUTPUTS;
    }
    return complaint->kind != OPS_TEST_ENDED_LATE &&
           (complaint->kind != OPS_TEST_STALE || act->cancel_step == 0);
}

static void judge_complaints(struct stage *stage, const struct stage_act *act)
{
    const ops_test_complaint *complaint = NULL;
    while ((complaint = ops_test_complaint_at(stage->host, stage->complaint_count)) != NULL) {
        stage->complaint_count++;
        if (counts(stage, act, complaint)) {
            complain(stage, act, complaint->text);
        }
    }
}

/* Whether nothing of the task is left, at once or when threads have put away their last work. */
static bool has_settled(struct stage *stage, ops_test_counts *out_counts)
{
    for (int i = 0; i < SETTLE_TRIES; i++) {
        ops_test_count(stage->host, out_counts);
        if (out_counts->operations == 0 && out_counts->http_open == 0 && out_counts->jobs == 0 &&
            out_counts->task_values == 0 && out_counts->task_bytes == 0) {
            return true;
        }
        const struct timespec wait = {.tv_nsec = 1000 * 1000};
        (void)nanosleep(&wait, NULL);     /* shorter is fine, too */
        (void)ops_test_idle(stage->host); /* its patience is longer than all tries */
    }
    return false;
}

static void judge_counts(struct stage *stage, const struct stage_act *act)
{
    ops_test_counts counted;
    if (!has_settled(stage, &counted)) {
        bool is_values = counted.task_values != 0 || counted.task_bytes != 0;
        complain(stage, act,
                 is_values ? "values are left when it has ended"
                           : "operations of the host are left when it has ended");
    }
}

/* False: it has not ended, so the host is of no more use. */
static bool judge_end(struct stage *stage, const struct stage_act *act, ops_test_task task,
                      ops_status status)
{
    const ops_test_result *end = ops_test_end(stage->host, task);
    if (end != NULL && end->kind != OPS_TEST_RUNNING) {
        stage->code = end->kind == OPS_TEST_FAILED ? end->code : OPS_OK;
        if (end->ends == 0 && end->is_given_up == 0) {
            complain(stage, act, "it was ended by nobody");
        }
        return true;
    }
    complain(stage, act,
             status == OPS_E_WOULD_BLOCK ? "it does not end: nothing is left that could bring it on"
                                         : "it does not end: threads are at work for too long");
    return false;
}

/* ---- Playing ---- */

static void tell_act(struct stage *stage, const struct stage_act *act)
{
    struct strbuf text = STRBUF_INIT;
    append_act(stage, act, &text);
    verdict_stage(stage->verdict, "%s", text.p != NULL ? text.p : "");
    strbuf_finish(&text);
}

bool stage_create(struct stage *stage, const struct stage_act *act, ops_test_problem *why)
{
    tell_act(stage, act);
    bool is_made = takes_settings(stage, act, why);
    judge_complaints(stage, act);
    return is_made;
}

enum stage_result stage_play(struct stage *stage, const struct stage_act *act, uint64_t *out_steps,
                             ops_test_problem *why)
{
    ops_test_task task = 0;
    tell_act(stage, act);
    stage->node = act->node;
    if (start(stage, act, &task, why) != STAGE_ENDED) {
        judge_complaints(stage, act);
        return STAGE_REFUSED;
    }
    if (act->cancel_step > 0) {
        (void)ops_test_cancel_at(stage->host, task, act->cancel_step, act->cancel_moment,
                                 act->cancel_how); /* cannot fail: no step has been made */
    }

    ops_status status = ops_test_run(stage->host, task);
    bool has_ended = judge_end(stage, act, task, status);
    judge_complaints(stage, act);
    if (out_steps != NULL) {
        *out_steps = ops_test_steps(stage->host, task);
    }
    stage->longest_step_us = ops_test_longest_step_us(stage->host, task);
    stage->task_count++;
    if (!has_ended || ops_test_idle(stage->host) != OPS_OK) {
        return STAGE_STUCK;
    }
    judge_counts(stage, act);
    (void)ops_test_forget(stage->host, task); /* it has ended */
    return STAGE_ENDED;
}
