/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_RUNTIME_H
#define CORE_HOST_RUNTIME_H

/*
 * Runtime: what the parts of the host share: the host itself and the plugins that are loaded.
 * Only for files of this folder.
 *
 * Used by:  host.
 * Uses:     handle, mailbox, scope, sdk.
 * Threads:  members are the loop's, but where they say otherwise.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/base/strmap.h"
#include "core/host/cgroup_home.h"
#include "core/host/handle.h"
#include "core/host/host.h"
#include "core/host/job.h"
#include "core/host/mailbox.h"
#include "core/host/probe_frame.h"
#include "core/host/scope.h"
#include "opstream/plugin.h"

struct document;
struct instance;
struct manifest;
struct registry;
struct task;
struct trial;

enum { HOST_MAGIC = 0x4F504801, PLUGIN_MAGIC = 0x4F504802 };
/* So many lines on their way to the loop, and what children write is not read until it is less. */
enum { HOST_BUSY_LOGS = 4096 };

struct host {
    uint32_t magic;
    uv_loop_t *loop;
    struct host_events events;
    const struct host_http *http;       /* NULL: none */
    const struct host_kv *kv;           /* NULL: none */
    const struct host_budget *budget;   /* NULL: none */
    const struct host_mail *mail;       /* NULL: none */
    const struct host_secrets *secrets; /* NULL: none */
    const struct host_clock *clock;     /* NULL: the system's */
    const struct host_tables *tables;   /* NULL: plugins get them as they are */
    int64_t cancel_grace_ms;
    char *child_mark;           /* constant; NULL: none */
    struct cgroup_home home;    /* of the groups of children with limits */
    bool has_home;              /* it was looked for, at the first of them */
    char *state_folder;         /* NULL: nothing is kept */
    struct mailbox mailbox;     /* [any] */
    struct handle_table tasks;  /* [any] */
    struct handle_table ops;    /* [any] */
    struct handle_table scopes; /* [any] */
    struct value_table values;  /* [any] */
    struct job_pool *jobs;
    struct registry *registry; /* files, manifests, the catalogue */
    struct plugin *plugins;    /* loaded, newest first */
    struct trial *trials;      /* under way, and those that were good */
    int trial_stop_fd;         /* readable: they give up; below 0: there was none yet */
    /* In opstream-plugin-host alone: what is begun. NULL: nobody asks. */
    void (*on_stage)(enum probe_stage stage);
    uint32_t plugin_count;
    struct task *first_task; /* that have not ended */
    uint32_t abandoned_count;
    struct task *abandoned;   /* given up: their memory stays until the end */
    atomic_uint pending_logs; /* lines on their way to the loop */
    atomic_uint dropped_logs;
    const struct document *no_memory; /* the failure that needs none */
    bool is_closing;
    bool is_stuck; /* code of a plugin hangs: memory stays behind */
    uint32_t close_polls;
    uv_timer_t close_timer;
    void (*on_closed)(void *user);
    void *closed_user;
    uint32_t open_handles; /* of uv, besides the mailbox's */
};

/* A loaded plugin. The `h` of all its tables points here. */
struct plugin {
    uint32_t magic;
    uint32_t number; /* owner of its handles; constant */
    struct host *host;
    struct plugin *next;
    const struct manifest *manifest; /* constant */
    const char *id;                  /* constant */
    const char *path;                /* constant */
    const ops_plugin_desc *desc;
    ops_plugin *self;
    ops_host table;
    struct scope *scope;
    struct instance *instances;
    struct str state_folder; /* of the tasks' info; empty: nothing is kept, or not known yet */
    bool reads_secrets;      /* it was granted the capability; constant */
    atomic_uint stale_ends;  /* complete() or fail() of a task that is over */
};

/* [any] The plugin behind a service's `h`; NULL for one that is none. */
static inline struct plugin *plugin_from(void *h)
{
    struct plugin *plugin = h;
    return plugin != NULL && plugin->magic == PLUGIN_MAGIC ? plugin : NULL;
}

static inline struct str str_from_ops(ops_str s)
{
    return str_make(s.p, (size_t)s.n);
}

static inline ops_str ops_from_str(struct str s)
{
    return (ops_str){s.p, s.n};
}

/* The text is no text: NULL with a length, longer than memory, or not UTF-8. */
bool ops_str_is_bad(ops_str s);
/* The same for bytes. */
bool ops_bytes_are_bad(ops_str s);

/* The tables that services offer; get_iface() hands them out. */
extern const ops_if_budget service_budget;
extern const ops_if_value service_value;
extern const ops_if_exec service_exec;
extern const ops_if_timer service_timer;
extern const ops_if_http service_http;
extern const ops_if_log service_log;
extern const ops_if_job service_job;
extern const ops_if_kv service_kv;
extern const ops_if_mail service_mail;
extern const ops_if_process service_process;
extern const ops_if_schema service_schema;
extern const ops_if_secret service_secret;

#endif
