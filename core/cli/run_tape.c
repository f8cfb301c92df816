/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_tape.h"

#include <unistd.h>

#include "core/base/diagnostic.h"
#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/terminal.h"

/* Calls that were not made are named one by one, as long as they are few. */
enum { UNUSED_SHOWN = 20 };

static struct str source_of(const char *file, void *user)
{
    (void)file; /* there is one */
    return tape_source(user);
}

static void say_damage(struct tape *tape, const struct diagnostics *diagnostics)
{
    struct strbuf text = STRBUF_INIT;
    diagnostics_print(diagnostics, source_of, tape,
                      terminal_has_color(STDERR_FILENO) ? DIAGNOSTIC_COLOR : 0, &text);
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
}

int run_tape_open(struct run_tape *tape, const struct command_args *args)
{
    const char *record = command_value(args, "record");
    const char *replay = command_value(args, "replay");
    struct diagnostics diagnostics = DIAGNOSTICS_INIT;
    struct error err = {0};
    if (record != NULL && replay != NULL) {
        return command_usage_error(args->command, "'--record' and '--replay' do not go together");
    }
    tape->path = record != NULL ? record : replay;
    if (tape->path == NULL) {
        return EXIT_DONE;
    }
    int status = tape_create(record != NULL ? TAPE_RECORD : TAPE_PLAY, tape->path, &diagnostics,
                             &tape->tape, &err);
    if (diagnostics.count > 0) {
        say_damage(tape->tape, &diagnostics);
    }
    diagnostics_finish(&diagnostics);
    if (status == 0) {
        return EXIT_DONE;
    }
    bool is_theirs = status == E_NOT_FOUND || status == E_INVALID || status == E_LIMIT;
    return command_error(is_theirs ? EXIT_USAGE : EXIT_STATE, "%s", err.message);
}

/* ---- the end ---- */

static void say_unused(const struct run_tape *tape)
{
    struct tape_numbers numbers = tape_numbers(tape->tape);
    struct strbuf text = STRBUF_INIT;
    if (numbers.unused == 0) {
        return;
    }
    strbuf_append_format(&text, "tape '%s': %zu of %zu recorded call%s not made:\n", tape->path,
                         numbers.unused, numbers.calls, numbers.unused == 1 ? " was" : "s were");
    tape_append_unused(tape->tape, UNUSED_SHOWN, &text);
    if (numbers.unused > UNUSED_SHOWN) {
        strbuf_append_format(&text, "  and %zu more\n", numbers.unused - UNUSED_SHOWN);
    }
    terminal_write_stderr(strbuf_str(&text));
    strbuf_finish(&text);
}

static int save(struct run_tape *tape, const struct secrets *secrets, int code)
{
    struct error err = {0};
    struct tape_numbers numbers = tape_numbers(tape->tape);
    if (tape_save(tape->tape, secrets, &err) != 0) {
        return command_error(EXIT_STATE, "%s", err.message);
    }
    if (numbers.left_out > 0) {
        return command_error(EXIT_STATE, "the tape '%s' is full (64 MiB): %zu calls are not on it",
                             tape->path, numbers.left_out);
    }
    if (numbers.large > 0) {
        struct strbuf text = STRBUF_INIT;
        strbuf_append_format(
            &text,
            "tape '%s': %zu of %zu calls had a body of more than 512 KiB, which is "
            "not on it\n",
            tape->path, numbers.large, numbers.calls);
        terminal_write_stderr(strbuf_str(&text));
        strbuf_finish(&text);
    }
    return code;
}

int run_tape_end(struct run_tape *tape, const struct secrets *secrets, int code)
{
    if (!tape->has_begun || tape->tape == NULL) {
        return code;
    }
    if (tape_mode(tape->tape) == TAPE_RECORD) {
        return save(tape, secrets, code);
    }
    say_unused(tape);
    return code;
}

void run_tape_finish(struct run_tape *tape)
{
    tape_destroy(tape->tape);
    *tape = (struct run_tape){0};
}
