/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct app {
    ops_val key;      /* of the settings; not to be read */
    struct text id;   /* as JSON: a number, or the text of a client id */
    struct text path; /* of the token, behind the base URL */
    char installation[24];
    pthread_mutex_t lock; /* of what follows */
    struct text token;    /* as the header has it; empty: there is none */
    int64_t ends_ms;
};

static struct app *app_of(const ops_node *node)
{
    return node->own;
}

static void clear(struct text *text)
{
    if (text->p != NULL) {
        explicit_bzero(text->p, text->cap);
    }
    text_finish(text);
}

/* ---- The instance ---- */

static struct app *app_create(ops_val settings)
{
    struct app *app = calloc(1, sizeof *app);
    ops_str id = {NULL, 0};
    if (app == NULL || pthread_mutex_init(&app->lock, NULL) != 0) {
        free(app);
        return NULL;
    }
    app->key = ops_get(settings, "private_key");
    (void)ops.value->to_json(ops.h, ops_get(settings, "id"), &id); /* empty: see below */
    text_append_str(&app->id, id);
    (void)snprintf(app->installation, sizeof app->installation, "%" PRId64,
                   ops_get_i64(settings, "installation_id", 0));
    text_append_literal(&app->path, "/app/installations/");
    text_append_literal(&app->path, app->installation);
    text_append_literal(&app->path, "/access_tokens");
    return app;
}

ops_status app_open(ops_node *node, ops_val settings, ops_error *err)
{
    ops_val own = ops_get(settings, "app");
    if (own == 0) {
        return OPS_OK;
    }
    if (node->token != 0) {
        return ops_error_fill(err, OPS_E_CONFIG, "give either 'token' or 'app'");
    }
    node->own = app_create(own);
    if (node->own == NULL || app_of(node)->id.n == 0 || app_of(node)->path.failed) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    return OPS_OK;
}

void app_close(ops_node *node)
{
    struct app *app = node != NULL ? app_of(node) : NULL;
    if (app == NULL) {
        return;
    }
    clear(&app->token);
    text_finish(&app->id);
    text_finish(&app->path);
    (void)pthread_mutex_destroy(&app->lock); /* nobody holds it */
    free(app);
    node->own = NULL;
}

/* ---- The JWT ---- */

static void append_base64url(struct text *out, ops_str bytes)
{
    size_t from = out->n;
    text_append_base64(out, bytes);
    while (out->n > from && out->p[out->n - 1] == '=') {
        out->n--;
    }
    for (size_t i = from; i < out->n; i++) {
        out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
    }
}

void app_append_claims(struct text *out, ops_str issuer_json, int64_t now_s)
{
    char times[96];
    (void)snprintf(times, sizeof times, "{\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"iss\":",
                   now_s - APP_JWT_BACK_SECONDS, now_s + APP_JWT_SECONDS);
    text_append_literal(out, times);
    text_append_str(out, issuer_json);
    text_append_literal(out, "}");
}

/* "Bearer " and the JWT in `out`. */
static ops_status append_jwt(const struct app *app, ops_task task, struct text *out, ops_error *err)
{
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    struct text claims = {NULL, 0, 0, 0};
    ops_str signature = {NULL, 0};
    text_append_literal(out, "Bearer ");
    size_t from = out->n;
    app_append_claims(&claims, text_str(&app->id), ops.timer->unix_ms(ops.h) / 1000);
    append_base64url(out, ops_text(head));
    text_append_literal(out, ".");
    append_base64url(out, text_str(&claims));
    int failed = out->failed || claims.failed;
    text_finish(&claims);
    if (failed) {
        return ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
    }
    const ops_str signed_part = {out->p + from, out->n - from};
    ops_status status = ops.secret->sign_rs256(ops.h, task, app->key, signed_part, &signature, err);
    if (status == OPS_OK) {
        text_append_literal(out, ".");
        append_base64url(out, signature);
    }
    return status == OPS_OK && out->failed ? OPS_E_RESOURCE : status;
}

/* ---- The token ---- */

