/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_STATE_OWNER_H
#define CORE_CLI_STATE_OWNER_H

/*
 * State owner: a command's hold on the state folder. Who has the lock is the engine: it goes on
 * with what was left there, listens at the control socket, and runs what others bring.
 *
 * Used by:  cmd_run, cmd_serve, engine_moment.
 * Uses:     loop (state_folder, state_lock), workspace, engine_launch.
 * Threads:  [loop]
 */

#include <stdbool.h>

#include "core/cli/engine_launch.h"
#include "core/loop/state_lock.h"

struct command_args;
struct control;
struct control_socket;
struct error;
struct state_folder;
struct workspace;

/* The rows of command_option that say where the state is. */
#define STATE_OPTION                                                                               \
    {                                                                                              \
        "state", 0, "DIR", "where runs are kept [~/.local/state/opstream]", false                  \
    }
#define EPHEMERAL_OPTION                                                                           \
    {                                                                                              \
        "ephemeral", 0, NULL, "keep nothing: the run ends with this process", false                \
    }

/* Of an engine that a signal ends while nothing can be kept; takes why. */
#define STATE_LEFT_TEXT                                                                            \
    "nothing can be kept at the moment: %s; runs stay as they were kept last: when that is over, " \
    "'opstream serve', or any 'opstream start', goes on with them"

/* How long running nodes may take to end before runs are handed over. */
enum { STATE_HAND_OVER_MS = 10000 };

#define STATE_HANGUP_TEXT "handing the run over to an engine in the background\n"

enum state_role {
    STATE_ROLE_NONE,   /* --ephemeral: nothing is kept */
    STATE_ROLE_ENGINE, /* this process is the engine */
    STATE_ROLE_CLIENT, /* another one is */
};

struct state_hold {
    enum state_role role;
    struct state_folder *folder; /* NULL: --ephemeral */
    struct state_lock *lock;     /* STATE_ROLE_ENGINE */
    struct state_owner owner;    /* STATE_ROLE_CLIENT: who is the engine */
    struct control *control;     /* STATE_ROLE_ENGINE, while it works */
    struct control_socket *socket;
    bool has_begun; /* STATE_ROLE_ENGINE: the runs that were left there are its own */
    bool is_socket_closed;
    struct engine_launch launch; /* STATE_ROLE_ENGINE, after its end: for the next one */
};

/*
 * Opens the folder that the arguments name, makes it when needed, and takes its lock if it is free.
 * Returns EXIT_DONE, or EXIT_STATE after one line on stderr that says what to do. End it in every
 * case with state_hold_finish().
 */
int state_hold_open(struct state_hold *hold, const struct command_args *args,
                    enum state_owner_kind kind);

/* After the workspace is finished: gives the lock back, unless that has been done. */
void state_hold_finish(struct state_hold *hold);

enum state_begin {
    STATE_BEGIN_ENGINE, /* goes on with the runs that were left there, and listens */
    STATE_BEGIN_MOMENT, /* neither, and no node starts: for one command */
};

/*
 * STATE_ROLE_ENGINE: the workspace's loop keeps its runs in the folder. Returns EXIT_DONE, or
 * EXIT_STATE after one line on stderr.
 */
int state_hold_begin(struct state_hold *hold, struct workspace *workspace, enum state_begin how);

/*
 * Before the workspace is finished: listens no more. `*out_is_left` is whether runs are left for
 * another engine; then the workspace's secrets and folders are kept for it.
 */
void state_hold_end(struct state_hold *hold, struct workspace *workspace, bool *out_is_left);

/*
 * When runs are left, after the workspace is finished and before state_hold_finish(): gives the
 * lock back and starts an engine in the background, which ends with the last of them. It has the
 * secrets, the folders and the settings of this command. Returns EXIT_DONE; EXIT_STUCK after a
 * line on stderr.
 */
int state_hold_hand_over(struct state_hold *hold, const struct command_args *args);

#endif
