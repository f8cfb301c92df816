/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/item_input.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/base/error.h"
#include "core/cli/engine_command.h"
#include "core/cli/file_text.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { INPUT_MAX_BYTES = 16 * 1024 * 1024 };

static int append_document(const struct document *input, const char *priority, struct strbuf *out)
{
    if (!value_is(document_root(input), VALUE_MAP)) {
        return command_error(EXIT_USAGE, "the input is no JSON object");
    }
    strbuf_append_text(out, "{\"input\":");
    json_write(document_root(input), JSON_COMPACT, out);
    if (priority != NULL) {
        strbuf_append_text(out, ",\"priority\":");
        json_write_string(str_from(priority), out);
    }
    strbuf_append_char(out, '}');
    return EXIT_DONE;
}

static int read_file(const char *name, struct document **out)
{
    struct error err = {0};
    cleanup_free char *text = NULL;
    size_t size = 0;
    int status = file_text_read(name, INPUT_MAX_BYTES, &text, &size, &err);
    if (status == 0) {
        status = json_read(str_make(text, size), NULL, out, &err);
        if (status != 0 && err.line > 0) {
            return command_error(EXIT_USAGE, "%s:%u:%u: %s", name, err.line, err.column,
                                 err.message);
        }
    }
    return status == 0 ? EXIT_DONE : command_error(EXIT_USAGE, "%s", err.message);
}

/* ---- the editor ---- */

static int write_file(char *name, const struct value *input)
{
    struct strbuf text = STRBUF_INIT;
    int fd = mkstemps(name, 5);
    json_write(input, JSON_PRETTY, &text);
    strbuf_append_char(&text, '\n');
    bool is_written = fd >= 0 && strbuf_status(&text) == 0 &&
                      write(fd, text.p, text.n) == (ssize_t)text.n;
    strbuf_finish(&text);
    if (fd >= 0 && close(fd) != 0) {
        is_written = false;
    }
    return is_written ? EXIT_DONE : command_error(EXIT_STATE, "cannot write '%s'", name);
}

static const char *editor(void)
{
    const char *visual = getenv("VISUAL");
    const char *usual = getenv("EDITOR");
    return visual != NULL && visual[0] != '\0' ? visual
           : usual != NULL && usual[0] != '\0' ? usual
                                               : "vi";
}

/* It may be a command with options: the shell takes it apart. */
static int edit(const char *name)
{
    const char *argv[] = {"sh", "-c", NULL, "sh", name, NULL};
    struct strbuf command = STRBUF_INIT;
    pid_t pid = -1;
    int how = 0;
    strbuf_append_text(&command, editor());
    strbuf_append_text(&command, " \"$1\"");
    if (strbuf_status(&command) != 0) {
        return command_error(EXIT_STATE, "out of memory");
    }
    argv[2] = command.p;
    int failed = posix_spawnp(&pid, "sh", NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    strbuf_finish(&command);
    if (failed != 0 || waitpid(pid, &how, 0) < 0 || !WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        return command_error(EXIT_USAGE, "the editor '%s' failed: nothing was changed", editor());
    }
    return EXIT_DONE;
}

static int edit_input(const struct value *input, const char *name, const char *priority,
                      struct strbuf *out)
{
    cleanup_document struct document *edited = NULL;
    int code = edit(name);
    if (code == EXIT_DONE) {
        code = read_file(name, &edited);
    }
    if (code == EXIT_DONE && value_equal(document_root(edited), input)) {
        return command_error(EXIT_USAGE, "the input is as it was: nothing was changed");
    }
    return code == EXIT_DONE ? append_document(edited, priority, out) : code;
}

static int ask_person(struct engine_session *session, const char *id, const char *priority,
                      struct strbuf *out)
{
    char name[] = "/tmp/opstream-XXXXXX.json";
    cleanup_document struct document *letter = NULL;
    int code = engine_command_get_letter(session, id, &letter);
    if (code != EXIT_DONE) {
        return code;
    }
    const struct value *input = value_get(document_root(letter), STR("input"));
    code = input != NULL ? write_file(name, input) : EXIT_STATE;
    if (code == EXIT_DONE) {
        code = edit_input(input, name, priority, out);
        (void)unlink(name); /* it may be gone */
    }
    return code;
}

int item_input_append(struct engine_session *session, const struct command_args *args,
                      const char *id, struct strbuf *out_body)
{
    const char *file = command_value(args, "input");
    const char *priority = command_value(args, "priority");
    cleanup_document struct document *input = NULL;
    if (file != NULL && command_has(args, "edit")) {
        return command_error(EXIT_USAGE, "give one of --edit and --input");
    }
    if (command_has(args, "edit")) {
        return ask_person(session, id, priority, out_body);
    }
    if (file == NULL) {
        return EXIT_DONE;
    }
    int code = read_file(file, &input);
    return code == EXIT_DONE ? append_document(input, priority, out_body) : code;
}
