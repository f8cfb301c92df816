/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/engine_launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/api/server.h"
#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/secret_env.h"
#include "core/loop/background.h"
#include "core/loop/engine_log.h"
#include "core/loop/state_folder.h"
#include "core/value/secrets.h"

/* Recovery of very many runs comes before it listens. */
enum { BACKGROUND_TIMEOUT_MS = 30000 };

/* opstream serve --until-idle --state DIR --config FILE, and NULL */
enum { USUAL_ARGUMENTS = 8 };

/* Texts behind each other, NULL at the end. */
struct list {
    char **items;
    size_t count;
};

void engine_launch_take(struct engine_launch *launch, struct workspace *workspace)
{
    *launch = (struct engine_launch){.secrets = workspace->secrets,
                                     .plugins = workspace->folders,
                                     .libraries = workspace->libraries};
    workspace->secrets = NULL;
    workspace->folders = (struct folder_list){0};
    workspace->libraries = (struct folder_list){0};
}

int engine_launch_check(const struct state_folder *folder, struct error *err)
{
    cleanup_fd int log = -1;
    const char *path = state_folder_socket(folder, err);
    if (path == NULL) {
        return err->code;
    }
    int status = api_server_check(path, err);
    return status == 0 ? engine_log_open(folder, &log, err) : status;
}

void engine_launch_finish(struct engine_launch *launch)
{
    secrets_destroy(launch->secrets);
    folder_list_finish(&launch->plugins);
    folder_list_finish(&launch->libraries);
    *launch = (struct engine_launch){0};
}

/* ---- arguments ---- */

static int add(struct list *list, const char *text)
{
    list->items[list->count] = strdup(text);
    return list->items[list->count++] != NULL ? 0 : E_NOMEM;
}

/* A path that is not there any more is left out, as it would be here. */
static int add_path(struct list *list, const char *option, const char *path)
{
    char *whole = realpath(path, NULL);
    if (whole == NULL) {
        return 0;
    }
    int status = add(list, option);
    if (status == 0) {
        list->items[list->count++] = whole;
        return 0;
    }
    free(whole);
    return status;
}

static int add_folders(struct list *list, const char *option, const struct folder_list *folders)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < folders->count; i++) {
        status = add_path(list, option, folders->names[i]);
    }
    return status;
}

static int make_arguments(const struct engine_launch *launch, const char *folder,
                          const char *config, struct list *list)
{
    const char *const usual[] = {"opstream", "serve", "--until-idle", "--state", folder};
    size_t most = USUAL_ARGUMENTS + 2 * (launch->plugins.count + launch->libraries.count);
    int status = 0;
    list->items = calloc(most, sizeof(*list->items));
    if (list->items == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; status == 0 && i < sizeof(usual) / sizeof(usual[0]); i++) {
        status = add(list, usual[i]);
    }
    if (status == 0 && config != NULL) {
        status = add_path(list, "--config", config);
    }
    if (status == 0) {
        status = add_folders(list, "--plugins", &launch->plugins);
    }
    return status == 0 ? add_folders(list, "--library", &launch->libraries) : status;
}

static void free_arguments(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

/* ---- environment: that of this process, and where the secrets are ---- */

static int make_environment(bool has_secrets, struct list *list, size_t *out_borrowed)
{
    char handed_over[sizeof(SECRET_ENV_HANDED_OVER) + 16];
    size_t borrowed = 0;
    while (environ != NULL && environ[borrowed] != NULL) {
        borrowed++;
    }
    list->items = calloc(borrowed + 2, sizeof(*list->items));
    if (list->items == NULL) {
        return E_NOMEM;
    }
    for (; list->count < borrowed; list->count++) {
        list->items[list->count] = environ[list->count];
    }
    *out_borrowed = borrowed;
    (void)snprintf(handed_over, sizeof(handed_over), SECRET_ENV_HANDED_OVER "=%d",
                   BACKGROUND_SECRETS_FD); /* fits */
    return has_secrets ? add(list, handed_over) : 0;
}

static void free_environment(struct list *list, size_t borrowed)
{
    for (size_t i = borrowed; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
}

static int start_owner(const struct state_folder *folder, const struct list *arguments,
                       const struct list *environment, int secrets, struct error *err)
{
    const struct background_options options = {.folder = folder,
                                               .argv = (const char *const *)arguments->items,
                                               .env = (const char *const *)environment->items,
                                               .secrets_fd = secrets >= 0 ? secrets : 0,
                                               .timeout_ms = BACKGROUND_TIMEOUT_MS};
    return background_start(&options, NULL, err);
}

int engine_launch_start(const struct engine_launch *launch, const struct state_folder *folder,
                        const char *config, struct error *err)
{
    struct list arguments = {0};
    struct list environment = {0};
    size_t borrowed = 0;
    cleanup_fd int secrets = -1;
    int status = secret_env_hand_over(launch->secrets, &secrets, err);
    if (status != 0) {
        return status;
    }
    status = make_arguments(launch, state_folder_path(folder), config, &arguments);
    if (status == 0) {
        status = make_environment(secrets >= 0, &environment, &borrowed);
    }
    status = status == 0 ? start_owner(folder, &arguments, &environment, secrets, err)
                         : error_nomem(err);
    free_arguments(&arguments);
    free_environment(&environment, borrowed);
    return status;
}
