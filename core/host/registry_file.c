/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/registry_file.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/host/elf_note.h"
#include "core/host/manifest.h"
#include "core/host/probe_result.h"
#include "core/host/registry.h"
#include "core/host/trial.h"
#include "core/host/trust_above.h"
#include "core/host/version.h"

int registry_file_set_problem(struct registry *registry, struct registry_file *file,
                              const struct error *problem)
{
    struct str text = registry_dup(registry, str_from(problem->message));
    if (text.p == NULL) {
        return E_NOMEM;
    }

    file->info.problem = text;
    file->problem_code = problem->code;
    return 0;
}

/* ---- A file that may be replaced ---- */

/* The loader knows a library by its path: that of a descriptor must never be another one's. */
void registry_file_finish(struct registry_file *file)
{
    manifest_destroy(file->manifest);
    file->manifest = NULL;
    if (file->kept_path[0] == '\0') {
        cleanup_close_fd(&file->kept_fd);
    }
}

void registry_file_keep(struct registry_file *file)
{
    struct trust_file opened;
    if (file->kept_fd >= 0 || file->is_loaded || file->hash[0] != '\0' ||
        trust_open_file(NULL, file->info.path.p, &opened, NULL) != 0) {
        return;
    }
    if (opened.is_foreign || !trust_stamp_equal(&opened.stamp, &file->stamp)) {
        (void)close(opened.fd); /* it was only looked at */
        return;
    }
    file->kept_fd = opened.fd;
}

static bool is_held(const struct registry_file *file)
{
    return file->kept_fd >= 0 && trust_stamp_is_of(&file->stamp, file->kept_fd);
}

bool registry_file_is_kept(const struct registry_file *file)
{
    return file->manifest != NULL && (file->is_loaded || is_held(file));
}

const char *registry_file_kept_path(struct registry_file *file)
{
    if (!is_held(file)) {
        return NULL;
    }
    (void)snprintf(file->kept_path, sizeof file->kept_path, "/proc/self/fd/%d", file->kept_fd);
    return file->kept_path;
}

/* ---- Reading one manifest ---- */

