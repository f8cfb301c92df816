/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the room of removed runs back to the system, while no engine is at work. */
#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/cli/commands.h"
#include "core/cli/db_folder.h"
#include "core/cli/state_owner.h"
#include "core/journal/journal_sqlite.h"
#include "core/loop/state_folder.h"

static const struct command_option options[] = {
    STATE_OPTION,
    {NULL, 0, NULL, NULL, false},
};

struct vacuum {
    sem_t woken;
    bool is_done;
    int status;
};

static void wake(void *user)
{
    struct vacuum *vacuum = user;
    (void)sem_post(&vacuum->woken); /* fails only above INT_MAX, and then it is awake */
}

static void note_done(void *user, int status)
{
    struct vacuum *vacuum = user;
    vacuum->is_done = true;
    vacuum->status = status;
}

static int vacuum_journal(const struct state_folder *folder, struct vacuum *vacuum,
                          struct error *err)
{
    struct journal *journal = NULL;
    const struct journal_sqlite_options open = {
        .folder = state_folder_path(folder), .wake = wake, .user = vacuum};
    int status = journal_sqlite_open(&open, &journal, err);
    if (status == 0) {
        status = journal_sqlite_vacuum(journal, note_done, vacuum, err);
    }
    while (status == 0 && !vacuum->is_done) {
        (void)sem_wait(&vacuum->woken); /* interrupted: it looks once more */
        journal_collect(journal);
    }
    journal_close(journal);
    if (status == 0 && vacuum->status != 0) {
        status = error_set(err, vacuum->status, "cannot vacuum '%s': %s",
                           state_folder_file(folder, STATE_FILE_DATABASE),
                           error_code_text(vacuum->status));
    }
    return status;
}

static int refuse_busy(const struct state_owner *owner, const struct state_folder *folder)
{
    struct strbuf who = STRBUF_INIT;
    state_owner_append(owner, &who);
    int code = command_error(EXIT_STATE, "'%s' is in use by %.*s: stop that first",
                             state_folder_path(folder), STR_ARG(strbuf_str(&who)));
    strbuf_finish(&who);
    return code;
}

static int vacuum_locked(const struct state_folder *folder)
{
    struct error err = {0};
    struct vacuum vacuum = {.status = 0};
    if (sem_init(&vacuum.woken, 0, 0) != 0) {
        return command_error(EXIT_STATE, "cannot vacuum: %s", strerror(errno));
    }
    int status = vacuum_journal(folder, &vacuum, &err);
    (void)sem_destroy(&vacuum.woken); /* nobody waits */
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

static int vacuum(const struct command_args *args, const struct state_folder *folder)
{
    struct error err = {0};
    struct state_lock *lock = NULL;
    struct state_owner owner = {0};
    const char *file = state_folder_file(folder, STATE_FILE_DATABASE);
    (void)args;
    if (access(file, F_OK) != 0) {
        return command_error(EXIT_STATE, "cannot read '%s': %s", file, strerror(errno));
    }
    int status = state_lock_try(folder, STATE_OWNER_CLI, &lock, &owner, &err);
    if (status == STATE_LOCK_BUSY) {
        return refuse_busy(&owner, folder);
    }
    if (status != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int code = vacuum_locked(folder);
    state_lock_release(lock);
    return code;
}

static int run(const struct command_args *args)
{
    return db_folder_run(args, vacuum);
}

const struct command cmd_db_vacuum = {
    .name = "vacuum",
    .parent = &cmd_db,
    .summary = "give the room of removed runs back to the system",
    .usage = "[--state DIR]",
    .details = "It writes the file anew: no engine may be at work.",
    .options = options,
    .run = run,
};
