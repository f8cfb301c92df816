/* SPDX-License-Identifier: Apache-2.0 */
/* How a child's end becomes the task's: its result, or an error that says what to do. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "run.h"
#include "word.h"

static const struct {
    const char *program;
    const char *package;
} interpreters[LANGUAGE_COUNT] = {
    [LANGUAGE_PYTHON] = {"python3", "python3"},
    [LANGUAGE_BASH] = {"bash", "bash"},
    [LANGUAGE_JAVASCRIPT] = {"node", "nodejs"},
};

/* A failure while it is being put together; the texts are borrowed until it is told. */
struct failure {
    ops_status code;
    const char *symbol;
    struct text message;
    const char *hint;
    const char *path;
    uint32_t effect;
    uint32_t retry;
    uint64_t retry_after_ms;
    const ops_process_exit *exit; /* NULL: it never ran */
    ops_val answer;               /* the runner's, or 0 */
};

const char *run_program(enum language language)
{
    return interpreters[language].program;
}

/* The signals that users meet; others by number. */
static const char *signal_name(int signal)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
        {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
        {SIGSEGV, "SIGSEGV"}, {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
        {SIGTRAP, "SIGTRAP"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGXCPU, "SIGXCPU"},
        {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].number == signal) {
            return names[i].name;
        }
    }
    return "a signal";
}

static void add_details(const struct run *run, const struct failure *failure, struct ops_map *map)
{
    if (failure->exit == NULL) {
        return;
    }
    if (failure->exit->signal != 0) {
        ops_map_text(map, "signal", signal_name(failure->exit->signal));
    } else {
        ops_map_i64(map, "exit_code", failure->exit->exit_code);
    }
    ops_val line = ops_get(failure->answer, "line");
    if (failure->answer != 0 && ops.value->type(ops.h, line) == OPS_TYPE_INT) {
        ops_map_val(map, "line", line);
        ops_map_str(map, "trace", ops_get_str(failure->answer, "trace", NULL));
    }
    struct text clean = {0};
    text_add_clean(&clean, text_slice(&run->errors));
    ops_map_str(map, "stderr", text_slice(&clean));
    text_finish(&clean);
}

/* Tells the failure and ends it. */
static void tell(struct run *run, struct failure *failure)
{
    struct ops_map details = ops_map_begin(run->task);
    add_details(run, failure, &details);
    struct text message = {0};
    text_add_clean(&message, text_slice(&failure->message));
    ops_error error = ops_error_make(failure->code, NULL);
    error.message = message.is_failed ? ops_text("the code failed") : text_slice(&message);
    error.symbol = ops_text(failure->symbol);
    error.hint = ops_text(failure->hint);
    error.path = ops_text(failure->path);
    error.effect = failure->effect;
    error.retry = failure->retry;
    error.retry_after_ms = failure->retry_after_ms;
    if (details.n > 0 && ops_map_end(&details, &error.details) != OPS_OK) {
        error.details = 0;
    }
    (void)ops.exec->fail(ops.h, run->task, &error);
    text_finish(&message);
    text_finish(&failure->message);
}

static void fail_to_start(struct run *run, const ops_error *err)
{
    struct failure failure = {.code = err->code, .symbol = "code.start"};
    struct text hint = {0};
    text_add_format(&failure.message, "%s could not be started: ", run_program(run->language));
    text_add(&failure.message, err->message);
    if (err->code == OPS_E_NOT_FOUND) {
        text_add_format(&hint, "install it: apt install %s", interpreters[run->language].package);
        failure.hint = hint.p;
    }
    tell(run, &failure);
    text_finish(&hint);
}

/* The last line of stderr says most: it is where interpreters put the reason. */
static void add_last_error(const struct run *run, struct text *message)
{
    ops_str line = text_last_line(text_slice(&run->errors));
    if (line.n > 0) {
        text_add_format(message, ": %.*s", (int)(line.n < 400 ? line.n : 400), line.p);
    }
}

