/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gate decides that a process is over: it has ended, and its pipes are at their end or have
 * lingered long enough. Only then what it left behind is killed; when that is gone the child is
 * reaped and the handles are closed; the close callback that finds no handle left reports the end
 * and frees the object.
 */
#include "core/host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/check.h"
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/host/cgroup_home.h"
#include "core/host/cgroup_step.h"
#include "core/host/exec_step.h"
#include "core/host/kin.h"
#include "core/host/spawn.h"

enum {
    PROCESS_MAGIC = 0x50524F43,
    READ_BYTES = 64 * 1024,
    REAP_MS = 1000, /* from one look for orphans that have ended to the next */
    CLEAR_STEP_MS = 2,
};

enum phase {
    PHASE_RUNNING,  /* the timer is the wall limit */
    PHASE_ENDING,   /* asked to end; the timer is the grace */
    PHASE_KILLED,   /* SIGKILL is sent; no timer */
    PHASE_EXITED,   /* the timer is the linger */
    PHASE_CLEARING, /* the timer is until the next look for what is left */
    PHASE_CLOSING,  /* the handles are being closed */
};

struct channel {
    uv_poll_t poll;
    int fd;
    bool is_open;
    enum process_stream stream;
    struct process *process;
};

struct process {
    uint32_t magic;
    enum phase phase;
    pid_t pid;
    int pidfd;
    int status_fd;
    int handles; /* not yet closed */
    bool is_paused;
    uv_poll_t exit_poll;
    uv_timer_t timer;
    uv_timer_t watch;  /* over what the child starts */
    uint64_t count_ms; /* from the last count to the next */
    int64_t reap_at_ns;
    size_t kin_count; /* when it was looked at last */
    struct kin kin;
    struct cgroup_step group;
    int64_t clear_until_ns;
    struct channel channels[SPAWN_STREAMS];
    struct process_limits limits;
    uint64_t output_bytes; /* so far, on descriptors 1 and 3 */
    int64_t started_ns;
    struct process_end end;
    struct strbuf tail;
    void *user;
    void (*on_bytes)(void *user, enum process_stream stream, struct str bytes);
    bool (*is_busy)(void *user);
    void (*on_end)(void *user, const struct process_end *end);
};

static const char *const step_names[EXEC_STEP_COUNT] = {
    [EXEC_STEP_OPTIONS] = "read the options",       [EXEC_STEP_LIMITS] = "set the limits",
    [EXEC_STEP_CHDIR] = "enter the working folder", [EXEC_STEP_DESCRIPTORS] = "close descriptors",
    [EXEC_STEP_EXEC] = "run the program",
};

static void signal_session(struct process *process, int signal)
{
    /* Between the spawn and setsid() there is no group of its own yet. */
    if (kill(-process->pid, signal) != 0 && errno == ESRCH) {
        (void)kill(process->pid, signal); /* not reaped, so it is there */
    }
}

static void kill_all(struct process *process)
{
    signal_session(process, SIGKILL);
    cgroup_step_kill(&process->group);
}

/* With room to leave out the rest of a character that was cut. */
enum { TAIL_KEPT_BYTES = PROCESS_TAIL_BYTES + 3 };

/* Keeps between one and two times the bytes that are wanted, so that moving them is rare. */
static void keep_tail(struct process *process, struct str bytes)
{
    struct strbuf *tail = &process->tail;
    if (bytes.n > TAIL_KEPT_BYTES) {
        bytes = str_make(bytes.p + (bytes.n - TAIL_KEPT_BYTES), TAIL_KEPT_BYTES);
    }
    if (tail->n + bytes.n > 2 * TAIL_KEPT_BYTES) {
        size_t kept = TAIL_KEPT_BYTES - bytes.n;
        memmove(tail->p, tail->p + (tail->n - kept), kept);
        tail->n = kept;
    }
    strbuf_append(tail, bytes.p, bytes.n);
}

