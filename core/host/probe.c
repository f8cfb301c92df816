/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/probe.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/build_id.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/host/child_env.h"
#include "core/host/exec_step.h"
#include "core/host/kin.h"
#include "core/host/probe_frame.h"
#include "core/host/probe_result.h"
#include "core/host/probe_stack.h"
#include "core/host/process.h"
#include "core/host/spawn.h"

#define PROGRAM "opstream-plugin-host"

enum {
    CHUNK_BYTES = 64 * 1024,
    FRAMES_MOST_BYTES = 1024 * 1024,
    LAST_READS = 64, /* of a pipe after the process has ended: another may still write to it */
    CLEAR_MS = 2000, /* for what was killed to be gone */
    CLEAR_STEP_MS = 2,
    REFUSED_MOST_BYTES = 900,
};

/* A sanitizer reserves terabytes that it never uses. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEMORY_BYTES = 0 };
#else
enum { MEMORY_BYTES = 1024 * 1024 * 1024 };
#endif

enum { END_PIDFD, END_STATUS, END_OUTPUT, END_RESULT, END_STOP, END_COUNT };

/* One process that tries one file. */
struct attempt {
    const struct probe_spec *spec;
    struct arena arena;
    struct child_env env;
    char mark[KIN_MARK_SIZE];
    struct spawned child;
    struct kin kin;
    struct strbuf frames;
    struct strbuf output;
    int report[2]; /* of opstream-exec: errno, step */
    size_t report_bytes;
    bool is_over;
    bool is_stopped;
    bool is_late;
    size_t bytes_in_time; /* of the frames, when it was late */
    siginfo_t end;
};

/* What the frames say. */
struct account {
    bool has_hello;
    enum probe_stage stage;
    int signal;
    bool was_in_time; /* the signal came before the process was late */
    bool is_refused;
    int refusal;
    struct str message;
    uint64_t addresses[PROBE_STACK_MOST];
    size_t address_count;
    struct strbuf maps;
};

/* ---- Starting ---- */

static int fill_env(struct attempt *attempt)
{
    static atomic_uint number;
    /* What a loader and libraries go by, and nothing that may be a secret. */
    static const char *const names[] = {
        "PATH",         "HOME",          "LANG",        "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
        "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};
    child_env_init(&attempt->env, &attempt->arena);
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof names / sizeof names[0]; i++) {
        status = child_env_inherit(&attempt->env, str_from(names[i]));
    }
    (void)snprintf(attempt->mark, sizeof attempt->mark, "OPSTREAM_PROBE=%ld-%u", (long)getpid(),
                   atomic_fetch_add(&number, 1)); /* fits */
    return status == 0 ? child_env_add(&attempt->env, str_from(attempt->mark)) : status;
}

static int find_program(const char *folder, const char *name, char out[PATH_MAX], struct error *err)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    if (n < 0 || n >= PATH_MAX) {
        return error_set(err, E_LIMIT, "the path of '%s' is too long", folder);
    }
    if (access(out, X_OK) != 0) {
        return error_set(err, E_NOT_FOUND, "%s is missing at '%s': install the package opstream",
                         name, out);
    }
    return 0;
}

static int attempt_start(struct attempt *attempt, struct error *err)
{
    const struct probe_spec *spec = attempt->spec;
    char program[PATH_MAX];
    char helper[PATH_MAX];
    int status = find_program(spec->folder, PROGRAM, program, err);
    if (status == 0) {
        status = find_program(spec->folder, "opstream-exec", helper, err);
    }
    if (status != 0) {
        return status;
    }
    const char *const *env = fill_env(attempt) == 0 ? child_env_list(&attempt->env) : NULL;
    if (env == NULL) {
        return error_nomem(err);
    }

    const char *const argv[] = {program, "--probe", spec->file, spec->shown, NULL};
    const struct process_spec process = {
        .helper = helper,
        .argv = argv,
        .env = env,
        .cwd = "/",
        .flags = PROCESS_WANTS_STDOUT | PROCESS_MERGES_STDERR | PROCESS_WANTS_RESULT,
        .umask = 077,
        .limits = {.memory_bytes = MEMORY_BYTES,
                   .cpu_ms = 6 * (uint64_t)PROBE_LIMIT_MS,
                   .file_bytes = UINT64_C(64) * 1024 * 1024,
                   .open_files = 256},
    };
    kin_expect();
    status = spawn_child(&process, -1, &attempt->child, err);
    if (status == 0) {
        kin_join(&attempt->kin, attempt->child.pid, attempt->mark);
    }
    return status;
}

