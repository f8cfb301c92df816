/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/log_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/log.h"

/* An empty variable is as good as none. */
static const char *read_variable(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static bool is_debug(void)
{
    static const char *const on[] = {"1", "true", "yes", "on"};
    const char *text = read_variable("DEBUG");
    for (size_t i = 0; text != NULL && i < sizeof(on) / sizeof(on[0]); i++) {
        if (strcasecmp(text, on[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int read_level(enum log_level *out_level, struct error *err)
{
    static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
                                            LOG_LEVEL_DEBUG};
    const char *text = read_variable("LOG_LEVEL");
    if (text == NULL) {
        *out_level = is_debug() ? LOG_LEVEL_DEBUG : *out_level;
        return 0;
    }
    const char *name = strcasecmp(text, "warning") == 0 ? "warn" : text;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcasecmp(name, log_level_name(levels[i])) == 0) {
            *out_level = levels[i];
            return 0;
        }
    }
    return error_set(err, E_INVALID, "LOG_LEVEL must be error, warn, info or debug, not '%.100s'",
                     text);
}

static int read_format(enum log_format *out_format, struct error *err)
{
    const char *text = read_variable("LOG_FORMAT");
    if (text == NULL) {
        return 0;
    }
    bool is_json = strcasecmp(text, "json") == 0;
    if (!is_json && strcasecmp(text, "text") != 0) {
        return error_set(err, E_INVALID, "LOG_FORMAT must be text or json, not '%.100s'", text);
    }
    *out_format = is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    return 0;
}

/*
 * O_NONBLOCK: a pipe that nobody reads shall not stop whoever logs. The owner alone may read it:
 * lines have data of runs.
 */
static int open_file(const char *path, int *out_fd, struct error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0) {
        return error_set_errno(err, E_IO, errno, "the log file '%s' cannot be opened", path);
    }
    *out_fd = fd;
    return 0;
}

int log_settings_open(struct log_settings *settings, const char *path, struct error *err)
{
    enum log_level level = LOG_LEVEL_INFO;
    enum log_format format = LOG_FORMAT_TEXT;
    *settings = LOG_SETTINGS_INIT;
    int status = read_level(&level, err);
    if (status == 0) {
        status = read_format(&format, err);
    }
    if (status == 0 && path != NULL) {
        settings->path = str_dup(str_from(path));
        status = settings->path != NULL ? open_file(path, &settings->fd, err) : error_nomem(err);
    }
    if (status != 0) {
        return status;
    }
    log_set_level(level);
    log_set_format(format);
    if (settings->fd >= 0) {
        log_set_fd(settings->fd);
    }
    return 0;
}

/* The descriptor keeps its number: other threads may be writing to it at this moment. */
int log_settings_reopen(struct log_settings *settings, struct error *err)
{
    cleanup_fd int fd = -1;
    if (settings->path == NULL) {
        return 0;
    }
    int status = open_file(settings->path, &fd, err);
    if (status == 0 && dup3(fd, settings->fd, O_CLOEXEC) < 0) {
        status =
            error_set_errno(err, E_IO, errno, "the log file '%s' cannot be opened", settings->path);
    }
    return status;
}

void log_settings_finish(struct log_settings *settings)
{
    if (settings->fd >= 0) {
        log_set_fd(STDERR_FILENO);
        (void)close(settings->fd); /* what could not be written is lost anyway */
    }
    free(settings->path);
    *settings = LOG_SETTINGS_INIT;
}
