/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/host.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/host/instance.h"
#include "core/host/job.h"
#include "core/host/manifest.h"
#include "core/host/op.h"
#include "core/host/plugin.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "core/host/runtime.h"
#include "core/host/task.h"
#include "core/host/task_failure.h"
#include "core/host/trial.h"
#include "core/host/validate.h"
#include "core/value/value.h"

enum {
    CANCEL_GRACE_MS = 12000,
    CLOSE_POLL_MS = 1,       /* while it closes: are all operations back? */
    CLOSE_MAX_POLLS = 10000, /* then an operation hangs, and its memory stays */
    POOL_WAIT_MS = 1000,
};

/* ---- Open ---- */

static void host_free(struct host *host)
{
    document_unref(host->no_memory);
    trial_finish_all(host);
    registry_destroy(host->registry);
    free(host->child_mark);
    if (host->has_home) {
        cgroup_home_finish(&host->home);
    }
    free(host->state_folder);
    handle_table_finish(&host->tasks);
    handle_table_finish(&host->ops);
    handle_table_finish(&host->scopes);
    value_table_finish(&host->values);
    host->magic = 0;
    free(host);
}

static int host_init_tables(struct host *host)
{
    int status = handle_table_init(&host->tasks, HANDLE_TASK, task_free);
    if (status == 0) {
        status = handle_table_init(&host->ops, HANDLE_OP, op_free);
    }
    if (status == 0) {
        status = handle_table_init(&host->scopes, HANDLE_SCOPE, scope_destroy);
    }
    return status == 0 ? value_table_init(&host->values) : status;
}

static int replace_text(char **text, const char *by, struct error *err)
{
    char *copy = str_dup(str_from(by));
    if (copy == NULL) {
        return error_nomem(err);
    }
    free(*text);
    *text = copy;
    return 0;
}

int host_set_child_mark(struct host *host, const char *mark, struct error *err)
{
    return replace_text(&host->child_mark, mark, err);
}

int host_set_state_folder(struct host *host, const char *folder, struct error *err)
{
    return replace_text(&host->state_folder, folder, err);
}

static int host_init(struct host *host, const struct host_options *options, struct error *err)
{
    host->magic = HOST_MAGIC;
    host->trial_stop_fd = -1;
    host->loop = options->loop;
    host->events = options->events;
    host->http = options->http;
    host->kv = options->kv;
    host->budget = options->budget;
    host->mail = options->mail;
    host->secrets = options->secrets;
    host->clock = options->clock;
    host->tables = options->tables;
    host->cancel_grace_ms = options->cancel_grace_ms > 0 ? options->cancel_grace_ms
                                                         : CANCEL_GRACE_MS;
    host->no_memory = task_failure_create(OPS_E_RESOURCE, STR("out of memory"), str_make(NULL, 0));
    if (host->no_memory == NULL || host_init_tables(host) != 0) {
        return error_nomem(err);
    }
    if (options->child_mark != NULL && host_set_child_mark(host, options->child_mark, err) != 0) {
        return E_NOMEM;
    }
    int status = registry_create(options->folders, options->folder_count, options->index_path,
                                 &host->registry, err);
    if (status == 0 && options->only_file != NULL) {
        status = registry_use_file(host->registry, options->only_file, err);
    }
    if (status != 0) {
        return status;
    }
    host->registry->loads_in_place = options->loads_in_place;
    return registry_set_copies(host->registry, options->copy_folders, err);
}

int host_open(const struct host_options *options, struct host **out_host, struct error *err)
{
    struct host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return error_nomem(err);
    }

    int status = host_init(host, options, err);
    if (status == 0) {
        status = job_pool_create(&host->mailbox, options->job_threads, &host->jobs, err);
    }
    if (status == 0) {
        status = mailbox_open(&host->mailbox, options->loop, err);
    }
    if (status != 0) {
        if (host->jobs != NULL) {
            (void)job_pool_stop(host->jobs, 0); /* no job was ever there */
        }
        host_free(host);
        return status;
    }
    *out_host = host;
    return 0;
}

