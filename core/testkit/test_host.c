/* SPDX-License-Identifier: Apache-2.0 */

/* Opening a host on one plugin file, and closing it. The contract is in opstream/test.h. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/host/version.h"
#include "core/model/catalogue.h"
#include "core/testkit/testkit.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { PATIENCE_MS = 20000, LIMIT_MS = 24 * 3600 * 1000, JOB_THREADS = 4, OWN_THREADS_MS = 5000 };
static const int64_t first_unix_ms = INT64_C(1893456000000); /* 2030-01-01T00:00:00Z */

/* ---- What the parts share ---- */

void testkit_lock(struct ops_test_host *host)
{
    CHECK(pthread_mutex_lock(&host->lock) == 0);
}

void testkit_unlock(struct ops_test_host *host)
{
    CHECK(pthread_mutex_unlock(&host->lock) == 0);
}

ops_status testkit_refuse(ops_status status, ops_test_problem *why, const char *text)
{
    if (why != NULL) {
        (void)snprintf(why->text, sizeof why->text, "%s", text);
    }
    return status;
}

ops_status testkit_explain(const struct error *err, ops_test_problem *why)
{
    ops_status status = OPS_E_UPSTREAM;
    switch (err->code) {
    case E_NOMEM:
        status = OPS_E_RESOURCE;
        break;
    case E_NOT_FOUND:
        status = OPS_E_NOT_FOUND;
        break;
    case E_INVALID:
    case E_LIMIT:
        status = OPS_E_CONFIG;
        break;
    case E_VERSION:
        status = OPS_E_UNSUPPORTED;
        break;
    default:
        break;
    }
    return testkit_refuse(status, why, err->message);
}

uint64_t testkit_late_ms(struct ops_test_host *host, enum fault_point point)
{
    testkit_lock(host);
    uint64_t late_ms = fault_late_ms(&host->faults, point);
    testkit_unlock(host);
    return late_ms;
}

void testkit_complain(struct ops_test_host *host, uint32_t kind, ops_test_task task,
                      enum complaint_weight weight, const char *text)
{
    testkit_lock(host);
    complaint_add(&host->complaints, kind, task, weight, text);
    testkit_unlock(host);
}

/* ---- Options ---- */

/* The next word of `*text`, which is behind it then; false: no more. */
static bool next_word(struct str *text, struct str *out_word)
{
    *text = str_trim(*text);
    size_t n = 0;
    while (n < text->n && text->p[n] != ' ') {
        n++;
    }
    *out_word = str_make(text->p, n);
    *text = str_make(text->p + n, text->n - n);
    return n > 0;
}

bool testkit_is_without(const struct ops_test_host *host, const char *id)
{
    struct str text = str_from(host->options.without);
    struct str word;
    while (next_word(&text, &word)) {
        if (str_equal_text(word, id)) {
            return true;
        }
    }
    return false;
}

static ops_status check_options(const ops_test_options *options, ops_test_problem *why)
{
    struct str text = str_from(options->without);
    struct str word;
    char problem[256];
    if ((options->flags & ~(OPS_TEST_PROCESSES | OPS_TEST_OWN_THREADS)) != 0) {
        return testkit_refuse(OPS_E_CONFIG, why, "an option has a flag that is not known");
    }
    if (options->state_folder != NULL && options->state_folder[0] != '/') {
        return testkit_refuse(OPS_E_CONFIG, why, "the state folder is not an absolute path");
    }
    while (next_word(&text, &word)) {
        char id[64];
        (void)snprintf(id, sizeof id, "%.*s", STR_ARG(word));
        const struct version_interface *interface = version_interface_find(id);
        if (interface == NULL || interface->is_basic != 0) {
            (void)snprintf(problem, sizeof problem, "a host cannot be without '%s'%s", id,
                           interface == NULL ? ", which is no interface" : "");
            return testkit_refuse(OPS_E_CONFIG, why, problem);
        }
    }
    return OPS_OK;
}

static char *copy_text(const char *text, bool *is_short)
{
    char *copy = text != NULL ? str_dup(str_from(text)) : NULL;
    *is_short = *is_short || (text != NULL && copy == NULL);
    return copy;
}

/* With the defaults in. */
static ops_status take_options(struct ops_test_host *host, const ops_test_options *options)
{
    bool is_short = false;
    ops_test_options *own = &host->options;
    *own = *options;
    own->job_threads = options->job_threads > 0 ? options->job_threads : JOB_THREADS;
    own->start_unix_ms = options->start_unix_ms != 0 ? options->start_unix_ms : first_unix_ms;
    own->limit_ms = options->limit_ms > 0 ? options->limit_ms : LIMIT_MS;
    own->patience_ms = options->patience_ms > 0 ? options->patience_ms : PATIENCE_MS;
    host->own_patience_ms = own->own_threads_ms > 0 ? own->own_threads_ms : OWN_THREADS_MS;
    own->without = copy_text(options->without, &is_short);
    own->state_folder = copy_text(options->state_folder, &is_short);
    own->fault = NULL; /* it is copied where the others are */
    return is_short ? OPS_E_RESOURCE : OPS_OK;
}

