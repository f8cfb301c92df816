/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_WORKSPACE_H
#define CORE_CLI_WORKSPACE_H

/*
 * Workspace: what every command that looks at pipelines or plugins needs: the loop with its
 * plugin host, the engine's types, and definitions read from files with their mistakes shown.
 *
 * Used by:  cmd_*.
 * Uses:     loop, model.
 * Threads:  [main]
 */

#include <stdbool.h>

#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/folder_library.h"
#include "core/cli/secret_stand_ins.h"
#include "core/cli/site_config.h"
#include "core/model/bundle_recorder.h"
#include "core/model/load.h"
#include "core/model/settings.h"

struct builder;
struct definitions;
struct document;
struct engine_types;
struct error;
struct loop;
struct pipeline;
struct secret_sources;
struct secrets;
struct tape;

/* Names of folders; owned. */
struct folder_list {
    char **names;
    size_t count;
};
void folder_list_finish(struct folder_list *list);

struct workspace {
    struct loop *loop;
    struct engine_types *types;
    struct folder_list folders;   /* plugin folders that were asked for */
    struct folder_list libraries; /* folders of pipelines that were asked for */
    char *index_path;
    char *copy_folders[2];    /* of plugins that are not trusted; NULL: none (more) */
    struct settings settings; /* opstream.yaml */
    struct secrets *secrets;  /* of the environment, which has them no more, and elsewhere */
    struct secret_sources *secret_sources;
    struct secret_stand_ins secret_stand_ins;
    bool plays_tape;                  /* secrets that are not set have stand-ins */
    struct load_secrets secret_check; /* of definitions that are loaded */
    bool leaves_secrets;              /* another process is the engine: it knows what it has */
    struct load_options loading;      /* of definitions that a state has kept */
    unsigned warning_count;           /* shown so far */
    /*
     * Borrowed, a list that is open, or NULL. What is wrong with files is added to it, as
     * {severity, file, line, column, message, hint}, instead of being printed.
     */
    struct builder *problems;
};

/* The rows of command_option that workspace_open() reads. */
#define WORKSPACE_OPTIONS                                                                          \
    {"config", 0, "FILE", "settings, instead of " SITE_CONFIG_FILE, false},                        \
    {                                                                                              \
        "plugins", 0, "DIR", "look for plugins in DIR first (may be repeated)", true               \
    }

/* Of the commands that look at pipelines. */
#define LIBRARY_OPTION                                                                             \
    {                                                                                              \
        "library", 0, "DIR", "find other pipelines in DIR first (may be repeated)", true           \
    }

/*
 * Opens the loop and the plugin folders: --plugins, then OPSTREAM_PLUGIN_PATH, then the program's
 * own; notes the libraries: --library, then OPSTREAM_LIBRARY_PATH; and reads the settings:
 * --config. Returns EXIT_DONE, or another code after one line on stderr. End it in every case with
 * workspace_finish().
 */
int workspace_open(struct workspace *workspace, const struct command_args *args);

/* What a command may want otherwise; {0}: as workspace_open(). */
struct workspace_opening {
    const char *plugin_file; /* this one, and no plugin folder; NULL: the folders */
    const char *settings;    /* opstream.yaml, where `has_settings`; NULL: where it always is */
    bool has_settings;       /* else --config says it */
    struct tape *tape;       /* kept until workspace_finish(); see loop_options */
};
int workspace_open_with(struct workspace *workspace, const struct command_args *args,
                        const struct workspace_opening *opening);
void workspace_finish(struct workspace *workspace);

/* One file with its definitions. */
struct workspace_file {
    char *name;   /* as given, without #ID */
    char *wanted; /* the ID, or "" */
    char *text;
    size_t size;
    const char *node_config; /* the file with the config of what is one node; borrowed; or NULL */
    struct folder_library library;   /* where it finds what it does not have */
    struct bundle_recorder recorder; /* what it was loaded from, for workspace_bundle() */
    struct definitions *definitions; /* NULL when there are errors */
};

/*
 * Reads the definitions of `operand`: FILE, FILE#ID, or "-" for the standard input. Mistakes and
 * warnings are printed on stderr, sorted, each with its place and the line. `flags`: LOAD_*.
 * Returns EXIT_DONE, EXIT_USAGE (no such file) or EXIT_INVALID.
 * End the file in every case with workspace_file_finish().
 */
int workspace_load(struct workspace *workspace, const char *operand, unsigned flags,
                   struct workspace_file *out_file);
void workspace_file_finish(struct workspace_file *file);

/* A definition that a command has made itself; all borrowed. */
struct workspace_text {
    const char *name; /* for messages */
    struct str text;
    const char *node_config; /* kept; NULL: the config is in the text; see load_options */
};

/* As workspace_load(), of a definition that is in no file. */
int workspace_load_text(struct workspace *workspace, const struct workspace_text *text,
                        unsigned flags, struct workspace_file *out_file);

/*
 * Appends the bundle (see bundle.h) of what was loaded without errors: the definition that a run
 * keeps. Fails with E_LIMIT, E_INVALID, E_NOMEM; `out` then may have a part of it.
 */
int workspace_bundle(struct workspace_file *file, struct strbuf *out, struct error *err);

/* The bundle of the library's pipeline `id`: for control_options; `user` is the workspace. */
int workspace_find_bundle(void *user, struct str id, struct strbuf *out, struct error *err);

/* For bundle_load(): the workspace's types, and its environment. Borrowed from `workspace`. */
struct load_options workspace_options(struct workspace *workspace);

/* Appends the text `compiled_by` of a pipeline (see layout.h) as this program makes it. */
void workspace_compiled_by(const struct pipeline *pipeline, struct strbuf *out);

/*
 * The one pipeline of the file (or the one that #ID names), borrowed from `file`.
 * Returns EXIT_DONE; EXIT_INVALID after a line on stderr when there are several, or when it is a
 * profile, which cannot run.
 */
int workspace_pick(const struct workspace_file *file, const struct pipeline **out_pipeline);

/*
 * Loads the plugins that the pipeline's nodes need, so that nothing begins that a broken library
 * would leave half done. Returns EXIT_DONE; EXIT_INVALID after saying on stderr, for each plugin
 * that cannot be loaded, why, at the place of its first node.
 */
int workspace_load_plugins(struct workspace *workspace, struct workspace_file *file,
                           const struct pipeline *pipeline);

/*
 * Opens a workspace, lets `append` make the text, writes it. Returns an enum exit_code.
 */
typedef int (*workspace_text_cb)(struct workspace *workspace, const struct command_args *args,
                                 struct strbuf *out);
int workspace_print(const struct command_args *args, workspace_text_cb append);

/*
 * Loads the pipeline of the first operand and lets `append` write about it. For `append` of
 * workspace_print(). Returns an enum exit_code.
 */
typedef int (*workspace_pipeline_cb)(const struct command_args *args,
                                     const struct pipeline *pipeline, struct strbuf *out);
int workspace_append_pipeline(struct workspace *workspace, const struct command_args *args,
                              workspace_pipeline_cb append, struct strbuf *out);

#endif
