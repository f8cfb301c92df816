/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/base/strmap.h"
#include "core/cli/file_text.h"
#include "core/cli/private_folders.h"
#include "core/cli/secret_env.h"
#include "core/cli/terminal.h"
#include "core/host/crc64.h"
#include "core/host/host.h"
#include "core/loop/loop.h"
#include "core/loop/secret_sources.h"
#include "core/loop/state_folder.h"
#include "core/loop/tape.h"
#include "core/model/catalogue.h"
#include "core/model/engine_types.h"
#include "core/model/layout.h"
#include "core/model/load.h"
#include "core/model/pipeline.h"
#include "core/value/builder.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

enum { DEFINITION_MAX_BYTES = 4 * 1024 * 1024 };

/* ---- folders ---- */

static int add_folder(struct folder_list *list, struct str folder)
{
    if (folder.n == 0) {
        return 0;
    }
    char **names = reallocarray(list->names, list->count + 1, sizeof(*names));
    if (names == NULL) {
        return E_NOMEM;
    }
    list->names = names;
    names[list->count] = str_dup(folder);
    return names[list->count++] == NULL ? E_NOMEM : 0;
}

static int add_folders_of_path(struct folder_list *list, const char *path)
{
    int status = 0;
    while (path != NULL && status == 0) {
        const char *end = strchr(path, ':');
        status =
            add_folder(list, end != NULL ? str_make(path, (size_t)(end - path)) : str_from(path));
        path = end != NULL ? end + 1 : NULL;
    }
    return status;
}

/* Those that the option gives, then those of the environment. */
static int find_folders(struct folder_list *list, const struct command_args *args,
                        const char *option, const char *variable)
{
    const char *folder = NULL;
    for (size_t i = 0; (folder = command_value_at(args, option, i)) != NULL; i++) {
        int status = add_folder(list, str_from(folder));
        if (status != 0) {
            return status;
        }
    }
    return add_folders_of_path(list, getenv(variable));
}

void folder_list_finish(struct folder_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
    *list = (struct folder_list){0};
}

/* Tells programs and lists of folders apart, so that each has an index of its own. */
static uint64_t index_key(const struct workspace *workspace)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program));
    struct strbuf text = STRBUF_INIT;
    strbuf_append(&text, program, n > 0 ? (size_t)n : 0);
    for (size_t i = 0; i < workspace->folders.count; i++) {
        strbuf_append_format(&text, "\n%s", workspace->folders.names[i]);
    }
    uint64_t key = crc64_xz(strbuf_str(&text));
    strbuf_finish(&text);
    return key;
}

/* $XDG_CACHE_HOME/opstream, else ~/.cache/opstream; false: there is no home. */
static bool append_cache_folder(struct strbuf *out)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/') {
        strbuf_append_format(out, "%s/opstream", cache);
    } else if (home != NULL && home[0] == '/') {
        strbuf_append_format(out, "%s/.cache/opstream", home);
    } else {
        return false;
    }
    return true;
}

/* Without a home there is no index. */
static char *find_index_path(const struct workspace *workspace)
{
    struct strbuf path = STRBUF_INIT;
    if (!append_cache_folder(&path)) {
        return NULL;
    }
    strbuf_append_format(&path, "/plugins-%016llx.index", (unsigned long long)index_key(workspace));
    return strbuf_take(&path);
}

/* In the cache, which all commands of a user share; a service without one has its state. */
static void find_copy_folders(struct workspace *workspace, const struct command_args *args)
{
    struct strbuf path = STRBUF_INIT;
    cleanup_free char *state = NULL;
    size_t count = 0;
    if (append_cache_folder(&path)) {
        strbuf_append_text(&path, "/plugin-copies");
        workspace->copy_folders[count] = strbuf_take(&path);
        count += workspace->copy_folders[count] != NULL ? 1 : 0;
    }
    if (state_folder_locate(command_value(args, "state"), &state, NULL) == 0) {
        strbuf_append_format(&path, "%s/plugin-copies", state);
        workspace->copy_folders[count] = strbuf_take(&path);
    }
}

/* A folder that somebody names is meant to be there; those of the environment need not be. */
static int check_named(const struct command_args *args, const char *option)
{
    const char *folder = NULL;
    for (size_t i = 0; (folder = command_value_at(args, option, i)) != NULL; i++) {
        DIR *opened = opendir(folder);
        if (opened == NULL) {
            return command_error(EXIT_USAGE, "--%s: '%s' cannot be read: %s", option, folder,
                                 strerror(errno));
        }
        (void)closedir(opened);
    }
    return EXIT_DONE;
}

