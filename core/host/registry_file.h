/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HOST_REGISTRY_FILE_H
#define CORE_HOST_REGISTRY_FILE_H

/*
 * Registry file: a file that may be a plugin, what its manifest says, and what came of trying it.
 *
 * A file of another user is read whole, and what its manifest says is said of the bytes with that
 * SHA-256: only they are loaded (trial.h).
 *
 * Used by:  registry, host, plugin, trial, probe_main.
 * Uses:     registry (its memory, and where copies lie), copy_shelf, elf_note, manifest,
 *           probe_result, trial (trial_tell()), trust, version.
 * Threads:  [loop]
 */

#include <stdbool.h>
#include <stddef.h>

#include "core/base/digest.h"
#include "core/base/str.h"
#include "core/host/host.h"
#include "core/host/trust.h"

struct error;
struct manifest;
struct node_type;
struct node_type_line;
struct registry;

struct registry_file {
    struct host_plugin_file info; /* texts are the registry's */
    int problem_code;             /* 0: info.problem is empty */
    bool is_misplaced;            /* by its id it should lie elsewhere: it stands in nobody's way */
    bool is_named;                /* by its path: it need not lie in a folder of plugins */
    bool is_tried_badly;          /* its problem is what came of trying it */
    bool is_loaded;               /* its code runs: until the end it is what it is now */
    struct trust_stamp stamp;
    char hash[DIGEST_HEX_SIZE];   /* of another user's; empty: not read, or of root or ours */
    struct node_type_line *types; /* as the manifest has them; the plugin is info.id */
    size_t type_count;
    struct manifest *manifest; /* owned; NULL: not read, or cannot be */
    int kept_fd;               /* see registry_file_keep(); -1: none */
    char kept_path[32];        /* what it was loaded from by; empty: not from there */
};

/* Ends what it owns, but not the memory. */
void registry_file_finish(struct registry_file *file);

/*
 * Holds a file of root or ours open, as it was when its manifest was read: it may be replaced by an
 * upgrade or be removed before its code is needed, and what was checked by its manifest still runs.
 * One that cannot be opened any more is looked for when it is needed.
 */
void registry_file_keep(struct registry_file *file);

/* Whether its code runs, or is held, and will whatever becomes of its path. */
bool registry_file_is_kept(const struct registry_file *file);

/*
 * What to give to dlopen() for what registry_file_keep() holds; borrowed from `file`. NULL: nothing
 * is held, or somebody has written into the file.
 */
const char *registry_file_kept_path(struct registry_file *file);

/* The file of what was given out of it. There is one. */
struct registry_file *registry_file_of_info(const struct host_plugin_file *info);

/* Sets the file's problem to the error's message. Fails with E_NOMEM. */
int registry_file_set_problem(struct registry *registry, struct registry_file *file,
                              const struct error *problem);

/*
 * Reads the file's manifest, if that has not been done; a failure becomes its problem. Fails with
 * E_NOMEM.
 */
int registry_file_read_manifest(struct registry *registry, struct registry_file *file,
                                struct error *err);

/*
 * The same for one that was found at `path`, which may lead to it through links: who can change one
 * of those can put another file in its place.
 */
int registry_file_read(struct registry *registry, struct registry_file *file, const char *path,
                       struct error *err);

/* What is known of trying it now: it may have been tried, or forgotten, by another process. */
void registry_file_look_at_trial(struct registry *registry, struct registry_file *file);

/* For host_plugin_file_type(). */
const struct node_type *registry_file_type(const struct host_plugin_file *info, struct str name,
                                           struct error *err);

/* Says the file's problem; returns NULL. */
const struct node_type *registry_file_refuse(const struct registry_file *file, struct error *err);

#endif
