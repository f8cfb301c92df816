/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPSTREAM_TEST_H
#define OPSTREAM_TEST_H

/*
 * libopstream-plugin-test: a host for the tests of one plugin. It is the real host, with the
 * services that a plugin calls played: HTTP answers by rules, time passes only when the test says
 * so, and each call of a service can be made to fail.
 *
 *     ops_test_problem why;
 *     ops_test_host *host = NULL;
 *     ops_test_spec spec = {.type = "fetch", .config = "{\"url\":\"http://a/b\"}"};
 *     ops_test_answer answer = {.status = 200, .body = ops_test_text("{}")};
 *     ops_test_task task = 0;
 *
 *     assert_int_equal(ops_test_open(PLUGIN, NULL, &host, &why), OPS_OK);
 *     assert_int_equal(ops_test_http_rule(host, "GET", "http://a/b", 1, &answer), OPS_OK);
 *     assert_int_equal(ops_test_start(host, &spec, &task, &why), OPS_OK);
 *     assert_int_equal(ops_test_run(host, task), OPS_OK);
 *     assert_string_equal(ops_test_end(host, task)->output, "{\"status\":200,\"body\":{}}");
 *     assert_string_equal(ops_test_complaints(host), "");
 *     assert_int_equal(ops_test_close(host), OPS_OK);
 *
 * It needs no framework: nothing here ends the process, what is wrong is returned; only warnings of
 * the host go to stderr, as they would in OpStream. A plugin that crashes, or loops for ever, takes
 * the test with it.
 *
 * Time. There is one virtual clock, of ops.timer, deadlines, the grace after a cancel, and all that
 * is "late" here. It stands still but in ops_test_advance() and ops_test_run(), which pass from one
 * timer to the next, and only while nothing is at work. Jobs, blocking nodes and child processes
 * run really, on threads and processors, and are waited for.
 *
 * Steps. A step is one call of the plugin's code on the strand of a task: execute() or check(),
 * cancel(), and each callback. A blocking execute() is one step, the work of a job is none.
 *
 * Pointers, besides the words of abi.h: texts are NUL-terminated, and what the host gives lives
 * until ops_test_close() unless its function says less. Texts that a test gives are copied.
 * In structs that a test fills all but the named members may be 0. The library belongs to these
 * headers and is linked statically, so structs here have no `size`, and may change with it.
 *
 * Threads: a host and what is in it belong to one thread. Of one plugin file one host can be open
 * in a process at a time; the file is never unloaded, and its init() runs again for the next.
 */

#include "opstream/abi.h"
#include "opstream/exec.h" /* OPS_CANCEL_* */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ops_test_host ops_test_host;
typedef struct ops_test_fault ops_test_fault;
typedef uint64_t ops_test_task; /* 0 is none; given once by a host, in the order of starts: 1, 2 */

/* What went wrong, one line for people. The caller's memory. */
typedef struct ops_test_problem {
    char text[2048];
} ops_test_problem;

/* The text as it is given to a service; borrowed. */
static inline ops_str ops_test_text(const char *text)
{
    ops_str s = {text, 0};
    while (text != NULL && text[s.n] != '\0') {
        s.n++;
    }
    return s;
}

/* ==== The host ==== */

/*
 * For ops_test_options.flags: ops.process starts real children; without it spawn() is refused with
 * PERMISSION.
 */
#define OPS_TEST_PROCESSES 1u
/*
 * Threads that the plugin has of its own are watched, and time does not pass while they are at
 * work: they run, or sleep for a time while no operation of the host is under way. Those that only
 * wait to be woken cost nothing. It is as good as the kernel shows it, so own_threads_ms is better
 * for a thread that waits for something outside of the process.
 */
#define OPS_TEST_OWN_THREADS 2u

typedef struct ops_test_options {
    uint32_t flags;
    uint32_t job_threads;     /* 0: 4 */
    uint64_t seed;            /* of all that is chosen at random here */
    int64_t start_unix_ms;    /* what the clock shows at first; 0: 2030-01-01T00:00:00Z */
    uint64_t cancel_grace_ms; /* virtual, from cancel to giving a task up; 0: 12,000 */
    uint64_t limit_ms;        /* virtual, that one ops_test_run() may take; 0: 24 hours */
    /* Real time, for jobs, blocking nodes and children to come to an end; 0: 20,000 */
    uint64_t patience_ms;
    /*
     * Real time to wait for threads that the plugin has of its own, which the host cannot see, each
     * time when a task runs and nothing else can go on; 0: there are none. OPS_TEST_OWN_THREADS
     * waits no longer than they are at work, at most so long (0: 5,000), and for half of it each
     * time after one that was in vain.
     */
    uint64_t own_threads_ms;
    const char *without;      /* interfaces that this host lacks: "ops.kv ops.mail"; NULL: none */
    const char *state_folder; /* absolute, see ops_task_info; NULL: nothing is kept */
    const ops_test_fault *fault; /* added before init() runs, so that its calls count; NULL: none */
} ops_test_options;

