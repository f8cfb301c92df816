/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOOP_STATE_FOLDER_H
#define CORE_LOOP_STATE_FOLDER_H

/*
 * State folder: where all that is durable lies, and what must hold of the place before anything is
 * written to it: a local file system that can be written to, a folder that belongs to the user who
 * runs the program, and that nobody else can write to. Links in its path are resolved when it is
 * opened; from then on the real folder counts.
 *
 * Used by:  cli, state_lock, background, engine_log.
 * Uses:     base, file_system.
 * Threads:  [any]; it never changes after it has been opened.
 */

#include <stdbool.h>
#include <sys/types.h>

struct error;
struct state_folder;
struct statfs;

enum state_file {
    STATE_FILE_LOCK,     /* state.lock */
    STATE_FILE_SOCKET,   /* control.sock; to bind or to connect: state_folder_socket() */
    STATE_FILE_DATABASE, /* state.db */
    STATE_FILE_BLOBS,    /* blobs, a folder */
    STATE_FILE_LOG,      /* engine.log */
    STATE_FILE_OLD_LOG,  /* engine.log.1 */
    STATE_FILES,
};

enum state_folder_use {
    STATE_FOLDER_EXISTING, /* for those that only read: nothing is made */
    STATE_FOLDER_CREATE,   /* made, with its parents, when it is not there; mode 0700 */
};

/* What is asked of the system, so that tests can answer otherwise. */
struct state_folder_system {
    int (*statfs)(int fd, struct statfs *out); /* as fstatfs() */
    uid_t (*user)(void);                       /* as geteuid() */
};

struct state_folder_options {
    const char *path; /* of --state; NULL: the environment decides */
    enum state_folder_use use;
    const struct state_folder_system *system; /* NULL: the real one */
};

/*
 * The folder's path, before links are resolved: `option` (may be NULL), else OPSTREAM_STATE, else
 * for root /var/lib/opstream, else $XDG_STATE_HOME/opstream, else ~/.local/state/opstream.
 * Variables that are empty count as not set, and XDG_STATE_HOME when it is not absolute.
 * `*out_path` is owned: free(). Fails with E_INVALID (`option` is empty), E_NOT_FOUND (HOME is not
 * set), E_NOMEM.
 */
int state_folder_locate(const char *option, char **out_path, struct error *err);

/*
 * Opens and checks the folder. On success `*out_folder` is owned: state_folder_close().
 * Fails with E_NOT_FOUND (it is not there, and is not to be made), E_INVALID (no place for state:
 * `err` says why and what to do), E_IO, E_NOMEM, and as state_folder_locate().
 *
 * A folder of another user is refused, also to root, unless the one who owns it listens there and
 * lets the caller connect: then it is foreign, and its socket may be used and nothing else.
 */
int state_folder_open(const struct state_folder_options *options, struct state_folder **out_folder,
                      struct error *err);

/* NULL is fine. */
void state_folder_close(struct state_folder *folder);

/* Absolute and without links. Borrowed. */
const char *state_folder_path(const struct state_folder *folder);

/* The path of what is in it, there or not. Borrowed. */
const char *state_folder_file(const struct state_folder *folder, enum state_file file);

/*
 * The control socket's path as bind() and connect() of this process take it: they allow 107 bytes.
 * A longer one is reached through the folder's descriptor. Borrowed, and valid until the close.
 * NULL: /proc is needed for it, and not there; `err` says what to do.
 */
const char *state_folder_socket(const struct state_folder *folder, struct error *err);

/* Of another user: see state_folder_open(). */
bool state_folder_is_foreign(const struct state_folder *folder);

/*
 * Opens a file of the folder: `flags` as for open(); mode 0600 when it is made, never inherited, no
 * link is followed. `*out_fd` is owned: close(). Fails with E_NOT_FOUND, E_INVALID (it is no
 * regular file of ours, or the folder is foreign), E_IO.
 */
int state_folder_open_file(const struct state_folder *folder, enum state_file file, int flags,
                           int *out_fd, struct error *err);

#endif
