/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/build_id.h"
#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/grow.h"
#include "core/base/module.h"
#include "core/host/elf_note.h"
#include "core/host/manifest.h"
#include "core/host/probe_result.h"
#include "core/host/trial.h"
#include "core/host/version.h"
#include "core/value/schema.h"
#include "core/value/value.h"

static const char local_folder[] = "/usr/local/lib/" OPSTREAM_TRIPLET "/opstream/plugins";

/* ---- Parts ---- */

struct str registry_dup(struct registry *registry, struct str text)
{
    return arena_dup_str(&registry->arena, text);
}

int registry_add_place(struct registry *registry, struct str path, const struct trust_stamp *stamp)
{
    struct registry_place *places = array_reserve(registry->places, &registry->place_cap,
                                                  registry->place_count + 1,
                                                  sizeof *registry->places);
    if (places == NULL) {
        return E_NOMEM;
    }
    registry->places = places;
    struct str copy = registry_dup(registry, path);
    if (copy.p == NULL) {
        return E_NOMEM;
    }

    places[registry->place_count++] = (struct registry_place){copy, *stamp};
    return 0;
}

int registry_add_file(struct registry *registry, struct str path, struct registry_file **out_file)
{
    struct registry_file **files = array_reserve((void *)registry->files, &registry->file_cap,
                                                 registry->file_count + 1, sizeof *registry->files);
    if (files == NULL) {
        return E_NOMEM;
    }
    registry->files = files;
    struct registry_file *file = arena_calloc(&registry->arena, 1, sizeof *file);
    struct str copy = registry_dup(registry, path);
    if (file == NULL || copy.p == NULL) {
        return E_NOMEM;
    }

    file->info.path = copy;
    files[registry->file_count++] = file;
    *out_file = file;
    return 0;
}

int registry_set_problem(struct registry *registry, struct registry_file *file,
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

static int read_note(struct registry_file *file, struct elf_manifest *out_note, struct error *err)
{
    struct trust_file opened;
    int status = trust_open_file(file->info.path.p, &opened, err);
    if (status != 0) {
        return status;
    }
    struct elf_source source = {
        .user = &opened.fd, .size = opened.stamp.size, .read = read_from_fd};
    file->stamp = opened.stamp;
    file->hash[0] = '\0';
    status = opened.is_foreign ? read_foreign(file, &opened, out_note, err)
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
    int status = read_note(file, &note, err);
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

int registry_read_manifest(struct registry *registry, struct registry_file *file, struct error *err)
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
    if (status != 0 && registry_set_problem(registry, file, &problem) != 0) {
        return error_nomem(err);
    }
    return 0;
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
    trial_tell(file->manifest, result, &problem);
    file->is_tried_badly = registry_set_problem(registry, file, &problem) == 0;
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

void registry_look_at_trial(struct registry *registry, struct registry_file *file)
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

static struct registry_file *find_in(struct registry_file *const *files, size_t count,
                                     const struct manifest *manifest)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i]->manifest == manifest) {
            return files[i];
        }
    }
    return NULL;
}

struct registry_file *registry_file_of_manifest(struct registry *registry,
                                                const struct manifest *manifest)
{
    struct registry_file *file = find_in(registry->files, registry->file_count, manifest);
    if (file == NULL) {
        file = find_in(registry->retired, registry->retired_count, manifest);
    }
    CHECK(file != NULL);
    return file;
}

struct registry_file *registry_file_of_info(const struct host_plugin_file *info)
{
    /* what was given out is a member of ours */
    return (struct registry_file *)((uintptr_t)info - offsetof(struct registry_file, info));
}

/* ---- All of them ---- */

void registry_clear(struct registry *registry)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        manifest_destroy(registry->files[i]->manifest);
    }
    registry->file_count = 0;
    registry->place_count = 0;
    strmap_finish(&registry->types);
    registry->types = STRMAP_INIT;
    free((void *)registry->sorted);
    registry->sorted = NULL;
    registry->sorted_count = 0;
    registry->has_all_manifests = false;
}

static struct registry_file *find_by_id(const struct registry *registry, struct str id,
                                        const struct registry_file *before)
{
    for (size_t i = 0; i < registry->file_count && registry->files[i] != before; i++) {
        struct registry_file *file = registry->files[i];
        if (id.n > 0 && !file->is_misplaced && str_equal(file->info.id, id)) {
            return file;
        }
    }
    return NULL;
}