/* ---- Listening ---- */

static void keep_report(struct attempt *attempt, const char *bytes, size_t n)
{
    size_t room = sizeof attempt->report - attempt->report_bytes;
    memcpy((char *)attempt->report + attempt->report_bytes, bytes, n < room ? n : room);
    attempt->report_bytes += n < room ? n : room;
}

/* The beginning of it; the rest is read and forgotten, so that nobody waits. */
static void keep_some(struct strbuf *kept, size_t most, const char *bytes, size_t n)
{
    size_t room = most - kept->n;
    strbuf_append(kept, bytes, n < room ? n : room);
}

/* False: there is nothing more to read now. */
static bool read_some(struct attempt *attempt, int which, int *fd)
{
    char chunk[CHUNK_BYTES];
    ssize_t n = *fd >= 0 ? read(*fd, chunk, sizeof chunk) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (n <= 0) {
        cleanup_close_fd(fd);
        *fd = -1;
        return false;
    }
    if (which == END_STATUS) {
        keep_report(attempt, chunk, (size_t)n);
    } else if (which == END_RESULT) {
        keep_some(&attempt->frames, FRAMES_MOST_BYTES, chunk, (size_t)n);
    } else {
        keep_some(&attempt->output, PROBE_OUTPUT_BYTES, chunk, (size_t)n);
    }
    return true;
}

static int *end_of(struct attempt *attempt, int which)
{
    return which == END_STATUS   ? &attempt->child.status_fd
           : which == END_OUTPUT ? &attempt->child.streams[PROCESS_STDOUT]
                                 : &attempt->child.streams[PROCESS_RESULT];
}

/* One turn; waits `ms` at most. */
static void attempt_turn(struct attempt *attempt, int ms)
{
    struct pollfd fds[END_COUNT] = {
        [END_PIDFD] = {.fd = attempt->child.pidfd, .events = POLLIN},
        [END_STOP] = {.fd = attempt->spec->stop_fd, .events = POLLIN},
    };
    for (int i = END_STATUS; i <= END_RESULT; i++) {
        fds[i] = (struct pollfd){.fd = *end_of(attempt, i), .events = POLLIN};
    }
    if (poll(fds, END_COUNT, ms) <= 0) {
        return;
    }
    attempt->is_over = fds[END_PIDFD].revents != 0;
    attempt->is_stopped = fds[END_STOP].revents != 0;
    for (int i = END_STATUS; i <= END_RESULT; i++) {
        if (fds[i].revents != 0) {
            (void)read_some(attempt, i, end_of(attempt, i));
        }
    }
}

static void attempt_wait(struct attempt *attempt, int64_t ms)
{
    int64_t until_ns = clock_monotonic_ns() + ms * 1000000;
    int64_t left_ns = ms * 1000000;
    while (!attempt->is_over && !attempt->is_stopped && left_ns > 0) {
        attempt_turn(attempt, (int)(left_ns / 1000000) + 1);
        left_ns = until_ns - clock_monotonic_ns();
    }
}

/* It is not reaped yet: its pid, and its group, are nobody else's. */
static void attempt_clear(struct attempt *attempt)
{
    int64_t until_ns = clock_monotonic_ns() + (int64_t)CLEAR_MS * 1000000;
    (void)kill(-attempt->child.pid, SIGKILL); /* the group may be gone */
    while (kin_end(&attempt->kin) > 0 && clock_monotonic_ns() < until_ns) {
        (void)poll(NULL, 0, CLEAR_STEP_MS); /* until those are gone */
    }
    while (waitid(P_PID, (id_t)attempt->child.pid, &attempt->end, WEXITED) != 0 && errno == EINTR) {
    }
    kin_leave(&attempt->kin);
    for (int i = END_STATUS; i <= END_RESULT; i++) {
        for (int n = 0; n < LAST_READS && read_some(attempt, i, end_of(attempt, i)); n++) {
        }
    }
}