/* ---- Life ---- */

static void host_free(struct ops_test_host *host)
{
    fake_budget_finish(&host->budget);
    fake_http_finish(&host->http);
    fake_kv_finish(&host->kv);
    fake_mail_finish(&host->mail);
    fake_secrets_finish(&host->secrets);
    gates_finish(&host->gates);
    faults_clear(&host->faults);
    complaints_finish(&host->complaints);
    strbuf_finish(&host->complaints_text);
    test_tasks_finish(&host->tasks);
    free((void *)host->logs.lines);
    arena_finish(&host->log_arena);
    for (size_t i = 0; host->types != NULL && host->types[i] != NULL; i++) {
        free(host->types[i]);
    }
    free((void *)host->types);
    free(host->manifest);
    free((void *)(uintptr_t)host->options.without);
    free((void *)(uintptr_t)host->options.state_folder);
    (void)pthread_mutex_destroy(&host->lock);
    free(host);
}

static void init_parts(struct ops_test_host *host)
{
    test_clock_init(&host->clock, host->options.start_unix_ms);
    faults_init(&host->faults, host->options.seed);
    complaints_init(&host->complaints);
    fake_budget_init(&host->budget, host);
    fake_http_init(&host->http, host);
    fake_kv_init(&host->kv, host);
    fake_mail_init(&host->mail, host);
    fake_secrets_init(&host->secrets);
    gates_init(&host->gates, host);
}

static int open_loop(struct ops_test_host *host, struct error *err)
{
    int status = uv_loop_init(&host->loop);
    if (status != 0) {
        return error_set(err, status == UV_ENOMEM ? E_NOMEM : E_IO, "cannot make a loop: %s",
                         uv_strerror(status));
    }
    host->has_loop = true;
    host->patience.data = host;
    CHECK(uv_timer_init(&host->loop, &host->patience) == 0);
    return 0;
}

static int open_host(struct ops_test_host *host, struct error *err)
{
    const ops_test_options *own = &host->options;
    const struct host_options options = {
        .loop = &host->loop,
        .loads_in_place = true, /* the caller has named the file, and is there to find its faults */
        .events = testkit_events(host),
        .http = testkit_is_without(host, OPS_IF_HTTP) ? NULL : &host->http.table,
        .kv = testkit_is_without(host, OPS_IF_KV) ? NULL : &host->kv.table,
        .budget = testkit_is_without(host, OPS_IF_BUDGET) ? NULL : &host->budget.table,
        .mail = testkit_is_without(host, OPS_IF_MAIL) ? NULL : &host->mail.table,
        .secrets = &host->secrets.table,
        .clock = &host->clock.table,
        .tables = &host->gates.table,
        .job_threads = own->job_threads,
        .cancel_grace_ms = (int64_t)own->cancel_grace_ms,
    };
    int status = host_open(&options, &host->host, err);
    return status == 0 && own->state_folder != NULL
               ? host_set_state_folder(host->host, own->state_folder, err)
               : status;
}

static void on_host_closed(void *user)
{
    struct ops_test_host *host = user;
    host->is_closed = true;
}

/* All that time brings to an end, and what comes of it. */
static ops_status end_tasks(struct ops_test_host *host)
{
    uint64_t next_ms = 0;
    for (size_t i = 0; i < host->tasks.count; i++) {
        struct test_task *task = host->tasks.tasks[i];
        if (task != NULL) {
            testkit_cancel(task, OPS_CANCEL_SHUTDOWN);
        }
    }
    ops_status status = testkit_idle(host, NULL);
    while (status == OPS_OK && test_clock_next(&host->clock, &next_ms)) {
        test_clock_set(&host->clock, next_ms);
        status = testkit_idle(host, NULL);
    }
    return status;
}

static void close_loop(struct ops_test_host *host)
{
    if (!host->has_loop) {
        return;
    }
    uv_close((uv_handle_t *)&host->patience, NULL);
    (void)uv_run(&host->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&host->loop) == 0);
}

ops_status ops_test_close(ops_test_host *host)
{
    if (host == NULL) {
        return OPS_OK;
    }
    bool is_quiet = true;
    if (host->host != NULL) {
        is_quiet = end_tasks(host) == OPS_OK && testkit_wait_for_lost(host);
        host_close(host->host, on_host_closed, host);
        while (!host->is_closed) {
            (void)uv_run(&host->loop, UV_RUN_ONCE);
        }
    }
    if (!is_quiet) {
        return OPS_E_TIMEOUT; /* code of the plugin may still use all of this */
    }
    close_loop(host);
    host_free(host);
    return OPS_OK;
}

/* ---- The plugin ---- */