int64_t app_read_time(ops_str text)
{
    char line[32];
    char zone = '\0';
    struct tm tm = {0};
    if (text.n >= sizeof line) {
        return 0;
    }
    (void)snprintf(line, sizeof line, "%.*s", (int)text.n, text.n > 0 ? text.p : "");
    int n = sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &zone);
    if (n != 7 || zone != 'Z') {
        return 0;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm) * 1000;
}

static ops_val find_token(struct service_call *call)
{
    struct app *app = app_of(call->node);
    ops_val found = 0;
    (void)pthread_mutex_lock(&app->lock); /* fails for a destroyed one only */
    if (app->token.n > 0 && ops.timer->unix_ms(ops.h) < app->ends_ms - APP_MARGIN_MS) {
        (void)ops.value->new_str(ops.h, call->task, text_str(&app->token), &found); /* 0 stays */
    }
    (void)pthread_mutex_unlock(&app->lock);
    return found;
}

static void drop_token(ops_node *node)
{
    struct app *app = app_of(node);
    (void)pthread_mutex_lock(&app->lock); /* as above */
    clear(&app->token);
    (void)pthread_mutex_unlock(&app->lock);
}

/* Gives it as a value of `task`; 0: out of memory. */
static ops_val keep_token(struct app *app, ops_task task, ops_str token, int64_t ends_ms)
{
    ops_val made = 0;
    (void)pthread_mutex_lock(&app->lock); /* as above */
    clear(&app->token);
    text_append_literal(&app->token, "Bearer ");
    text_append_str(&app->token, token);
    app->ends_ms = ends_ms;
    if (app->token.failed) {
        clear(&app->token);
    } else {
        (void)ops.value->new_str(ops.h, task, text_str(&app->token), &made); /* 0 stays */
    }
    (void)pthread_mutex_unlock(&app->lock);
    return made;
}

/* ---- Its request ---- */

static void fail(struct service_call *call, ops_error *e, const char *symbol)
{
    e->symbol = ops_text(symbol);
    e->effect = OPS_EFFECT_NONE; /* what the task is about was not sent */
    e->flags = OPS_ERROR_REPEATABLE;
    (void)ops.exec->fail(ops.h, call->task, e); /* STALE: it has ended already */
}

static void fail_answer(struct service_call *call, const struct service_answer *answer)
{
    const struct app *app = app_of(call->node);
    struct text words = {NULL, 0, 0, 0};
    char message[320];
    ops_error e = ops_error_make(OPS_E_AUTH, NULL);
    text_append_line(&words, pick_str(answer->value, "message"), 120);
    const int n = words.n > 0 ? (int)words.n : 0;
    if (answer->status == 401) {
        (void)snprintf(message, sizeof message,
                       "GitHub does not take what 'private_key' of the App signs (401: %.*s)", n,
                       n > 0 ? words.p : "");
        e.hint =
            ops_text("integrations.github.app: 'id' must be the App's ID, and 'private_key' "
                     "one of its keys that was not deleted: set a new one (Settings, "
                     "Developer settings, GitHub Apps, Private keys); the clock must be right");
    } else {
        (void)snprintf(message, sizeof message,
                       "GitHub: the App has no installation %s (404: %.*s)", app->installation, n,
                       n > 0 ? words.p : "");
        e.code = OPS_E_NOT_FOUND;
        e.hint = ops_text("integrations.github.app.installation_id is the number at the end of the "
                          "URL of the installation's settings");
    }
    e.message = ops_text(message);
    e.upstream_status = answer->status;
    fail(call, &e, e.code == OPS_E_AUTH ? "github.app_key" : "github.app_installation");
    text_finish(&words);
}

/* As any answer, but what the task is about was not sent. */
static void fail_otherwise(struct service_call *call, const struct service_answer *answer)
{
    struct problem problem = {.code = OPS_OK};
    if (call->node->service->judge == NULL || !call->node->service->judge(answer, &problem)) {
        problem_of_status(answer, &problem);
    }
    problem.is_unchanged = 1;
    problem_fail_answer(call, answer, &problem);
}

