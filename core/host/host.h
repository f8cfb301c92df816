/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_HOST_H
#define CORE_HOST_HOST_H

/*
 * Host: runs tasks of plugins' node types in this process, through the published interface.
 *
 * The loop starts a task with its resolved config and hears of it through `struct host_events`:
 * exactly one end per task, always on the loop thread and never from inside a call of the host.
 * What a plugin does wrong (ends twice, never, with a foreign handle) stays in here and is
 * logged with the plugin's name.
 *
 * Used by:  loop, cli (lists of plugins and types).
 * Uses:     base, value, model/catalogue.h, libuv.
 * Threads:  [loop] unless a function says otherwise.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/str.h"

struct catalogue;
struct document;
struct error;
struct host;
struct host_budget;
struct host_clock;
struct host_http;
struct host_mail;
struct host_kv;
struct host_secrets;
struct node_type;
struct uv_loop_s;

/* A task: {generation, index}; 0 is none. A handle that is over is harmless. */
typedef uint64_t host_task; /* a number, not a struct: it crosses the plugin border */

enum host_cancel_reason {
    HOST_CANCEL_REQUESTED = 1, /* somebody cancelled the run */
    HOST_CANCEL_TIMEOUT = 2,   /* the node's time is over */
    HOST_CANCEL_SHUTDOWN = 3,
};

/* A step is one call of the plugin's code for a task. */
enum host_step {
    HOST_STEP_BEGINS,
    HOST_STEP_BEGINS_APART, /* the same, on a thread of the pool, where it may take its time */
    HOST_STEP_ENDS,
};

/*
 * What a task tells. `token` is the spec's. Documents are shared: take a reference to keep them.
 * An error is a map: {code, message, hint?, symbol?, path?, effect: none|maybe|done,
 * retry: default|yes|no, retry_after_ms?, upstream_status?, details?}; `code` is the name of the
 * SDK's code without OPS_E_ ("TIMEOUT").
 */
struct host_events {
    void *user;
    /* `port` is empty for success. `output` is never NULL. */
    void (*on_done)(void *user, uint64_t token, struct str port, const struct document *output);
    void (*on_failed)(void *user, uint64_t token, const struct document *error);
    /* At most 4 a second and task; `fraction` < 0 is unknown. */
    void (*on_progress)(void *user, uint64_t token, double fraction, struct str note);
    /* One item of the task's stream; credits are given back by host_task_credit(). */
    void (*on_item)(void *user, uint64_t token, const struct document *item);
    /* A line that the task or its child process logged; `level` as in base/log.h. */
    void (*on_log)(void *user, uint64_t token, int level, struct str line);
    /*
     * Just before the on_failed() of a task that did not end in time: code of its plugin may still
     * be at work on it, and its memory stays until the host closes. May be NULL.
     */
    void (*on_given_up)(void *user, uint64_t token);
    /*
     * Around each call of the plugin on the task's strand; a blocking execute() is one. May cancel
     * the task. May be NULL.
     */
    void (*on_step)(void *user, uint64_t token, enum host_step step);
    /*
     * A plugin has been tried: what HOST_WAITS was the answer to can be started now, from inside
     * this call, and it is told then if nothing came of it. May be NULL: nobody waits.
     */
    void (*on_tried)(void *user);
};

/*
 * Who looks at the calls that plugins make of services: each table goes through wrap() before a
 * plugin gets it.
 */
struct host_tables {
    void *self;
    /* The table of interface `id` ("ops.http") to give instead of `table`; NULL: it has none. */
    const void *(*wrap)(void *self, const char *id, const void *table);
};

/* [any] The `self` of the tables of the host behind a function's `h`; NULL for what is none. */
void *host_tables_self(void *h);