/* The first file of an id wins. */
static int mark_shadowed(struct registry *registry)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        const struct registry_file *first = find_by_id(registry, file->info.id, file);
        if (first == NULL || file->is_misplaced) {
            continue;
        }

        struct error problem = {0};
        error_set(&problem, E_EXISTS, "plugin '%.*s' is taken from '%.*s', which comes first",
                  STR_ARG(file->info.id), STR_ARG(first->info.path));
        if (registry_set_problem(registry, file, &problem) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int add_type(struct registry *registry, struct registry_file *file,
                    const struct node_type_line *line)
{
    struct registry_type *known = strmap_get(&registry->types, line->name);
    if (known != NULL) {
        known->rival = file->is_misplaced ? known->rival : file;
        return 0;
    }

    struct registry_type *type = arena_calloc(&registry->arena, 1, sizeof *type);
    if (type == NULL) {
        return E_NOMEM;
    }
    type->line = *line;
    type->file = file;
    return strmap_add(&registry->types, type->line.name, type);
}

static int compare_types(const void *a, const void *b)
{
    const struct registry_type *const *left = a;
    const struct registry_type *const *right = b;
    return str_compare((*left)->line.name, (*right)->line.name);
}

static int sort_types(struct registry *registry)
{
    size_t cursor = 0;
    size_t count = 0;
    registry->sorted =
        (struct registry_type **)calloc(registry->types.count + 1, sizeof *registry->sorted);
    if (registry->sorted == NULL) {
        return E_NOMEM;
    }

    for (struct registry_type *type = strmap_next(&registry->types, &cursor, NULL); type != NULL;
         type = strmap_next(&registry->types, &cursor, NULL)) {
        if (type->rival == NULL && type->file->problem_code == 0) {
            registry->sorted[count++] = type;
        }
    }
    registry->sorted_count = count;
    qsort((void *)registry->sorted, count, sizeof *registry->sorted, compare_types);
    return 0;
}

static int add_types(struct registry *registry, bool are_misplaced)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        bool is_left_out = file->problem_code == E_EXISTS || file->is_misplaced != are_misplaced;
        for (size_t t = 0; status == 0 && !is_left_out && t < file->type_count; t++) {
            status = add_type(registry, file, &file->types[t]);
        }
    }
    return status;
}

/* Those of misplaced files are known for what is said to whoever asks for one. */
static int collect_types(struct registry *registry)
{
    bool is_full = add_types(registry, false) != 0 || add_types(registry, true) != 0;
    return is_full ? E_NOMEM : sort_types(registry);
}

static int scan(struct registry *registry, struct error *err)
{
    int status = registry_scan(registry, err);
    if (status != 0) {
        return status;
    }
    if (mark_shadowed(registry) != 0 || collect_types(registry) != 0) {
        return error_nomem(err);
    }

    registry->has_all_manifests = true;
    registry->was_indexed = false;
    registry->is_loaded = true;
    registry_write_index(registry);
    return 0;
}

static int load(struct registry *registry, struct error *err)
{
    if (registry->is_loaded) {
        return 0;
    }
    if (registry_read_index(registry)) {
        if (collect_types(registry) != 0) {
            return error_nomem(err);
        }
        registry->was_indexed = true;
        registry->is_loaded = true;
        return 0;
    }

    registry_clear(registry);
    int status = scan(registry, err);
    if (status != 0) {
        registry_clear(registry);
    }
    return status;
}

/* The index said what the files do not: looks again. Manifests that were given out stay. */
static int repair(struct registry *registry, struct error *err)
{
    struct registry_file **retired =
        array_reserve((void *)registry->retired, &registry->retired_cap,
                      registry->retired_count + registry->file_count, sizeof *registry->retired);
    if (retired == NULL) {
        return error_nomem(err);
    }

    registry->retired = retired;
    for (size_t i = 0; i < registry->file_count; i++) {
        retired[registry->retired_count++] = registry->files[i];
    }
    registry->file_count = 0;
    registry_clear(registry);
    return scan(registry, err);
}

