/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/manifest_file.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/file_text.h"
#include "core/host/crc64.h"
#include "core/host/manifest.h"
#include "core/host/version.h"
#include "core/value/schema.h"

static int refuse(const char *name, const struct error *err)
{
    if (err->code == E_NOMEM) {
        return command_error(EXIT_STATE, "%s", err->message);
    }
    return err->line > 0 ? command_error(EXIT_INVALID, "%s:%u:%u: %s", name, err->line, err->column,
                                         err->message)
                         : command_error(EXIT_INVALID, "%s: %s", name, err->message);
}

static int take(struct manifest_file *file, const char *name)
{
    struct error err = {0};
    file->info = (struct host_plugin_file){.path = str_from(name),
                                           .id = file->manifest->plugin.id,
                                           .version = file->manifest->plugin.version,
                                           .manifest = file->manifest->document};
    int status = version_check(file->manifest, &err);
    if (status != 0) {
        file->problem = str_dup(str_from(err.message));
        file->info.problem = str_from(file->problem);
    }
    return status != 0 && file->problem == NULL ? command_error(EXIT_STATE, "out of memory")
                                                : EXIT_DONE;
}

int manifest_file_read(struct manifest_file *file, const char *name)
{
    struct error err = {0};
    size_t size = 0;
    *file = (struct manifest_file){0};
    if (file_text_read(name, MANIFEST_MAX_BYTES, &file->text, &size, &err) != 0) {
        return command_error(EXIT_USAGE, "%s", err.message);
    }
    struct str text = str_make(file->text, size);
    int status = manifest_form_create(&file->form, &err);
    if (status == 0) {
        const struct manifest_source source = {
            .path = str_from(name), .text = text, .crc = crc64_xz(text), .form = file->form};
        status = manifest_read(&source, &file->manifest, &err);
    }
    return status == 0 ? take(file, name) : refuse(name, &err);
}

void manifest_file_finish(struct manifest_file *file)
{
    manifest_destroy(file->manifest);
    schema_destroy(file->form);
    free(file->text);
    free(file->problem);
    *file = (struct manifest_file){0};
}