static void attempt_watch(struct attempt *attempt)
{
    attempt_wait(attempt, attempt->spec->limit_ms);
    if (!attempt->is_over && !attempt->is_stopped) {
        attempt->is_late = true;
        attempt->bytes_in_time = attempt->frames.n;
        (void)kill(attempt->child.pid, SIGABRT); /* it is our child, and not reaped */
        attempt_wait(attempt, PROBE_ABORT_MS);
    }
    attempt_clear(attempt);
}

/* ---- What was told ---- */

static void take_frame(struct account *account, const struct probe_frame *frame, struct str body)
{
    switch (frame->type) {
    case PROBE_FRAME_HELLO:
        account->has_hello = str_equal_text(body, OPSTREAM_BUILD_ID);
        break;
    case PROBE_FRAME_STAGE:
        if (frame->number < PROBE_STAGE_COUNT) {
            account->stage = (enum probe_stage)frame->number;
        }
        break;
    case PROBE_FRAME_REFUSED:
        account->is_refused = true;
        account->refusal = frame->number <= 12 ? -(int)frame->number : E_PLUGIN;
        account->message = body;
        break;
    case PROBE_FRAME_CRASH:
        account->signal = frame->number < 128 ? (int)frame->number : 0;
        break;
    case PROBE_FRAME_STACK:
        account->address_count = body.n / sizeof(uint64_t) < PROBE_STACK_MOST
                                     ? body.n / sizeof(uint64_t)
                                     : PROBE_STACK_MOST;
        memcpy(account->addresses, body.p, account->address_count * sizeof(uint64_t));
        break;
    case PROBE_FRAME_MAPS:
        strbuf_append_str(&account->maps, body);
        break;
    default:
        break; /* not of ours: whoever wrote it is not believed */
    }
}

static void read_account(const struct attempt *attempt, struct account *out)
{
    struct str rest = strbuf_str(&attempt->frames);
    struct probe_frame frame;
    while (rest.n >= sizeof frame) {
        memcpy(&frame, rest.p, sizeof frame);
        if (frame.bytes > rest.n - sizeof frame) {
            break;
        }
        take_frame(out, &frame, str_make(rest.p + sizeof frame, frame.bytes));
        size_t used = sizeof frame + frame.bytes;
        rest = str_make(rest.p + used, rest.n - used);
        size_t at = attempt->frames.n - rest.n;
        if (frame.type == PROBE_FRAME_CRASH && attempt->is_late && at <= attempt->bytes_in_time) {
            out->was_in_time = true;
        }
    }
}

/* It is the plugin itself that said no: that is a result. */
static bool is_plugins_no(const struct account *account)
{
    return account->is_refused && account->stage == PROBE_INIT && account->refusal == E_PLUGIN;
}

/* Without the plugin's name and path, which whoever tells it puts in front. */
static void append_no(struct str message, struct strbuf *out)
{
    static const char says[] = "init() failed with ";
    const char *from = message.n > 0 ? memmem(message.p, message.n, says, sizeof says - 1) : NULL;
    size_t skipped = from != NULL ? (size_t)(from - message.p) : 0;
    struct str rest = str_make(message.p + skipped, message.n - skipped);
    rest.n = rest.n < REFUSED_MOST_BYTES ? rest.n : REFUSED_MOST_BYTES;
    probe_stack_append_text(rest, out);
}

