/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/deadline.h"

#include <stdlib.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/error.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

struct deadline {
    uv_timer_t uv;
    struct host *host;
    struct task *task; /* held */
    void (*fire)(struct task *task);
};

static void on_closed(uv_handle_t *handle)
{
    struct deadline *deadline = handle->data;
    struct host *host = deadline->host;
    task_release(deadline->task);
    free(deadline);
    host->open_handles--;
}

static void on_time(uv_timer_t *timer)
{
    struct deadline *deadline = timer->data;
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
    deadline->uv.data = deadline;
    task_hold(task);
    task->host->open_handles++;
    CHECK(uv_timer_init(task->host->loop, &deadline->uv) == 0);
    CHECK(uv_timer_start(&deadline->uv, on_time, ms, 0) == 0);
    *out_deadline = deadline;
    return 0;
}

void deadline_stop(struct deadline *deadline)
{
    if (deadline != NULL) {
        uv_close((uv_handle_t *)&deadline->uv, on_closed);
    }
}