/* "ValueError: no good (line 3 of the code)" */
static void add_exception(struct text *message, ops_val answer)
{
    ops_str kind = ops_get_str(answer, "error", "Error");
    ops_str words = ops_get_str(answer, "message", "");
    int64_t line = ops_get_i64(answer, "line", 0);
    words.n = words.n < 800 ? words.n : 800;
    if (!ops_equal(kind, "result")) {
        text_add(message, kind);
        text_add(message, ops_text(words.n > 0 ? ": " : ""));
    }
    text_add(message, words);
    if (line > 0) {
        text_add_format(message, " (line %" PRId64 " of the code)", line);
    }
}

static void tell_limit(struct run *run, const ops_process_exit *exit, ops_val answer,
                       struct limit_hit *hit)
{
    struct failure failure = {.code = hit->code,
                              .symbol = hit->symbol,
                              .hint = hit->hint,
                              .effect = OPS_EFFECT_MAYBE,
                              .exit = exit,
                              .answer = answer};
    text_add_format(&failure.message, "%s ", run_program(run->language));
    text_add(&failure.message, text_slice(&hit->text));
    if (answer != 0) {
        text_add(&failure.message, ops_text(": "));
        add_exception(&failure.message, answer);
    } else if (exit->signal == 0) {
        add_last_error(run, &failure.message);
    }
    tell(run, &failure);
    text_finish(&hit->text);
}

/* 1 when the end was a limit's or a cancel's doing, and has been told. */
static int fail_by_limit(struct run *run, const ops_process_exit *exit, ops_val answer)
{
    struct failure failure = {.exit = exit, .effect = OPS_EFFECT_MAYBE};
    struct limit_hit hit;
    uint32_t reason = ops.exec->cancelled(ops.h, run->task);
    if ((exit->limit != OPS_LIMIT_NONE || reason == 0) && limit_find(run, exit, answer, &hit)) {
        tell_limit(run, exit, answer, &hit);
        return 1;
    }
    if (reason == OPS_CANCEL_TIMEOUT) {
        failure.code = OPS_E_TIMEOUT;
        failure.symbol = "code.timeout";
        failure.hint = "raise the node's 'timeout'";
        text_add_format(&failure.message, "%s did not end in time and was killed",
                        run_program(run->language));
    } else if (reason != 0) {
        failure.code = OPS_E_CANCELLED;
        failure.symbol = "code.cancelled";
        text_add_format(&failure.message, "%s was ended by a cancel", run_program(run->language));
    } else {
        return 0;
    }
    tell(run, &failure);
    return 1;
}

/* What the code, or `on_exit`, says of the failure wins over what it looks like. */
static void add_word(struct run *run, struct failure *failure, ops_val said, struct text *hint)
{
    struct word word = word_read(run, said, failure->exit->exit_code);
    if (said == 0 && word.retry == OPS_RETRY_DEFAULT) {
        return;
    }
    failure->retry = word.retry;
    failure->retry_after_ms = word.retry_after_ms;
    failure->effect = word.effect;
    failure->code = word.code != OPS_OK ? word.code : failure->code;
    if (said != 0) {
        failure->symbol = "code.failure";
    }
    if (word.message.n > 0) {
        text_finish(&failure->message);
        text_add(&failure->message, word.message);
    }
    if (word.bad_code.n > 0) {
        text_add_format(hint, "'%.*s' is no code: take one of ",
                        (int)(word.bad_code.n < 80 ? word.bad_code.n : 80), word.bad_code.p);
        word_add_codes(hint);
        failure->hint = hint->p;
    }
}

