/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/module.h"
#include "core/base/str.h"
#include "core/testkit/testkit.h"

/* Modules beside the program `path`, as module_folder() has it for the program that runs. */
static bool use_beside(const char *path)
{
    static const char *const places[] = {"../lib/" OPSTREAM_TRIPLET "/opstream", "../lib/opstream"};
    char real[PATH_MAX];
    if (access(path, X_OK) != 0 || realpath(path, real) == NULL) {
        return false;
    }
    *strrchr(real, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char folder[PATH_MAX + 64];
        (void)snprintf(folder, sizeof folder, "%s/%s", real, places[i]);
        if (module_set_folder(folder, NULL) == 0) {
            return true;
        }
    }
    return false;
}

static void use_path(struct str path)
{
    while (path.n > 0) {
        const char *colon = memchr(path.p, ':', path.n);
        size_t n = colon != NULL ? (size_t)(colon - path.p) : path.n;
        char program[PATH_MAX];
        (void)snprintf(program, sizeof program, "%.*s/opstream", (int)n, path.p);
        if (n > 0 && n < PATH_MAX / 2 && use_beside(program)) {
            return;
        }
        size_t taken = colon != NULL ? n + 1 : n;
        path = str_make(path.p + taken, path.n - taken);
    }
}

/* Without them a manifest with a pattern is refused, which says why; most need none. */
void testkit_find_modules(void)
{
    const char *folder = NULL;
    bool is_found = module_folder(&folder, NULL) == 0 ||
                    module_set_folder(OPSTREAM_LIBRARY_FOLDER, NULL) == 0;
    if (!is_found) {
        use_path(str_from(getenv("PATH")));
    }
}