static struct str tail_text(const struct process *process)
{
    struct str tail = strbuf_str(&process->tail);
    size_t drop = tail.n > PROCESS_TAIL_BYTES ? tail.n - PROCESS_TAIL_BYTES : 0;
    while (drop > 0 && drop < tail.n && ((unsigned char)tail.p[drop] & 0xC0) == 0x80) {
        drop++; /* not into the middle of a character */
    }
    return str_make(tail.p + drop, tail.n - drop);
}

static void process_free(struct process *process)
{
    process->magic = 0;
    strbuf_finish(&process->tail);
    free(process);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;
    CHECK_MAGIC(process, PROCESS_MAGIC);
    if (--process->handles > 0) {
        return;
    }
    process->end.stderr_tail = tail_text(process);
    process->on_end(process->user, &process->end);
    process_free(process);
}

static void channel_close(struct channel *channel)
{
    if (!channel->is_open) {
        return;
    }
    channel->is_open = false;
    uv_close((uv_handle_t *)&channel->poll, on_handle_closed);
    cleanup_close_fd(&channel->fd);
}

/* Why the program never ran, if it did not. The helper wrote it before it ended. */
static void read_exec_status(struct process *process)
{
    int report[2] = {0, 0};
    ssize_t n = read(process->status_fd, report, sizeof(report));
    if (n == (ssize_t)sizeof(report) && report[1] >= 0 && report[1] < EXEC_STEP_COUNT) {
        process->end.exec_errno = report[0];
        process->end.exec_step = step_names[report[1]];
    }
}

static uint64_t micros(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec;
}

/* What the kernel did. A child that ended well did so in spite of it. */
static enum process_limit limit_that_ended(const struct process *process)
{
    const struct process_end *end = &process->end;
    const struct cgroup_use *use = &process->group.use;
    if (end->exit_code == 0) {
        return PROCESS_LIMIT_NONE;
    }
    if (use->is_out_of_memory) {
        return PROCESS_LIMIT_MEMORY;
    }
    bool is_cpu = end->signal == SIGXCPU ||
                  (end->signal == SIGKILL && process->limits.cpu_ms != 0 &&
                   end->cpu_us >= process->limits.cpu_ms * 1000u);
    return is_cpu                   ? PROCESS_LIMIT_CPU
           : end->signal == SIGXFSZ ? PROCESS_LIMIT_FILE
           : use->is_out_of_tasks   ? PROCESS_LIMIT_COUNT
                                    : PROCESS_LIMIT_NONE;
}

static void reap(struct process *process)
{
    int status = 0;
    struct rusage usage = {0};
    pid_t pid = 0;
    do {
        pid = wait4(process->pid, &status, 0, &usage); /* its pidfd said that it has ended */
    } while (pid < 0 && errno == EINTR);
    struct process_end *end = &process->end;
    end->exit_code = pid == process->pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = pid == process->pid && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
    end->max_memory_bytes = (uint64_t)usage.ru_maxrss * 1024u;
    end->wall_us = (uint64_t)(clock_monotonic_ns() - process->started_ns) / 1000u;
    cgroup_step_finish(&process->group); /* for what it used, where it was not cleared before */
    const struct cgroup_use *use = &process->group.use;
    end->cpu_us = use->cpu_us > end->cpu_us ? use->cpu_us : end->cpu_us;
    if (end->limit == PROCESS_LIMIT_NONE && !end->is_killed) {
        end->limit = limit_that_ended(process);
    }
}

static void process_close(struct process *process)
{
    process->phase = PHASE_CLOSING;
    kill_all(process);
    reap(process);
    kin_leave(&process->kin);
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        channel_close(&process->channels[i]);
    }
    uv_close((uv_handle_t *)&process->timer, on_handle_closed);
    uv_close((uv_handle_t *)&process->watch, on_handle_closed);
    uv_close((uv_handle_t *)&process->exit_poll, on_handle_closed);
    cleanup_close_fd(&process->pidfd);
    cleanup_close_fd(&process->status_fd);
}

static void on_timer(uv_timer_t *timer);