static int load_all(struct registry *registry, struct error *err)
{
    int status = load(registry, err);
    for (size_t i = 0; status == 0 && !registry->has_all_manifests && i < registry->file_count;
         i++) {
        status = registry_read_manifest(registry, registry->files[i], err);
    }
    registry->has_all_manifests = registry->has_all_manifests || status == 0;
    return status;
}

/* Kept with the retired ones, so that it ends with the registry and is no plugin of a folder. */
struct registry_file *registry_take_file(struct registry *registry, const char *path,
                                         struct error *err)
{
    cleanup_free char *real = realpath(path, NULL);
    if (real == NULL) {
        (void)error_set_errno(err, errno == ENOENT ? E_NOT_FOUND : E_IO, errno,
                              "cannot open the file '%s'", path);
        return NULL;
    }
    struct registry_file **retired =
        array_reserve((void *)registry->retired, &registry->retired_cap,
                      registry->retired_count + 1, sizeof *registry->retired);
    struct registry_file *file = arena_calloc(&registry->arena, 1, sizeof *file);
    if (retired != NULL) {
        registry->retired = retired;
    }
    if (retired == NULL || file == NULL) {
        (void)error_nomem(err);
        return NULL;
    }
    file->info.path = registry_dup(registry, str_from(real));
    retired[registry->retired_count++] = file;
    if (file->info.path.p == NULL || registry_read_manifest(registry, file, err) != 0) {
        (void)error_nomem(err);
        return NULL;
    }
    registry_look_at_trial(registry, file);
    return file;
}

const struct host_plugin_file *registry_read_file(struct registry *registry, const char *path,
                                                  struct error *err)
{
    const struct registry_file *file = registry_take_file(registry, path, err);
    return file != NULL ? &file->info : NULL;
}

/* ---- The catalogue ---- */

/* A file without a readable manifest that by its name should have the type. */
static struct registry_file *find_by_name(const struct registry *registry, struct str name)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        struct registry_file *file = registry->files[i];
        struct str path = file->info.path;
        size_t start = path.n;
        while (start > 0 && path.p[start - 1] != '/') {
            start--;
        }
        struct str stem = str_make(path.p + start, path.n - start);
        if (file->info.id.n > 0 || !str_ends_with(stem, STR(".so"))) {
            continue;
        }
        stem.n -= 3;
        if (str_equal(stem, name) || (str_starts_with(name, stem) && name.p[stem.n] == '.')) {
            return file;
        }
    }
    return NULL;
}

static const struct node_type *refuse(const struct registry_file *file, struct error *err)
{
    error_set(err, file->problem_code == E_VERSION ? E_VERSION : E_PLUGIN, "%.*s",
              STR_ARG(file->info.problem));
    return NULL;
}

const struct node_type *registry_file_type(const struct host_plugin_file *info, struct str name,
                                           struct error *err)
{
    const struct registry_file *file =
        (const struct registry_file *)((const char *)info - offsetof(struct registry_file, info));
    if (file->problem_code != 0 || file->manifest == NULL) {
        return refuse(file, err);
    }

    const struct manifest_node *node = manifest_find_node(file->manifest, name);
    if (node == NULL) {
        (void)error_set(err, E_NOT_FOUND, "plugin file '%.*s' has no node type '%.*s'",
                        STR_ARG(info->path), STR_ARG(name));
        return NULL;
    }
    return &node->type;
}

static const struct node_type *refuse_unknown(const struct registry *registry, struct str name,
                                              struct error *err)
{
    const struct registry_file *file = find_by_name(registry, name);
    if (file != NULL) {
        return refuse(file, err);
    }
    error_set(err, E_NOT_FOUND, "no plugin has the node type '%.*s' (searched: %s)", STR_ARG(name),
              registry->folders_text.p);
    return NULL;
}

/* Somebody has put another file there, and no code of the old one runs. */
static bool is_outdated(const struct registry_file *file)
{
    struct trust_stamp now = trust_stamp_of(file->info.path.p);
    return !file->is_loaded && !trust_stamp_equal(&file->stamp, &now);
}

