/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/kin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/grow.h"
#include "core/base/str.h"

enum {
    PATH_BYTES = 64,
    CHUNK_BYTES = 4096,
    ENVIRONMENT_BYTES = 4 * 1024 * 1024, /* of which the mark is looked for */
};

struct pids {
    pid_t *items;
    size_t n;
    size_t cap;
};

struct life {
    char state; /* 0: it is not there */
    pid_t session;
};

enum sight {
    SIGHT_NO_MARK,
    SIGHT_MARK,
    SIGHT_NOTHING, /* not one byte: none, or in the middle of an exec */
};

/* All children that process.c waits for itself: orphans are those that are not here. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct kin *first_kin;

void kin_expect(void)
{
    /* Again and again is no harm, and cannot fail on a kernel that has pidfds. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void kin_join(struct kin *kin, pid_t root, const char *mark)
{
    kin->root = root;
    (void)snprintf(kin->mark, sizeof kin->mark, "%s", mark != NULL ? mark : ""); /* fits */
    (void)pthread_mutex_lock(&mutex);
    kin->next = first_kin;
    kin->prev = &first_kin;
    if (first_kin != NULL) {
        first_kin->prev = &kin->next;
    }
    first_kin = kin;
    (void)pthread_mutex_unlock(&mutex);
}

void kin_leave(struct kin *kin)
{
    (void)pthread_mutex_lock(&mutex);
    if (kin->prev != NULL) {
        *kin->prev = kin->next;
    }
    if (kin->next != NULL) {
        kin->next->prev = kin->prev;
    }
    kin->prev = NULL;
    kin->next = NULL;
    (void)pthread_mutex_unlock(&mutex);
}

/* Under the mutex. */
static bool is_root(pid_t pid)
{
    for (const struct kin *kin = first_kin; kin != NULL; kin = kin->next) {
        if (kin->root == pid) {
            return true;
        }
    }
    return false;
}

/* Without memory a pid is left out: it is found the next time. */
static void pids_add(struct pids *pids, pid_t pid)
{
    pid_t *items = array_reserve(pids->items, &pids->cap, pids->n + 1, sizeof *items);
    if (items != NULL) {
        pids->items = items;
        items[pids->n++] = pid;
    }
}

/* Adds the numbers of a file of the kernel, which end with a space each. */
static void add_numbers(struct pids *pids, const char *path)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[CHUNK_BYTES];
    pid_t pid = 0;
    ssize_t n = fd >= 0 ? read(fd, chunk, sizeof chunk) : 0;
    while (n > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] >= '0' && chunk[i] <= '9') {
                pid = pid * 10 + (chunk[i] - '0');
            } else if (pid > 0) {
                pids_add(pids, pid);
                pid = 0;
            }
        }
        n = read(fd, chunk, sizeof chunk);
    }
}

/* A thread has children of its own. */
static void add_children(struct pids *pids, pid_t pid)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid); /* all of these fit */
    DIR *folder = opendir(path);
    const struct dirent *entry = folder != NULL ? readdir(folder) : NULL;
    while (entry != NULL) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid,
                           entry->d_name);
            add_numbers(pids, path);
        }
        entry = readdir(folder);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

static struct life read_life(pid_t pid)
{
    char path[PATH_BYTES];
    char text[CHUNK_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    text[n > 0 ? n : 0] = '\0';
    /* The name is in brackets, and anything may stand in it. */
    const char *at = strrchr(text, ')');
    struct life life = {0};
    int parent = 0;
    int group = 0;
    int session = 0;
    /* Numbers of the kernel: none is out of range. */
    if (at != NULL && sscanf(at, ") %c %d %d %d", &life.state, &parent, &group, &session) == 4) {
        life.session = session;
        return life;
    }
    return (struct life){0};
}

static enum sight find_mark(pid_t pid, const char *mark)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct strbuf all = STRBUF_INIT;
    char chunk[CHUNK_BYTES];
    strbuf_append_char(&all, '\0');
    ssize_t n = fd >= 0 ? read(fd, chunk, sizeof chunk) : 0;
    enum sight sight = n == 0 ? SIGHT_NOTHING : SIGHT_NO_MARK;
    while (n > 0 && all.n < ENVIRONMENT_BYTES) {
        strbuf_append(&all, chunk, (size_t)n);
        n = read(fd, chunk, sizeof chunk);
    }
    /* Between NULs: that in front of it, and its own. */
    size_t size = strlen(mark) + 1;
    const char *at = all.p;
    size_t left = all.n;
    while (at != NULL && (at = memmem(at, left, mark, size)) != NULL && at[-1] != '\0') {
        at++;
        left = all.n - (size_t)(at - all.p);
    }
    sight = at != NULL && strbuf_status(&all) == 0 ? SIGHT_MARK : sight;
    strbuf_finish(&all);
    return sight;
}

/* All orphans that live; those that have ended are reaped on the way. */
static void add_orphans(struct pids *orphans)
{
    char path[PATH_BYTES];
    struct pids children = {0};
    /* Orphans go to the first thread. */
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    add_numbers(&children, path);
    (void)pthread_mutex_lock(&mutex);
    for (size_t i = 0; i < children.n; i++) {
        pid_t pid = children.items[i];
        if (is_root(pid)) {
            continue;
        }
        if (read_life(pid).state == 'Z') {
            (void)waitpid(pid, NULL, WNOHANG); /* nobody asks how it ended */
        } else {
            pids_add(orphans, pid);
        }
    }
    (void)pthread_mutex_unlock(&mutex);
    free(children.items);
}

void kin_reap(void)
{
    struct pids orphans = {0};
    add_orphans(&orphans);
    free(orphans.items);
}

/* *out_is_unsure: nobody can say yet. */
static bool is_kin(const struct kin *kin, pid_t orphan, bool *out_is_unsure)
{
    struct life life = read_life(orphan);
    if (life.state == 0 || life.session == kin->root) {
        return life.state != 0;
    }
    enum sight sight = kin->mark[0] != '\0' ? find_mark(orphan, kin->mark) : SIGHT_NO_MARK;
    *out_is_unsure = sight == SIGHT_NOTHING;
    return sight == SIGHT_MARK;
}

size_t kin_count(const struct kin *kin, size_t enough)
{
    struct pids orphans = {0};
    struct pids found = {0};
    bool is_unsure = false;
    pids_add(&found, kin->root);
    add_orphans(&orphans);
    for (size_t i = 0; i < orphans.n && found.n < enough; i++) {
        if (is_kin(kin, orphans.items[i], &is_unsure)) {
            pids_add(&found, orphans.items[i]);
        }
    }
    for (size_t i = 0; i < found.n && found.n < enough; i++) {
        add_children(&found, found.items[i]);
    }
    size_t count = found.n;
    free(found.items);
    free(orphans.items);
    return count < enough ? count : enough;
}

size_t kin_end(const struct kin *kin)
{
    struct pids orphans = {0};
    size_t left = 0;
    add_orphans(&orphans);
    for (size_t i = 0; i < orphans.n; i++) {
        bool is_unsure = false;
        if (is_kin(kin, orphans.items[i], &is_unsure)) {
            (void)kill(orphans.items[i], SIGKILL); /* ours until it is reaped */
            left++;
        }
        left += is_unsure;
    }
    free(orphans.items);
    return left;
}