struct host_options {
    struct uv_loop_s *loop;
    const char *const *folders; /* plugin folders in order, besides the default ones */
    size_t folder_count;
    const char *index_path; /* where the generated index may be kept, or NULL: none kept */
    const char *only_file;  /* this plugin file, and no folder; or NULL: the folders */
    /*
     * Where copies of plugins of other users may be kept, and what came of trying them: the first
     * that can be written to is used. NULL: no more; without any such plugins cannot be used.
     */
    const char *copy_folders[2];
    /*
     * Who owns a file does not count: what nobody else can write to is loaded as it lies there,
     * like our own. For a process that is there for the one file that its user has named.
     */
    bool loads_in_place;
    struct host_events events;
    const struct host_http *http;       /* outgoing HTTP, or NULL: ops.http is not there */
    const struct host_kv *kv;           /* what plugins keep, or NULL: ops.kv is not there */
    const struct host_budget *budget;   /* what runs may spend, or NULL: ops.budget is not there */
    const struct host_mail *mail;       /* outgoing mail, or NULL: ops.mail is not there */
    const struct host_secrets *secrets; /* who keeps them, or NULL: none can be added */
    const struct host_clock *clock;     /* time that is played, or NULL: the system's */
    const struct host_tables *tables;   /* kept; NULL: plugins get the services as they are */
    /* "NAME=value", the last word in the environment of each child process; copied. NULL: none */
    const char *child_mark;
    uint32_t job_threads;    /* 0: the default */
    int64_t cancel_grace_ms; /* from cancel to giving a task up; 0: 12,000 */
};

/* On success `*out_host` is owned: host_close(). Loads nothing yet. Fails with E_NOMEM, E_IO. */
int host_open(const struct host_options *options, struct host **out_host, struct error *err);

/* From here on children have `mark` (copied), as host_options.child_mark. Fails with E_NOMEM. */
int host_set_child_mark(struct host *host, const char *mark, struct error *err);

/*
 * From here on tasks are told where their plugin may keep files: in `folder` (absolute, copied),
 * that of the state. Without this they are told that nothing is kept. Only before the first task.
 * Fails with E_NOMEM.
 */
int host_set_state_folder(struct host *host, const char *folder, struct error *err);

/* Cancels what runs, waits for it as long as the grace, stops threads, then calls `done`. */
void host_close(struct host *host, void (*done)(void *user), void *user);

/* The node types that the folders offer, read from manifests: no plugin code runs. Borrowed. */
const struct catalogue *host_catalogue(struct host *host);

/*
 * What came of a file of another user: it is tried in a process of its own, once for each content
 * and each build of opstream, before it is loaded.
 */
enum host_trial_state {
    HOST_TRIAL_NONE, /* of root or of our user: it is loaded without */
    HOST_TRIAL_DUE,  /* it is tried when it is first needed */
    HOST_TRIAL_PASSED,
    HOST_TRIAL_FAILED, /* it is not loaded: the problem of the file says so, too */
};

struct host_trial {
    enum host_trial_state state;
    uint32_t owner;     /* of the file; 0 of HOST_TRIAL_NONE */
    struct str outcome; /* "passed", "crashed", "exited", "hung", "refused"; empty: not tried yet */
    struct str stage;   /* "dlopen", "init", ... */
    struct str signal;  /* "SIGSEGV"; empty: none */
    int exit_code;      /* -1: it did not end the process itself */
    int64_t tried_unix_ms; /* 0: not tried yet */
    struct str message;    /* "refused": what its init() said; it is tried again when it is used */
    struct str version;    /* of the opstream that tried */
    struct str stack;      /* lines, the innermost first; empty: nothing is known */
    struct str output;     /* the beginning of what its code wrote */
};

/* One file that was found in a plugin folder, for `opstream plugin list`. */
struct host_plugin_file {
    struct str path;
    struct str id; /* empty when its manifest cannot be read */
    struct str version;
    struct str problem; /* why it cannot be used: needed, offered, whose; empty when it can */
    const struct document *manifest; /* NULL when it cannot be read */
    struct host_trial trial;
};

size_t host_plugin_file_count(struct host *host);
const struct host_plugin_file *host_plugin_file_at(struct host *host, size_t i);

/*
 * Reads one file that need not lie in a plugin folder; the answer, also of a file that is broken,
 * is the host's until it closes. NULL: `err` says why it cannot be read at all.
 */
const struct host_plugin_file *host_plugin_file_read(struct host *host, const char *path,
                                                     struct error *err);

/*
 * The node type `name` of a file that host_plugin_file_read() gave, borrowed as that is. NULL:
 * E_NOT_FOUND, or E_PLUGIN and E_VERSION with the file's problem.
 */
const struct node_type *host_plugin_file_type(const struct host_plugin_file *file, struct str name,
                                              struct error *err);

/*
 * Forgets what came of trying the file, and tries it again; waits for that. `file` is renewed.
 * Fails with E_INVALID (it is not tried at all), E_PLUGIN (what came of it), and as host_prepare().
 */
int host_plugin_retry(struct host *host, const struct host_plugin_file *file, struct error *err);