/*
 * Opens a host on the plugin file `path`, checks its manifest and loads it: its init() runs. It is
 * loaded as it lies there, whoever owns it; one that others than its owner can write to is refused.
 * `options` (may be NULL) and `path` are copied. On OPS_OK `*out` is the caller's:
 * ops_test_close(). Otherwise `why` (may be NULL) says what is wrong. OPS_E_NOT_FOUND: no such
 * file; OPS_E_CONFIG: an option is wrong; OPS_E_UNSUPPORTED: it needs another host, or something
 * that is left out; OPS_E_RESOURCE: out of memory; OPS_E_UPSTREAM: the plugin is broken, or its
 * init() failed.
 */
ops_status ops_test_open(const char *path, const ops_test_options *options, ops_test_host **out,
                         ops_test_problem *why);

/*
 * Cancels what runs and lets the grace pass, destroys the nodes, and shuts the plugin down. NULL is
 * fine. OPS_E_TIMEOUT: code of the plugin still runs, and its memory stays behind.
 */
ops_status ops_test_close(ops_test_host *host);

/* The manifest as JSON. */
const char *ops_test_manifest(const ops_test_host *host);
/* The names of the node types, as the manifest has them; NULL beyond the last. */
const char *ops_test_type(const ops_test_host *host, size_t i);

/*
 * Makes a secret: in settings and configs of tasks that start later, each string with
 * {{ secrets.NAME }} in it has `value` in its place, and is a text that was made of a secret: the
 * plugin gets its handle, and HTTP and mail its bytes. `name` is letters, digits and _; one that is
 * there already gets another value. OPS_E_INPUT: it is no such name; OPS_E_RESOURCE.
 */
ops_status ops_test_secret(ops_test_host *host, const char *name, const char *value);

/* ==== Tasks ==== */

/*
 * For ops_test_spec.flags: check() instead of execute(). Of the rest only type, settings, origin
 * and deadline_ms count, and what else is set is refused.
 */
#define OPS_TEST_CHECK 1u

typedef struct ops_test_spec {
    const char *type;            /* NULL: the only one */
    const char *settings;        /* JSON; NULL: {} */
    const char *config;          /* JSON; NULL: {} */
    const char *idempotency_key; /* NULL: "key-" and the task's number */
    const char *run_id;          /* NULL: "run" */
    const char *node;            /* path of the node; NULL: "node" */
    const char *origin;          /* of a check; NULL: "" */
    uint64_t deadline_ms;        /* virtual, from now: then it is cancelled with TIMEOUT; 0: none */
    uint32_t attempt;            /* 0: 1 */
    /* Items that it may emit before ops_test_credit(). 0: each item's is given back at once. */
    uint32_t credits;
    uint32_t flags;
    uint32_t reserved0; /* 0 */
} ops_test_spec;

/*
 * Starts a task; none of its code has run when this returns but create(), when these settings are
 * new. `*out` names it. Otherwise there is no task and `why` (may be NULL) says what is wrong:
 * OPS_E_CONFIG: settings or config are no JSON, break the schema or name no secret, or create()
 * failed; OPS_E_NOT_FOUND: there is no such type, or it has no check(); OPS_E_RESOURCE.
 */
ops_status ops_test_start(ops_test_host *host, const ops_test_spec *spec, ops_test_task *out,
                          ops_test_problem *why);

/*
 * Goes on, without time passing, until nothing can: all tasks have ended, or wait for time, for an
 * answer that is left open, or for credits. OPS_E_TIMEOUT: threads or children are at work for
 * longer than the patience; OPS_E_RESOURCE: what a task told could not be kept.
 */
ops_status ops_test_idle(ops_test_host *host);

/* Lets `ms` pass, stopping at each timer to go on until idle. As ops_test_idle(). */
ops_status ops_test_advance(ops_test_host *host, uint64_t ms);

/*
 * Goes on, and lets as much time pass as it takes, until `task` has ended. OPS_E_WOULD_BLOCK: it
 * has not, and nothing is left that could bring it on; OPS_E_TIMEOUT, OPS_E_RESOURCE: as
 * ops_test_idle(), the first also when the options' limit_ms have passed; OPS_E_STALE: there is no
 * such task.
 */