static const struct node_type *type_of(struct registry *registry, struct str name,
                                       struct error *err)
{
    const struct registry_type *type = strmap_get(&registry->types, name);
    if (type == NULL) {
        return refuse_unknown(registry, name, err);
    }
    if (type->rival != NULL) {
        error_set(err, E_PLUGIN,
                  "the node type '%.*s' is in two plugins: '%.*s' and '%.*s'; remove one",
                  STR_ARG(name), STR_ARG(type->file->info.path), STR_ARG(type->rival->info.path));
        return NULL;
    }
    if (registry_read_manifest(registry, type->file, err) != 0) {
        return NULL;
    }
    if (is_outdated(type->file)) {
        error_set(err, E_CONFLICT, "plugin file '%.*s' is being changed: try again",
                  STR_ARG(type->file->info.path));
        return NULL;
    }
    registry_look_at_trial(registry, type->file);
    if (type->file->problem_code != 0) {
        return refuse(type->file, err);
    }

    const struct manifest_node *node = manifest_find_node(type->file->manifest, name);
    if (node == NULL) {
        error_set(err, E_PLUGIN, "plugin file '%.*s' has no node type '%.*s' any more",
                  STR_ARG(type->file->info.path), STR_ARG(name));
        return NULL;
    }
    return &node->type;
}

static const struct node_type *catalogue_find_type(void *user, struct str name, struct error *err)
{
    struct registry *registry = user;
    struct error problem = {0};
    if (load(registry, err) != 0) {
        return NULL;
    }

    const struct node_type *type = type_of(registry, name, &problem);
    bool may_help =
        problem.code == E_CONFLICT ||
        (registry->was_indexed && problem.code != E_NOMEM && problem.code != E_NOT_FOUND);
    if (type == NULL && may_help && repair(registry, &problem) == 0) {
        problem = (struct error){0};
        type = type_of(registry, name, &problem);
    }
    if (type == NULL) {
        error_copy(err, &problem);
    }
    return type;
}

static const struct plugin_type *catalogue_find_plugin(void *user, struct str id)
{
    struct registry *registry = user;
    struct registry_file *file = load(registry, NULL) == 0 ? find_by_id(registry, id, NULL) : NULL;
    if (file == NULL || registry_read_manifest(registry, file, NULL) != 0 ||
        file->problem_code != 0) {
        return NULL;
    }
    return &file->manifest->plugin;
}

static const struct node_type *catalogue_type_at(void *user, size_t i)
{
    struct registry *registry = user;
    if (load(registry, NULL) != 0 || i >= registry->sorted_count) {
        return NULL;
    }
    return type_of(registry, registry->sorted[i]->line.name, NULL);
}

/* Of what is not trusted, whether it has been tried: no manifest is read for it. */
static struct str note_of(const struct registry *registry, const struct registry_file *file)
{
    struct probe_result result = PROBE_RESULT_INIT;
    if (file->hash[0] == '\0') {
        return str_make(NULL, 0);
    }
    struct str note = STR("not tried yet");
    if (copy_shelf_find_result(&registry->copies, file->hash, &result)) {
        note = result.outcome == PROBE_PASSED    ? str_make(NULL, 0)
               : result.outcome == PROBE_REFUSED ? STR("tried, and did not start")
                                                 : STR("tried, and cannot be used");
    }
    probe_result_finish(&result);
    return note;
}

static bool catalogue_line_at(void *user, size_t i, struct node_type_line *out_line)
{
    struct registry *registry = user;
    if (load(registry, NULL) != 0 || i >= registry->sorted_count) {
        return false;
    }
    *out_line = registry->sorted[i]->line;
    out_line->note = note_of(registry, registry->sorted[i]->file);
    return true;
}

/* A folder that was refused is in the list like a file. */
static const struct registry_file *find_refused(const struct registry *registry, struct str folder)
{
    for (size_t i = 0; i < registry->file_count; i++) {
        const struct registry_file *file = registry->files[i];
        if (file->info.problem.n > 0 && str_equal(file->info.path, folder)) {
            return file;
        }
    }
    return NULL;
}

/* Those that were not looked into say why; the program's own may be missing. */
static struct str catalogue_folders(void *user)
{
    struct registry *registry = user;
    struct strbuf *told = &registry->folders_told;
    strbuf_clear(told);
    for (size_t i = 0; load(registry, NULL) == 0 && i < registry->folder_count; i++) {
        const struct registry_file *refused = find_refused(registry, registry->folders[i]);
        strbuf_append_format(told, "%s%.*s", i > 0 ? ", " : "", STR_ARG(registry->folders[i]));
        struct trust_stamp stamp = trust_stamp_of(registry->folders[i].p);
        if (i < registry->named_count && trust_stamp_equal(&stamp, &(struct trust_stamp){0})) {
            strbuf_append_text(told, " (not there)");
        }
        if (refused != NULL) {
            strbuf_append_format(told, " (not used: %.*s)", STR_ARG(refused->info.problem));
        }
    }
    bool is_told = told->n > 0 && strbuf_status(told) == 0;
    return strbuf_str(is_told ? told : &registry->folders_text);
}