static int read_from_fd(void *user, uint64_t offset, void *buffer, size_t n)
{
    const int *fd = user;
    char *to = buffer;
    while (n > 0) {
        ssize_t got = pread(*fd, to, n, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return E_IO;
        }
        to += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

/* What is not ours may change while it is read: one reading gives the hash and the manifest. */
static int read_foreign(struct registry_file *file, const struct trust_file *opened,
                        struct elf_manifest *out_note, struct error *err)
{
    cleanup_fd int bytes = memfd_create("plugin", MFD_CLOEXEC);
    if (bytes < 0) {
        return error_set_errno(err, E_IO, errno, "no memory for its bytes");
    }
    int status = copy_shelf_hash(opened->fd, bytes, file->hash, err);
    off_t size = lseek(bytes, 0, SEEK_END);
    struct elf_source source = {.user = &bytes, .size = (uint64_t)size, .read = read_from_fd};
    if (status == 0) {
        file->info.trial.owner = opened->owner;
        status = elf_note_read(&source, out_note, err);
    }
    return status;
}

static int read_note(struct registry *registry, struct registry_file *file,
                     struct elf_manifest *out_note, struct error *err)
{
    struct trust_file opened;
    int status = trust_open_file(&registry->above, file->info.path.p, &opened, err);
    if (status != 0) {
        return status;
    }
    bool is_foreign = opened.is_foreign && !registry->loads_in_place;
    struct elf_source source = {
        .user = &opened.fd, .size = opened.stamp.size, .read = read_from_fd};
    file->stamp = opened.stamp;
    file->hash[0] = '\0';
    status = is_foreign ? read_foreign(file, &opened, out_note, err)
                        : elf_note_read(&source, out_note, err);
    (void)close(opened.fd); /* it was only read */
    if (status != 0) {
        error_prefix(err, "plugin file '%.*s': ", STR_ARG(file->info.path));
    }
    return status;
}

static int file_read(struct registry *registry, struct registry_file *file,
                     struct manifest **out_manifest, struct error *err)
{
    if (registry->form == NULL && manifest_form_create(&registry->form, err) != 0) {
        return E_NOMEM;
    }
    struct elf_manifest note;
    int status = read_note(registry, file, &note, err);
    if (status != 0) {
        return status;
    }

    struct manifest_source text = {.path = file->info.path,
                                   .text = strbuf_str(&note.text),
                                   .crc = note.crc,
                                   .form = registry->form};
    status = manifest_read(&text, out_manifest, err);
    strbuf_finish(&note.text);
    if (status != 0) {
        error_prefix(err, "plugin file '%.*s': ", STR_ARG(file->info.path));
    }
    return status;
}

static int file_take_manifest(struct registry *registry, struct registry_file *file,
                              struct manifest *manifest)
{
    file->manifest = manifest;
    file->info.id = manifest->plugin.id;
    file->info.version = manifest->plugin.version;
    file->info.manifest = manifest->document;
    file->types = arena_calloc(&registry->arena, manifest->node_count + 1, sizeof *file->types);
    if (file->types == NULL) {
        return E_NOMEM;
    }

    for (size_t i = 0; i < manifest->node_count; i++) {
        const struct node_type *type = &manifest->nodes[i].type;
        file->types[i] = (struct node_type_line){.name = type->name,
                                                 .plugin = file->info.id,
                                                 .risk = type->risk,
                                                 .summary = type->summary};
    }
    file->type_count = manifest->node_count;
    return 0;
}

int registry_file_read_manifest(struct registry *registry, struct registry_file *file,
                                struct error *err)
{
    struct manifest *manifest = NULL;
    struct error problem = {0};
    if (file->manifest != NULL) {
        return 0;
    }

    int status = file_read(registry, file, &manifest, &problem);
    if (status == 0) {
        if (file_take_manifest(registry, file, manifest) != 0) {
            return error_nomem(err);
        }
        status = version_check(manifest, &problem);
    }
    if (status == E_NOMEM) {
        return error_copy(err, &problem);
    }
    if (status != 0 && registry_file_set_problem(registry, file, &problem) != 0) {
        return error_nomem(err);
    }
    return 0;
}

int registry_file_read(struct registry *registry, struct registry_file *file, const char *path,
                       struct error *err)
{
    static const struct trust_stamp never = {0};
    struct error problem = {0};
    uint32_t owner = 0; /* of a link to a file of ours: the file counts */
    int status = registry_file_read_manifest(registry, file, err);
    if (status != 0 || file->problem_code != 0) {
        return status;
    }
    status = trust_above_check(&registry->above, path, &owner, &problem);
    if (status == E_PLUGIN) {
        /* No stamp tells when that has been mended, so it is looked at again each time. */
        status = registry_file_set_problem(registry, file, &problem);
        status = status == 0 ? registry_add_place(registry, str_from(path), &never) : status;
    }
    return status == E_NOMEM ? error_nomem(err) : 0;
}

/* ---- What came of trying it ---- */

static struct str dup_text(struct registry *registry, const struct strbuf *text)
{
    return registry_dup(registry, strbuf_str(text));
}

static void note_problem(struct registry *registry, struct registry_file *file,
                         const struct probe_result *result)
{
    struct error problem = {0};
    trial_tell(file, result, &problem);
    file->is_tried_badly = registry_file_set_problem(registry, file, &problem) == 0;
}

static void note_result(struct registry *registry, struct registry_file *file,
                        const struct probe_result *result)
{
    struct strbuf signal = STRBUF_INIT;
    struct host_trial *trial = &file->info.trial;
    if (result->outcome == PROBE_CRASHED) {
        probe_result_append_signal(result->signal, &signal);
    }
    *trial = (struct host_trial){
        .state = result->outcome == PROBE_PASSED ? HOST_TRIAL_PASSED : HOST_TRIAL_FAILED,
        .owner = trial->owner,
        .outcome = str_from(probe_outcome_name(result->outcome)),
        .stage = str_from(probe_stage_name(result->stage)),
        .signal = dup_text(registry, &signal),
        .exit_code = result->outcome == PROBE_EXITED ? result->exit_code : -1,
        .tried_unix_ms = result->tried_unix_ms,
        .message = dup_text(registry, &result->message),
        .version = dup_text(registry, &result->version),
        .stack = dup_text(registry, &result->stack),
        .output = dup_text(registry, &result->output),
    };
    strbuf_finish(&signal);
    bool is_final = trial->state == HOST_TRIAL_FAILED && result->outcome != PROBE_REFUSED;
    if (is_final && file->problem_code == 0) {
        note_problem(registry, file, result);
    }
}

static void forget_result(struct registry_file *file)
{
    file->info.trial =
        (struct host_trial){.state = HOST_TRIAL_DUE, .owner = file->info.trial.owner};
    if (file->is_tried_badly) {
        file->is_tried_badly = false;
        file->problem_code = 0;
        file->info.problem = str_make(NULL, 0);
    }
}

void registry_file_look_at_trial(struct registry *registry, struct registry_file *file)
{
    struct probe_result result = PROBE_RESULT_INIT;
    if (file->hash[0] == '\0' || file->manifest == NULL) {
        return;
    }
    bool is_found = copy_shelf_find_result(&registry->copies, file->hash, &result);
    bool is_news = result.tried_unix_ms != file->info.trial.tried_unix_ms;
    if (!is_found || is_news) {
        forget_result(file);
    }
    if (is_found && is_news) {
        note_result(registry, file, &result);
    }
    probe_result_finish(&result);
}

/* ---- What it offers ---- */

struct registry_file *registry_file_of_info(const struct host_plugin_file *info)
{
    /* what was given out is a member of ours */
    return (struct registry_file *)((uintptr_t)info - offsetof(struct registry_file, info));
}

const struct node_type *registry_file_refuse(const struct registry_file *file, struct error *err)
{
    error_set(err, file->problem_code == E_VERSION ? E_VERSION : E_PLUGIN, "%.*s",
              STR_ARG(file->info.problem));
    return NULL;
}

const struct node_type *registry_file_type(const struct host_plugin_file *info, struct str name,
                                           struct error *err)
{
    const struct registry_file *file = registry_file_of_info(info);
    if (file->problem_code != 0 || file->manifest == NULL) {
        return registry_file_refuse(file, err);
    }

    const struct manifest_node *node = manifest_find_node(file->manifest, name);
    if (node == NULL) {
        (void)error_set(err, E_NOT_FOUND, "plugin file '%.*s' has no node type '%.*s'",
                        STR_ARG(info->path), STR_ARG(name));
        return NULL;
    }
    return &node->type;
}
