/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SDK_RIG_H
#define TESTS_SDK_RIG_H

/*
 * Rig: the real host on a loop of its own, with what its tasks told written down as text, a fake
 * HTTP service that answers when it is told to, and the program's log caught.
 *
 *     struct rig rig;
 *     rig_open(&rig, folder, NULL);
 *     rig_start(&rig, 1, "hello", "{\"name\":\"you\"}");
 *     assert_string_equal(rig_wait(&rig, 1), "done {\"greeting\":\"hello, you\"}");
 *     rig_close(&rig);
 *
 * What goes wrong in the rig itself fails the test.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/host/host.h"
#include "core/host/http.h"
#include "opstream/abi.h"

enum { RIG_TASKS = 256, RIG_CALLS = 64 };

/* What one task told, by token. */
struct rig_task {
    host_task handle;
    struct strbuf end;      /* "done {...}", "done:port {...}", "failed {...}" */
    struct strbuf progress; /* "0.5 half;" and so on */
    struct strbuf logs;     /* "info line;" */
    struct strbuf items;    /* "1 2 3 " */
    int ends;
    int item_count;
    int progress_count;
    bool is_given_up;
};

/* A call that the fake HTTP service holds. */
struct rig_call {
    struct strbuf text; /* "GET http://... name=value body" */
    host_http_done_cb done;
    void (*on_chunk)(void *user, struct str bytes);
    void *user;
    bool is_open;
    bool is_aborted;
};

struct rig {
    uv_loop_t loop;
    struct host *host;
    struct host_http http;
    bool is_http_aborting_at_once; /* default: an abort answers at once */
    struct rig_task tasks[RIG_TASKS];
    struct rig_call calls[RIG_CALLS];
    int call_count;
    int log_fd;
    char log_path[64];
    struct strbuf log;
    bool is_closed;
    int tried;                         /* how often it was told that a plugin has been tried */
    void (*on_tried)(struct rig *rig); /* set it before a task waits; NULL: it is only counted */
    uint32_t credit;                   /* given back for each item; 0: none */
    /* Of the tasks that are started from now on. */
    const char *settings; /* JSON; default {} */
    const char *secret;   /* the member of configs that is made of a secret; NULL: none */
    uint64_t memory_bytes;
    uint64_t output_bytes;
    int64_t wall_ms;
    int64_t cpu_ms;
    uint64_t file_bytes;
    uint32_t open_files;
    uint32_t processes;
};

struct rig_options {
    const char *const *folders;
    size_t folder_count;
    const char *index_path;
    const char *copy_folder; /* NULL: none */
    const char *child_mark;
    int64_t cancel_grace_ms;
    bool has_no_http;
    const struct host_kv *kv;           /* kept; NULL: nothing is kept for plugins */
    const struct host_budget *budget;   /* kept; NULL: there are no budgets */
    const struct host_mail *mail;       /* kept; NULL: there is none */
    const struct host_secrets *secrets; /* kept; NULL: nobody keeps them */
};

/* `options` may be NULL: no folders. */
void rig_open(struct rig *rig, const struct rig_options *options);

/* As rig_open() with one folder. */
void rig_open_folder(struct rig *rig, const char *folder);

void rig_close(struct rig *rig);

/* Starts a task of `type` with token `token` (below RIG_TASKS). */
int rig_start(struct rig *rig, uint64_t token, const char *type, const char *config,
              struct error *err);

/* Starts a check of what `type` calls at `origin`; its task tells as any other. */
int rig_start_check(struct rig *rig, uint64_t token, const char *type, const char *origin,
                    struct error *err);

/* Runs the loop until the task has ended, and gives the text of its end; fails after 20 s. */
const char *rig_wait(struct rig *rig, uint64_t token);

/* rig_start() that must succeed, and rig_wait(). */
const char *rig_run(struct rig *rig, uint64_t token, const char *type, const char *config);

/* Turns the loop until the task has logged something. */
void rig_wait_log(struct rig *rig, uint64_t token);

/* Turns the loop until `ms` have passed. */
void rig_turn(struct rig *rig, uint64_t ms);

/* Turns the loop until the fake service holds `count` calls in all. */
struct rig_call *rig_wait_call(struct rig *rig, int count);

/* What the program logged so far. */
const char *rig_log(struct rig *rig);

/* A host that has `folder` and no services: starting `type` there must be refused, and the error
 * must name `service`. */
void rig_expect_lacking(const char *folder, const char *type, const char *config,
                        const char *service);

/* What an example plugin says of a call that it made wrong on purpose. */
struct rig_status {
    const char *name;
    ops_status status;
};

/* Fails unless `end` holds "name":status of each row. */
void rig_expect_statuses(const char *end, const struct rig_status *rows, size_t count);

/* Finds the node type, or gives the message of the failure. */
const char *rig_find(struct rig *rig, const char *type, struct error *err);

#endif
