/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/completion_values.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/cleanup.h"
#include "core/cli/command.h"
#include "core/value/json.h"
#include "core/value/value.h"

extern char **environ;

enum { MAX_WORDS = 12, ANSWER_MAX_BYTES = 4 * 1024 * 1024, SECONDS = 1 };

/* A question to the program: its answer is a list, or has lists, of maps. */
struct question {
    const char *words[5];
    bool is_of_operand; /* the first one of the line comes behind the words */

    /* What is asked while there is none; NULL: nothing. */
    const struct question *without_operand;

    const char *lists[2]; /* pointers to them; NULL: the answer is one */
    const char *word;     /* the member to offer, and the one that tells what it is */
    const char *text;
};

static const struct question runs = {
    .words = {"list", "--limit", "50"},
    .lists = {"/jobs"},
    .word = "short_id",
    .text = "workflow",
};
static const struct question nodes_of_run = {
    .words = {"status"},
    .is_of_operand = true,
    .lists = {"/step_results"},
    .word = "path",
    .text = "status",
};
static const struct question types = {
    .words = {"nodes"},
    .word = "type",
    .text = "summary",
};
static const struct question types_of_file = {
    .words = {"plugin", "inspect"},
    .is_of_operand = true,
    .without_operand = &types,
    .lists = {"/manifest/nodes"},
    .word = "type",
    .text = "summary",
};
static const struct question rules = {
    .words = {"plugin", "check", "--list-rules"},
    .word = "id",
    .text = "title",
};
static const struct question plugins = {
    .words = {"plugin", "list"},
    .word = "id",
    .text = "version",
};
static const struct question breakers = {
    .words = {"breakers"},
    .lists = {"/breakers"},
    .word = "scope",
    .text = "state",
};
static const struct question limits = {
    .words = {"limits"},
    .lists = {"/rate_limits", "/limits"},
    .word = "scope",
};
static const struct question letters = {
    .words = {"dlq", "list"},
    .lists = {"/items"},
    .word = "id",
    .text = "node",
};
static const struct question secrets = {
    .words = {"secrets", "list"},
    .word = "name",
};

/* What a name of the help stands for. The first row that fits counts. */
struct row {
    const char *command; /* "plugin", "plugin run"; NULL: of all */
    const char *option;  /* "" for operands alone; NULL: wherever it is */
    const char *name;
    const char *words; /* ":files", ":folders", or words with blanks between them; or NULL */
    const struct question *question;
};

static const struct row rows[] = {
    {NULL, NULL, "FILE", ":files", NULL},
    {NULL, NULL, "TAPE", ":files", NULL},
    {NULL, NULL, "DIR", ":folders", NULL},
    {"plugin run", NULL, "TYPE", NULL, &types_of_file},
    {NULL, NULL, "TYPE", NULL, &types},
    {"logs", "node", "PATH", NULL, &nodes_of_run},
    {NULL, NULL, "NODE", NULL, &nodes_of_run},
    {"plugin new", NULL, "LANGUAGE", "c c++", NULL},
    {NULL, NULL, "STATUS",
     "pending queued running paused approval_required completed failed cancelled blocked", NULL},
    {NULL, NULL, "WORD", "high normal low", NULL},
    {NULL, NULL, "FORMAT", "text mermaid dot svg", NULL},
    {"breakers", NULL, "SCOPE", NULL, &breakers},
    {"limits", NULL, "SCOPE", NULL, &limits},
    {"secrets", NULL, "NAME", NULL, &secrets},
    {"dlq", "", "ID", NULL, &letters},
    {"plugin new", NULL, "ID", NULL, NULL},
    {"plugin check", NULL, "ID", NULL, &rules},
    {"plugin", "", "ID", NULL, &plugins},
    {"list", "parent", "ID", NULL, &runs},
    {NULL, "", "ID", NULL, &runs},
};

void completion_values_append_word(struct strbuf *out, struct str word, struct str text)
{
    strbuf_append(out, word.p, word.n);
    strbuf_append_char(out, '\t');
    strbuf_append(out, text.p, text.n);
    strbuf_append_char(out, '\n');
}

static void append_words(struct strbuf *out, const char *words)
{
    if (words[0] == ':') {
        strbuf_append_format(out, "%s\n", words);
        return;
    }
    while (*words != '\0') {
        size_t n = strcspn(words, " |");
        completion_values_append_word(out, str_make(words, n), STR(""));
        words += n + (words[n] != '\0');
    }
}

/* ---- asking ---- */

