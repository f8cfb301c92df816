/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CLI_LOG_SETTINGS_H
#define CORE_CLI_LOG_SETTINGS_H

/*
 * Log settings: what a service logs, how, and where to.
 *
 *     LOG_LEVEL=error|warn|info|debug     in capitals, too; "warning" is "warn"; default: info
 *     DEBUG=1|true|yes|on                 LOG_LEVEL=debug, unless that is set; other values say
 *                                         nothing here: the name is not ours alone
 *     LOG_FORMAT=text|json                default: text
 *     --log-file FILE                     default: stderr
 *
 * A tool that turns log files over renames the file and sends SIGHUP: log_settings_reopen() makes
 * a new one of the old name.
 *
 * Used by:  the commands that are services.
 * Uses:     base (log).
 * Threads:  [main]; other threads may log meanwhile.
 */

struct error;

struct log_settings {
    char *path; /* NULL: stderr */
    int fd;     /* of the file; -1: none */
};

#define LOG_SETTINGS_INIT ((struct log_settings){NULL, -1})

/* The row of command_option whose value is log_settings_open()'s `path`. */
#define LOG_FILE_OPTION                                                                            \
    {                                                                                              \
        "log-file", 0, "FILE", "log to FILE, which SIGHUP opens anew [stderr]", false              \
    }

/*
 * Reads the environment, opens `path` (copied; NULL: none) and sets the sink of log.h. The file is
 * made when it is not there, for its owner alone, and written to at its end.
 * End it in every case with log_settings_finish(). On failure the log stays as it was: E_INVALID
 * for the environment, E_IO for the file, E_NOMEM.
 */
int log_settings_open(struct log_settings *settings, const char *path, struct error *err);

/*
 * Opens the file of that name anew: lines go there from now on. Nothing happens when the log goes
 * to stderr. Fails with E_IO: lines go on to the old file.
 */
int log_settings_reopen(struct log_settings *settings, struct error *err);

/* The log goes to stderr again; level and format stay. */
void log_settings_finish(struct log_settings *settings);

#endif
