/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program: finds the command, reads its arguments, runs it.
 */
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/command_help.h"
#include "core/cli/terminal.h"

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* --help anywhere before a lone "--" asks for help. */
static bool wants_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i])) {
            return true;
        }
    }
    return false;
}

static int print_help(const struct command *command)
{
    struct strbuf text = STRBUF_INIT;
    if (command != NULL) {
        command_help_append(command, &text);
    } else {
        command_help_append_overview(&text);
    }
    int code = terminal_write_stdout(strbuf_str(&text));
    strbuf_finish(&text);
    return code;
}

/*
 * A standard descriptor that is closed would be given to the next file that is opened, and what is
 * printed would go there. Opened the wrong way round, using it fails as it would have.
 */
static void hold_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* best effort */
        }
    }
}

/*
 * Each child and each connection takes some descriptors; the soft limit of a shell (1024) is for
 * programs that use select(). Best effort: without it fewer nodes run at once.
 */
static void raise_file_limit(void)
{
    enum { FILES_WANTED = 65536 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES_WANTED) {
        limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/*
 * What threads free is used again by others, and what was large goes back to the system: by default
 * each thread has a heap of its own, and a block that was freed once makes others like it stay in a
 * heap for good. A pipeline that calls services a million times took a sixth more.
 */
static void share_heaps(void)
{
#ifdef M_ARENA_MAX
    enum { HEAPS = 2, LARGE_BYTES = 128 * 1024 };
    (void)mallopt(M_ARENA_MAX, HEAPS); /* best effort, both */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

/* What is behind it moves up, with the NULL at the end. */
static void take_away(int *argc, char **argv, size_t at)
{
    memmove(&argv[at], &argv[at + 1], ((size_t)*argc - at) * sizeof(*argv));
    (*argc)--;
}

int main(int argc, char **argv)
{
    share_heaps();
    hold_standard_files();
    raise_file_limit();
    if (argc < 2 || is_help(argv[1])) {
        return print_help(NULL);
    }
    if (strcmp(argv[1], "--version") == 0) {
        argv[1] = "version";
    }
    const struct command *command = NULL;
    size_t verb = 0;
    int code = command_resolve((const char *const *)argv + 1, (size_t)argc - 1, &command, &verb);
    if (code != EXIT_DONE) {
        return code;
    }
    if (verb > 0) {
        take_away(&argc, argv, 1 + verb);
    }
    argc -= 2;
    argv += 2;
    if (wants_help(argc, argv)) {
        return print_help(command);
    }
    struct command_args args;
    code = command_parse(command, argc, argv, &args);
    return code != EXIT_DONE ? code : command->run(&args);
}
