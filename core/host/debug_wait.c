/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/debug_wait.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/log.h"

#define VARIABLE "OPSTREAM_PLUGIN_DEBUG"

enum { LOOK_AGAIN_MS = 50, SIGNALS = 2, LINE_BYTES = 256 };

static const int ending_signals[SIGNALS] = {SIGINT, SIGTERM};

static volatile sig_atomic_t got_signal;

static void on_signal(int signal_number)
{
    got_signal = signal_number;
}

/* The process that traces this one, 0: none; negative: it cannot be told. */
static long find_tracer(void)
{
    static const char name[] = "TracerPid:";
    char line[LINE_BYTES];
    long tracer = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && tracer < 0 && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, sizeof(name) - 1) == 0) {
            tracer = strtol(line + sizeof(name) - 1, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file); /* it was read */
    }
    return tracer;
}

/* Secrets are in memory, so that others of this user may not look at it; a debugger has to. */
static void let_attach(void)
{
    (void)prctl(PR_SET_DUMPABLE, 1);                 /* as it was at the start */
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* fails where nothing forbids it */
}

static void say_how(const char *path)
{
    char attach[64];
    (void)snprintf(attach, sizeof(attach), "gdb -p %ld", (long)getpid());
    const struct log_field fields[] = {
        log_text("file", path),
        log_int("pid", (int64_t)getpid()),
        log_text("attach", attach),
        log_text("then", "'continue'; Ctrl-C here waits no longer"),
    };
    log_write(LOG_LEVEL_WARN, VARIABLE ": waiting for a debugger before a plugin is loaded", fields,
              sizeof(fields) / sizeof(fields[0]));
}

/* Handlers of others come back afterwards, and then have what came meanwhile. */
static long wait_for_tracer(void)
{
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
    const struct sigaction own = {.sa_handler = on_signal};
    struct sigaction before[SIGNALS];
    long tracer = 0;
    got_signal = 0;
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(ending_signals[i], &own, &before[i]); /* fails for no such signal */
    }
    while (got_signal == 0 && (tracer = find_tracer()) == 0) {
        (void)nanosleep(&pause, NULL); /* shorter when a signal comes */
    }
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(ending_signals[i], &before[i], NULL);
    }
    return tracer;
}

int debug_wait(const char *path, struct error *err)
{
    const char *wanted = getenv(VARIABLE);
    if (wanted == NULL || wanted[0] == '\0') {
        return 0;
    }
    if (strcmp(wanted, "wait") != 0) {
        return error_set(err, E_INVALID, VARIABLE " is '%s'; its one value is 'wait'", wanted);
    }
    long tracer = find_tracer();
    if (tracer == 0) {
        let_attach();
        say_how(path);
        tracer = wait_for_tracer();
    }
    if (tracer > 0) {
        return 0;
    }
    if (got_signal != 0) {
        (void)kill(getpid(), got_signal);
        return error_set(err, E_CANCELED, "it was not waited for a debugger any longer");
    }
    return error_set(err, E_IO,
                     VARIABLE ": /proc/self/status does not tell who debugs this process");
}
