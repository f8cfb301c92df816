/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/deadline.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/host/host_timer.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

struct deadline {
    struct host_timer timer; /* first */
    struct host *host;
    struct task *task; /* held */
    void (*fire)(struct task *task);
};

static void on_closed(struct host_timer *timer)
{
    struct deadline *deadline = (struct deadline *)timer;
    struct host *host = deadline->host;
    task_release(deadline->task);
    free(deadline);
    host->open_handles--;
}

static void on_time(struct host_timer *timer)
{
    struct deadline *deadline = (struct deadline *)timer;
    deadline->fire(deadline->task);
}

int deadline_start(struct task *task, uint64_t ms, void (*fire)(struct task *task),
                   struct deadline **out_deadline)
{
    struct deadline *deadline = calloc(1, sizeof *deadline);
    if (deadline == NULL) {
        return E_NOMEM;
    }

    deadline->host = task->host;
    deadline->task = task;
    deadline->fire = fire;
    task_hold(task);
    task->host->open_handles++;
    host_timer_start(&deadline->timer, task->host, ms, on_time);
    *out_deadline = deadline;
    return 0;
}

void deadline_stop(struct deadline *deadline)
{
    if (deadline != NULL) {
        host_timer_close(&deadline->timer, on_closed);
    }
}
