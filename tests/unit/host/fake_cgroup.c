/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/host/fake_cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, TEXT_BYTES = 1024 };

static const char *failing_end;
static int failing_errnum;
static int survivals;

/* ---- plain files ---- */

static void write_plain(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_in(const char *folder, const char *name, const char *text)
{
    char path[PATH_BYTES];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    write_plain(path, text);
}

/* Empty when it is not there. */
static void get_in(const char *folder, const char *name, char out[TEXT_BYTES])
{
    char path[PATH_BYTES];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    FILE *file = fopen(path, "r");
    size_t n = file != NULL ? fread(out, 1, TEXT_BYTES - 1, file) : 0;
    out[n] = '\0';
    if (file != NULL) {
        assert_int_equal(fclose(file), 0);
    }
}

static void split(const char *path, char folder[PATH_BYTES], const char **out_name)
{
    const char *slash = strrchr(path, '/');
    assert_non_null(slash);
    assert_true(slash - path < PATH_BYTES);
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    *out_name = slash + 1;
}

static bool is_failing(const char *path)
{
    size_t n = failing_end != NULL ? strlen(failing_end) : 0;
    return n > 0 && strlen(path) >= n && strcmp(path + strlen(path) - n, failing_end) == 0;
}

/* ---- what the kernel does ---- */

static void fill_group(const char *path, const char *controllers)
{
    put_in(path, "cgroup.type", "domain\n");
    put_in(path, "cgroup.kill", "");
    put_in(path, "cgroup.procs", "");
    put_in(path, "cgroup.controllers", controllers);
    put_in(path, "cgroup.subtree_control", "");
    put_in(path, "cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
    if (strstr(controllers, "memory") != NULL) {
        put_in(path, "memory.max", "max\n");
        put_in(path, "memory.swap.max", "max\n");
        put_in(path, "memory.oom.group", "0\n");
        put_in(path, "memory.peak", "0\n");
        put_in(path, "memory.events",
               "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n");
    }
    if (strstr(controllers, "pids") != NULL) {
        put_in(path, "pids.max", "max\n");
        put_in(path, "pids.events", "max 0\n");
    }
}

static int fake_make(const char *path)
{
    char folder[PATH_BYTES];
    char controllers[TEXT_BYTES];
    const char *name = NULL;
    if (is_failing(path)) {
        return -failing_errnum;
    }
    split(path, folder, &name);
    if (mkdir(path, 0700) != 0) {
        return -errno;
    }
    get_in(folder, "cgroup.subtree_control", controllers);
    fill_group(path, controllers);
    return 0;
}

/* False: folders are in it. */
static bool remove_files(const char *path)
{
    bool has_folder = false;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (int round = 0; round < 2 && !has_folder; round++) {
        rewinddir(dir);
        for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
            has_folder = has_folder || (entry->d_type == DT_DIR && entry->d_name[0] != '.');
            if (round > 0 && entry->d_type == DT_REG) {
                assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
            }
        }
    }
    assert_int_equal(closedir(dir), 0);
    return !has_folder;
}

static int fake_remove(const char *path)
{
    char procs[TEXT_BYTES];
    if (is_failing(path)) {
        return -failing_errnum;
    }
    if (access(path, F_OK) != 0) {
        return -ENOENT;
    }
    get_in(path, "cgroup.procs", procs);
    if (procs[0] != '\0' || !remove_files(path)) {
        return -EBUSY;
    }
    return rmdir(path) == 0 ? 0 : -errno;
}

/* Refused while a group below gives it on. */
static int take_back(const char *folder, char given[TEXT_BYTES], const char *controller)
{
    char inner[PATH_BYTES];
    char theirs[TEXT_BYTES];
    bool is_used = false;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            assert_true(snprintf(inner, sizeof inner, "%s/%s", folder, entry->d_name) <
                        (int)sizeof inner);
            get_in(inner, "cgroup.subtree_control", theirs);
            is_used = is_used || strstr(theirs, controller) != NULL;
        }
    }
    assert_int_equal(closedir(dir), 0);
    char *at = is_used ? NULL : strstr(given, controller);
    if (at != NULL) {
        size_t n = strlen(controller);
        n += at[n] == ' ';
        memmove(at, at + n, strlen(at + n) + 1);
        put_in(folder, "cgroup.subtree_control", given);
    }
    return is_used ? -EBUSY : 0;
}

static int give(const char *folder, const char *order)
{
    char above[PATH_BYTES];
    const char *name = NULL;
    char controllers[TEXT_BYTES];
    char procs[TEXT_BYTES];
    char given[TEXT_BYTES];
    split(folder, above, &name);
    get_in(folder, "cgroup.type", procs); /* the first of all groups has none, and may hold some */
    if (procs[0] != '\0') {
        get_in(above, "cgroup.subtree_control", controllers);
        get_in(folder, "cgroup.procs", procs);
    } else {
        get_in(folder, "cgroup.controllers", controllers);
    }
    get_in(folder, "cgroup.subtree_control", given);
    if (order[0] == '-') {
        return take_back(folder, given, order + 1);
    }
    if (procs[0] != '\0') {
        return -EBUSY;
    }
    if (order[0] != '+' || strstr(controllers, order + 1) == NULL) {
        return -ENOENT;
    }
    if (strstr(given, order + 1) == NULL) {
        size_t n = strlen(given);
        assert_true((size_t)snprintf(given + n, sizeof given - n, "%s%s", n > 0 ? " " : "",
                                     order + 1) < sizeof given - n);
        put_in(folder, "cgroup.subtree_control", given);
    }
    return 0;
}

