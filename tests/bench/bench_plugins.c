/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fifty plugins: loading all of them (manifest, dlopen, descriptor, init), against dlopen() alone;
 * and `opstream nodes`, which runs no code of them, with an index and without, against an empty
 * program.
 *
 * All figures are time of the processor, in which these processes spend theirs: the files are in
 * memory, and a busy machine does not count.
 *
 * They are copies of one example in which the id, the manifest and its checksum are other ones, so
 * that each is a file, a library and a plugin of its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/host/crc64.h"
#include "core/host/host.h"
#include "core/model/catalogue.h"
#include "tests/bench/bench.h"

enum {
    PLUGINS = 50,
    ROUNDS = 11,
    RUNS = 41,
    FILE_MOST = 4 * 1024 * 1024,
    PATH_MOST = 512,
};

extern char **environ;

static const char old_id[] = "hello";

struct work {
    const char *opstream;
    const char *empty_program;
    char folder[PATH_MOST]; /* of all of it */
    char plugins[PATH_MOST];
    char cache[PATH_MOST];
};

/* ---- the plugins ---- */

static int fail(const char *what, const char *name)
{
    (void)fprintf(stderr, "%s '%s': %s\n", what, name, strerror(errno));
    return 1;
}

static size_t read_file(const char *path, char *to, size_t most)
{
    FILE *file = fopen(path, "rb");
    size_t n = file != NULL ? fread(to, 1, most, file) : 0;
    if (file != NULL) {
        (void)fclose(file); /* it was read */
    }
    return n;
}

static int write_file(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    bool is_written = file != NULL && fwrite(bytes, 1, n, file) == n;
    bool is_closed = file != NULL && fclose(file) == 0;
    return is_written && is_closed ? 0 : fail("cannot write", path);
}

/* Every `from` in `bytes` becomes `to`, which is as long. */
static void replace(char *bytes, size_t n, const void *from, const void *to, size_t length)
{
    for (size_t at = 0; at + length <= n;) {
        char *found = memmem(bytes + at, n - at, from, length);
        if (found == NULL) {
            return;
        }
        memcpy(found, to, length);
        at = (size_t)(found - bytes) + length;
    }
}

static void id_of(int number, char out[sizeof(old_id)])
{
    (void)snprintf(out, sizeof(old_id), "hel%02d", number);
}

static void path_of(const struct work *work, int number, char out[PATH_MAX])
{
    char id[sizeof(old_id)];
    id_of(number, id);
    (void)snprintf(out, PATH_MAX, "%s/%s/%s.so", work->plugins, id, id);
}

static int make_plugin(const struct work *work, int number, const char *like, size_t like_n,
                       struct str manifest)
{
    static char bytes[FILE_MOST];
    static char text[FILE_MOST];
    char id[sizeof(old_id)];
    char path[PATH_MAX];
    uint64_t old_crc = crc64_xz(manifest);
    id_of(number, id);
    path_of(work, number, path);
    memcpy(bytes, like, like_n);
    memcpy(text, manifest.p, manifest.n);
    replace(text, manifest.n, old_id, id, sizeof(old_id) - 1);
    uint64_t crc = crc64_xz(str_make(text, manifest.n));
    replace(bytes, like_n, old_id, id, sizeof(old_id) - 1);
    replace(bytes, like_n, &old_crc, &crc, sizeof(crc)); /* in the note and in the descriptor */
    *strrchr(path, '/') = '\0';
    if (mkdir(path, 0700) != 0) {
        return fail("cannot make", path);
    }
    path_of(work, number, path);
    return write_file(path, bytes, like_n);
}

static int make_plugins(const struct work *work, const char *example)
{
    static char like[FILE_MOST];
    static char manifest[FILE_MOST];
    char path[PATH_MAX];
    int status = 0;
    (void)snprintf(path, sizeof(path), "%s/hello.so", example);
    size_t like_n = read_file(path, like, sizeof(like));
    (void)snprintf(path, sizeof(path), "%s/plugin.json", example);
    size_t manifest_n = read_file(path, manifest, sizeof(manifest));
    if (like_n == 0 || manifest_n == 0) {
        return fail("cannot read the example in", example);
    }
    for (int i = 0; i < PLUGINS && status == 0; i++) {
        status = make_plugin(work, i, like, like_n, str_make(manifest, manifest_n));
    }
    return status;
}

/* ---- loading, in a process of its own: libraries are never unloaded ---- */

