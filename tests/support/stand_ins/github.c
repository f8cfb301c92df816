/* SPDX-License-Identifier: Apache-2.0 */

/* A place for code: emits issues one after the other, never faster than they are taken. */

#include <stdlib.h>

#include "stand_in.h"

struct fetch {
    ops_val config;
    int64_t next;
    int64_t last;
    int64_t fail_after; /* the last issue before it does, if it is down */
    int is_down;
};

/* What the issues are about, in turn. */
static const struct {
    const char *title;
    const char *label;
} kinds[] = {
    {"it does crash", "bug"},
    {"a wish for the menu", "feature"},
    {"a hole in security", "security"},
    {"how is it done", "question"},
};

static ops_status make_labels(ops_task task, const char *label, ops_val *out)
{
    ops_val item = 0;
    struct ops_map map = ops_map_begin(task);
    ops_map_text(&map, "name", label);
    ops_status status = ops_map_end(&map, &item);
    return status == OPS_OK ? ops.value->new_list(ops.h, task, &item, 1, out) : status;
}

static ops_status emit_issue(const struct fetch *fetch, ops_task task)
{
    char title[64];
    size_t kind = (size_t)(fetch->next - 1) % (sizeof kinds / sizeof kinds[0]);
    ops_val labels = 0;
    ops_val issue = 0;
    ops_status made = make_labels(task, kinds[kind].label, &labels);
    (void)snprintf(title, sizeof title, "%lld: %s", (long long)fetch->next, kinds[kind].title);
    struct ops_map map = ops_map_begin(task);
    ops_map_i64(&map, "number", fetch->next);
    ops_map_text(&map, "title", title);
    ops_map_str(&map, "state", ops_get_str(fetch->config, "state", "open"));
    ops_map_made(&map, "labels", made, labels);
    ops_status status = ops_map_end(&map, &issue);
    return status == OPS_OK ? ops.exec->emit(ops.h, task, ops_text(NULL), issue) : status;
}

static void finish(const struct fetch *fetch, ops_task task)
{
    struct ops_map out = ops_map_begin(task);
    ops_map_str(&out, "repo", ops_get_str(fetch->config, "repo", NULL));
    ops_map_i64(&out, "count", fetch->last);
    ops_complete_map(task, &out);
}

/* Emits until the consumer is behind, then waits to be called again; also called by a cancel. */
static void on_writable(void *user, ops_task task)
{
    struct fetch *fetch = (struct fetch *)user;
    ops_status status = OPS_OK;
    if (ops.exec->cancelled(ops.h, task) != 0) {
        ops_fail_text(task, OPS_E_CANCELLED, "stopped while fetching");
        return;
    }

    while (fetch->next <= fetch->last && status == OPS_OK) {
        if (fetch->is_down && fetch->next > fetch->fail_after) {
            ops_fail_text(task, OPS_E_UPSTREAM, "the next page could not be fetched");
            return;
        }
        status = emit_issue(fetch, task);
        fetch->next += status == OPS_OK;
    }
    if (status == OPS_E_WOULD_BLOCK) {
        status = ops.exec->on_writable(ops.h, task, on_writable, fetch);
    } else if (status == OPS_OK) {
        finish(fetch, task);
        return;
    }
    if (status != OPS_OK) {
        ops_fail_text(task, status, "an issue could not be emitted");
    }
}

/* How the service is said to be in the file that STAND_IN_GITHUB names: fail_after, and the first.
 */
static void read_state(struct fetch *fetch)
{
    const char *path = getenv("STAND_IN_GITHUB");
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    char line[64] = "";
    char *rest = line;
    if (file == NULL) {
        return;
    }
    if (fgets(line, sizeof line, file) != NULL) {
        fetch->fail_after = strtoll(line, &rest, 10);
        fetch->next = strtoll(rest, NULL, 10);
        fetch->next = fetch->next > 0 ? fetch->next : 1;
        fetch->is_down = 1;
    }
    (void)fclose(file);
}

static void answer_issues(ops_task task, ops_val config)
{
    struct fetch *fetch = (struct fetch *)ops_task_alloc(task, sizeof *fetch);
    if (fetch == NULL) {
        return;
    }

    fetch->config = config;
    fetch->next = 1;
    fetch->last = ops_get_i64(config, "count", 3);
    fetch->fail_after = ops_get_i64(config, "fail_after", 0);
    fetch->is_down = fetch->fail_after > 0;
    read_state(fetch);
    fetch->fail_after += fetch->next - 1;
    fetch->last += fetch->next - 1;
    on_writable(fetch, task);
}

STAND_IN_EXECUTE(fetch_issues, answer_issues)

static const ops_node_type fetch_type =
    OPS_NODE("github.fetch_issues", OPS_NODE_PARALLEL, fetch_issues);

OPS_PLUGIN("github", "1.0.0", &fetch_type);