/* Takes a line out of a group's processes, if it is there. */
static void leave(const char *folder, const char *line)
{
    char procs[TEXT_BYTES];
    get_in(folder, "cgroup.procs", procs);
    char *at = strstr(procs, line);
    if (at != NULL) {
        memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
        put_in(folder, "cgroup.procs", procs);
    }
}

/* Between a group and the "engine" of an engine in it: there is no other way here. */
static int move(const char *folder, const char *pid)
{
    char line[64];
    char above[PATH_BYTES];
    char inner[PATH_BYTES];
    char procs[TEXT_BYTES];
    const char *name = NULL;
    get_in(folder, "cgroup.subtree_control", procs);
    if (procs[0] != '\0') {
        return -EBUSY;
    }
    (void)snprintf(line, sizeof line, "%s\n", pid);
    split(folder, inner, &name);
    split(inner, above, &name);
    leave(above, line);
    assert_true(snprintf(inner, sizeof inner, "%s/opstream-engine-%d/engine", folder,
                         (int)getpid()) < (int)sizeof inner);
    if (access(inner, F_OK) == 0) {
        leave(inner, line);
    }
    get_in(folder, "cgroup.procs", procs);
    size_t n = strlen(procs);
    assert_true((size_t)snprintf(procs + n, sizeof procs - n, "%s", line) < sizeof procs - n);
    put_in(folder, "cgroup.procs", procs);
    return 0;
}

static int fake_write(const char *path, const char *text)
{
    char folder[PATH_BYTES];
    const char *name = NULL;
    if (is_failing(path)) {
        return -failing_errnum;
    }
    if (access(path, F_OK) != 0) {
        return -ENOENT;
    }
    split(path, folder, &name);
    if (strcmp(name, "cgroup.subtree_control") == 0) {
        return give(folder, text);
    }
    if (strcmp(name, "cgroup.procs") == 0) {
        return move(folder, text);
    }
    if (strcmp(name, "cgroup.kill") == 0 && survivals-- <= 0) {
        put_in(folder, "cgroup.procs", "");
    }
    write_plain(path, text);
    return 0;
}

static int fake_read(const char *path, struct strbuf *out)
{
    return is_failing(path) ? -failing_errnum : cgroup_files_real.read(path, out);
}

static int fake_lock(const char *path, int *out_fd)
{
    return cgroup_files_real.lock(path, out_fd);
}

const struct cgroup_files fake_cgroup_files = {.make = fake_make,
                                               .remove = fake_remove,
                                               .write = fake_write,
                                               .read = fake_read,
                                               .lock = fake_lock};

/* ---- a machine ---- */

void fake_cgroup_fail(const char *path_end, int errnum)
{
    failing_end = path_end;
    failing_errnum = errnum;
}

void fake_cgroup_survive(int times)
{
    survivals = times;
}

void fake_cgroup_put(const struct scratch_folder *machine, const char *name, const char *text)
{
    char *path = scratch_folder_path(machine, name);
    for (char *p = path + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            (void)mkdir(path, 0700); /* most are there */
            *p = '/';
        }
    }
    write_plain(path, text);
    free(path);
}

char *fake_cgroup_text(const struct scratch_folder *machine, const char *name)
{
    char *path = scratch_folder_path(machine, name);
    char text[TEXT_BYTES];
    char folder[PATH_BYTES];
    const char *last = NULL;
    assert_int_equal(access(path, F_OK), 0);
    split(path, folder, &last);
    get_in(folder, last, text);
    free(path);
    return strdup(text);
}

bool fake_cgroup_has(const struct scratch_folder *machine, const char *name)
{
    char *path = scratch_folder_path(machine, name);
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

void fake_cgroup_make_group(const struct scratch_folder *machine, const char *name)
{
    char *path = scratch_folder_path(machine, name);
    assert_int_equal(fake_make(path), 0);
    free(path);
}

void fake_cgroup_make(struct scratch_folder *machine, const char *controllers)
{
    char text[64];
    scratch_folder_make(machine);
    fake_cgroup_fail(NULL, 0);
    fake_cgroup_survive(0);
    fake_cgroup_put(machine, "proc/self/cgroup", "0::/svc\n");
    fake_cgroup_put(machine, "proc/self/mountinfo",
                    "31 23 0:28 / /cg rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
    fake_cgroup_put(machine, "cg/cgroup.subtree_control", controllers);
    fake_cgroup_make_group(machine, "cg/svc");
    (void)snprintf(text, sizeof text, "%d\n", (int)getpid());
    fake_cgroup_put(machine, "cg/svc/cgroup.procs", text);
    (void)snprintf(text, sizeof text, "proc/%d/stat", (int)getpid());
    fake_cgroup_put(machine, text, "1 (a) R 1 1 1");
}

void fake_cgroup_remove(struct scratch_folder *machine)
{
    fake_cgroup_fail(NULL, 0);
    scratch_folder_remove(machine);
}