static void on_token(void *user, ops_task task, const ops_http_res *res, const ops_error *err)
{
    struct service_call *call = user;
    struct service_answer answer = {.call = call, .res = res};
    if (res == NULL) {
        ops_error e = *err;
        fail(call, &e, "github.app_unreachable");
        return;
    }
    answer.status = res->status;
    (void)ops.value->from_json(ops.h, task, res->body, &answer.value,
                               NULL); /* 0: looked at below */
    ops_str token = pick_str(answer.value, "token");
    if (res->status == 201 && token.n > 0) {
        int64_t ends_ms = app_read_time(pick_str(answer.value, "expires_at"));
        ops_val made = keep_token(app_of(call->node), task, token, ends_ms);
        if (made != 0) {
            call_resume(call, made);
        } else {
            ops_fail_text(task, OPS_E_RESOURCE, "out of memory");
        }
    } else if (res->status == 201) {
        problem_fail_body(call, &answer, "bad_body", " gave the App no token");
    } else if (res->status == 401 || res->status == 404) {
        fail_answer(call, &answer);
    } else {
        fail_otherwise(call, &answer);
    }
}

static ops_status ask_token(struct service_call *call, const struct text *jwt)
{
    const struct service_header *header = call->node->service->headers;
    struct text url = {NULL, 0, 0, 0};
    ops_str names[8];
    ops_str values[8];
    ops_http_req req = {0};
    for (; header->name != NULL && req.n_headers < 7; header++) {
        names[req.n_headers] = ops_text(header->name);
        values[req.n_headers++] = ops_text(header->value);
    }
    names[req.n_headers] = ops_text("Authorization");
    values[req.n_headers++] = text_str(jwt);
    text_append_str(&url, text_str(&call->node->base_url));
    text_append_str(&url, text_str(&app_of(call->node)->path));
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("POST");
    req.url = text_str(&url);
    req.header_names = names;
    req.header_values = values;
    req.on_done = on_token;
    req.user = call;
    ops_status status = url.failed ? OPS_E_RESOURCE : ops.http->send(ops.h, call->task, &req, NULL);
    text_finish(&url);
    return status;
}

/* What is wrong with the key: `err` says it, and the setting is named in front. */
static void fail_key(struct service_call *call, const ops_error *err)
{
    char message[320];
    ops_error e = *err;
    (void)snprintf(message, sizeof message, "integrations.github.app.private_key: %.*s",
                   (int)err->message.n, err->message.n > 0 ? err->message.p : "");
    e.message = ops_text(message);
    e.code = err->code == OPS_E_CONFIG ? OPS_E_AUTH : err->code;
    e.hint = ops_text("set it to the whole file that GitHub gives for the App (Settings, Developer "
                      "settings, GitHub Apps, Private keys)");
    fail(call, &e, "github.app_key");
}

static void renew_token(struct service_call *call)
{
    struct text jwt = {NULL, 0, 0, 0};
    ops_error err = ops_error_make(OPS_OK, NULL);
    ops_status status = append_jwt(app_of(call->node), call->task, &jwt, &err);
    if (status != OPS_OK) {
        err.code = status;
        fail_key(call, &err);
    } else if ((status = ask_token(call, &jwt)) != OPS_OK) {
        ops_fail_text(call->task, status, "the call cannot be started");
    }
    clear(&jwt);
}

/* ---- For checks: who the App is costs nothing ---- */

static ops_val sign_check(ops_node *node, ops_task task)
{
    struct text jwt = {NULL, 0, 0, 0};
    ops_val made = 0;
    if (append_jwt(app_of(node), task, &jwt, NULL) == OPS_OK) {
        (void)ops.value->new_str(ops.h, task, text_str(&jwt), &made); /* 0 stays */
    }
    clear(&jwt);
    return made;
}

static int is_used(const ops_node *node)
{
    return node->own != NULL;
}

static ops_val key_of(const ops_node *node)
{
    return app_of(node)->key;
}

static ops_str name_of(const ops_node *node)
{
    return text_str(&app_of(node)->path);
}

const struct service_credential app_credential = {
    .is_used = is_used,
    .secret = key_of,
    .name = name_of,
    .find = find_token,
    .renew = renew_token,
    .drop = drop_token,
    .check_path = "/app",
    .check = sign_check,
    .path = "app",
    .hint = "the permissions of the App and of its installation decide (Settings, Developer "
            "settings, GitHub Apps)",
};
