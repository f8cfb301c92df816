/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opstream-plugin-host: runs code of a plugin in a process of its own.
 *
 *     opstream-plugin-host --probe FILE SHOWN
 *
 * Tries the plugin FILE, which messages call SHOWN: loads it, checks it, and calls init(), create()
 * with empty settings of each node type that takes them, destroy() and shutdown(), by the same code
 * that opstream loads it with. Services are there and do nothing. Descriptor 3 is told each stage
 * as it begins (probe_frame.h); that the process ends well after the last one is all that counts.
 *
 * opstream starts it, through opstream-exec, which limits it: see probe.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <uv.h>

#include "core/base/build_id.h"
#include "core/base/error.h"
#include "core/host/budget.h"
#include "core/host/http.h"
#include "core/host/instance.h"
#include "core/host/kv.h"
#include "core/host/mail.h"
#include "core/host/manifest.h"
#include "core/host/plugin.h"
#include "core/host/probe_crash.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "core/host/runtime.h"
#include "core/host/secret.h"
#include "core/value/value.h"

enum { EXIT_OK, EXIT_REFUSED, EXIT_WRONG_USE };

/* ---- Services that do nothing: no task is ever started, and only tasks can call them ---- */

static int refuse_http(void *self, const struct host_http_request *request, host_http_done_cb done,
                       void *user, void **out_call, struct error *err)
{
    (void)self;
    (void)request;
    (void)done;
    (void)user;
    (void)out_call;
    return error_set(err, E_INVALID, "nothing is called while a plugin is tried");
}

static int refuse_mail(void *self, const struct host_mail_request *request, host_mail_done_cb done,
                       void *user, void **out_call, struct error *err)
{
    (void)self;
    (void)request;
    (void)done;
    (void)user;
    (void)out_call;
    return error_set(err, E_INVALID, "nothing is sent while a plugin is tried");
}

static void refuse_kv(void *self, const struct host_kv_request *request, host_kv_done_cb done,
                      void *user)
{
    (void)self;
    (void)request;
    done(user, HOST_KV_FAILED, NULL);
}

static void refuse_budget(void *self, uint64_t token, const struct host_budget_wish *wish,
                          host_budget_done_cb done, void *user, void **out_wait)
{
    (void)self;
    (void)token;
    (void)wish;
    *out_wait = NULL;
    done(user, &(struct host_budget_answer){.status = HOST_BUDGET_FAILED});
}

static void forget_use(void *self, uint64_t token, const struct host_budget_use *use)
{
    (void)self;
    (void)token;
    (void)use;
}

static void forget_call(void *self, void *call)
{
    (void)self;
    (void)call;
}

static int refuse_secret(void *self, const struct host_secret_adoption *adoption)
{
    (void)self;
    (void)adoption;
    return E_NOT_FOUND;
}

static const struct host_http http = {.send = refuse_http, .abort = forget_call};
static const struct host_mail mail = {.send = refuse_mail, .abort = forget_call};
static const struct host_kv kv = {.get = refuse_kv, .put = refuse_kv, .remove = refuse_kv};
static const struct host_budget budget = {
    .settle = forget_use, .reserve = refuse_budget, .abort = forget_call};
static const struct host_secrets secrets = {.adopt = refuse_secret};

/* ---- Trying ---- */

static void tell_stage(enum probe_stage stage)
{
    probe_crash_send(PROBE_FRAME_STAGE, (uint64_t)stage, NULL, 0);
}

static void tell_refusal(const struct error *err)
{
    probe_crash_send(PROBE_FRAME_REFUSED, (uint64_t)-err->code, err->message, strlen(err->message));
}

/* That create() refuses properly is no fault: what it is asked for need not make sense to it. */
static int create_all(struct plugin *plugin, struct error *err)
{
    const struct manifest *m = plugin->manifest;
    struct document *settings = document_empty_map();
    if (settings == NULL) {
        return error_nomem(err);
    }
    tell_stage(PROBE_CREATE);
    for (size_t i = 0; i < m->node_count; i++) {
        struct instance *instance = NULL;
        (void)instance_get(plugin, &m->nodes[i], settings, &instance, NULL);
    }
    document_unref(settings);
    return 0;
}

static int try_file(struct host *host, const char *path, const char *shown, struct error *err)
{
    struct plugin *plugin = NULL;
    tell_stage(PROBE_OPEN);
    struct registry_file *file = registry_take_file(host->registry, path, err);
    if (file == NULL) {
        return E_NOT_FOUND;
    }
    if (file->manifest == NULL || file->problem_code != 0) {
        return error_set(err, file->problem_code, "%.*s", STR_ARG(file->info.problem));
    }
    file->manifest->path = str_from(shown);
    int status = plugin_get(host, file->manifest, TRIAL_NOW, &plugin, err);
    return status == 0 ? create_all(plugin, err) : status;
}

static void on_closed(void *user)
{
    (void)user; /* the loop ends by itself */
}

static int probe(const char *path, const char *shown)
{
    struct error err = {0};
    struct host *host = NULL;
    uv_loop_t loop;
    const struct host_options options = {.loop = &loop,
                                         .http = &http,
                                         .kv = &kv,
                                         .budget = &budget,
                                         .mail = &mail,
                                         .secrets = &secrets};
    if (uv_loop_init(&loop) != 0) {
        return EXIT_REFUSED;
    }
    int status = host_open(&options, &host, &err);
    if (status == 0) {
        host->on_stage = tell_stage;
        status = try_file(host, path, shown, &err);
    }
    if (status != 0) {
        tell_refusal(&err);
        return EXIT_REFUSED;
    }
    host_close(host, on_closed, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop); /* code of the plugin may hang, and then it stays */
    tell_stage(PROBE_EXIT);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "--probe") != 0 || fcntl(PROBE_FRAME_FD, F_GETFD) < 0) {
        (void)fprintf(stderr, "opstream-plugin-host is started by opstream: see 'opstream help "
                              "plugin retry'\n");
        return EXIT_WRONG_USE;
    }
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* cannot fail with these */
    probe_crash_install();
    probe_crash_send(PROBE_FRAME_HELLO, 0, OPSTREAM_BUILD_ID, strlen(OPSTREAM_BUILD_ID));
    return probe(argv[2], argv[3]);
}
