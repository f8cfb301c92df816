/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_MODEL_FAULT_CASES_H
#define TESTS_UNIT_MODEL_FAULT_CASES_H

/*
 * Tables of wrong pipelines and the diagnostics that each gets.
 *
 * Used by:  test_faults.
 * Uses:     nothing.
 * Threads:  [any]
 */

struct fault_case {
    const char *name; /* NULL ends the table */
    const char *file;
    unsigned flags; /* LOAD_* */
    const char *text;
    const char *diagnostics; /* printed without source lines */
};

extern const struct fault_case fault_cases[];
extern const struct fault_case fault_cases_bodies[]; /* of loops, states, ... */
extern const struct fault_case fault_cases_expressions[];
extern const struct fault_case fault_cases_policies[];

#endif
