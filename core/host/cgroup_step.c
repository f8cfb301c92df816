/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/cgroup_step.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/host/cgroup_files.h"
#include "core/host/cgroup_home.h"

enum { PATH_BYTES = 2 * CGROUP_PATH_BYTES, NUMBER_BYTES = 24 };

static int write_text(const struct cgroup_step *step, const char *name, const char *text)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", step->path.p, name);
    return n > 0 && n < (int)sizeof path ? step->home->files->write(path, text) : -ENAMETOOLONG;
}

/* Appends nothing where it cannot be read. */
static int read_text(const struct cgroup_step *step, const char *name, struct strbuf *out)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", step->path.p, name);
    int status = n > 0 && n < (int)sizeof path ? step->home->files->read(path, out) : -ENAMETOOLONG;
    if (status != 0 || strbuf_status(out) != 0) {
        strbuf_clear(out);
    }
    return status;
}

static uint64_t read_number(const struct cgroup_step *step, const char *file, const char *name)
{
    struct strbuf text = STRBUF_INIT;
    (void)read_text(step, file, &text); /* then it is 0 */
    uint64_t number = cgroup_files_number(strbuf_str(&text), name);
    strbuf_finish(&text);
    return number;
}

static void set_limits(struct cgroup_step *step, const struct cgroup_step_limits *limits)
{
    char text[NUMBER_BYTES];
    unsigned controllers = step->home->controllers;
    int status = 0;
    if (limits->memory_bytes != 0 && (controllers & CGROUP_MEMORY) != 0) {
        (void)snprintf(text, sizeof text, "%" PRIu64, limits->memory_bytes);
        status = write_text(step, "memory.max", text);
        /* Neither is there on every kernel, and the limit holds without them. */
        (void)write_text(step, "memory.swap.max", "0");
        (void)write_text(step, "memory.oom.group", "1");
    }
    if (status != 0) {
        cgroup_home_note(step->home, "limit the memory of a group", -status);
    }
    status = 0;
    if (limits->processes != 0 && (controllers & CGROUP_PIDS) != 0) {
        uint64_t most = limits->processes < UINT32_MAX ? limits->processes : UINT32_MAX;
        (void)snprintf(text, sizeof text, "%" PRIu64,
                       CGROUP_STEP_TASKS + most * CGROUP_STEP_TASKS_EACH);
        status = write_text(step, "pids.max", text);
    }
    if (status != 0) {
        cgroup_home_note(step->home, "limit the processes of a group", -status);
    }
}

static void drop(struct cgroup_step *step)
{
    cleanup_close_fd(&step->fd);
    step->fd = -1;
    step->home = NULL;
    strbuf_finish(&step->path);
}

void cgroup_step_init(struct cgroup_step *step, struct cgroup_home *home,
                      const struct cgroup_step_limits *limits)
{
    *step = (struct cgroup_step){.fd = -1};
    if (home == NULL || !home->is_open) {
        return;
    }
    step->home = home;
    strbuf_append_format(&step->path, "%s/step-%" PRIu64, home->path.p, ++home->last_step);
    int status = strbuf_status(&step->path) == 0 ? home->files->make(step->path.p) : -ENOMEM;
    if (status == 0) {
        step->fd = open(step->path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status = step->fd >= 0 ? 0 : -errno;
        if (status != 0) {
            (void)home->files->remove(step->path.p); /* nothing was ever in it */
        }
    }
    if (status != 0) {
        cgroup_home_note(home, "make a group for a step", -status);
        drop(step);
        return;
    }
    set_limits(step, limits);
}

struct count {
    size_t n;
    size_t enough;
};

static bool count_one(void *user, int pid)
{
    struct count *count = user;
    (void)pid;
    return ++count->n < count->enough;
}

size_t cgroup_step_count(const struct cgroup_step *step, size_t enough)
{
    struct count count = {.enough = enough};
    struct strbuf text = STRBUF_INIT;
    (void)read_text(step, "cgroup.procs", &text); /* a group that is gone has none */
    cgroup_files_each_pid(strbuf_str(&text), count_one, &count);
    strbuf_finish(&text);
    return count.n;
}

uint64_t cgroup_step_cpu_us(const struct cgroup_step *step)
{
    return read_number(step, "cpu.stat", "usage_usec");
}

void cgroup_step_kill(struct cgroup_step *step)
{
    if (step->home != NULL) {
        (void)write_text(step, "cgroup.kill",
                         "1"); /* the processes are killed one by one as well */
    }
}

static uint64_t read_peak(const struct cgroup_step *step)
{
    struct strbuf text = STRBUF_INIT;
    struct strbuf line = STRBUF_INIT;
    (void)read_text(step, "memory.peak", &text); /* from 5.19 on */
    strbuf_append_text(&line, "peak ");
    strbuf_append_str(&line, strbuf_str(&text));
    uint64_t peak = strbuf_status(&line) == 0 ? cgroup_files_number(strbuf_str(&line), "peak") : 0;
    strbuf_finish(&line);
    strbuf_finish(&text);
    return peak;
}

static void read_use(struct cgroup_step *step)
{
    unsigned controllers = step->home->controllers;
    struct cgroup_use *use = &step->use;
    use->cpu_us = cgroup_step_cpu_us(step);
    if ((controllers & CGROUP_MEMORY) != 0) {
        use->is_out_of_memory = read_number(step, "memory.events", "oom_kill") > 0;
        use->max_memory_bytes = read_peak(step);
    }
    if ((controllers & CGROUP_PIDS) != 0) {
        use->is_out_of_tasks = read_number(step, "pids.events", "max") > 0;
    }
}

bool cgroup_step_remove(struct cgroup_step *step)
{
    if (step->home == NULL) {
        return true;
    }
    /* Anew each time: it is gone with the group, and what lives on still uses. */
    struct cgroup_use before = step->use;
    read_use(step);
    if (step->use.cpu_us < before.cpu_us) {
        step->use = before; /* somebody else has removed it */
    }
    int status = cgroup_home_remove(step->home->files, step->path.p);
    if (status == -EBUSY || status == -ENOTEMPTY) {
        return false;
    }
    if (status != 0) {
        cgroup_home_note(step->home, "remove the group of a step", -status);
    }
    drop(step);
    return true;
}

void cgroup_step_finish(struct cgroup_step *step)
{
    cgroup_step_kill(step);
    if (!cgroup_step_remove(step)) {
        drop(step);
    }
}
