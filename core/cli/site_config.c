/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/site_config.h"

#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/file_text.h"
#include "core/cli/private_folders.h"
#include "core/cli/terminal.h"
#include "core/loop/loop.h"
#include "core/loop/secret_sources.h"
#include "core/model/settings.h"

enum { SITE_CONFIG_MAX_BYTES = 1024 * 1024 };

static struct str source_of(const char *file_name, void *user)
{
    (void)file_name; /* there is one */
    return *(const struct str *)user;
}

static void show(struct str text, struct diagnostics *diagnostics)
{
    struct strbuf out = STRBUF_INIT;
    diagnostics_sort(diagnostics);
    diagnostics_print(diagnostics, source_of, &text,
                      terminal_has_color(STDERR_FILENO) ? DIAGNOSTIC_COLOR : 0, &out);
    terminal_write_stderr(strbuf_str(&out));
    strbuf_finish(&out);
}

int site_config_read(const char *path, struct settings *out_settings)
{
    cleanup_free char *text = NULL;
    size_t size = 0;
    struct error err = {0};
    *out_settings = (struct settings){0};
    if (path == NULL && access(SITE_CONFIG_FILE, F_OK) != 0) {
        return EXIT_DONE;
    }
    path = path != NULL ? path : SITE_CONFIG_FILE;
    if (file_text_read(path, SITE_CONFIG_MAX_BYTES, &text, &size, &err) != 0) {
        return command_error(err.code == E_LIMIT ? EXIT_INVALID : EXIT_USAGE, "%s", err.message);
    }

    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    int status = settings_read(str_make(text, size), path, &diagnostics, out_settings, &err);
    bool is_said = diagnostics.error_count > 0;
    show(str_make(text, size), &diagnostics);
    diagnostics_finish(&diagnostics);
    if (status != 0 && !is_said) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    return status == 0 ? EXIT_DONE : EXIT_INVALID;
}

int site_config_secrets(const struct settings *settings, struct secret_sources *sources,
                        struct error *err)
{
    const char *folder = settings->secrets_folder;
    int status = private_folders_add(folder != NULL ? folder : SECRET_SOURCES_FOLDER, err);
    return status != 0 ? status : secret_sources_configure(sources, folder, settings->secrets, err);
}

void site_config_bound(const struct settings *settings, struct loop *loop)
{
    const struct settings_backpressure *said = &settings->backpressure;
    const struct admission_load limits = {.runs = said->max_live_runs,
                                          .writes = said->max_waiting_writes,
                                          .memory_bytes = (uint64_t)said->max_memory_mb << 20};
    loop_set_admission(loop, &limits);
}
