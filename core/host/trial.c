/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/module.h"
#include "core/host/copy_shelf.h"
#include "core/host/elf_note.h"
#include "core/host/manifest.h"
#include "core/host/probe.h"
#include "core/host/probe_result.h"
#include "core/host/registry.h"
#include "core/host/registry_file.h"
#include "core/host/runtime.h"
#include "core/host/trust.h"

enum trial_state { TRIAL_RUNNING, TRIAL_FAILED, TRIAL_PASSED };

/* One file. While it runs on a thread that thread has `copy`, `status` and `problem`. */
struct trial {
    struct trial *next; /* of the host */
    struct host *host;
    const struct registry_file *file; /* the host's; a thread reads what is constant of it */
    const struct manifest *manifest;  /* constant; of the file */
    const char *path;                 /* of the file */
    char hash[DIGEST_HEX_SIZE];       /* that it must have; empty: any, with this manifest */
    const char *programs;             /* the folder with opstream-plugin-host */
    int stop_fd;
    enum trial_state state;
    uv_work_t work;
    struct copy copy;
    int status;
    struct error problem;
};

/* ---- What is said ---- */

/* The innermost line that is of the plugin itself, else the innermost. */
static struct str find_line(struct str stack, struct str path)
{
    struct str first = {0};
    const char *slash = memrchr(path.p, '/', path.n);
    struct str name = slash != NULL ? str_from(slash + 1) : path;
    while (stack.n > 0) {
        const char *end = memchr(stack.p, '\n', stack.n);
        struct str line = str_make(stack.p, end != NULL ? (size_t)(end - stack.p) : stack.n);
        first = first.n == 0 ? line : first;
        if (str_starts_with(line, name)) {
            return line;
        }
        size_t used = end != NULL ? line.n + 1 : line.n;
        stack = str_make(stack.p + used, stack.n - used);
    }
    return first;
}

int trial_tell(const struct registry_file *file, const struct probe_result *result,
               struct error *err)
{
    const struct manifest *manifest = file->manifest;
    struct str word = file->is_named ? manifest->path : manifest->plugin.id;
    char date[CLOCK_TEXT_SIZE];
    struct strbuf text = STRBUF_INIT;
    struct str line = find_line(strbuf_str(&result->stack), manifest->path);
    clock_format_rfc3339(result->tried_unix_ms, date);
    probe_result_append_text(result, &text);
    if (line.n > 0) {
        strbuf_append_format(&text, ", at %.*s,", STR_ARG(line));
    }
    (void)error_set(err, E_PLUGIN,
                    "plugin '%.*s' %.*s (%.*s) %.*s when it was tried in a process of its own "
                    "(%s, opstream %.*s); 'opstream plugin retry %.*s' tries it again",
                    STR_ARG(manifest->plugin.id), STR_ARG(manifest->plugin.version),
                    STR_ARG(manifest->path), STR_ARG(strbuf_str(&text)), date,
                    STR_ARG(strbuf_str(&result->version)), STR_ARG(word));
    strbuf_finish(&text);
    return E_PLUGIN;
}

/* ---- The work, on any thread ---- */

static int read_from_fd(void *user, uint64_t offset, void *buffer, size_t n)
{
    const int *fd = user;
    ssize_t got = pread(*fd, buffer, n, (off_t)offset);
    return got >= 0 && (size_t)got == n ? 0 : E_IO;
}

/* The copy of a file that was changed has the manifest by which its nodes were checked. */
static int check_manifest(const struct trial *trial, struct error *err)
{
    struct elf_manifest note;
    struct stat st;
    cleanup_fd int fd = open(trial->copy.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return error_set_errno(err, E_IO, errno, "its copy cannot be read");
    }
    const struct elf_source source = {
        .user = &fd, .size = (uint64_t)st.st_size, .read = read_from_fd};
    int status = elf_note_read(&source, &note, err);
    if (status != 0) {
        return status;
    }
    strbuf_finish(&note.text);
    if (note.crc != trial->manifest->crc) {
        return error_set(err, E_VERSION,
                         "it was changed after its manifest had been read, and has another "
                         "manifest now: start opstream again to use it");
    }
    return 0;
}