/* What the runner says went wrong: an exception, or a result that JSON cannot hold. */
static void fail_by_answer(struct run *run, const ops_process_exit *exit, ops_val answer,
                           ops_val said)
{
    struct failure failure = {.code = OPS_E_UPSTREAM,
                              .symbol = "code.exception",
                              .effect = OPS_EFFECT_MAYBE,
                              .exit = exit,
                              .answer = answer};
    ops_str kind = ops_get_str(answer, "error", "Error");
    if (ops_equal(kind, "MemoryError")) {
        failure.code = OPS_E_RESOURCE;
        failure.symbol = "code.memory_limit";
        failure.hint = "use less, or set 'memory' under the node's 'limits'";
    }
    if (ops_equal(kind, "SyntaxError")) {
        failure.code = OPS_E_CONFIG;
        failure.symbol = "code.syntax";
        failure.path = "/code";
        failure.effect = OPS_EFFECT_NONE;
    }
    if (ops_equal(kind, "result")) {
        failure.symbol = "code.result";
        failure.hint = "return text, numbers, booleans, null, and lists and maps of them";
    }
    struct text hint = {0};
    add_exception(&failure.message, answer);
    add_word(run, &failure, said, &hint);
    tell(run, &failure);
    text_finish(&hint);
}

static void fail_by_exit(struct run *run, const ops_process_exit *exit, ops_val said)
{
    struct failure failure = {.code = OPS_E_UPSTREAM, .effect = OPS_EFFECT_MAYBE, .exit = exit};
    const char *program = run_program(run->language);
    if (exit->signal != 0) {
        failure.symbol = "code.signal";
        text_add_format(&failure.message, "%s was ended by %s (signal %d)", program,
                        signal_name(exit->signal), exit->signal);
        if (exit->signal == SIGKILL) {
            failure.hint = "if it used much memory, the kernel may have ended it: see dmesg";
        }
    } else {
        failure.symbol = "code.exit";
        text_add_format(&failure.message, "%s ended with exit code %d", program, exit->exit_code);
    }
    struct text hint = {0};
    add_last_error(run, &failure.message);
    add_word(run, &failure, said, &hint);
    tell(run, &failure);
    text_finish(&hint);
}

/* `why`: what the JSON reader says of `last`. */
static void fail_without_result(struct run *run, const ops_process_exit *exit, ops_str last,
                                ops_str why)
{
    struct failure failure = {.code = OPS_E_UPSTREAM,
                              .symbol = "code.no_result",
                              .effect = OPS_EFFECT_MAYBE,
                              .exit = exit};
    const char *program = run_program(run->language);
    if (last.n > 0) {
        text_add_format(&failure.message, "the last line that %s wrote is not JSON (%.*s): %.*s",
                        program, (int)(why.n < 300 ? why.n : 300), why.p,
                        (int)(last.n < 200 ? last.n : 200), last.p);
    } else {
        text_add_format(&failure.message, "%s ended without a result", program);
    }
    failure.hint = run->language == LANGUAGE_BASH
                       ? "print JSON as the last line, or set 'result: text' or 'result: none'"
                       : "define process(), print JSON as the last line, or set 'result: text' or "
                         "'result: none'";
    tell(run, &failure);
}

/* process() returned a value, but none that can be read: too large, or descriptor 3 was misused. */
static void fail_by_bad_answer(struct run *run, const ops_process_exit *exit, ops_str why)
{
    struct failure failure = {.code = OPS_E_UPSTREAM,
                              .symbol = "code.result",
                              .effect = OPS_EFFECT_MAYBE,
                              .exit = exit,
                              .hint = "return less: write what is large to a file"};
    text_add_format(&failure.message, "what process() returned cannot be read: %.*s",
                    (int)(why.n < 300 ? why.n : 300), why.p);
    tell(run, &failure);
}

/* Without line breaks at the end, as $(...) of a shell takes it. */
static void complete_with_text(struct run *run)
{
    ops_str out = text_slice(&run->out);
    while (out.n > 0 && out.p[out.n - 1] == '\n') {
        out.n--;
    }
    struct text clean = {0};
    text_add_clean(&clean, out);
    ops_val output = 0;
    ops_status status = clean.is_failed
                            ? OPS_E_RESOURCE
                            : ops.value->new_str(ops.h, run->task, text_slice(&clean), &output);
    text_finish(&clean);
    if (status == OPS_OK) {
        ops_complete(run->task, output);
    } else {
        ops_fail_text(run->task, status, "the output is too large to be kept");
    }
}