/* One look for what the child left behind; the last one closes. */
static void process_clear(struct process *process)
{
    bool has_kin = kin_end(&process->kin) > 0;
    bool is_gone = cgroup_step_remove(&process->group) && !has_kin;
    if (is_gone || clock_monotonic_ns() >= process->clear_until_ns) {
        process_close(process);
    } else {
        CHECK(uv_timer_start(&process->timer, on_timer, CLEAR_STEP_MS, 0) == 0);
    }
}

/* The child has ended, and nothing is read any more. */
static void begin_clearing(struct process *process)
{
    process->phase = PHASE_CLEARING;
    process->clear_until_ns = clock_monotonic_ns() + PROCESS_CLEAR_MS * INT64_C(1000000);
    kill_all(process);
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        channel_close(&process->channels[i]);
    }
    process_clear(process);
}

static bool has_open_channels(const struct process *process)
{
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        if (process->channels[i].is_open) {
            return true;
        }
    }
    return false;
}

static void maybe_close(struct process *process)
{
    if (process->phase == PHASE_EXITED && !has_open_channels(process)) {
        begin_clearing(process);
    }
}

static void process_limit_hit(struct process *process, enum process_limit limit)
{
    if (process->end.limit == PROCESS_LIMIT_NONE && !process->end.is_killed) {
        process->end.limit = limit;
    }
}

static void send_kill(struct process *process)
{
    if (process->phase < PHASE_KILLED) {
        process->phase = PHASE_KILLED;
        (void)uv_timer_stop(&process->timer); /* an idle timer is stopped too */
        kill_all(process);
    }
}

static bool process_is_busy(const struct process *process)
{
    return process->is_busy != NULL && process->is_busy(process->user);
}

static void begin_ending(struct process *process)
{
    if (process->limits.grace_ms == 0) {
        send_kill(process);
        return;
    }
    process->phase = PHASE_ENDING;
    signal_session(process, SIGTERM);
    CHECK(uv_timer_start(&process->timer, on_timer, process->limits.grace_ms, 0) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct process *process = timer->data;
    CHECK_MAGIC(process, PROCESS_MAGIC);
    switch (process->phase) {
    case PHASE_RUNNING:
        process_limit_hit(process, PROCESS_LIMIT_WALL);
        begin_ending(process);
        return;
    case PHASE_ENDING:
        send_kill(process);
        return;
    case PHASE_EXITED:
        if (process->is_paused || process_is_busy(process)) {
            CHECK(uv_timer_start(timer, on_timer, PROCESS_LINGER_MS, 0) == 0);
        } else {
            begin_clearing(process);
        }
        return;
    case PHASE_CLEARING:
        process_clear(process);
        return;
    case PHASE_KILLED:
    case PHASE_CLOSING:
        return;
    }
}

static void on_watch(uv_timer_t *watch);

static bool watches_cpu(const struct process *process)
{
    return process->limits.cpu_ms != 0 && cgroup_step_is_there(&process->group);
}

static void watch_again(struct process *process, uint64_t ms)
{
    CHECK(uv_timer_start(&process->watch, on_watch, ms, 0) == 0);
}

/* Too many processes end it. Returns when to count again. */
static uint64_t look_at_count(struct process *process)
{
    size_t most = (size_t)process->limits.processes;
    size_t count = cgroup_step_is_there(&process->group)
                       ? cgroup_step_count(&process->group, most + 1)
                       : kin_count(&process->kin, most + 1);
    if (count > most) {
        process_limit_hit(process, PROCESS_LIMIT_COUNT);
        send_kill(process);
    }
    /* What doubles each few milliseconds would be thousands by the next ordinary look. */
    uint64_t calmer_ms = process->count_ms * 2 < PROCESS_COUNT_MS ? process->count_ms * 2
                                                                  : PROCESS_COUNT_MS;
    process->count_ms = count > process->kin_count ? PROCESS_COUNT_SOON_MS : calmer_ms;
    process->kin_count = count;
    return process->count_ms;
}

/* When what is left may be used up, if all processors work at it, but not too soon. */
static uint64_t ms_until_used(uint64_t left_us)
{
    static uint64_t processors; /* on the loop's thread alone */
    if (processors == 0) {
        long count = sysconf(_SC_NPROCESSORS_ONLN);
        processors = count > 0 ? (uint64_t)count : 1;
    }
    uint64_t ms = left_us / 1000u / processors + 1;
    return ms < PROCESS_CPU_SOON_MS ? PROCESS_CPU_SOON_MS : ms < REAP_MS ? ms : REAP_MS;
}

/* So does too much computing of all together, which rlimits do not see. */
static uint64_t look_at_cpu(struct process *process)
{
    uint64_t most_us = process->limits.cpu_ms * 1000u;
    uint64_t used_us = cgroup_step_cpu_us(&process->group);
    if (used_us >= most_us) {
        process_limit_hit(process, PROCESS_LIMIT_CPU);
        send_kill(process);
        return REAP_MS;
    }
    return ms_until_used(most_us - used_us);
}

/* Orphans are not left as zombies while the child lives. */
static void on_watch(uv_timer_t *watch)
{
    struct process *process = watch->data;
    CHECK_MAGIC(process, PROCESS_MAGIC);
    uint64_t next_ms = REAP_MS;
    if (process->limits.processes != 0 && process->phase < PHASE_KILLED) {
        next_ms = look_at_count(process);
    }
    if (watches_cpu(process) && process->phase < PHASE_KILLED) {
        uint64_t cpu_ms = look_at_cpu(process);
        next_ms = cpu_ms < next_ms ? cpu_ms : next_ms;
    }
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns >= process->reap_at_ns) {
        kin_reap();
        process->reap_at_ns = now_ns + REAP_MS * INT64_C(1000000);
    }
    watch_again(process, next_ms);
}