static ops_status check_required(const struct ops_test_host *host, ops_test_problem *why)
{
    const struct value *required =
        value_pointer(document_root(host->file->manifest), STR("/interfaces/required"));
    for (size_t i = 0; value_is(required, VALUE_MAP) && i < value_count(required); i++) {
        char id[64];
        (void)snprintf(id, sizeof id, "%.*s",
                       STR_ARG(value_str(&value_member_at(required, i)->key)));
        if (testkit_is_without(host, id)) {
            char problem[256];
            (void)snprintf(problem, sizeof problem,
                           "the manifest requires %s, which this host is without", id);
            return testkit_refuse(OPS_E_UNSUPPORTED, why, problem);
        }
    }
    return OPS_OK;
}

static int keep_types(struct ops_test_host *host, struct error *err)
{
    const struct value *nodes = value_get(document_root(host->file->manifest), STR("nodes"));
    size_t count = value_is(nodes, VALUE_LIST) ? value_count(nodes) : 0;
    host->types = (char **)calloc(count + 1, sizeof *host->types);
    if (host->types == NULL) {
        return error_nomem(err);
    }
    for (size_t i = 0; i < count; i++) {
        const struct value *name = value_get(value_at(nodes, i), STR("type"));
        host->types[i] = str_dup(value_is(name, VALUE_STRING) ? value_str(name) : STR(""));
        if (host->types[i] == NULL) {
            return error_nomem(err);
        }
    }
    return 0;
}

static int keep_manifest(struct ops_test_host *host, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    json_write(document_root(host->file->manifest), JSON_COMPACT, &text);
    host->manifest = strbuf_take(&text);
    strbuf_finish(&text);
    return host->manifest != NULL ? keep_types(host, err) : error_nomem(err);
}

static int load(struct ops_test_host *host, struct error *err)
{
    for (size_t i = 0; host->types[i] != NULL; i++) {
        const struct node_type *type =
            host_plugin_file_type(host->file, str_from(host->types[i]), err);
        int status = type != NULL ? host_prepare(host->host, type, err) : err->code;
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static ops_status open_plugin(struct ops_test_host *host, const char *path, ops_test_problem *why)
{
    struct error err = {0};
    host->file = host_plugin_file_read(host->host, path, &err);
    if (host->file == NULL) {
        return testkit_explain(&err, why);
    }
    if (host->file->problem.n > 0) { /* the first type's answer has the code of it */
        (void)host_plugin_file_type(host->file, STR(""), &err);
        ops_status status = testkit_explain(&err, why);
        return status == OPS_E_UNSUPPORTED ? status : OPS_E_UPSTREAM;
    }
    ops_status status = check_required(host, why);
    if (status != OPS_OK) {
        return status;
    }
    if (keep_manifest(host, &err) != 0 || load(host, &err) != 0) {
        return testkit_explain(&err, why);
    }
    return OPS_OK;
}

static ops_status open_all(struct ops_test_host *host, const char *path, ops_test_problem *why)
{
    struct error err = {0};
    if (open_loop(host, &err) != 0 || open_host(host, &err) != 0) {
        return testkit_explain(&err, why);
    }
    return open_plugin(host, path, why);
}

static ops_status add_first_fault(struct ops_test_host *host, const ops_test_fault *fault,
                                  ops_test_problem *why)
{
    ops_status status = fault != NULL ? ops_test_fault_add(host, fault) : OPS_OK;
    if (status == OPS_E_RESOURCE) {
        return testkit_refuse(status, why, "out of memory");
    }
    return status == OPS_OK ? OPS_OK
                            : testkit_refuse(OPS_E_CONFIG, why,
                                             "the fault among the options names no function that "
                                             "there is, or makes no sense");
}

ops_status ops_test_open(const char *path, const ops_test_options *options, ops_test_host **out,
                         ops_test_problem *why)
{
    static const ops_test_options none = {0};
    options = options != NULL ? options : &none;
    ops_status status = check_options(options, why);
    if (status != OPS_OK) {
        return status;
    }
    struct ops_test_host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return testkit_refuse(OPS_E_RESOURCE, why, "out of memory");
    }

    (void)pthread_mutex_init(&host->lock, NULL); /* default attributes: cannot fail on Linux */
    status = take_options(host, options);
    init_parts(host);
    own_threads_begin(&host->own_threads);
    testkit_find_modules();
    status = status == OPS_OK ? add_first_fault(host, options->fault, why)
                              : testkit_refuse(status, why, "out of memory");
    status = status == OPS_OK ? open_all(host, path, why) : status;
    if (status != OPS_OK) {
        (void)ops_test_close(host); /* nothing runs */
        return status;
    }
    *out = host;
    return OPS_OK;
}

const char *ops_test_manifest(const ops_test_host *host)
{
    return host->manifest;
}

const char *ops_test_type(const ops_test_host *host, size_t i)
{
    size_t count = 0;
    while (host->types[count] != NULL && count < i) {
        count++;
    }
    return host->types[count];
}