/*
 * Loads the plugin of `type` (borrowed) ahead of its first task, so that a library that cannot be
 * used is known before a run begins. One that has to be tried first is waited for, up to 5 s. Fails
 * with E_PLUGIN, E_VERSION, E_IO, E_NOMEM; `err` names the file.
 */
int host_prepare(struct host *host, const struct node_type *type, struct error *err);

enum { HOST_WAITS = 1 }; /* see host_task_start() */

struct host_task_spec {
    const struct node_type *type;
    const struct document *settings; /* of the plugin, resolved; never NULL */
    const struct document *config;   /* resolved and checked; never NULL */
    struct str run_id;
    struct str workflow;
    struct str path; /* of the node in its run */
    struct str idempotency_key;
    uint32_t attempt;
    int64_t deadline_unix_ms; /* 0: none */
    uint64_t memory_bytes;    /* limits of child processes; 0: the default */
    uint64_t output_bytes;
    uint64_t file_bytes;
    int64_t wall_ms;
    int64_t cpu_ms;
    uint32_t open_files;
    uint32_t processes;
    uint32_t credits; /* items that it may emit before host_task_credit(); 0: 64 */
    uint64_t token;
};

/*
 * A check of the service that the settings of `type` name, which has NODE_TYPE_CHECKS. Its task is
 * like any other, but has no run and no config, and its items are told and count for nothing.
 */
struct host_check_spec {
    const struct node_type *type;
    const struct document *settings; /* of the plugin, resolved; never NULL */
    struct str origin;               /* "https://api.example.com:443", or empty; copied */
    int64_t deadline_unix_ms;        /* when the caller cancels it; 0: never */
    uint64_t token;
};

/* Starts a check; as host_task_start(), and fails with E_INVALID where the type has none. */
int host_check_start(struct host *host, const struct host_check_spec *spec, host_task *out_task,
                     struct error *err);

/*
 * Starts a task: loads its plugin when it is the first. The spec is borrowed (documents are
 * referenced). HOST_WAITS: nothing was started, as its plugin is being tried in a process of its
 * own; start it again when on_tried() comes. Fails, and then there will be no event, with E_PLUGIN,
 * E_VERSION, E_INVALID, E_NOMEM; `err` names the plugin's file.
 */
int host_task_start(struct host *host, const struct host_task_spec *spec, host_task *out_task,
                    struct error *err);

/*
 * Asks a task to end. It ends within the grace, in any case: by its own word, or as failed with
 * CANCELLED or TIMEOUT. Again, or after its end: nothing happens.
 */
void host_task_cancel(struct host *host, host_task task, enum host_cancel_reason reason);

/* As host_task_cancel(), without grace: child processes are killed at once. */
void host_task_kill(struct host *host, host_task task, enum host_cancel_reason reason);

/*
 * Whether code of its plugin has been called for a task that on_done() or on_failed() has not told
 * of yet; also just after host_task_cancel(): one that was still waiting never begins then.
 */
bool host_task_has_begun(struct host *host, host_task task);

/* What is there now, for who looks for growth. */
struct host_counts {
    uint64_t tasks;       /* that have not ended */
    uint64_t abandoned;   /* that were given up, and whose memory stays */
    uint64_t operations;  /* of tasks: calls, timers, jobs, ... */
    uint64_t jobs;        /* and blocking nodes, that wait for a thread or have one */
    uint64_t lost_jobs;   /* that were given up and still have one */
    uint64_t threads;     /* of its own, for jobs and blocking nodes */
    uint64_t task_values; /* handles in the scopes of tasks and inside them */
    uint64_t task_bytes;  /* of memory and texts there; what documents take is not counted */
    uint64_t instances;
    uint64_t kept_values; /* the same two of instances and plugins */
    uint64_t kept_bytes;
};

void host_count(struct host *host, struct host_counts *out);

/*
 * Whether something will come by itself, without time passing: jobs, blocking nodes, children, or
 * what they have posted already. False: the loop has nothing to do but to wait.
 */
bool host_is_at_work(struct host *host);
/* Whether the thread, whose gettid() is `tid`, is one of host_counts.threads. */
bool host_has_thread(struct host *host, pid_t tid);
/* Whether something was posted to the loop, which it has not looked at. */
bool host_has_mail(struct host *host);

/* Gives `count` items' credit back: they were taken. */
void host_task_credit(struct host *host, host_task task, uint32_t count);

#endif