static int load_all(const struct work *work)
{
    const char *folders[] = {work->plugins};
    const struct host_options options = {
        .loop = uv_default_loop(), .folders = folders, .folder_count = 1};
    struct host *host = NULL;
    struct error err = {0};
    if (host_open(&options, &host, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    const struct catalogue *catalogue = host_catalogue(host);
    for (int i = 0; i < PLUGINS; i++) {
        char id[sizeof(old_id)];
        id_of(i, id);
        const struct node_type *type = catalogue->find_type(catalogue->user, str_from(id), &err);
        if (type == NULL || host_prepare(host, type, &err) != 0) {
            (void)fprintf(stderr, "%s\n", err.message);
            return 1;
        }
    }
    return 0;
}

static int open_all(const struct work *work)
{
    for (int i = 0; i < PLUGINS; i++) {
        char path[PATH_MAX];
        path_of(work, i, path);
        if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL) {
            (void)fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
    }
    return 0;
}

/* The time of `load` in a child, which the child measures itself. */
static int measure_child(const struct work *work, int (*load)(const struct work *work),
                         double *out_ns)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return fail("cannot make", "a pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t begin = bench_thread_ns();
        int status = load(work);
        double ns = (double)(bench_thread_ns() - begin);
        bool is_told = write(ends[1], &ns, sizeof(ns)) == (ssize_t)sizeof(ns);
        _exit(status == 0 && is_told ? 0 : 1);
    }
    (void)close(ends[1]);
    bool is_heard = read(ends[0], out_ns, sizeof(*out_ns)) == (ssize_t)sizeof(*out_ns);
    int wstatus = 0;
    (void)close(ends[0]);
    bool is_done = pid > 0 && waitpid(pid, &wstatus, 0) == pid && wstatus == 0;
    return is_heard && is_done ? 0 : fail("no result of", "a child");
}

static int bench_loading(const struct work *work)
{
    double ours[ROUNDS];
    double yardstick[ROUNDS];
    int status = 0;
    for (int i = 0; i < ROUNDS && status == 0; i++) {
        status = measure_child(work, load_all, &ours[i]);
        if (status == 0) {
            status = measure_child(work, open_all, &yardstick[i]);
        }
    }
    if (status != 0) {
        return status;
    }
    struct bench_row row = {.name = "plugins: load 50",
                            .unit = "ms",
                            .ours = bench_median(ours, ROUNDS) / 1e6,
                            .goal = 50.0};
    bench_print_row(&row);
    row.name = "plugins: load 50, against dlopen() alone";
    row.yardstick = bench_median(yardstick, ROUNDS) / 1e6;
    row.goal = 10.0; /* each manifest is read, checked and compared */
    bench_print_row(&row);
    return 0;
}

/* ---- `opstream nodes` ---- */

static int64_t microseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

/* `*out_ns` (may be NULL) gets what it took of the processor. */
static int run_once(const char *const *argv, double *out_ns)
{
    struct rusage usage = {0};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* fails only without memory: so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int wstatus = 0;
    int status =
        posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    bool is_done = status == 0 && wait4(pid, &wstatus, 0, &usage) == pid && wstatus == 0;
    if (out_ns != NULL) {
        *out_ns = (double)(microseconds(usage.ru_utime) + microseconds(usage.ru_stime)) * 1e3;
    }
    return is_done ? 0 : fail("cannot run", argv[0]);
}

static int remove_all(const char *folder)
{
    const char *argv[] = {"/bin/rm", "-rf", folder, NULL};
    return run_once(argv, NULL);
}

static int run_nodes(const struct work *work, double *out_ns)
{
    const char *argv[] = {work->opstream, "nodes", "--plugins", work->plugins, NULL};
    return run_once(argv, out_ns);
}

/* Medians of `nodes` without an index, with one, and of the empty program, in turn. */
static int bench_nodes(const struct work *work)
{
    const char *empty[] = {work->empty_program, NULL};
    double cold[RUNS];
    double warm[RUNS];
    double yardstick[RUNS];
    int status = 0;
    for (int i = 0; i < RUNS && status == 0; i++) {
        status = remove_all(work->cache);
        status = status == 0 ? run_nodes(work, &cold[i]) : status;
        status = status == 0 ? run_nodes(work, &warm[i]) : status;
        status = status == 0 ? run_once(empty, &yardstick[i]) : status;
    }
    if (status != 0) {
        return status;
    }
    struct bench_row row = {.name = "plugins: nodes with 50, no index yet",
                            .unit = "ms",
                            .ours = bench_median(cold, RUNS) / 1e6,
                            .goal = 20.0};
    bench_print_row(&row);
    row.name = "plugins: nodes with 50, by the index";
    row.ours = bench_median(warm, RUNS) / 1e6;
    bench_print_row(&row);
    row.name = "plugins: nodes with 50, against an empty program";
    row.yardstick = bench_median(yardstick, RUNS) / 1e6;
    row.goal = 3.0;
    bench_print_row(&row);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fprintf(stderr, "usage: bench_plugins OPSTREAM EMPTY_PROGRAM EXAMPLE_FOLDER\n");
        return 2;
    }
    struct work work = {.opstream = argv[1], .empty_program = argv[2]};
    (void)snprintf(work.folder, sizeof(work.folder), "/tmp/opstream-bench-XXXXXX");
    if (mkdtemp(work.folder) == NULL) {
        return fail("cannot make", work.folder);
    }
    (void)snprintf(work.plugins, sizeof(work.plugins), "%.40s/plugins", work.folder);
    (void)snprintf(work.cache, sizeof(work.cache), "%.40s/cache", work.folder);
    int status = mkdir(work.plugins, 0700) == 0 ? 0 : fail("cannot make", work.plugins);
    if (setenv("XDG_CACHE_HOME", work.cache, 1) != 0) {
        return fail("cannot set", "XDG_CACHE_HOME");
    }
    if (status == 0) {
        status = make_plugins(&work, argv[3]);
    }
    if (status == 0) {
        status = bench_loading(&work);
    }
    if (status == 0) {
        status = bench_nodes(&work);
    }
    (void)remove_all(work.folder); /* it is in /tmp */
    return status;
}