ops_status ops_test_run(ops_test_host *host, ops_test_task task);

/* What the clock shows. */
int64_t ops_test_unix_ms(const ops_test_host *host);

/*
 * How a task is told to end: OPS_CANCEL_REQUESTED, _TIMEOUT or _SHUTDOWN of exec.h; and with this,
 * it is given up at once, without grace.
 */
#define OPS_TEST_KILL 16u

/* For ops_test_cancel_at(): when, as seen from the step. */
#define OPS_TEST_BEFORE 0u /* just before it: the step itself finds that it is cancelled */
#define OPS_TEST_AFTER  1u /* when it has returned: what it began has not started */
#define OPS_TEST_LATER  2u /* when what it began is under way, and nothing has been answered */

/* Now, or as soon as the host goes on. OPS_E_INPUT: there is no such `how`; OPS_E_STALE. */
ops_status ops_test_cancel(ops_test_host *host, ops_test_task task, uint32_t how);

/*
 * At step `step` of the task, which is 1 or more and has not been made. A task has one such moment:
 * another takes the place of the first. OPS_E_INPUT: no such moment or `how`, the step was made, or
 * OPS_TEST_KILL comes with OPS_TEST_BEFORE: a step of a task that is over is not made at all;
 * OPS_E_STALE.
 */
ops_status ops_test_cancel_at(ops_test_host *host, ops_test_task task, uint64_t step,
                              uint32_t moment, uint32_t how);

/* Steps that the task has made. 0 for none. */
uint64_t ops_test_steps(const ops_test_host *host, ops_test_task task);

/* The longest of them, in microseconds of real time; a blocking execute() does not count. */
uint64_t ops_test_longest_step_us(const ops_test_host *host, ops_test_task task);

/* It may emit so many more items. OPS_E_STALE. */
ops_status ops_test_credit(ops_test_host *host, ops_test_task task, uint32_t count);

/* ==== What a task told ==== */

/* For ops_test_result.kind. */
#define OPS_TEST_RUNNING 0u
#define OPS_TEST_DONE    1u
#define OPS_TEST_FAILED  2u

typedef struct ops_test_result {
    uint32_t kind;
    ops_status code;         /* FAILED */
    uint32_t effect;         /* FAILED: OPS_EFFECT_* */
    uint32_t retry;          /* FAILED: OPS_RETRY_* */
    uint64_t retry_after_ms; /* FAILED */
    const char *message;     /* FAILED; else "" */
    const char *error;       /* FAILED: all of it, as JSON: code, message, hint, symbol, path,
                                effect, retry, ...; else "" */
    const char *port;        /* DONE: "" is success; else "" */
    const char *output;      /* DONE: JSON; else "" */
    uint32_t ends;           /* 0 when the host gave it up; more than 1 is a complaint */
    uint32_t is_given_up;    /* 1: the host did, after the grace or by OPS_TEST_KILL */
} ops_test_result;

/* Lives until ops_test_forget(), and changes until the task ends. NULL: there is no such task. */
const ops_test_result *ops_test_end(ops_test_host *host, ops_test_task task);

/* Items of its stream, as JSON, in order; NULL beyond the last. As long as ops_test_end(). */
uint64_t ops_test_item_count(const ops_test_host *host, ops_test_task task);
const char *ops_test_item(const ops_test_host *host, ops_test_task task, uint64_t i);

/* What it told of its progress, as people see it, at most 4 a second: "0.5 half way". */
uint64_t ops_test_progress_count(const ops_test_host *host, ops_test_task task);
const char *ops_test_progress(const ops_test_host *host, ops_test_task task, uint64_t i);

/* Lines that it logged: "warn: slow down"; of task 0 those of the plugin itself. */
uint64_t ops_test_log_count(ops_test_host *host, ops_test_task task);
const char *ops_test_log(ops_test_host *host, ops_test_task task, uint64_t i);

/* Forgets a task that has ended, for tests of many thousands. OPS_E_STALE: it has not. */
ops_status ops_test_forget(ops_test_host *host, ops_test_task task);

/* ==== What is wrong with the plugin ==== */

