/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/late_signal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/host/call_mark.h"

/* timeout(1) and the like hand a Ctrl-C on that the terminal has sent already: both are one. */
static const uint64_t ECHO_NS = 200 * 1000000ULL;

/* So long the program's own work may hold the loop up. */
static const uint64_t PATIENCE_NS = 2000 * 1000000ULL;

enum { EXIT_SIGNALLED = 128 };

typedef void (*sighandler)(int signal_number);

static _Atomic uint64_t first_untaken_ns;
static _Atomic bool says_kept;
static atomic_flag is_ending = ATOMIC_FLAG_INIT; /* a thread does it: it may be saying so */
static _Atomic(sighandler) taken_by;             /* libuv's */

bool late_signal_ends(uint64_t first_ns, uint64_t now_ns, uint64_t call_ns)
{
    bool is_held_up = call_ns != 0 && call_ns <= first_ns;
    return first_ns != 0 && now_ns > first_ns &&
           now_ns - first_ns >= (is_held_up ? ECHO_NS : PATIENCE_NS);
}

/* ---- in the handler: what is async-signal-safe, and nothing that may wait ---- */

struct line {
    char text[600];
    size_t n;
};

static void add(struct line *line, const char *text)
{
    size_t room = sizeof(line->text) - line->n;
    size_t n = strlen(text);
    n = n < room ? n : room;
    memcpy(line->text + line->n, text, n);
    line->n += n;
}

static void say(const struct call_mark *mark)
{
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};
    struct line line = {.n = 0};
    add(&line, "opstream: ");
    if (mark->plugin != NULL) {
        add(&line, "code of node type '");
        add(&line, mark->type);
        add(&line, "' (plugin '");
        add(&line, mark->plugin);
        add(&line, "') does not return, so nothing could be cancelled: ended at once");
    } else {
        add(&line, "it does not come to what it was told: ended at once");
    }
    add(&line, atomic_load(&says_kept)
                   ? "; runs stay as they were kept: 'opstream cancel ID' ends one, "
                     "'opstream serve', or any 'opstream start', goes on with them\n"
                   : "\n");
    if (poll(&to, 1, 0) == 1 && (to.revents & POLLOUT) != 0) {
        (void)!write(STDERR_FILENO, line.text, line.n); /* nobody is left to be told */
    }
}

static void on_signal(int signal_number)
{
    int errnum = errno;
    uint64_t now_ns = (uint64_t)clock_monotonic_ns();
    uint64_t first_ns = 0;
    if (!atomic_compare_exchange_strong(&first_untaken_ns, &first_ns, now_ns)) {
        struct call_mark mark = call_mark_get();
        if (late_signal_ends(first_ns, now_ns, mark.plugin != NULL ? mark.began_ns : 0) &&
            !atomic_flag_test_and_set(&is_ending)) {
            say(&mark);
            _exit(EXIT_SIGNALLED + signal_number); /* children go with the thread */
        }
    }
    atomic_load (&taken_by)(signal_number);
    errno = errnum;
}

/* ---- on the loop ---- */

static void wrap(int signal_number)
{
    struct sigaction action = {0};
    if (sigaction(signal_number, NULL, &action) == 0 && action.sa_handler != on_signal) {
        atomic_store(&taken_by, action.sa_handler);
        action.sa_handler = on_signal;
        (void)sigaction(signal_number, &action, NULL); /* a known signal: cannot fail */
    }
}

void late_signal_watch(void)
{
    late_signal_taken();
    wrap(SIGINT);
    wrap(SIGTERM);
}

void late_signal_taken(void)
{
    atomic_store(&first_untaken_ns, 0);
}

void late_signal_set_kept(bool is_kept)
{
    atomic_store(&says_kept, is_kept);
}