/* ---- Close ---- */

static void on_mailbox_closed(struct mailbox *mailbox)
{
    struct host *host = (struct host *)((char *)mailbox - offsetof(struct host, mailbox));
    void (*closed)(void *user) = host->on_closed;
    void *user = host->closed_user;
    if (!host->is_stuck) {
        host_free(host);
    }
    closed(user);
}

static bool is_quiet(struct host *host)
{
    return host->first_task == NULL && host->open_handles == 0 &&
           handle_table_live(&host->ops) == 0 &&
           handle_table_live(&host->tasks) == host->abandoned_count;
}

static void release_abandoned(struct host *host)
{
    while (host->abandoned != NULL) {
        struct task *task = host->abandoned;
        host->abandoned = task->next;
        task_release(task);
    }
}

/* They are released when code of plugins cannot reach them any more, and instances end before. */
static void detach_abandoned(struct host *host)
{
    for (struct task *task = host->abandoned; task != NULL; task = task->next) {
        task_leave_instance(task);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct host *host = handle->data;
    mailbox_close(&host->mailbox, on_mailbox_closed);
}

/* Code of plugins may still run after this if it hangs: then nothing that it uses is freed. */
static void on_close_poll(uv_timer_t *timer)
{
    struct host *host = timer->data;
    bool is_late = host->first_task == NULL && ++host->close_polls > CLOSE_MAX_POLLS;
    if (!is_quiet(host) && !is_late) {
        return;
    }

    (void)uv_timer_stop(timer);
    bool is_pool_over = job_pool_stop(take_pointer(&host->jobs), POOL_WAIT_MS);
    host->is_stuck = is_late || !is_pool_over;
    mailbox_drain(&host->mailbox); /* jobs that ended while the pool did */
    if (host->is_stuck) {
        log_write(LOG_LEVEL_WARN, "code of a plugin hangs and is left behind", NULL, 0);
    } else {
        detach_abandoned(host);
        plugin_shutdown_all(host);
        release_abandoned(host);
    }
    mailbox_drain(&host->mailbox);
    uv_close((uv_handle_t *)timer, on_timer_closed);
}

void host_close(struct host *host, void (*done)(void *user), void *user)
{
    if (host == NULL) {
        done(user);
        return;
    }

    CHECK_MAGIC(host, HOST_MAGIC);
    CHECK(!host->is_closing);
    host->is_closing = true;
    host->on_closed = done;
    host->closed_user = user;
    for (struct task *task = host->first_task; task != NULL; task = task->next) {
        task_cancel(task, HOST_CANCEL_SHUTDOWN);
    }
    trial_stop_all(host);
    host->close_timer.data = host;
    CHECK(uv_timer_init(host->loop, &host->close_timer) == 0);
    CHECK(uv_timer_start(&host->close_timer, on_close_poll, 0, CLOSE_POLL_MS) == 0);
}

/* ---- What there is ---- */

const struct catalogue *host_catalogue(struct host *host)
{
    return registry_catalogue(host->registry);
}

size_t host_plugin_file_count(struct host *host)
{
    return registry_file_count(host->registry);
}

const struct host_plugin_file *host_plugin_file_at(struct host *host, size_t i)
{
    return registry_file_at(host->registry, i);
}

const struct host_plugin_file *host_plugin_file_read(struct host *host, const char *path,
                                                     struct error *err)
{
    return registry_read_file(host->registry, path, err);
}

const struct node_type *host_plugin_file_type(const struct host_plugin_file *file, struct str name,
                                              struct error *err)
{
    return registry_file_type(file, name, err);
}

/* ---- Tasks ---- */

static int check_config(const struct host_task_spec *spec, struct error *err)
{
    int status = validate_document(spec->type->config_schema, spec->config, err);
    if (status != 0) {
        error_prefix(err, "the config is not valid for '%.*s': ", STR_ARG(spec->type->name));
    }
    return status;
}

int host_plugin_retry(struct host *host, const struct host_plugin_file *info, struct error *err)
{
    struct registry_file *file = registry_file_of_info(info);
    if (file->manifest == NULL || (file->problem_code != 0 && !file->is_tried_badly)) {
        return error_set(err, E_INVALID, "%.*s", STR_ARG(info->problem));
    }
    if (file->hash[0] == '\0') {
        return error_set(err, E_INVALID,
                         "plugin '%.*s' (%.*s) is of root or of the user who runs opstream: it is "
                         "loaded without being tried",
                         STR_ARG(info->id), STR_ARG(info->path));
    }
    int status = trial_again(host, file, err);
    registry_file_look_at_trial(host->registry, file);
    return status;
}

int host_prepare(struct host *host, const struct node_type *type, struct error *err)
{
    CHECK_MAGIC(host, HOST_MAGIC);
    struct plugin *plugin = NULL;
    return plugin_get(host, manifest_node_of(type)->manifest, TRIAL_NOW, &plugin, err);
}

int host_task_start(struct host *host, const struct host_task_spec *spec, host_task *out_task,
                    struct error *err)
{
    CHECK_MAGIC(host, HOST_MAGIC);
    struct plugin *plugin = NULL;
    struct instance *instance = NULL;
    const struct manifest_node *node = manifest_node_of(spec->type);
    if (host->is_closing) {
        return error_set(err, E_CANCELED, "opstream shuts down");
    }
    int status = plugin_get(host, node->manifest, TRIAL_LATER, &plugin, err);
    if (status == 0) {
        status = check_config(spec, err);
    }
    if (status == 0) {
        status = instance_get(plugin, node, spec->settings, &instance, err);
    }
    return status == 0 ? task_start(host, instance, spec, out_task, err) : status;
}

int host_check_start(struct host *host, const struct host_check_spec *spec, host_task *out_task,
                     struct error *err)
{
    CHECK_MAGIC(host, HOST_MAGIC);
    struct plugin *plugin = NULL;
    struct instance *instance = NULL;
    const struct manifest_node *node = manifest_node_of(spec->type);
    if (host->is_closing) {
        return error_set(err, E_CANCELED, "opstream shuts down");
    }
    if ((spec->type->flags & NODE_TYPE_CHECKS) == 0) {
        return error_set(err, E_INVALID, "'%.*s' has no check()", STR_ARG(spec->type->name));
    }
    int status = plugin_get(host, node->manifest, TRIAL_LATER, &plugin, err);
    if (status == 0) {
        status = instance_get(plugin, node, spec->settings, &instance, err);
    }
    return status == 0 ? task_start_check(host, instance, spec, out_task, err) : status;
}

void host_task_cancel(struct host *host, host_task handle, enum host_cancel_reason reason)
{
    struct task *task = handle_acquire(&host->tasks, 0, handle);
    if (task != NULL) {
        task_cancel(task, reason);
        task_release(task);
    }
}

void host_task_kill(struct host *host, host_task handle, enum host_cancel_reason reason)
{
    struct task *task = handle_acquire(&host->tasks, 0, handle);
    if (task != NULL) {
        task_kill(task, reason);
        task_release(task);
    }
}

bool host_task_has_begun(struct host *host, host_task handle)
{
    struct task *task = handle_acquire(&host->tasks, 0, handle);
    bool has_begun = task != NULL && task->is_started;
    if (task != NULL) {
        task_release(task);
    }
    return has_begun;
}

void host_task_credit(struct host *host, host_task handle, uint32_t count)
{
    struct task *task = handle_acquire(&host->tasks, 0, handle);
    if (task != NULL) {
        task_add_credits(task, count);
        task_release(task);
    }
}
