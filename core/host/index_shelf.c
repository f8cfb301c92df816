/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/index_shelf.h"

#include <limits.h>
#include <string.h>

#include "core/host/shelf.h"

static const struct shelf_kind kind = {
    .prefix = "plugins-", .digits = 16, .suffix = ".index", .keeps = INDEX_SHELF_KEEPS};

void index_shelf_note_use(int fd)
{
    shelf_note_use(fd);
}

void index_shelf_sweep(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    if (slash == NULL || !shelf_has_name(&kind, slash + 1) ||
        (size_t)(slash - path) >= sizeof folder) {
        return;
    }
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = '\0';
    shelf_sweep(&kind, folder, slash + 1);
}
