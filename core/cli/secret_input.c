/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/secret_input.h"

#include <errno.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/guarded.h"
#include "core/cli/command.h"
#include "core/cli/terminal.h"
#include "core/value/secrets.h"

enum { ROOM = SECRETS_MAX_BYTES + 3 }; /* a line's end, and one byte that is too many */

/* Until the end of the input, or of the line that somebody types. */
static int read_value(struct secret_input *input, bool is_line)
{
    while (input->n < ROOM) {
        ssize_t n = read(STDIN_FILENO, input->p + input->n, is_line ? 1 : ROOM - input->n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return command_error(EXIT_STATE, "cannot read the standard input: %s", strerror(errno));
        }
        input->n += (size_t)n;
        if (n == 0 || (is_line && input->p[input->n - 1] == '\n')) {
            break;
        }
    }
    return EXIT_DONE;
}

/* Signals wait until the terminal shows again what is typed. */
static int ask(const char *name, struct secret_input *input)
{
    struct termios shown;
    struct strbuf prompt = STRBUF_INIT;
    sigset_t all;
    sigset_t before;
    strbuf_append_text(&prompt, "value of the secret '");
    terminal_append_safe(&prompt, str_from(name));
    strbuf_append_text(&prompt, "' (it is not shown): ");
    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        strbuf_finish(&prompt);
        return command_error(EXIT_STATE, "the terminal cannot be asked: %s", strerror(errno));
    }
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    (void)sigfillset(&all); /* fails for bad pointers alone, like the next */
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden); /* it was just asked */
    terminal_write_stderr(strbuf_str(&prompt));
    int code = read_value(input, true);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    terminal_write_stderr(STR("\n"));
    strbuf_finish(&prompt);
    bool is_interrupted = input->n > 0 && memchr(input->p, shown.c_cc[VINTR], input->n) != NULL;
    return is_interrupted ? command_error(EXIT_USAGE, "nothing was set") : code;
}

static void cut_line_end(struct secret_input *input)
{
    if (input->n > 0 && input->p[input->n - 1] == '\n') {
        input->n--;
    }
    if (input->n > 0 && input->p[input->n - 1] == '\r') {
        input->n--;
    }
}

int secret_input_read(const char *name, struct secret_input *out_input)
{
    struct secret_input input = {.p = guarded_alloc(ROOM + 1)};
    if (input.p == NULL) {
        return command_error(EXIT_STATE, "out of memory");
    }
    int code = isatty(STDIN_FILENO) == 1 ? ask(name, &input) : read_value(&input, false);
    cut_line_end(&input);
    const char *fault = secrets_fault_of(str_make(input.p, input.n));
    if (code == EXIT_DONE && fault != NULL) {
        code = command_error(EXIT_USAGE, "the value %s", fault);
    }
    if (code != EXIT_DONE) {
        secret_input_finish(&input);
        return code;
    }
    *out_input = input;
    return EXIT_DONE;
}

void secret_input_finish(struct secret_input *input)
{
    guarded_free(input->p, ROOM + 1);
    *input = (struct secret_input){0};
}
