/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What something costs in the whole program: the time of a run with it less that of a run without,
 * both of the processor, the fastest of some runs that take turns. A loop of 100 items against one
 * node; 1,000 calls of another pipeline against 1,000 nodes that call nothing; 100,000 rounds more
 * of a loop, of a repeated node, of a state machine; a chain of workflows.
 */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/str.h"
#include "tests/bench/bench.h"

enum { RUNS = 15, CALLS = 1000 };

#define PATH_PATTERN "/tmp/opstream-bench-XXXXXX.yaml"

extern char **environ;

/* Processor time and memory of one `opstream run TARGET`; its output goes nowhere. */
struct usage {
    double us;
    double mib;
};

static int run_once(const char *program, const char *target, struct usage *out_usage)
{
    const char *argv[] = {program, "run", target, "--ephemeral", NULL};
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* fails without memory, and so does spawn */
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    int status =
        posix_spawn(&pid, program, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    struct rusage usage = {0};
    int wstatus = 0;
    if (status != 0 || wait4(pid, &wstatus, 0, &usage) != pid || !WIFEXITED(wstatus) ||
        WEXITSTATUS(wstatus) != 0) {
        (void)fprintf(stderr, "%s run %s failed\n", program, target);
        return 1;
    }
    out_usage->us = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
                    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    out_usage->mib = (double)usage.ru_maxrss / 1024.0;
    return 0;
}

static int run_fastest(const char *program, const char *const targets[2], struct usage best[2])
{
    for (int i = 0; i < RUNS; i++) {
        for (int k = 0; k < 2; k++) {
            struct usage usage = {0};
            if (run_once(program, targets[k], &usage) != 0) {
                return 1;
            }
            best[k] = i == 0 || usage.us < best[k].us ? usage : best[k];
        }
    }
    return 0;
}

static int write_file(char *path, const struct strbuf *text)
{
    int fd = strbuf_status(text) == 0 ? mkstemps(path, 5) : -1;
    if (fd < 0) {
        return 1;
    }
    ssize_t n = write(fd, text->p, text->n);
    (void)close(fd);
    return n == (ssize_t)text->n ? 0 : 1;
}

/* ---- what is compared ---- */

struct cost {
    const char *name;
    const char *unit;
    void (*write)(struct strbuf *out, bool is_with);
    double count; /* of what costs, in the run with it */
    double goal;  /* in `unit` for each */
};

static void write_loop(struct strbuf *out, bool is_with)
{
    strbuf_append_format(out, "name: main\nnodes:\n  - {id: each, %stype: start}\n",
                         is_with ? "for_each: range(100), " : "");
}

static void write_calls(struct strbuf *out, bool is_with)
{
    strbuf_append_text(out, "workflows:\n  child:\n    nodes:\n      - {id: only, type: start}\n"
                            "  main:\n    nodes:\n");
    for (int i = 0; i < CALLS; i++) {
        strbuf_append_format(out, "      - {id: n%d, type: %s}\n", i,
                             is_with ? "workflow, config: {workflow: child}" : "start");
    }
}

static void write_chain(struct strbuf *out, bool is_with)
{
    strbuf_append_text(out, "workflows:\n  child:\n    nodes:\n"
                            "      - {id: only, type: set, config: {x: 1}}\n"
                            "  main:\n    workflows: [child");
    for (int i = 1; i < (is_with ? CALLS : 1); i++) {
        strbuf_append_text(out, ", child");
    }
    strbuf_append_text(out, "]\n");
}

static void write_items(struct strbuf *out, bool is_with)
{
    strbuf_append_format(out,
                         "name: main\nnodes:\n  - {id: each, for_each: range(%d), collect: count,"
                         " batch_size: 100, parallel_workers: 10, type: set,"
                         " config: {x: '{{ item }}'}}\n",
                         is_with ? 100000 : 1);
}

static void write_repeat(struct strbuf *out, bool is_with)
{
    strbuf_append_format(out,
                         "name: main\nnodes:\n  - {id: r, type: set, config: {x:"
                         " '{{ coalesce(r.?output.?x, 0) + 1 }}'},"
                         " repeat: {until: r.output.x >= %d, max_iterations: 1000000}}\n",
                         is_with ? 100000 : 1);
}

/* A ring of states that is left after so many visits of its last one. */
static void write_machine(struct strbuf *out, bool is_with)
{
    strbuf_append_format(out,
                         "name: main\nmax_transitions: 1000000\ninitial_state: s0\nstates:\n"
                         "  s0: {type: set, config: {n: '{{ coalesce(s0.?output.?n, 0) + 1 }}'},"
                         " transitions: {success: [{when: s0.output.n > %d, to: end},"
                         " {when: 'true', to: s1}]}}\n  end: {type: start}\n",
                         is_with ? 100 : 0);
    for (int i = 1; i < 1000; i++) {
        strbuf_append_format(out, "  s%d: {type: start, transitions: {success: s%d}}\n", i,
                             (i + 1) % 1000);
    }
}

static int measure(const char *program, const struct cost *cost)
{
    char paths[2][sizeof(PATH_PATTERN)] = {PATH_PATTERN, PATH_PATTERN};
    char names[2][sizeof(PATH_PATTERN) + 5] = {"", ""};
    struct usage usage[2] = {{0, 0}, {0, 0}};
    int status = 0;
    for (int k = 0; k < 2 && status == 0; k++) {
        struct strbuf text = STRBUF_INIT;
        cost->write(&text, k == 0);
        status = write_file(paths[k], &text);
        memcpy(names[k], paths[k], sizeof(PATH_PATTERN) - 1);
        memcpy(names[k] + sizeof(PATH_PATTERN) - 1, "#main", sizeof("#main"));
        strbuf_finish(&text);
    }
    if (status == 0) {
        status = run_fastest(program, (const char *const[]){names[0], names[1]}, usage);
    }
    if (status == 0) {
        bool is_ms = strcmp(cost->unit, "ms") == 0;
        bench_print_row(&(struct bench_row){.name = cost->name,
                                            .unit = cost->unit,
                                            .ours = (usage[0].us - usage[1].us) / cost->count /
                                                    (is_ms ? 1000 : 1),
                                            .goal = cost->goal});
    }
    (void)unlink(paths[0]);
    (void)unlink(paths[1]);
    return status;
}

int main(int argc, char **argv)
{
    static const struct cost costs[] = {
        {"cost: a loop of 100 empty nodes", "ms", write_loop, 1, 5},
        {"cost: a call of another pipeline", "us", write_calls, CALLS, 20},
        {"cost: a workflow in a list of 1,000", "us", write_chain, CALLS, 100},
        {"cost: an item of 100,000", "us", write_items, 1e5, 3.3},
        {"cost: a round of 100,000", "us", write_repeat, 1e5, 3.3},
        {"cost: a transition of 100,000", "us", write_machine, 1e5, 3.3},
    };
    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_cost OPSTREAM\n");
        return 2;
    }
    int status = 0;
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]) && status == 0; i++) {
        status = measure(argv[1], &costs[i]);
    }
    return status;
}
