/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/state_owner.h"

#include <string.h>

#include "core/api/control.h"
#include "core/api/control_socket.h"
#include "core/base/build_id.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/workspace.h"
#include "core/loop/loop.h"
#include "core/loop/state_folder.h"

/* Whether the command can do without a state. */
static bool may_be_ephemeral(const struct command_args *args)
{
    const struct command_option *option = args->command->options;
    while (option->name != NULL && strcmp(option->name, "ephemeral") != 0) {
        option++;
    }
    return option->name != NULL;
}

static int refuse(const struct command_args *args, const struct error *err)
{
    const char *hint = may_be_ephemeral(args) ? "; or run without keeping it: --ephemeral" : "";
    return command_error(exit_code_of_state(command_value(args, "state")), "%s%s", err->message,
                         hint);
}

int state_hold_open(struct state_hold *hold, const struct command_args *args,
                    enum state_owner_kind kind)
{
    struct error err = {0};
    *hold = (struct state_hold){0};
    if (command_has(args, "ephemeral")) {
        return EXIT_DONE;
    }
    const struct state_folder_options options = {.path = command_value(args, "state"),
                                                 .use = STATE_FOLDER_CREATE};
    if (state_folder_open(&options, &hold->folder, &err) != 0) {
        return refuse(args, &err);
    }
    if (state_folder_is_foreign(hold->folder)) {
        hold->role = STATE_ROLE_CLIENT;
        return EXIT_DONE;
    }
    int status = state_lock_try(hold->folder, kind, &hold->lock, &hold->owner, &err);
    if (status < 0) {
        return refuse(args, &err);
    }
    hold->role = status == STATE_LOCK_BUSY ? STATE_ROLE_CLIENT : STATE_ROLE_ENGINE;
    return EXIT_DONE;
}

void state_hold_finish(struct state_hold *hold)
{
    state_lock_release(hold->lock);
    state_folder_close(hold->folder);
    engine_launch_finish(&hold->launch);
    *hold = (struct state_hold){0};
}

/* ---- at work ---- */

static int listen(struct state_hold *hold, struct workspace *workspace, struct error *err)
{
    const char *path = state_folder_socket(hold->folder, err);
    if (path == NULL) {
        return err->code;
    }
    const struct control_socket_options options = {
        .loop = workspace->loop, .control = hold->control, .path = path};
    return control_socket_open(&options, &hold->socket, err);
}

static int begin(struct state_hold *hold, struct workspace *workspace, enum state_begin how,
                 struct error *err)
{
    workspace->loading = workspace_options(workspace);
    const struct control_options options = {.loop = workspace->loop,
                                            .folder = state_folder_path(hold->folder),
                                            .loading = &workspace->loading,
                                            .version = "opstream " OPSTREAM_VERSION,
                                            .find_workflow = workspace_find_bundle,
                                            .user = workspace};
    int status = how == STATE_BEGIN_MOMENT ? engine_launch_check(hold->folder, err) : 0;
    if (status == 0) {
        status = loop_keep_state(workspace->loop, state_folder_path(hold->folder),
                                 &workspace->loading, err);
    }
    if (status == 0) {
        status = control_create(&options, &hold->control, err);
    }
    site_config_bound(&workspace->settings, workspace->loop);
    if (status == 0) {
        loop_bound_cache(workspace->loop, workspace->settings.cache_bytes);
        status = loop_set_retention(workspace->loop, &workspace->settings.retention, err);
    }
    if (status == 0 && how == STATE_BEGIN_MOMENT) {
        loop_hold_starts(workspace->loop);
        hold->has_begun = true;
        return 0;
    }
    if (status == 0) { /* who comes now waits for its answer, until all runs are there */
        status = listen(hold, workspace, err);
    }
    if (status == 0) {
        status = loop_recover(workspace->loop, err);
    }
    hold->has_begun = status == 0;
    return status;
}

int state_hold_begin(struct state_hold *hold, struct workspace *workspace, enum state_begin how)
{
    struct error err = {0};
    if (hold->role != STATE_ROLE_ENGINE) {
        return EXIT_DONE;
    }
    return begin(hold, workspace, how, &err) == 0 ? EXIT_DONE
                                                  : command_error(EXIT_STATE, "%s", err.message);
}

static void on_closed(void *user)
{
    struct state_hold *hold = user;
    hold->is_socket_closed = true;
}

void state_hold_end(struct state_hold *hold, struct workspace *workspace, bool *out_is_left)
{
    *out_is_left = false;
    if (hold->control == NULL) {
        return;
    }
    control_stop(hold->control);
    loop_settle(workspace->loop); /* who waits for an answer gets one */
    control_socket_close(hold->socket, on_closed, hold);
    hold->socket = NULL;
    loop_wait(workspace->loop, &hold->is_socket_closed);
    /* Where nothing can be read or kept another engine would do no better. */
    *out_is_left = hold->has_begun && loop_numbers(workspace->loop).trouble == NULL &&
                   loop_has_left(workspace->loop);
    if (*out_is_left) {
        engine_launch_take(&hold->launch, workspace);
    }
    control_destroy(hold->control);
    hold->control = NULL;
}

int state_hold_hand_over(struct state_hold *hold, const struct command_args *args)
{
    struct error err = {0};
    state_lock_release(hold->lock);
    hold->lock = NULL;
    int status =
        engine_launch_start(&hold->launch, hold->folder, command_value(args, "config"), &err);
    /* Whoever became the engine meanwhile goes on with them, or hands them over in its turn. */
    if (status == 0 || status == E_CONFLICT) {
        return EXIT_DONE;
    }
    if (status == E_TIMEOUT) { /* it is there */
        return command_error(EXIT_DONE, "%s", err.message);
    }
    return command_error(EXIT_STUCK,
                         "what was started is kept, but no engine goes on with it: %s; when that "
                         "is mended, 'opstream serve' or the next 'opstream start' does",
                         err.message);
}
