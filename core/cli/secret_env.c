/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/secret_env.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/guarded.h"
#include "core/base/str.h"
#include "core/value/secrets.h"

static char *find_entry(void)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (str_starts_with(str_from(*at), STR(SECRETS_VARIABLE_PREFIX)) && strchr(*at, '=')) {
            return *at;
        }
    }
    return NULL;
}

/*
 * The text is cleared as well, because /proc/PID/environ goes on showing the memory that the
 * program was started with.
 */
static int remove_entry(char *entry)
{
    const char *equals = strchr(entry, '=');
    char *name = str_dup(str_make(entry, (size_t)(equals - entry)));
    explicit_bzero(entry + (equals - entry) + 1, strlen(equals + 1));
    int status = name != NULL && unsetenv(name) == 0 ? 0 : E_NOMEM;
    free(name);
    return status;
}

int secret_env_take(struct secrets **out_secrets, struct error *err)
{
    static const char *const nothing[] = {NULL};
    struct secrets *secrets = NULL;
    guarded_close_process();
    int status =
        secrets_create(environ != NULL ? (const char *const *)environ : nothing, &secrets, err);
    char *entry = NULL;
    int removal = 0;
    while (removal == 0 && (entry = find_entry()) != NULL) {
        removal = remove_entry(entry);
    }
    if (status == 0 && removal != 0) {
        status = error_nomem(err);
    }
    if (status != 0) {
        secrets_destroy(secrets);
        return status;
    }
    *out_secrets = secrets;
    return 0;
}