static int try_copy(struct trial *trial, struct probe_result *out_result, struct error *err)
{
    const struct probe_spec spec = {.folder = trial->programs,
                                    .file = trial->copy.path,
                                    .shown = trial->path,
                                    .limit_ms = PROBE_LIMIT_MS,
                                    .now_unix_ms = clock_unix_ms(),
                                    .stop_fd = trial->stop_fd};
    int status = probe_run(&spec, out_result, err);
    if (status == 0) {
        /* What cannot be kept is found out again by the next process. */
        (void)probe_result_write(trial->copy.folder, trial->copy.hash, out_result);
    } else if (status == E_NOT_FOUND) {
        error_prefix(err, "plugins of folders that are not trusted are disabled: ");
    }
    return status;
}

/* Of a library that cannot be used, whatever it is that is wrong with it. */
static int code_of(int status)
{
    bool is_kept = status == E_NOMEM || status == E_CANCELED || status == E_VERSION ||
                   status == E_IO;
    return is_kept ? status : E_PLUGIN;
}

static void trial_run(struct trial *trial)
{
    struct probe_result result = PROBE_RESULT_INIT;
    struct error *err = &trial->problem;
    const struct copy_folders *folders = &trial->host->registry->copies; /* constant */
    const char *hash = trial->hash[0] != '\0' ? trial->hash : NULL;
    int status = copy_shelf_get(folders, trial->path, hash, &trial->copy, err);
    if (status == 0 && hash == NULL) {
        status = check_manifest(trial, err);
    }
    bool is_known = status == 0 && copy_shelf_find_result(folders, trial->copy.hash, &result);
    if (is_known && result.outcome == PROBE_REFUSED) { /* what it lacked may be there by now */
        probe_result_finish(&result);
        is_known = false;
    }
    if (status == 0 && !is_known) {
        status = try_copy(trial, &result, err);
    }
    if (status != 0) {
        error_prefix(err, "plugin file '%s': ", trial->path);
        status = err->code = code_of(status);
    } else if (result.outcome != PROBE_PASSED) {
        status = trial_tell(trial->file, &result, err);
    }
    probe_result_finish(&result);
    trial->status = status;
}

/* On the loop again: until then it alone knows that the trial runs. */
static void trial_settle(struct trial *trial)
{
    trial->state = trial->status == 0 ? TRIAL_PASSED : TRIAL_FAILED;
}

/* ---- On the loop ---- */

static struct trial *find_trial(const struct host *host, const struct manifest *manifest)
{
    struct trial *trial = host->trials;
    while (trial != NULL && trial->manifest != manifest) {
        trial = trial->next;
    }
    return trial;
}

static void trial_remove(struct trial *trial)
{
    struct trial **at = &trial->host->trials;
    while (*at != trial) {
        at = &(*at)->next;
    }
    *at = trial->next;
    free(trial);
}

/* Who mends a file need not start the engine again: what is there now counts. */
static bool has_changed(const struct registry_file *file)
{
    struct trust_stamp now = trust_stamp_of(file->info.path.p);
    return now.inode != 0 && !trust_stamp_equal(&now, &file->stamp);
}

