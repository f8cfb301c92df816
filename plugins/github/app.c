/* SPDX-License-Identifier: Apache-2.0 */
#include "app.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "session.h"

enum { HOUR_MS = 3600 * 1000 };

struct app {
    ops_val key;      /* of the settings; not to be read */
    struct text id;   /* as JSON: a number, or the text of a client id */
    struct text path; /* of the token, behind the base URL */
    char installation[24];
    struct session *session;
};

static struct app *app_of(const ops_node *node)
{
    return node->own;
}

/* ---- The instance ---- */

static struct app *app_create(ops_val settings)
{
    struct app *app = calloc(1, sizeof *app);
    ops_str id = {NULL, 0};
    if (app == NULL) {
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

/* Who signs in where: the same for all node types. */
static struct session *find_session(const ops_node *node, ops_scope scope, const struct app *app)
{
    struct text who = {NULL, 0, 0, 0};
    ops_str id = {NULL, 0};
    text_append_str(&who, text_str(&node->base_url));
    text_append_str(&who, text_str(&app->path));
    text_append_literal(&who, "\n");
    text_append_str(&who, text_str(&app->id));
    if (!who.failed) { /* else, and if it fails, `id` stays empty */
        (void)ops.secret->digest(ops.h, scope, app->key, text_str(&who), &id);
    }
    text_finish(&who);
    return session_ref(id);
}

ops_status app_open(ops_node *node, ops_scope scope, ops_val settings, ops_error *err)
{
    ops_val own = ops_get(settings, "app");
    if (own == 0) {
        return OPS_OK;
    }
    if (node->token != 0) {
        return ops_error_fill(err, OPS_E_CONFIG, "give either 'token' or 'app'");
    }
    struct app *app = app_create(own);
    node->own = app;
    if (app != NULL && app->id.n > 0 && !app->path.failed) {
        app->session = find_session(node, scope, app);
    }
    return app != NULL && app->session != NULL
               ? OPS_OK
               : ops_error_fill(err, OPS_E_RESOURCE, "out of memory");
}

void app_close(ops_node *node)
{
    struct app *app = node != NULL ? app_of(node) : NULL;
    if (app == NULL) {
        return;
    }
    session_unref(app->session);
    text_finish(&app->id);
    text_finish(&app->path);
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

/* One in the making; in the task's memory. */
struct jwt {
    const struct app *app;
    ops_str unsigned_text;
    void (*done)(void *user, ops_task task, ops_status status, ops_val made, const ops_error *err);
    void *user;
};

/* Before the signature: its head and its claims. */
static void append_unsigned(const struct app *app, struct text *out)
{
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    struct text claims = {NULL, 0, 0, 0};
    app_append_claims(&claims, text_str(&app->id), ops.timer->unix_ms(ops.h) / 1000);
    append_base64url(out, ops_text(head));
    text_append_literal(out, ".");
    append_base64url(out, text_str(&claims));
    out->failed = out->failed || claims.failed;
    text_finish(&claims);
}

/* From `done` on the text is as secret as the key. */
static ops_status hide(const struct app *app, ops_task task, ops_str text, int64_t ttl_ms,
                       ops_secret_done done, void *user)
{
    ops_secret_req req = {0};
    req.size = (uint32_t)sizeof req;
    req.of = app->key;
    req.text = text;
    req.ttl_ms = (uint64_t)ttl_ms;
    req.done = done;
    req.user = user;
    return ops.secret->adopt(ops.h, task, &req, NULL);
}

static void on_jwt_hidden(void *user, ops_task task, ops_status status, ops_val made)
{
    const struct jwt *jwt = user;
    jwt->done(jwt->user, task, status, made, NULL);
}

static void on_signed(void *user, ops_task task, ops_str signature, const ops_error *err)
{
    struct jwt *jwt = user;
    struct text text = {NULL, 0, 0, 0};
    if (err != NULL) {
        jwt->done(jwt->user, task, err->code, 0, err);
        return;
    }
    text_append_str(&text, jwt->unsigned_text);
    text_append_literal(&text, ".");
    append_base64url(&text, signature);
    ops_status status = text.failed ? OPS_E_RESOURCE
                                    : hide(jwt->app, task, text_str(&text), APP_JWT_SECONDS * 1000,
                                           on_jwt_hidden, jwt);
    session_clear(&text);
    if (status != OPS_OK) {
        on_jwt_hidden(jwt, task, status, 0);
    }
}

static ops_status sign(struct jwt *jwt, ops_task task)
{
    struct text text = {NULL, 0, 0, 0};
    void *kept = NULL;
    append_unsigned(jwt->app, &text);
    ops_status status = text.failed ? OPS_E_RESOURCE : ops.value->alloc(ops.h, task, text.n, &kept);
    if (status == OPS_OK) {
        memcpy(kept, text.p, text.n);
        jwt->unsigned_text = ops_slice(kept, text.n);
        ops_sign_req req = {0};
        req.size = (uint32_t)sizeof req;
        req.algorithm = OPS_SIGN_RS256;
        req.key = jwt->app->key;
        req.data = jwt->unsigned_text;
        req.done = on_signed;
        req.user = jwt;
        status = ops.secret->sign(ops.h, task, &req, NULL);
    }
    text_finish(&text);
    return status;
}

/* `jwt` has its app, `done` and `user`; with `err` the key is wrong. */
static void make_jwt(ops_task task, const struct jwt *wanted)
{
    struct jwt *jwt = ops_task_alloc(task, sizeof *jwt);
    if (jwt == NULL) {
        return;
    }
    *jwt = *wanted;
    ops_status status = sign(jwt, task);
    if (status != OPS_OK) {
        on_jwt_hidden(jwt, task, status, 0);
    }
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

static void drop_token(ops_node *node)
{
    session_drop(app_of(node)->session);
}

static void on_token_hidden(void *user, ops_task task, ops_status status, ops_val made)
{
    struct service_call *call = user;
    ops_val credential = status == OPS_OK ? ops_with_prefix(task, "Bearer ", made) : 0;
    if (credential != 0) {
        call_resume(call, credential);
    } else {
        drop_token(call->node);
        ops_fail_text(task, status != OPS_OK ? status : OPS_E_RESOURCE,
                      "the token of the App's installation cannot be kept secret");
    }
}

/* What is given to adopt() is copied. */
static void use_token(struct service_call *call, ops_str token, int64_t ends_ms)
{
    int64_t now_ms = ops.timer->unix_ms(ops.h);
    ops_status status = hide(app_of(call->node), call->task, token,
                             ends_ms > now_ms ? ends_ms - now_ms : HOUR_MS, on_token_hidden, call);
    if (status != OPS_OK) {
        on_token_hidden(call, call->task, status, 0);
    }
}

/* ---- Its request ---- */

/* `symbol` NULL: that of `e` stays. */
static void fail(struct service_call *call, ops_error *e, const char *symbol)
{
    e->symbol = symbol != NULL ? ops_text(symbol) : e->symbol;
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
        int is_barred = e.code == OPS_E_PERMISSION; /* the host says it better */
        fail(call, &e, is_barred ? NULL : "github.app_unreachable");
        return;
    }
    answer.status = res->status;
    (void)ops.value->from_json(ops.h, task, res->body, &answer.value,
                               NULL); /* 0: looked at below */
    ops_str token = pick_str(answer.value, "token");
    if (res->status == 201 && token.n > 0) {
        int64_t ends_ms = app_read_time(pick_str(answer.value, "expires_at"));
        session_keep(app_of(call->node)->session, token, ends_ms);
        use_token(call, token, ends_ms);
    } else if (res->status == 201) {
        problem_fail_body(call, &answer, "bad_body", " gave the App no token");
    } else if (res->status == 401 || res->status == 404) {
        fail_answer(call, &answer);
    } else {
        fail_otherwise(call, &answer);
    }
}

static ops_status ask_token(struct service_call *call, ops_val jwt)
{
    const struct service_header *header = call->node->service->headers;
    struct text url = {NULL, 0, 0, 0};
    ops_str names[8];
    ops_str values[8];
    ops_val vals[8] = {0};
    ops_http_req req = {0};
    for (; header->name != NULL && req.n_headers < 7; header++) {
        names[req.n_headers] = ops_text(header->name);
        values[req.n_headers++] = ops_text(header->value);
    }
    names[req.n_headers] = ops_text("Authorization");
    values[req.n_headers] = ops_text("");
    vals[req.n_headers++] = jwt;
    text_append_str(&url, text_str(&call->node->base_url));
    text_append_str(&url, text_str(&app_of(call->node)->path));
    req.size = (uint32_t)sizeof req;
    req.flags = OPS_HTTP_NO_REDIRECT;
    req.method = ops_text("POST");
    req.url = text_str(&url);
    req.header_names = names;
    req.header_values = values;
    req.header_vals = vals;
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

static void on_jwt(void *user, ops_task task, ops_status status, ops_val made, const ops_error *err)
{
    struct service_call *call = user;
    if (err != NULL) {
        fail_key(call, err);
        return;
    }
    ops_val jwt = status == OPS_OK ? ops_with_prefix(task, "Bearer ", made) : 0;
    if (status == OPS_OK) {
        status = jwt != 0 ? ask_token(call, jwt) : OPS_E_RESOURCE;
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "the call for the App's token cannot be started");
    }
}

static void make_token(struct service_call *call)
{
    const struct jwt wanted = {.app = app_of(call->node), .done = on_jwt, .user = call};
    make_jwt(call->task, &wanted);
}

static void obtain_token(struct service_call *call)
{
    struct text token = {NULL, 0, 0, 0};
    int64_t ends_ms = 0;
    if (session_find(app_of(call->node)->session, ops.timer->unix_ms(ops.h), &token, &ends_ms)) {
        use_token(call, text_str(&token), ends_ms);
    } else {
        make_token(call);
    }
    session_clear(&token);
}

/* ---- For checks: who the App is costs nothing ---- */

struct checking {
    ops_node *node;
    service_check_cb go_on;
};

static void on_check_jwt(void *user, ops_task task, ops_status status, ops_val made,
                         const ops_error *err)
{
    const struct checking *checking = user;
    (void)err; /* `status` says it, too */
    checking->go_on(checking->node, task,
                    status == OPS_OK ? ops_with_prefix(task, "Bearer ", made) : 0);
}

static void sign_check(ops_node *node, ops_task task, service_check_cb go_on)
{
    struct checking *checking = ops_task_alloc(task, sizeof *checking);
    if (checking == NULL) {
        return;
    }
    *checking = (struct checking){node, go_on};
    const struct jwt wanted = {.app = app_of(node), .done = on_check_jwt, .user = checking};
    make_jwt(task, &wanted);
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
    .obtain = obtain_token,
    .drop = drop_token,
    .check_path = "/app",
    .check = sign_check,
    .path = "app",
    .hint = "the permissions of the App and of its installation decide (Settings, Developer "
            "settings, GitHub Apps)",
};
