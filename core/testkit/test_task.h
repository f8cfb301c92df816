/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_TEST_TASK_H
#define CORE_TESTKIT_TEST_TASK_H

/*
 * Test task: what one task was asked and what it told, until it is forgotten.
 *
 * Used by:  testkit.
 * Uses:     host; opstream/test.h.
 * Threads:  [loop], but test_tasks_find_handle() and what it finds: under the lock of the test
 *           host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/host/host.h"
#include "core/host/host_clock.h"
#include "opstream/test.h"

struct document;

/* Texts in order, in the arena of their task. */
struct test_lines {
    const char **lines;
    size_t count;
    size_t cap;
};

/* When a task is to be cancelled. */
struct test_moment {
    uint64_t step; /* 0: never */
    uint32_t moment;
    uint32_t how;
};

struct test_task {
    struct ops_test_host *owner;
    uint64_t number;
    host_task handle;
    const struct node_type *type;
    struct arena arena;
    ops_test_result result;
    struct test_lines items;
    struct test_lines progress;
    struct test_lines logs;
    uint64_t steps;
    uint64_t step_began_ns; /* 0: on another thread */
    uint64_t longest_ns;    /* of all steps */
    struct test_moment cancel_at;
    uint32_t cancel_later; /* `how` of a moment that has come; 0: none */
    uint32_t credits;      /* 0: given back at once */
    bool is_check;
    bool was_cancelled;
    bool was_killed;
    uint32_t more_ends;      /* than the first; under the lock, as the next */
    bool is_ended_by_plugin; /* its call has returned */
    struct host_alarm deadline;
};

enum { FORGOTTEN_MOST = 4096 };

/* What stays of a task, for who ends it once more. */
struct test_forgotten {
    host_task handle;
    uint64_t number; /* 0: none yet */
    bool is_given_up;
};

struct test_tasks {
    struct test_task **tasks; /* by number - 1; NULL: forgotten */
    size_t count;
    size_t cap;
    size_t forgotten; /* at the beginning, so that looking for one does not see them */
    struct test_forgotten last_forgotten[FORGOTTEN_MOST]; /* a ring */
    size_t forgotten_count;                               /* of all times */
};

/* A new one with the next number, or NULL: out of memory. Its token is its number. */
struct test_task *test_tasks_add(struct test_tasks *tasks);
/* NULL: there is none. */
struct test_task *test_tasks_get(const struct test_tasks *tasks, uint64_t number);
/* The newest whose handle it is; NULL: there is none. */
struct test_task *test_tasks_find_handle(const struct test_tasks *tasks, host_task handle);
/* NULL: it is no such one, or was forgotten too long ago. */
const struct test_forgotten *test_tasks_find_forgotten(const struct test_tasks *tasks,
                                                       host_task handle);
/* It has ended. */
void test_tasks_forget(struct test_tasks *tasks, uint64_t number);
/* Takes the last one back, which was not started. */
void test_tasks_drop_last(struct test_tasks *tasks);
void test_tasks_finish(struct test_tasks *tasks);

/* False: out of memory. */
bool test_lines_add(struct test_lines *lines, struct arena *arena, struct str text);
const char *test_lines_at(const struct test_lines *lines, uint64_t i);

/* The end. False: out of memory, and its texts are empty. */
bool test_task_set_done(struct test_task *task, struct str port, const struct document *output);
bool test_task_set_failed(struct test_task *task, const struct document *error);

#endif
