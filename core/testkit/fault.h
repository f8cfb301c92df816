/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_TESTKIT_FAULT_H
#define CORE_TESTKIT_FAULT_H

/*
 * Faults: which calls of services are to fail or to come late. Each function of a service that
 * gives a status is a point; a fault names one point, or all of a service, or all, that count.
 *
 *     fault_decide()      at each call: go on, fail at once, or fail in the callback
 *     fault_late_ms()     at each call that has reached a service that is played
 *
 * Used by:  testkit.
 * Uses:     base; opstream/test.h.
 * Threads:  [any]: the caller holds the lock of the test host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opstream/test.h"

/*
 * Name; what it fails with: at once, in its callback (0: it has none); COUNTS: for its service and
 * for all; LATE: it can be.
 */
#define FAULT_POINTS(X)                                                                            \
    X(BUDGET_SETTLE, "ops.budget.settle", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(BUDGET_RESERVE, "ops.budget.reserve", OPS_E_RESOURCE, OPS_E_UNAVAILABLE, COUNTS | LATE)      \
    X(BUDGET_ABORT, "ops.budget.abort", OPS_E_STALE, 0, 0)                                         \
    X(EXEC_INFO, "ops.exec.info", OPS_E_STALE, 0, 0)                                               \
    X(EXEC_COMPLETE, "ops.exec.complete", OPS_E_INPUT, 0, 0)                                       \
    X(EXEC_FAIL, "ops.exec.fail", OPS_E_STALE, 0, 0)                                               \
    X(EXEC_PROGRESS, "ops.exec.progress", OPS_E_INPUT, 0, 0)                                       \
    X(EXEC_EMIT, "ops.exec.emit", OPS_E_WOULD_BLOCK, 0, COUNTS)                                    \
    X(EXEC_ON_WRITABLE, "ops.exec.on_writable", OPS_E_STALE, 0, 0)                                 \
    X(EXEC_POST, "ops.exec.post", OPS_E_RESOURCE, 0, COUNTS)                                       \
    X(EXEC_SET_USER, "ops.exec.set_user", OPS_E_STALE, 0, 0)                                       \
    X(HTTP_SEND, "ops.http.send", OPS_E_RESOURCE, OPS_E_UNAVAILABLE, COUNTS | LATE)                \
    X(HTTP_ABORT, "ops.http.abort", OPS_E_STALE, 0, 0)                                             \
    X(JOB_RUN, "ops.job.run", OPS_E_RESOURCE, OPS_E_CANCELLED, COUNTS)                             \
    X(JOB_ABORT, "ops.job.abort", OPS_E_STALE, 0, 0)                                               \
    X(KV_GET, "ops.kv.get", OPS_E_RESOURCE, OPS_E_UNAVAILABLE, COUNTS | LATE)                      \
    X(KV_PUT, "ops.kv.put", OPS_E_RESOURCE, OPS_E_UNAVAILABLE, COUNTS | LATE)                      \
    X(KV_REMOVE, "ops.kv.remove", OPS_E_RESOURCE, OPS_E_UNAVAILABLE, COUNTS | LATE)                \
    X(KV_ABORT, "ops.kv.abort", OPS_E_STALE, 0, 0)                                                 \
    X(MAIL_SEND, "ops.mail.send", OPS_E_RESOURCE, OPS_E_UNAVAILABLE, COUNTS | LATE)                \
    X(MAIL_ABORT, "ops.mail.abort", OPS_E_STALE, 0, 0)                                             \
    X(PROCESS_SPAWN, "ops.process.spawn", OPS_E_RESOURCE, OPS_E_RESOURCE, COUNTS)                  \
    X(PROCESS_KILL, "ops.process.kill", OPS_E_STALE, 0, 0)                                         \
    X(PROCESS_FIND, "ops.process.find", OPS_E_NOT_FOUND, 0, COUNTS)                                \
    X(SCHEMA_CHECK, "ops.schema.check", OPS_E_RESOURCE, 0, COUNTS)                                 \
    X(SECRET_DIGEST, "ops.secret.digest", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(SECRET_SIGN, "ops.secret.sign", OPS_E_RESOURCE, OPS_E_UNSUPPORTED, COUNTS)                   \
    X(SECRET_JOIN, "ops.secret.join", OPS_E_RESOURCE, 0, COUNTS)                                   \
    X(SECRET_ADOPT, "ops.secret.adopt", OPS_E_RESOURCE, OPS_E_RESOURCE, COUNTS)                    \
    X(SECRET_ABORT, "ops.secret.abort", OPS_E_STALE, 0, 0)                                         \
    X(TIMER_AFTER, "ops.timer.after", OPS_E_RESOURCE, OPS_E_CANCELLED, COUNTS | LATE)              \
    X(TIMER_ABORT, "ops.timer.abort", OPS_E_STALE, 0, 0)                                           \
    X(TIMER_ZONE_OFFSET, "ops.timer.zone_offset", OPS_E_NOT_FOUND, 0, COUNTS)                      \
    X(VALUE_GET_BOOL, "ops.value.get_bool", OPS_E_INPUT, 0, 0)                                     \
    X(VALUE_GET_I64, "ops.value.get_i64", OPS_E_INPUT, 0, 0)                                       \
    X(VALUE_GET_F64, "ops.value.get_f64", OPS_E_INPUT, 0, 0)                                       \
    X(VALUE_GET_STR, "ops.value.get_str", OPS_E_INPUT, 0, 0)                                       \
    X(VALUE_GET_BYTES, "ops.value.get_bytes", OPS_E_INPUT, 0, 0)                                   \
    X(VALUE_AT, "ops.value.at", OPS_E_RESOURCE, 0, 0)                                              \
    X(VALUE_FIND, "ops.value.find", OPS_E_RESOURCE, 0, 0)                                          \
    X(VALUE_PAIR, "ops.value.pair", OPS_E_RESOURCE, 0, 0)                                          \
    X(VALUE_NEW_NULL, "ops.value.new_null", OPS_E_RESOURCE, 0, COUNTS)                             \
    X(VALUE_NEW_BOOL, "ops.value.new_bool", OPS_E_RESOURCE, 0, COUNTS)                             \
    X(VALUE_NEW_I64, "ops.value.new_i64", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(VALUE_NEW_F64, "ops.value.new_f64", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(VALUE_NEW_STR, "ops.value.new_str", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(VALUE_NEW_BYTES, "ops.value.new_bytes", OPS_E_RESOURCE, 0, COUNTS)                           \
    X(VALUE_NEW_LIST, "ops.value.new_list", OPS_E_RESOURCE, 0, COUNTS)                             \
    X(VALUE_NEW_MAP, "ops.value.new_map", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(VALUE_FROM_JSON, "ops.value.from_json", OPS_E_RESOURCE, 0, COUNTS)                           \
    X(VALUE_TO_JSON, "ops.value.to_json", OPS_E_RESOURCE, 0, COUNTS)                               \
    X(VALUE_RETAIN, "ops.value.retain", OPS_E_RESOURCE, 0, COUNTS)                                 \
    X(VALUE_ALLOC, "ops.value.alloc", OPS_E_RESOURCE, 0, COUNTS)                                   \
    X(VALUE_SCOPE_OPEN, "ops.value.scope_open", OPS_E_RESOURCE, 0, COUNTS)                         \
    X(VALUE_SCOPE_CLOSE, "ops.value.scope_close", OPS_E_STALE, 0, 0)

enum fault_point {
#define X(point, name, at_once, in_callback, flags) FAULT_##point,
    FAULT_POINTS(X)
#undef X
        FAULT_POINT_COUNT
};

/* "ops.http.send"; static. */
const char *fault_point_name(enum fault_point point);

/* One that a test has asked for. */
struct fault {
    struct fault *next;
    bool is_of[FAULT_POINT_COUNT];
    uint64_t n;    /* which call; 0: by chance */
    uint64_t seen; /* calls so far */
    uint32_t one_in;
    ops_status status;
    bool is_in_callback;
    uint64_t late_ms; /* 0: it fails */
};

struct faults {
    struct fault *first; /* in order */
    struct fault **last;
    uint64_t random;
    uint64_t hits;
    const char *last_hit; /* "" or the name of a point */
    uint64_t calls[FAULT_POINT_COUNT];
};

void faults_init(struct faults *faults, uint64_t seed);
void faults_clear(struct faults *faults);

/* As ops_test_fault_add(). */
ops_status fault_add(struct faults *faults, const ops_test_fault *fault);

/* As ops_test_calls(); all points that count, or the one that is named. */
uint64_t fault_calls(const struct faults *faults, const char *where);
/* Of all functions. */
uint64_t fault_all_calls(const struct faults *faults);

enum fault_deed { FAULT_GO_ON, FAULT_AT_ONCE, FAULT_IN_CALLBACK };

/* Counts a call, and says what is to become of it; `*out_status` is set unless it goes on. */
enum fault_deed fault_decide(struct faults *faults, enum fault_point point, ops_status *out_status);

/* How much later this call's callback is to come. */
uint64_t fault_late_ms(struct faults *faults, enum fault_point point);

#endif