/* For ops_test_complaint.kind. */
#define OPS_TEST_ENDED_TWICE 1u /* complete() or fail() after the task was ended by one of them */
#define OPS_TEST_ENDED_LATE  2u /* the same after the host had given it up */
#define OPS_TEST_GIVEN_UP    3u /* it did not end within the grace (OPS_TEST_KILL is no fault) */
#define OPS_TEST_STALE       4u /* a handle that is over, or was none, was used */
#define OPS_TEST_BAD_CALL    5u /* a host function answered INTERNAL: a bad argument */
#define OPS_TEST_BAD_OUTPUT  6u /* an output breaks the output_schema of the manifest */
#define OPS_TEST_UNEXPECTED  7u /* a call of HTTP that no rule is for; it is left open */
#define OPS_TEST_BAD_PORT    8u /* complete() with a port that the manifest does not name */

typedef struct ops_test_complaint {
    uint32_t kind;
    uint32_t reserved0;
    ops_test_task task; /* 0: of none, or not known */
    const char *text;   /* one line */
} ops_test_complaint;

/*
 * In order; NULL beyond the last. The same is complained of once for each task. ENDED_LATE, and
 * STALE after a cancel, need not be faults: they are harmless by contract.
 */
const ops_test_complaint *ops_test_complaint_at(ops_test_host *host, size_t i);

/*
 * The texts of all but those, one a line; "" when there are none. Until the next call of this.
 * "out of memory" when there is no room for them.
 */
const char *ops_test_complaints(ops_test_host *host);

/* What there is now. When no task runs, all before `abandoned` is 0. */
typedef struct ops_test_counts {
    uint64_t tasks;       /* that have not ended */
    uint64_t operations;  /* of ops.http, ops.timer and so on, under way */
    uint64_t http_open;   /* calls of HTTP that have no answer */
    uint64_t jobs;        /* and blocking nodes, that wait for a thread or have one */
    uint64_t task_values; /* handles of values of tasks, and of scopes inside them */
    uint64_t task_bytes;  /* of memory and texts there; what values take is not counted */
    uint64_t abandoned;   /* tasks that were given up, and whose memory stays */
    uint64_t nodes;       /* instances: one for each type and settings */
    uint64_t kept_values; /* handles of values in scopes of nodes and of the plugin */
    uint64_t kept_bytes;
    uint64_t calls; /* of functions of services that can fail, since the host was opened */
} ops_test_counts;

void ops_test_count(ops_test_host *host, ops_test_counts *out);

/* ==== Faults ==== */

/* For ops_test_fault.flags. */
#define OPS_TEST_IN_CALLBACK 1u /* the call is taken, and its callback gets the failure instead */

/*
 * Makes calls of services fail, or come late. `where` is a service ("ops.http"), one function of
 * it ("ops.http.send"), or "" for all.
 *
 * Only functions that may fail by their contract, though all is right with the call, count for a
 * service and for all: those that make values or take memory, those that begin something, emit,
 * digests, schemas, and looking for a time zone or a program. Others (reading a value, abort,
 * complete, fail) must be named.
 */
struct ops_test_fault {
    const char *where;
    uint64_t n;        /* the n-th call from now on fails, 1 is the next; 0: see one_in */
    uint32_t one_in;   /* with n = 0: one of so many, by the seed; 0: each */
    ops_status status; /* what it returns; 0: one that its contract names, mostly RESOURCE */
    uint32_t flags;
    uint32_t reserved0; /* 0 */
    /*
     * Not 0: it does not fail, but its callback comes so much later, in virtual time. Then status
     * and flags must be 0, and only calls count that reach the service.
     */
    uint64_t late_ms;
};

/*
 * Adds a fault to those that there are. OPS_E_INPUT: no such service or function, a mixture that
 * makes no sense, or a callback where the function has none; OPS_E_UNSUPPORTED: late is only what
 * the host plays itself: ops.http, ops.kv, ops.mail, ops.budget, ops.timer; OPS_E_RESOURCE.
 *
 * All n in turn, until there is no such call any more:
 *
 *     for (fault.n = 1;; fault.n++) {
 *         (open a host) (ops_test_fault_add) (start and run) (what must be true now)
 *         if (ops_test_fault_hits(host) == 0) break;
 *     }
 *
 * Calls of init() are made within ops_test_open(): the fault for them is in its options.
 */
ops_status ops_test_fault_add(ops_test_host *host, const ops_test_fault *fault);

/* How often a fault has hit, since the last clear. */
uint64_t ops_test_fault_hits(ops_test_host *host);
/* The function that the last fault hit: "ops.http.send"; "" when none has. */
const char *ops_test_fault_last(ops_test_host *host);
void ops_test_fault_clear(ops_test_host *host);

/* How many calls there were so far of what `where` names, by the same rules; 0: no such name. */
uint64_t ops_test_calls(ops_test_host *host, const char *where);

/* ==== HTTP ==== */