static void start_watch(struct process *process)
{
    uint64_t ms = process->limits.processes != 0 ? PROCESS_COUNT_SOON_MS : REAP_MS;
    if (watches_cpu(process)) {
        uint64_t cpu_ms = ms_until_used(process->limits.cpu_ms * 1000u);
        ms = cpu_ms < ms ? cpu_ms : ms;
    }
    process->count_ms = PROCESS_COUNT_SOON_MS;
    process->reap_at_ns = process->started_ns + REAP_MS * INT64_C(1000000);
    watch_again(process, ms);
}

/* The bytes that may still be told; over the limit the child is killed. */
static struct str take_output(struct process *process, struct str bytes)
{
    uint64_t left = process->limits.output_bytes - process->output_bytes;
    if (bytes.n > left) {
        bytes.n = (size_t)left;
        process_limit_hit(process, PROCESS_LIMIT_OUTPUT);
        send_kill(process);
    }
    process->output_bytes += bytes.n;
    return bytes;
}

static void channel_take(struct channel *channel, struct str bytes)
{
    struct process *process = channel->process;
    if (channel->stream == PROCESS_STDERR) {
        keep_tail(process, bytes);
    } else {
        bytes = take_output(process, bytes);
    }
    if (bytes.n > 0) {
        process->on_bytes(process->user, channel->stream, bytes);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct process *process = poll->data;
    CHECK_MAGIC(process, PROCESS_MAGIC);
    (void)events; /* only one was asked for */
    if (process_is_busy(process)) {
        return; /* the loop tells again that there is something to read */
    }
    struct channel *channel = process->channels;
    while (&channel->poll != poll) {
        channel++;
    }
    char buffer[READ_BYTES];
    ssize_t n = status < 0 ? 0 : read(channel->fd, buffer, sizeof(buffer));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0) {
        channel_take(channel, str_make(buffer, (size_t)n));
        return;
    }
    channel_close(channel);
    maybe_close(process);
}

static void on_exit_event(uv_poll_t *poll, int status, int events)
{
    struct process *process = poll->data;
    CHECK_MAGIC(process, PROCESS_MAGIC);
    (void)status; /* whatever it is, reaping tells */
    (void)events;
    (void)uv_poll_stop(poll); /* stopping does not fail */
    read_exec_status(process);
    process->phase = PHASE_EXITED;
    CHECK(uv_timer_start(&process->timer, on_timer, PROCESS_LINGER_MS, 0) == 0);
    maybe_close(process);
}