static int trial_create(struct host *host, const struct registry_file *file,
                        struct trial **out_trial, struct error *err)
{
    const char *programs = NULL;
    int status = module_folder(&programs, err);
    if (status != 0) {
        return status;
    }
    if (host->trial_stop_fd < 0) {
        host->trial_stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    struct trial *trial = calloc(1, sizeof *trial);
    if (trial == NULL) {
        return error_nomem(err);
    }
    trial->host = host;
    trial->file = file;
    trial->manifest = file->manifest;
    trial->path = file->info.path.p;
    memcpy(trial->hash, file->hash, has_changed(file) ? 0 : sizeof trial->hash);
    trial->programs = programs;
    trial->stop_fd = host->trial_stop_fd;
    trial->next = host->trials;
    host->trials = trial;
    *out_trial = trial;
    return 0;
}

static void on_work(uv_work_t *work)
{
    trial_run(work->data);
}

/* Who waits asks again from inside on_tried(), and gets what came of it; later it may be other. */
static void on_worked(uv_work_t *work, int status)
{
    struct trial *trial = work->data;
    struct host *host = trial->host;
    host->open_handles--;
    if (status != 0) { /* it was never begun */
        trial->status = error_set(&trial->problem, E_CANCELED, "opstream shuts down");
    }
    trial_settle(trial);
    if (host->events.on_tried != NULL) {
        host->events.on_tried(host->events.user);
    }
    if (trial->state == TRIAL_FAILED) {
        trial_remove(trial);
    }
}

static int trial_begin(struct trial *trial, struct error *err)
{
    struct host *host = trial->host;
    trial->state = TRIAL_RUNNING;
    trial->work.data = trial;
    if (uv_queue_work(host->loop, &trial->work, on_work, on_worked) != 0) {
        trial_remove(trial);
        return error_nomem(err);
    }
    host->open_handles++;
    return HOST_WAITS;
}

/* It stays for its path when it is good. */
static int trial_end(struct trial *trial, const char **out_path, struct error *err)
{
    if (trial->state == TRIAL_PASSED) {
        *out_path = trial->copy.path;
        return 0;
    }
    return error_copy(err, &trial->problem);
}

static int trial_run_now(struct host *host, const struct registry_file *file, const char **out_path,
                         struct error *err)
{
    struct trial *trial = NULL;
    int status = trial_create(host, file, &trial, err);
    if (status != 0) {
        return status;
    }
    trial_run(trial);
    trial_settle(trial);
    status = trial_end(trial, out_path, err);
    if (status != 0) {
        trial_remove(trial);
    }
    return status;
}

/*
 * Whether what its manifest was read from is there, and needs no copy: `*out_path` is where then,
 * its own path or, when another file has that, what was kept.
 */
static int look_in_place(const struct host *host, struct registry_file *file, const char **out_path,
                         struct error *err)
{
    struct trust_file opened;
    if (file->hash[0] != '\0') {
        return 0;
    }
    int status = trust_open_file(NULL, file->info.path.p, &opened, err);
    if (status == 0) {
        (void)close(opened.fd); /* it was only looked at */
    }
    bool needs_copy = status == 0 && opened.is_foreign && !host->registry->loads_in_place;
    if (status == 0 && !needs_copy && trust_stamp_equal(&opened.stamp, &file->stamp)) {
        *out_path = file->info.path.p;
        return 0;
    }
    if (status == 0 || status == E_NOT_FOUND) { /* one that must not be used is not kept, either */
        *out_path = registry_file_kept_path(file);
    }
    return *out_path != NULL ? 0 : status;
}

int trial_get(struct host *host, const struct manifest *manifest, enum trial_mode mode,
              const char **out_path, struct error *err)
{
    struct registry_file *file = registry_file_of_manifest(host->registry, manifest);
    struct trial *trial = find_trial(host, manifest);
    const char *path = NULL;
    if (trial != NULL && trial->state != TRIAL_RUNNING) {
        return trial_end(trial, out_path, err);
    }
    int status = look_in_place(host, file, &path, err);
    if (status != 0 || path != NULL) {
        *out_path = path;
        return status;
    }
    if (mode == TRIAL_NOW) {
        return trial_run_now(host, file, out_path, err);
    }
    if (trial != NULL) {
        return HOST_WAITS;
    }
    status = trial_create(host, file, &trial, err);
    return status == 0 ? trial_begin(trial, err) : status;
}

int trial_again(struct host *host, struct registry_file *file, struct error *err)
{
    const char *path = NULL;
    copy_shelf_remove_result(&host->registry->copies, file->hash);
    return trial_run_now(host, file, &path, err);
}

void trial_stop_all(struct host *host)
{
    if (host->trial_stop_fd >= 0) {
        (void)eventfd_write(host->trial_stop_fd, 1); /* a counter of 1 always fits */
    }
}

void trial_finish_all(struct host *host)
{
    while (host->trials != NULL) {
        trial_remove(host->trials);
    }
    cleanup_close_fd(&host->trial_stop_fd);
}
