/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_TRIAL_H
#define CORE_CHECKER_TRIAL_H

/*
 * Trial: looks at one rule in a process of its own, in an empty folder of its own, within a time:
 * a plugin that crashes, hangs or ends the process makes its rule fail, and nothing else.
 *
 * Used by:  main.
 * Uses:     rule, subject, verdict.
 * Threads:  [main]
 */

#include <stdbool.h>
#include <stdint.h>

struct error;
struct rule;
struct subject;
struct verdict;

struct trial_options {
    int64_t timeout_ms;
    bool is_in_process; /* no process: for a debugger */
};

/*
 * `*out_verdict` is owned: trial_destroy_verdict(). Whatever the plugin does is no failure. Fails
 * with E_NOMEM, E_IO.
 */
int trial_run(const struct rule *rule, const struct subject *subject,
              const struct trial_options *options, struct verdict **out_verdict, struct error *err);

/* A verdict of a rule that is not looked at. NULL: out of memory. */
struct verdict *trial_create_verdict(void);
void trial_destroy_verdict(struct verdict *verdict);

#endif