static int start_poll(struct process *process, struct uv_loop_s *loop, uv_poll_t *poll, int fd)
{
    int status = uv_poll_init(loop, poll, fd);
    if (status == 0) {
        poll->data = process;
        process->handles++;
    }
    return status;
}

/* A failure leaves channels open that process_close() ends. */
static int watch(struct process *process, struct uv_loop_s *loop, const struct spawned *spawned)
{
    int status = 0;
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        struct channel *channel = &process->channels[i];
        *channel = (struct channel){
            .fd = spawned->streams[i], .stream = (enum process_stream)i, .process = process};
        if (channel->fd < 0) {
            continue;
        }
        status = status == 0 ? start_poll(process, loop, &channel->poll, channel->fd) : status;
        channel->is_open = status == 0;
        if (status == 0) {
            CHECK(uv_poll_start(&channel->poll, UV_READABLE, on_readable) == 0);
        } else {
            cleanup_close_fd(&channel->fd);
        }
    }
    return status;
}

/* The child runs, but cannot be watched: it never began, as far as the caller is told. */
static void on_end_unheard(void *user, const struct process_end *end)
{
    (void)user;
    (void)end;
}

static int process_watch(struct process *process, struct uv_loop_s *loop,
                         const struct spawned *spawned, struct error *err)
{
    CHECK(uv_timer_init(loop, &process->timer) == 0);
    CHECK(uv_timer_init(loop, &process->watch) == 0);
    process->timer.data = process;
    process->watch.data = process;
    process->handles = 2;
    int status = start_poll(process, loop, &process->exit_poll, process->pidfd);
    /* Two descriptors that were just made are watchable, or the system has no memory left. */
    if (status != 0) {
        kill_all(process);
        reap(process);
        kin_leave(&process->kin);
        cleanup_close_fd(&process->pidfd);
        cleanup_close_fd(&process->status_fd);
        for (size_t i = 0; i < SPAWN_STREAMS; i++) {
            cleanup_close_fd(&spawned->streams[i]);
        }
        process->on_end = on_end_unheard;
        uv_close((uv_handle_t *)&process->timer, on_handle_closed);
        uv_close((uv_handle_t *)&process->watch, on_handle_closed);
        return error_set(err, E_IO, "cannot watch a process: %s", uv_strerror(status));
    }
    CHECK(uv_poll_start(&process->exit_poll, UV_READABLE, on_exit_event) == 0);
    status = watch(process, loop, spawned);
    if (status != 0) {
        process->on_end = on_end_unheard;
        kill_all(process);
        process_close(process);
        return error_set(err, E_IO, "cannot watch a process: %s", uv_strerror(status));
    }
    return 0;
}

int process_start(const struct process_spec *spec, struct process **out_process, struct error *err)
{
    CHECK(spec->on_end != NULL && spec->on_bytes != NULL && spec->argv[0] != NULL);
    struct process *process = calloc(1, sizeof(*process));
    if (process == NULL) {
        return error_nomem(err);
    }
    process->started_ns = clock_monotonic_ns();
    struct spawned spawned = {0};
    const struct cgroup_step_limits group_limits = {spec->limits.memory_bytes,
                                                    spec->limits.processes};
    cgroup_step_init(&process->group, spec->home, &group_limits);
    kin_expect();
    int status = spawn_child(spec, process->group.fd, &spawned, err);
    if (status != 0 || spawned.cgroup_errnum != 0) {
        cgroup_step_finish(&process->group);
    }
    if (status != 0) {
        free(process);
        return status;
    }
    if (spawned.cgroup_errnum != 0) {
        cgroup_home_note(spec->home, "start a process in a group", spawned.cgroup_errnum);
    }
    process->magic = PROCESS_MAGIC;
    process->pid = spawned.pid;
    process->pidfd = spawned.pidfd;
    process->status_fd = spawned.status_fd;
    process->limits = spec->limits;
    if (process->limits.output_bytes == 0) {
        process->limits.output_bytes = PROCESS_OUTPUT_BYTES;
    }
    process->user = spec->user;
    process->on_bytes = spec->on_bytes;
    process->is_busy = spec->is_busy;
    process->on_end = spec->on_end;
    kin_join(&process->kin, process->pid, spec->mark);
    status = process_watch(process, spec->loop, &spawned, err);
    if (status != 0) {
        return status;
    }
    if (process->limits.wall_ms != 0) {
        CHECK(uv_timer_start(&process->timer, on_timer, process->limits.wall_ms, 0) == 0);
    }
    start_watch(process);
    *out_process = process;
    return 0;
}