static void complete_with_null(struct run *run)
{
    ops_val output = 0;
    if (ops.value->new_null(ops.h, run->task, &output) != OPS_OK) {
        ops_fail_text(run->task, OPS_E_RESOURCE, "out of memory");
    } else {
        ops_complete(run->task, output);
    }
}

/* 0: there is none; `*last` is the last line then, and `*why` what is wrong with it. */
static int complete_with_result(struct run *run, ops_val answer, ops_str *last, ops_error *why)
{
    ops_val value = ops_get(answer, "value");
    if (run->mode == RESULT_JSON && answer != 0 && value != 0) {
        run_flush(run, ops_text(NULL));
        ops_complete(run->task, value);
        return 1;
    }
    if (run->mode == RESULT_TEXT) {
        run_flush(run, ops_text(NULL));
        complete_with_text(run);
        return 1;
    }
    if (run->mode == RESULT_NONE) {
        run_flush(run, ops_text(NULL));
        complete_with_null(run);
        return 1;
    }
    *last = text_last_line(text_slice(&run->out));
    if (last->n > 0 && ops.value->from_json(ops.h, run->task, *last, &value, why) == OPS_OK) {
        run_flush(run, *last);
        ops_complete(run->task, value);
        return 1;
    }
    return 0;
}

/* 1: it has done its work, and the task has ended. What was told to stop may still have done it. */
static int end_well(struct run *run, const ops_process_exit *exit, ops_val answer)
{
    ops_str last = ops_text(NULL);
    ops_error why = ops_error_make(OPS_E_INPUT, NULL);
    if (complete_with_result(run, answer, &last, &why)) {
        return 1;
    }
    if (ops.exec->cancelled(ops.h, run->task) != 0) {
        return 0;
    }
    run_flush(run, ops_text(NULL));
    fail_without_result(run, exit, last, why.message);
    return 1;
}

void run_end(struct run *run, const ops_process_exit *exit, const ops_error *err)
{
    if (exit == NULL) {
        fail_to_start(run, err);
        return;
    }
    if (run->out.is_failed || run->answer.is_failed) {
        ops_fail_text(run->task, OPS_E_RESOURCE, "out of memory for what the code wrote");
        return;
    }
    ops_val answer = 0;
    ops_str text = text_slice(&run->answer);
    ops_error why = ops_error_make(OPS_E_INPUT, NULL);
    ops_status status = OPS_OK;
    if (text.n > 0) {
        status = ops.value->from_json(ops.h, run->task, text, &answer, &why);
    }
    int is_good = exit->exit_code == 0 && exit->signal == 0 && exit->limit == OPS_LIMIT_NONE;
    int is_stopped = ops.exec->cancelled(ops.h, run->task) != 0;
    if (is_good && status != OPS_OK && run->mode == RESULT_JSON && !is_stopped) {
        run_flush(run, ops_text(NULL));
        fail_by_bad_answer(run, exit, why.message);
        return;
    }
    int is_readable = status == OPS_OK || run->mode != RESULT_JSON;
    if (is_good && is_readable && end_well(run, exit, answer)) {
        return;
    }
    if (ops_get(answer, "error") == 0) {
        answer = 0;
    }
    ops_str last = answer == 0 ? text_last_line(text_slice(&run->out)) : ops_text(NULL);
    ops_val said = word_find(run, answer, last);
    run_flush(run, said != 0 ? last : ops_text(NULL));
    if (fail_by_limit(run, exit, answer)) {
        return;
    }
    if (answer != 0) {
        fail_by_answer(run, exit, answer, said);
    } else {
        fail_by_exit(run, exit, said);
    }
}