const struct catalogue *registry_catalogue(struct registry *registry)
{
    return &registry->catalogue;
}

size_t registry_file_count(struct registry *registry)
{
    return load_all(registry, NULL) == 0 ? registry->file_count : 0;
}

const struct host_plugin_file *registry_file_at(struct registry *registry, size_t i)
{
    registry_look_at_trial(registry, registry->files[i]);
    return &registry->files[i]->info;
}

/* ---- Life ---- */

static int add_folder(struct registry *registry, const char *path)
{
    struct str folder = registry_dup(registry, str_from(path));
    if (folder.p == NULL) {
        return E_NOMEM;
    }

    registry->folders[registry->folder_count++] = folder;
    if (registry->folders_text.n > 0) {
        strbuf_append_text(&registry->folders_text, ", ");
    }
    strbuf_append_str(&registry->folders_text, folder);
    return strbuf_status(&registry->folders_text);
}

static int add_folders(struct registry *registry, const char *const *folders, size_t count)
{
    char own[PATH_MAX];
    const char *modules = NULL;
    registry->folders = arena_calloc(&registry->arena, count + 2, sizeof *registry->folders);
    registry->named_count = count;
    int status = registry->folders != NULL ? 0 : E_NOMEM;
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = add_folder(registry, folders[i]);
    }
    if (status == 0 && module_folder(&modules, NULL) == 0 &&
        strlen(modules) + sizeof "/plugins" <= sizeof own) {
        size_t n = strlen(modules);
        memcpy(own, modules, n);
        memcpy(own + n, "/plugins", sizeof "/plugins");
        status = add_folder(registry, own);
    }
    return status == 0 ? add_folder(registry, local_folder) : status;
}

int registry_create(const char *const *folders, size_t folder_count, const char *index_path,
                    struct registry **out_registry, struct error *err)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL) {
        return error_nomem(err);
    }

    int status = add_folders(registry, folders, folder_count);
    if (status == 0 && index_path != NULL) {
        registry->index_path = arena_dup(&registry->arena, str_from(index_path));
        status = registry->index_path != NULL ? 0 : E_NOMEM;
    }
    if (status != 0) {
        registry_destroy(registry);
        return error_nomem(err);
    }

    registry->catalogue = (struct catalogue){
        .user = registry,
        .find_type = catalogue_find_type,
        .find_plugin = catalogue_find_plugin,
        .type_at = catalogue_type_at,
        .line_at = catalogue_line_at,
        .folders = catalogue_folders,
    };
    *out_registry = registry;
    return 0;
}

int registry_use_file(struct registry *registry, const char *path, struct error *err)
{
    CHECK(!registry->is_loaded);
    registry->only_file = arena_dup(&registry->arena, str_from(path));
    registry->folder_count = 0;
    registry->index_path = NULL;
    strbuf_clear(&registry->folders_text);
    strbuf_append_text(&registry->folders_text, path);
    bool is_full = registry->only_file == NULL || strbuf_status(&registry->folders_text) != 0;
    return is_full ? error_nomem(err) : 0;
}

int registry_set_copies(struct registry *registry, const char *const *paths, struct error *err)
{
    for (size_t i = 0; i < COPY_SHELF_FOLDERS && paths[i] != NULL; i++) {
        registry->copies.paths[i] = arena_dup(&registry->arena, str_from(paths[i]));
        if (registry->copies.paths[i] == NULL) {
            return error_nomem(err);
        }
    }
    return 0;
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }

    registry_clear(registry);
    for (size_t i = 0; i < registry->retired_count; i++) {
        manifest_destroy(registry->retired[i]->manifest);
    }
    free((void *)registry->retired);
    free((void *)registry->files);
    free(registry->places);
    strbuf_finish(&registry->folders_text);
    strbuf_finish(&registry->folders_told);
    schema_destroy(registry->form);
    arena_finish(&registry->arena);
    free(registry);
}