/* ---- secrets ---- */

static int check_secret(void *user, struct str name, struct strbuf *cure, struct error *err)
{
    struct workspace *workspace = user;
    struct secret_stand_ins *stand_ins = &workspace->secret_stand_ins;
    struct str value = STR("");
    if (workspace->leaves_secrets) {
        return 0;
    }
    if (workspace->plays_tape && secret_stand_ins_add(stand_ins, name, err) != 0) {
        return E_NOMEM;
    }
    int status = secrets_look(workspace->secrets, name, &value, err);
    if (status == E_NOT_FOUND || (status != 0 && secrets_has_variable(workspace->secrets, name))) {
        secrets_append_cure(workspace->secrets, name, cure);
    }
    return status;
}

/* Without a place for a state there is no store; the rest works. */
static int open_secrets(struct workspace *workspace, const struct command_args *args,
                        struct error *err)
{
    cleanup_free char *state = NULL;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    bool has_state = state_folder_locate(command_value(args, "state"), &state, NULL) == 0;
    const struct secret_sources_options options = {
        .credentials = credentials != NULL && credentials[0] == '/' ? credentials : NULL,
        .state = has_state ? state : NULL};
    int status = secret_env_take(&workspace->secrets, err);
    if (status == 0) {
        status = secret_sources_create(&options, &workspace->secret_sources, err);
    }
    if (status == 0) {
        const struct secrets_source table = secret_sources_table(workspace->secret_sources);
        const struct secrets_source with_stand_ins =
            secret_stand_ins_init(&workspace->secret_stand_ins, &table);
        secrets_set_source(workspace->secrets, &with_stand_ins);
        workspace->secret_check = (struct load_secrets){.user = workspace, .check = check_secret};
    }
    return status;
}

/* ---- private folders ---- */

/* Those that do not depend on the settings; the cache has what is loaded as code. */
static int tell_private(const struct command_args *args, struct error *err)
{
    struct strbuf path = STRBUF_INIT;
    cleanup_free char *state = NULL;
    cleanup_free char *usual = NULL;
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    (void)state_folder_locate(command_value(args, "state"), &state, NULL); /* there may be none */
    (void)state_folder_locate(NULL, &usual, NULL);
    cleanup_free char *cache = append_cache_folder(&path) ? strbuf_take(&path) : NULL;
    const char *const folders[] = {state, usual, cache, credentials};
    int status = 0;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && status == 0; i++) {
        status = private_folders_add(folders[i], err);
    }
    return status;
}

int workspace_open(struct workspace *workspace, const struct command_args *args)
{
    return workspace_open_with(workspace, args, &(struct workspace_opening){0});
}

