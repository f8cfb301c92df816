/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker of plugins is a program of its own, for authors, in a package of its own: this
 * command becomes it.
 */
#include "core/cli/plugin_check.h"

#include <errno.h>
#include <features.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/base/module.h"
#include "core/cli/commands.h"

static const struct command_option options[] = {
    {"rule", 0, "ID", "only this rule, or all that begin so (may be repeated)", true},
    {"list-rules", 0, NULL, "print all rules, and check nothing", false},
    {"explain", 0, "ID", "say why there is a rule, and how to keep it", false},
    {"json", 0, NULL, "print one JSON document", false},
    {"junit", 0, "FILE", "write the results as JUnit XML, too", false},
    {"config", 0, "FILE", "real configs, too, JSON: {\"TYPE\": [CONFIG, ...]}", false},
    {"settings", 0, "FILE", "the plugin's settings, JSON [made by their schema]", false},
    {"seed", 0, "N", "of all that is made by chance [" PLUGIN_CHECK_SEED "]", false},
    {"tasks", 0, "N", "how many run.growth starts [" PLUGIN_CHECK_TASKS "]", false},
    {"timeout", 0, "SECONDS", "for one rule [" PLUGIN_CHECK_TIMEOUT "]", false},
    {"glibc", 0, "VERSION", "the oldest that it has to load with [" PLUGIN_CHECK_GLIBC "]", false},
    {"in-process", 0, NULL, "no process of its own for each rule, for a debugger", false},
    {NULL, 0, NULL, NULL, false},
};

/* The words of the command line, for the program that reads them by the same table. */
static void copy_words(const struct command_args *args, char **words, char *program)
{
    size_t n = 0;
    words[n++] = program;
    for (size_t i = 0; i < args->given_count; i++) {
        const struct command_option *option = &options[args->given[i].option];
        int status = option->value_name != NULL
                         ? asprintf(&words[n], "--%s=%s", option->name, args->given[i].value)
                         : asprintf(&words[n], "--%s", option->name);
        if (status < 0) {
            words[n] = NULL;
            return;
        }
        n++;
    }
    words[n++] = (char *)(uintptr_t) "--";
    for (size_t i = 0; i < args->operand_count; i++) {
        words[n++] = (char *)(uintptr_t)args->operands[i];
    }
}

static int run(const struct command_args *args)
{
    const char *folder = NULL;
    struct error err = {0};
    char program[PATH_MAX];
    if (module_folder(&folder, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    int n = snprintf(program, sizeof program, "%s/" PLUGIN_CHECK_PROGRAM, folder);
    char **words = calloc(args->given_count + args->operand_count + 3, sizeof *words);
    if (n < 0 || n >= (int)sizeof program || words == NULL) {
        return command_error(EXIT_STATE, "out of memory");
    }

    copy_words(args, words, program);
    (void)execv(program, words);
    if (errno == ENOENT) {
        return command_error(EXIT_USAGE,
                             "'%s' is not there: install the package "
                             "opstream-plugin-dev",
                             program);
    }
    return command_error(EXIT_STATE, "cannot start '%s': %s", program, strerror(errno));
}

const struct command cmd_plugin_check = {
    .name = "check",
    .parent = &cmd_plugin,
    .summary = "check a plugin by all rules that there are",
    .usage = "FILE [OPTION]...\n"
             "       opstream plugin check (--list-rules | --explain ID) [--json]",
    .details = "Reads the file first. Then its nodes run in a test host, with configs made by\n"
               "their schemas, and with services that are played: HTTP and mail reach nobody, no\n"
               "child process starts, time is virtual. Each rule has a process of its own, in an\n"
               "empty folder, and writes to no other (where the kernel has Landlock).\n"
               "\n"
               "Exit code 0: it keeps all rules; 1: it breaks one; 2: the command line is wrong.",
    .options = options,
    .min_operands = 0,
    .max_operands = 1,
    .run = run,
};