/* The question, of the state and the plugins that the line is about. */
static void make_words(const struct question *question, const struct command_args *args,
                       const char **out_words)
{
    static const char *const carried[][2] = {
        {"state", "--state"}, {"plugins", "--plugins"}, {"config", "--config"}};
    const struct command *asked = NULL;
    size_t verb = 0;
    size_t count = 0;
    out_words[count++] = "opstream";
    while (question->words[count - 1] != NULL) {
        out_words[count] = question->words[count - 1];
        count++;
    }
    bool is_known = command_resolve(question->words, count - 1, &asked, &verb) == EXIT_DONE;
    if (question->is_of_operand) {
        out_words[count++] = args->first_operands[0];
    }
    for (size_t i = 0; is_known && i < sizeof(carried) / sizeof(carried[0]); i++) {
        const char *value = command_value(args, carried[i][0]);
        if (value != NULL && command_find_option(asked, str_from(carried[i][1])) != NULL) {
            out_words[count++] = carried[i][1];
            out_words[count++] = value;
        }
    }
    out_words[count++] = "--json";
    out_words[count] = NULL;
}

/* The child's standard output; -1: it could not be started. */
static int start(const char *const *words, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed == 0) {
        failed = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        if (failed == 0) {
            failed =
                posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        }
        if (failed == 0) {
            failed = posix_spawn(out_pid, "/proc/self/exe", &actions, NULL,
                                 (char *const *)(uintptr_t)words, environ);
        }
        (void)posix_spawn_file_actions_destroy(&actions); /* it was made */
    }
    (void)close(ends[1]); /* the child's */
    if (failed != 0) {
        (void)close(ends[0]); /* nobody writes to it */
        return -1;
    }
    return ends[0];
}

/* Whoever waits at a prompt has no time: the alarm ends this process, and the pipe its child. */
static void read_answer(const char *const *words, struct strbuf *answer)
{
    pid_t pid = -1;
    char part[4096];
    cleanup_fd int fd = start(words, &pid);
    if (fd < 0) {
        return;
    }
    (void)alarm(SECONDS);
    ssize_t n = read(fd, part, sizeof(part));
    while (n > 0 && answer->n < ANSWER_MAX_BYTES) {
        strbuf_append(answer, part, (size_t)n);
        n = read(fd, part, sizeof(part));
    }
    (void)waitpid(pid, NULL, 0); /* what it wrote counts */
    (void)alarm(0);
}

static struct str text_of(const struct value *item, const char *name)
{
    const struct value *text = name != NULL ? value_get(item, str_from(name)) : NULL;
    return value_is(text, VALUE_STRING) ? value_str(text) : STR("");
}

static void append_list(const struct value *list, const struct question *question,
                        struct strbuf *out)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < value_count(list); i++) {
        struct str word = text_of(value_at(list, i), question->word);
        struct str text = text_of(value_at(list, i), question->text);
        bool is_line = memchr(word.p, '\n', word.n) == NULL && memchr(word.p, '\t', word.n) == NULL;
        if (word.n > 0 && is_line) {
            completion_values_append_word(out, word, text);
        }
    }
}

static void ask(const struct question *question, const struct command_args *args,
                struct strbuf *out)
{
    const char *words[MAX_WORDS];
    struct strbuf answer = STRBUF_INIT;
    cleanup_document struct document *document = NULL;
    if (question->is_of_operand && args->operand_count == 0) {
        question = question->without_operand;
    }
    if (question == NULL) {
        return;
    }
    make_words(question, args, words);
    read_answer(words, &answer);
    if (json_read(strbuf_str(&answer), NULL, &document, NULL) == 0) {
        const struct value *root = document_root(document);
        for (size_t i = 0; i < 2 && question->lists[i] != NULL; i++) {
            append_list(value_pointer(root, str_from(question->lists[i])), question, out);
        }
        append_list(question->lists[0] == NULL ? root : NULL, question, out);
    }
    strbuf_finish(&answer);
}

/* "plugin run" is a command of its own and one of "plugin". */
static bool is_of(const struct row *row, const struct command *command, const char *option)
{
    struct strbuf name = STRBUF_INIT;
    command_append_name(command, &name);
    bool is_named = row->command == NULL || str_equal_text(strbuf_str(&name), row->command) ||
                    (command->parent != NULL && strcmp(command->parent->name, row->command) == 0);
    strbuf_finish(&name);
    return is_named && (row->option == NULL || strcmp(row->option, option) == 0);
}

void completion_values_append(const struct command *command, const char *option, struct str name,
                              const struct command_args *args, struct strbuf *out)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        if (!str_equal_text(name, row->name) || !is_of(row, command, option)) {
            continue;
        }
        if (row->words != NULL) {
            append_words(out, row->words);
        } else if (row->question != NULL) {
            ask(row->question, args, out);
        }
        return;
    }
}
