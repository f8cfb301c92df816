/* SPDX-License-Identifier: Apache-2.0 */

/* ops.log. The contract is in opstream/log.h. */

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/host/runtime.h"
#include "core/host/task.h"

enum {
    PENDING_MAX = 65536, /* lines on their way to the loop; one read of a child makes half of it */
    PAIRS_MAX = 32,
    LINE_MAX_BYTES = 8192,
};

_Static_assert(OPS_LOG_ERROR == LOG_LEVEL_ERROR && OPS_LOG_WARN == LOG_LEVEL_WARN &&
                   OPS_LOG_INFO == LOG_LEVEL_INFO && OPS_LOG_DEBUG == LOG_LEVEL_DEBUG,
               "levels cross the border as they are");

struct log_line {
    struct mailbox_item item;
    struct task *task; /* held */
    int level;
    size_t n;
    char text[];
};

static void on_line(struct mailbox_item *item)
{
    struct log_line *line = (struct log_line *)item;
    struct task *task = line->task;
    const struct host_events *events = &task->host->events;
    bool is_last = atomic_fetch_sub(&task->host->pending_logs, 1) == 1;
    if (!task->is_over) {
        events->on_log(events->user, task->token, line->level, str_make(line->text, line->n));
    }
    unsigned dropped = is_last ? atomic_exchange(&task->host->dropped_logs, 0) : 0;
    if (dropped > 0) {
        log_write(LOG_LEVEL_WARN, "plugins wrote faster than lines can be taken",
                  LOG_FIELDS(log_text("plugin", task->plugin->id), log_int("dropped", dropped)));
    }
    free(line);
    task_release(task);
}

static void post_line(struct task *task, uint32_t level, struct str text)
{
    struct host *host = task->host;
    if (atomic_fetch_add(&host->pending_logs, 1) >= PENDING_MAX) {
        (void)atomic_fetch_sub(&host->pending_logs, 1);
        (void)atomic_fetch_add(&host->dropped_logs, 1);
        return;
    }
    struct log_line *line = malloc(sizeof *line + text.n);
    if (line == NULL) {
        (void)atomic_fetch_sub(&host->pending_logs, 1);
        return;
    }

    *line = (struct log_line){.item.run = on_line, .task = task, .level = (int)level, .n = text.n};
    if (text.n > 0) {
        memcpy(line->text, text.p, text.n);
    }
    task_hold(task);
    mailbox_post(&host->mailbox, &line->item);
}

static void append_pair(struct strbuf *out, ops_str key, ops_str value)
{
    if (ops_str_is_bad(key) || ops_str_is_bad(value)) {
        return;
    }

    strbuf_append_char(out, ' ');
    strbuf_append_str(out, str_from_ops(key));
    strbuf_append_char(out, '=');
    strbuf_append_str(out, str_from_ops(value));
}

/* Lines of a task are the run's; those of the plugin itself the program's. */
static void service_write(void *h, ops_task handle, uint32_t level, ops_str message,
                          const ops_str *keys, const ops_str *values, uint64_t n)
{
    struct plugin *plugin = plugin_from(h);
    if (plugin == NULL || ops_str_is_bad(message)) {
        return;
    }

    uint32_t known_level = level <= OPS_LOG_DEBUG ? level : OPS_LOG_INFO;
    struct task *task = task_acquire(h, handle);
    struct strbuf text = STRBUF_INIT;
    strbuf_append_str(&text, str_from_ops(message));
    for (uint64_t i = 0; keys != NULL && values != NULL && i < n && i < PAIRS_MAX; i++) {
        append_pair(&text, keys[i], values[i]);
    }
    struct str line = strbuf_str(&text);
    if (line.n > LINE_MAX_BYTES) {
        line.n = utf8_whole_prefix(line.p, LINE_MAX_BYTES);
    }
    if (task != NULL) {
        post_line(task, known_level, line);
        task_release(task);
    } else if (handle == 0) {
        log_write((enum log_level)known_level, text.p != NULL ? text.p : "",
                  LOG_FIELDS(log_text("plugin", plugin->id)));
    }
    strbuf_finish(&text);
}

const ops_if_log service_log = {
    .size = sizeof(ops_if_log),
    .version = 1,
    .write = service_write,
};