static void judge(const struct attempt *attempt, const struct account *account,
                  struct probe_result *out)
{
    bool is_killed = attempt->end.si_code == CLD_KILLED || attempt->end.si_code == CLD_DUMPED;
    out->stage = account->stage;
    if (attempt->is_late && !account->was_in_time) {
        out->outcome = PROBE_HUNG;
        out->limit_ms = attempt->spec->limit_ms;
    } else if (is_killed || attempt->is_late) {
        out->outcome = PROBE_CRASHED;
        out->signal = account->signal != 0 ? account->signal : attempt->end.si_status;
    } else if (attempt->end.si_status == 0 && account->stage == PROBE_EXIT) {
        out->outcome = PROBE_PASSED;
    } else if (is_plugins_no(account)) {
        out->outcome = PROBE_REFUSED;
        append_no(account->message, &out->message);
    } else {
        out->outcome = PROBE_EXITED;
        out->exit_code = attempt->end.si_status;
    }
}

static int fill_result(const struct attempt *attempt, const struct account *account,
                       struct probe_result *out, struct error *err)
{
    const struct probe_stack stack = {.addresses = account->addresses,
                                      .count = account->address_count,
                                      .maps = strbuf_str(&account->maps),
                                      .file = attempt->spec->file,
                                      .shown = attempt->spec->shown};
    judge(attempt, account, out);
    out->tried_unix_ms = attempt->spec->now_unix_ms;
    strbuf_append_text(&out->version, OPSTREAM_VERSION);
    probe_stack_append_text(str_from(attempt->spec->shown), &out->file);
    probe_stack_append(&stack, &out->stack);
    probe_stack_append_text(strbuf_str(&attempt->output), &out->output);
    if (strbuf_status(&attempt->frames) != 0 || strbuf_status(&account->maps) != 0 ||
        strbuf_status(&out->message) != 0 || strbuf_status(&out->version) != 0 ||
        strbuf_status(&out->file) != 0 || strbuf_status(&out->stack) != 0 ||
        strbuf_status(&out->output) != 0) {
        probe_result_finish(out);
        return error_nomem(err);
    }
    return 0;
}

static int tell_refusal(const struct account *account, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    size_t n = account->message.n < REFUSED_MOST_BYTES ? account->message.n : REFUSED_MOST_BYTES;
    probe_stack_append_text(str_make(account->message.p, n), &text);
    int status = strbuf_status(&text) != 0
                     ? error_nomem(err)
                     : error_set(err, account->refusal != 0 ? account->refusal : E_PLUGIN, "%.*s",
                                 STR_ARG(strbuf_str(&text)));
    strbuf_finish(&text);
    return status;
}

static int conclude(const struct attempt *attempt, struct probe_result *out, struct error *err)
{
    struct account account = {0};
    int status = 0;
    read_account(attempt, &account);
    if (attempt->is_stopped) {
        status = error_set(err, E_CANCELED, "opstream shuts down");
    } else if (attempt->report_bytes == sizeof attempt->report) {
        status = error_set_errno(err, E_IO, attempt->report[0], "%s cannot be started", PROGRAM);
    } else if (!account.has_hello) {
        status = error_set(err, E_VERSION,
                           "%s does not answer, or is of another build than this program: install "
                           "both from one package%s%.*s%s",
                           PROGRAM, attempt->output.n > 0 ? " (" : "",
                           STR_ARG(strbuf_str(&attempt->output)), attempt->output.n > 0 ? ")" : "");
    } else if (account.is_refused && !is_plugins_no(&account)) {
        status = tell_refusal(&account, err);
    } else {
        status = fill_result(attempt, &account, out, err);
    }
    strbuf_finish(&account.maps);
    return status;
}

int probe_run(const struct probe_spec *spec, struct probe_result *out_result, struct error *err)
{
    struct attempt attempt = {.spec = spec};
    int status = attempt_start(&attempt, err);
    if (status == 0) {
        attempt_watch(&attempt);
        status = conclude(&attempt, out_result, err);
        cleanup_close_fd(&attempt.child.pidfd);
        for (int i = END_STATUS; i <= END_RESULT; i++) {
            cleanup_close_fd(end_of(&attempt, i));
        }
    }
    strbuf_finish(&attempt.frames);
    strbuf_finish(&attempt.output);
    child_env_finish(&attempt.env);
    arena_finish(&attempt.arena);
    return status;
}