int workspace_open_with(struct workspace *workspace, const struct command_args *args,
                        const struct workspace_opening *opening)
{
    *workspace = (struct workspace){.plays_tape = opening->tape != NULL &&
                                                  tape_mode(opening->tape) == TAPE_PLAY};
    struct error err = {0};
    if (open_secrets(workspace, args, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    if (find_folders(&workspace->folders, args, "plugins", "OPSTREAM_PLUGIN_PATH") != 0 ||
        find_folders(&workspace->libraries, args, "library", "OPSTREAM_LIBRARY_PATH") != 0) {
        return command_error(EXIT_STATE, "out of memory");
    }
    if (check_named(args, "plugins") != EXIT_DONE || check_named(args, "library") != EXIT_DONE) {
        return EXIT_USAGE;
    }
    /* Before there are threads, which read the environment. */
    const char *settings = opening->has_settings ? opening->settings
                                                 : command_value(args, "config");
    int code = site_config_read(settings, &workspace->settings);
    if (code != EXIT_DONE) {
        return code;
    }
    if (tell_private(args, &err) != 0 ||
        site_config_secrets(&workspace->settings, workspace->secret_sources, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    workspace->index_path = find_index_path(workspace);
    find_copy_folders(workspace, args);
    struct loop_options options = {
        .plugin_folders = (const char *const *)workspace->folders.names,
        .plugin_folder_count = workspace->folders.count,
        .plugin_index_path = workspace->index_path,
        .plugin_file = opening->plugin_file,
        .plugin_copy_folders = {workspace->copy_folders[0], workspace->copy_folders[1]},
        .secrets = workspace->secrets,
        .tape = opening->tape,
    };
    int status = engine_types_create(&workspace->types, &err);
    if (status == 0) {
        status = loop_create(&options, &workspace->loop, &err);
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

void workspace_finish(struct workspace *workspace)
{
    loop_close(workspace->loop);
    engine_types_destroy(workspace->types);
    folder_list_finish(&workspace->folders);
    folder_list_finish(&workspace->libraries);
    free(workspace->index_path);
    free(workspace->copy_folders[0]);
    free(workspace->copy_folders[1]);
    settings_finish(&workspace->settings);
    secrets_destroy(workspace->secrets);
    secret_stand_ins_finish(&workspace->secret_stand_ins);
    secret_sources_destroy(workspace->secret_sources);
    *workspace = (struct workspace){0};
}

/* ---- files ---- */

/* Splits FILE#ID, but for a file that has just that name. */
static int split_operand(const char *operand, struct workspace_file *file)
{
    const char *hash = strrchr(operand, '#');
    if (hash != NULL && access(operand, F_OK) == 0) {
        hash = NULL;
    }
    file->name =
        str_dup(hash != NULL ? str_make(operand, (size_t)(hash - operand)) : str_from(operand));
    file->wanted = str_dup(hash != NULL ? str_from(hash + 1) : STR(""));
    return file->name == NULL || file->wanted == NULL ? E_NOMEM : 0;
}

static struct str source_of(const char *file_name, void *user)
{
    const struct workspace_file *file = user;
    if (strcmp(file_name, file->name) != 0) {
        return folder_library_text(&file->library, file_name);
    }
    return str_make(file->text, file->size);
}

static void build_text(struct builder *b, struct str key, const char *text)
{
    if (text != NULL) {
        builder_member_string(b, key, str_from(text));
    } else {
        builder_member_null(b, key);
    }
}

static void build_position(struct builder *b, struct str key, uint32_t position)
{
    if (position > 0) {
        builder_member_int(b, key, position);
    } else {
        builder_member_null(b, key);
    }
}

static void build_problem(struct builder *b, const char *file, const struct diagnostic *problem)
{
    bool is_error = problem->severity == DIAGNOSTIC_ERROR;
    builder_map_begin(b);
    builder_member_string(b, STR("severity"), is_error ? STR("error") : STR("warning"));
    build_text(b, STR("file"), file);
    build_position(b, STR("line"), problem->place.line);
    build_position(b, STR("column"), problem->place.column);
    build_text(b, STR("message"), problem->message);
    build_text(b, STR("hint"), problem->hint);
    builder_map_end(b);
}

/* What is wrong with a file and has no place in it. Returns `code`. */
static int say_problem(struct workspace *workspace, const struct workspace_file *file, int code,
                       const struct error *err)
{
    if (workspace->problems == NULL) {
        return command_error(code, "%s", err->message);
    }
    struct diagnostic problem = {.severity = DIAGNOSTIC_ERROR, .message = err->message};
    build_problem(workspace->problems, file->name, &problem);
    return code;
}

static void show_diagnostics(struct workspace *workspace, struct workspace_file *file,
                             struct diagnostics *diagnostics)
{
    struct strbuf text = STRBUF_INIT;
    diagnostics_sort(diagnostics);
    for (size_t i = 0; workspace->problems != NULL && i < diagnostics->count; i++) {
        const char *name = diagnostics->items[i].place.file;
        build_problem(workspace->problems, name != NULL ? name : file->name,
                      &diagnostics->items[i]);
    }
    if (workspace->problems != NULL) {
        return;
    }
    diagnostics_print(diagnostics, source_of, file,
                      terminal_has_color(STDERR_FILENO) ? DIAGNOSTIC_COLOR : 0, &text);
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
    workspace->warning_count += (unsigned)diagnostics->warning_count;
}

static const char *read_env(void *user, struct str name)
{
    char text[256];
    (void)user; /* there is one environment */
    if (str_starts_with(name, STR(SECRETS_VARIABLE_PREFIX))) {
        return NULL; /* load_secrets tells what there is; the value would go anywhere */
    }
    if (name.n >= sizeof(text)) {
        return NULL;
    }
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    return getenv(text);
}

struct load_options workspace_options(struct workspace *workspace)
{
    return (struct load_options){.catalogue = loop_catalogue(workspace->loop),
                                 .engine_types = workspace->types,
                                 .env = read_env,
                                 .user = workspace,
                                 .secrets = &workspace->secret_check};
}

/* What is said about a file is shown. */
static int load_file(struct workspace *workspace, unsigned flags, struct workspace_file *file)
{
    struct error err = {0};
    folder_library_init(&file->library, workspace->libraries.names, workspace->libraries.count,
                        file->name);
    struct load_library library = folder_library_loader(&file->library);
    struct load_options options = workspace_options(workspace);
    options.file = str_from(file->name);
    options.id = str_from(file->wanted);
    options.library = &library;
    options.flags = flags;
    options.config = workspace->settings.config;
    options.node_config = str_from(file->node_config);
    options = bundle_recorder_init(&file->recorder, &options);
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    int status = load_text(str_make(file->text, file->size), &options, &diagnostics,
                           &file->definitions, &err);
    show_diagnostics(workspace, file, &diagnostics);
    bool is_said = diagnostics.error_count > 0;
    diagnostics_finish(&diagnostics);
    if (status != 0 && !is_said) {
        (void)say_problem(workspace, file, EXIT_INVALID, &err);
    }
    return status == 0 ? EXIT_DONE : status == E_NOMEM ? EXIT_STATE : EXIT_INVALID;
}

int workspace_load(struct workspace *workspace, const char *operand, unsigned flags,
                   struct workspace_file *out_file)
{
    *out_file = (struct workspace_file){0};
    struct error err = {0};
    if (split_operand(operand, out_file) != 0) {
        return command_error(EXIT_STATE, "out of memory");
    }
    if (file_text_read(out_file->name, DEFINITION_MAX_BYTES, &out_file->text, &out_file->size,
                       &err) != 0) {
        int code = err.code == E_LIMIT ? EXIT_INVALID : EXIT_USAGE;
        return say_problem(workspace, out_file, code, &err);
    }
    return load_file(workspace, flags, out_file);
}

int workspace_load_text(struct workspace *workspace, const struct workspace_text *text,
                        unsigned flags, struct workspace_file *out_file)
{
    *out_file = (struct workspace_file){.size = text->text.n, .node_config = text->node_config};
    out_file->name = str_dup(str_from(text->name));
    out_file->wanted = str_dup(STR(""));
    out_file->text = str_dup(text->text);
    if (out_file->name == NULL || out_file->wanted == NULL || out_file->text == NULL) {
        return command_error(EXIT_STATE, "out of memory");
    }
    return load_file(workspace, flags, out_file);
}

void workspace_file_finish(struct workspace_file *file)
{
    definitions_destroy(file->definitions);
    bundle_recorder_finish(&file->recorder);
    folder_library_finish(&file->library);
    free(file->name);
    free(file->wanted);
    free(file->text);
    *file = (struct workspace_file){0};
}

int workspace_bundle(struct workspace_file *file, struct strbuf *out, struct error *err)
{
    return bundle_recorder_write(&file->recorder, str_make(file->text, file->size), out, err);
}

void workspace_compiled_by(const struct pipeline *pipeline, struct strbuf *out)
{
    layout_write(pipeline, "opstream " OPSTREAM_VERSION, out);
}

static int say_which(const struct workspace_file *file)
{
    struct strbuf ids = STRBUF_INIT;
    for (size_t i = 0; i < file->definitions->count; i++) {
        strbuf_append_format(&ids, "%s%s#%.*s", i == 0 ? "" : ", ", file->name,
                             STR_ARG(file->definitions->ids[i]));
    }
    int code = command_error(EXIT_INVALID, "%s: %zu pipelines: name one of %.*s", file->name,
                             file->definitions->count, STR_ARG(strbuf_str(&ids)));
    strbuf_finish(&ids);
    return code;
}

int workspace_pick(const struct workspace_file *file, const struct pipeline **out_pipeline)
{
    const struct definitions *definitions = file->definitions;
    if (definitions->count > 1) {
        return say_which(file);
    }
    if (definitions->count == 0 || definitions->pipelines[0] == NULL) {
        return command_error(EXIT_INVALID,
                             "%s: nothing to run: this is a profile, settings without a body, "
                             "which a pipeline takes by 'extends'",
                             file->name);
    }
    *out_pipeline = definitions->pipelines[0];
    return EXIT_DONE;
}

/* Loads the plugin of a node unless it is among `seen`. Fails with E_NOMEM only. */
static int load_plugin(struct workspace *workspace, const char *file_name, const struct node *node,
                       struct strmap *seen, struct diagnostics *diagnostics)
{
    struct error err = {0};
    struct str plugin = node->type->plugin;
    int status = plugin.n > 0 ? strmap_add(seen, plugin, seen) : E_EXISTS;
    if (status != 0) {
        return status == E_EXISTS ? 0 : status;
    }
    if (host_prepare(loop_host(workspace->loop), node->type, &err) != 0) {
        struct diagnostic_place place = {
            .file = file_name, .line = node->place.line, .column = node->place.column};
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, place, "node '%.*s': %s", STR_ARG(node->id),
                        err.message);
    }
    return 0;
}

int workspace_load_plugins(struct workspace *workspace, struct workspace_file *file,
                           const struct pipeline *pipeline)
{
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct strmap seen = STRMAP_INIT;
    int status = 0;
    for (uint32_t i = 0; i < pipeline->node_count && status == 0; i++) {
        status = load_plugin(workspace, file->name, &pipeline->nodes[i], &seen, &diagnostics);
    }
    bool is_refused = diagnostics.error_count > 0;
    show_diagnostics(workspace, file, &diagnostics);
    diagnostics_finish(&diagnostics);
    strmap_finish(&seen);
    if (status != 0) {
        return command_error(EXIT_STATE, "out of memory");
    }
    return is_refused ? EXIT_INVALID : EXIT_DONE;
}

int workspace_print(const struct command_args *args, workspace_text_cb append)
{
    struct workspace workspace;
    struct strbuf out = STRBUF_INIT;
    int code = workspace_open(&workspace, args);
    if (code == EXIT_DONE) {
        code = append(&workspace, args, &out);
    }
    if (code == EXIT_DONE && strbuf_status(&out) != 0) {
        code = command_error(EXIT_STATE, "out of memory");
    }
    if (code == EXIT_DONE) {
        code = terminal_write_stdout(strbuf_str(&out));
    }
    strbuf_finish(&out);
    workspace_finish(&workspace);
    return code;
}

int workspace_append_pipeline(struct workspace *workspace, const struct command_args *args,
                              workspace_pipeline_cb append, struct strbuf *out)
{
    struct workspace_file file;
    const struct pipeline *pipeline = NULL;
    int code = workspace_load(workspace, args->operands[0], 0, &file);
    if (code == EXIT_DONE) {
        code = workspace_pick(&file, &pipeline);
    }
    if (code == EXIT_DONE) {
        code = append(args, pipeline, out);
    }
    workspace_file_finish(&file);
    return code;
}

/* ---- the library ---- */

static int record_library_file(struct workspace *workspace, struct str id,
                               const struct load_library_text *file, struct strbuf *out,
                               struct error *err)
{
    struct bundle_recorder recorder;
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct definitions *definitions = NULL;
    struct folder_library others;
    cleanup_free char *name = str_dup(file->file);
    if (name == NULL) {
        return error_nomem(err);
    }
    folder_library_init(&others, workspace->libraries.names, workspace->libraries.count, name);
    struct load_library library = folder_library_loader(&others);
    struct load_options options = workspace_options(workspace);
    options.file = file->file;
    options.id = id;
    options.library = &library;
    options.config = workspace->settings.config;
    options = bundle_recorder_init(&recorder, &options);
    int status = load_text(file->text, &options, &diagnostics, &definitions, err);
    if (status == 0) {
        status = bundle_recorder_write(&recorder, file->text, out, err);
    } else if (status == E_INVALID) {
        (void)error_set(err, E_INVALID, "'%s' does not validate: see 'opstream validate'", name);
    }
    definitions_destroy(definitions);
    bundle_recorder_finish(&recorder);
    diagnostics_finish(&diagnostics);
    folder_library_finish(&others);
    return status;
}

int workspace_find_bundle(void *user, struct str id, struct strbuf *out, struct error *err)
{
    struct workspace *workspace = user;
    struct folder_library folders;
    struct load_library_text file = {.file = STR("")};
    folder_library_init(&folders, workspace->libraries.names, workspace->libraries.count, "-");
    struct load_library library = folder_library_loader(&folders);
    int status = library.find(library.user, id, &file, err);
    if (status == 0) {
        status = record_library_file(workspace, id, &file, out, err);
    }
    folder_library_finish(&folders);
    return status;
}