void process_set_paused(struct process *process, bool is_paused)
{
    CHECK_MAGIC(process, PROCESS_MAGIC);
    if (process->is_paused == is_paused) {
        return;
    }
    process->is_paused = is_paused;
    for (size_t i = 0; i < SPAWN_STREAMS; i++) {
        struct channel *channel = &process->channels[i];
        if (!channel->is_open) {
            continue;
        }
        if (is_paused) {
            CHECK(uv_poll_stop(&channel->poll) == 0);
        } else {
            CHECK(uv_poll_start(&channel->poll, UV_READABLE, on_readable) == 0);
        }
    }
}

int process_signal(struct process *process, int signal)
{
    CHECK_MAGIC(process, PROCESS_MAGIC);
    if (signal < 1 || signal > SIGRTMAX) {
        return E_INVALID;
    }
    if (process->phase < PHASE_CLEARING) {
        signal_session(process, signal);
    }
    return 0;
}

void process_terminate(struct process *process)
{
    CHECK_MAGIC(process, PROCESS_MAGIC);
    if (process->phase == PHASE_EXITED) {
        begin_clearing(process);
    } else if (process->phase == PHASE_RUNNING) {
        process->end.is_killed = true;
        begin_ending(process);
    }
}

void process_kill(struct process *process)
{
    CHECK_MAGIC(process, PROCESS_MAGIC);
    if (process->phase == PHASE_EXITED) {
        begin_clearing(process);
    } else if (process->phase < PHASE_KILLED) {
        process->end.is_killed = process->end.limit == PROCESS_LIMIT_NONE;
        send_kill(process);
    }
}

static bool is_program(const char *path)
{
    struct stat info = {0};
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* Owned; NULL when it is not in that folder, or when memory is out: `*out_status` tells. */
static char *find_in(struct str folder, struct str name, int *out_status)
{
    if (folder.n == 0 || folder.p[0] != '/') {
        return NULL;
    }
    struct strbuf path = STRBUF_INIT;
    strbuf_append_str(&path, folder);
    strbuf_append_char(&path, '/');
    strbuf_append_str(&path, name);
    char *text = strbuf_take(&path);
    if (text == NULL) {
        *out_status = E_NOMEM;
    } else if (!is_program(text)) {
        free(text);
        text = NULL;
    }
    return text;
}

int process_find(struct str name, const char *search, char **out_path, struct error *err)
{
    if (name.n == 0 || memchr(name.p, '\0', name.n) != NULL) {
        return error_set(err, E_INVALID, "the name of a program is empty or has a NUL byte");
    }
    int status = 0;
    char *path = NULL;
    if (memchr(name.p, '/', name.n) != NULL) {
        path = str_dup(name);
        status = path == NULL ? E_NOMEM : 0;
    }
    search = search != NULL ? search : "/usr/local/bin:/usr/bin:/bin";
    for (const char *at = search; path == NULL && status == 0;) {
        size_t n = strcspn(at, ":");
        path = find_in(str_make(at, n), name, &status);
        if (at[n] == '\0') {
            break;
        }
        at += n + 1;
    }
    if (path != NULL) {
        *out_path = path;
        return 0;
    }
    return status == E_NOMEM
               ? error_nomem(err)
               : error_set(err, E_NOT_FOUND, "'%.*s' is not in %s", STR_ARG(name), search);
}