/* A call as the plugin sent it. */
typedef struct ops_test_http_call {
    ops_test_task task;
    const char *method;
    const char *url;
    const char *const *header_names;
    const char *const *header_values;
    uint64_t n_headers;
    ops_str body;
    uint64_t timeout_ms;      /* virtual; then it fails with TIMEOUT. 0: here it has none */
    uint64_t max_body_bytes;  /* a larger answer fails with RESOURCE. 0: any is taken */
    uint32_t is_open;         /* 1: it has no answer yet */
    uint32_t is_aborted;      /* 1: by the plugin, by a cancel, or as its task ended */
    uint32_t has_chunks;      /* 1: the body comes in pieces */
    uint32_t has_no_redirect; /* 1: OPS_HTTP_NO_REDIRECT */
} ops_test_http_call;

/* What a call gets. All copied. */
typedef struct ops_test_answer {
    int32_t status;      /* of HTTP; 0: see code */
    ops_status code;     /* instead of an answer it fails so: OPS_E_UNAVAILABLE, OPS_E_TIMEOUT */
    uint32_t effect;     /* with code: OPS_EFFECT_NONE or _MAYBE */
    uint32_t reserved0;  /* 0 */
    const char *message; /* with code; NULL: one that says that the test wants it */
    const char *headers; /* "Name: value" each, with \n between; NULL: none */
    ops_str body;
    uint64_t piece_bytes; /* where the plugin takes it in pieces: of so many bytes; 0: one piece */
    uint64_t late_ms;     /* it comes so much later, in virtual time */
} ops_test_answer;

/*
 * From now on calls with this method (NULL: any) and URL (with a * as its last character: that
 * begin so) get `answer`; NULL: they are left open. Rules are looked at in their order, and each
 * holds for `times` calls, 0: for all. OPS_E_INPUT: the answer has neither status nor code, or
 * both, or bad headers; OPS_E_RESOURCE.
 */
ops_status ops_test_http_rule(ops_test_host *host, const char *method, const char *url,
                              uint64_t times, const ops_test_answer *answer);

/*
 * Asked for what no rule is for; must not call the host. `call` is borrowed; `answer` is cleared,
 * and what it points to is copied when the handler has returned.
 * Returns 1: answered; 0: to be left open; anything else: unexpected.
 */
typedef int (*ops_test_http_handler)(void *user, const ops_test_http_call *call,
                                     ops_test_answer *answer);
/* NULL: none. */
void ops_test_http_handle(ops_test_host *host, ops_test_http_handler handler, void *user);

/* All calls in their order, from 0; NULL beyond the last. */
const ops_test_http_call *ops_test_http_call_at(const ops_test_host *host, uint64_t i);

/* Answers call `i`, which was left open. OPS_E_STALE: it is not open; else as for a rule. */
ops_status ops_test_http_reply(ops_test_host *host, uint64_t i, const ops_test_answer *answer);

/* Its header `name`, in any case; NULL: it has none. */
const char *ops_test_http_header(const ops_test_http_call *call, const char *name);

/* ==== The other services ==== */

/* What ops.kv has under `key`. OPS_E_NOT_FOUND. The bytes live until the key changes. */
ops_status ops_test_kv_get(ops_test_host *host, const char *key, ops_str *out);
/* For ever. OPS_E_INPUT: a bad key or too long a value; OPS_E_RESOURCE. */
ops_status ops_test_kv_put(ops_test_host *host, const char *key, ops_str value);

/* A mail that was sent: it was taken with 250. */
typedef struct ops_test_mail {
    ops_test_task task;
    const char *url; /* "smtps://mail.example.com:465" */
    const char *username;
    const char *password;
    const char *sender;
    const char *recipients; /* with ", " between */
    ops_str message;        /* whole, as it goes over the line */
} ops_test_mail;

/* In order, from 0; NULL beyond the last. */
const ops_test_mail *ops_test_mail_at(const ops_test_host *host, uint64_t i);

/*
 * What may be spent from now on, in all; negative: no bound, as it is at first. What is more than
 * is left is refused, and `model` (NULL: none) is named then. OPS_E_RESOURCE.
 */
ops_status ops_test_budget(ops_test_host *host, int64_t calls, int64_t tokens, double cost,
                           const char *model);

/* What was settled so far. */
typedef struct ops_test_spent {
    int64_t calls;
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t cached_tokens;
    double cost;
    uint64_t open; /* reservations that were never settled */
} ops_test_spent;

void ops_test_budget_spent(const ops_test_host *host, ops_test_spent *out);

#ifdef __cplusplus
}
#endif
#endif
