/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECKER_STAGE_H
#define CORE_CHECKER_STAGE_H

/*
 * Stage: a test host with the plugin on it, what plays the services behind HTTP, and what must be
 * true when a task has ended, whatever was done to it.
 *
 * Used by:  rules on what runs.
 * Uses:     opstream/test.h, secret_places, subject, verdict.
 * Threads:  [main], in the process of a rule
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/str.h"
#include "core/checker/chance.h"
#include "opstream/test.h"

struct document;
struct manifest_node;
struct subject;
struct verdict;

/* How services answer. */
enum stage_mood {
    MOOD_GOOD, /* 200, with JSON that may be what is expected */
    MOOD_ANY,  /* by chance: any status, broken answers, none in time, none at all */
};

/* Which of the host's complaints count. */
enum stage_view {
    VIEW_CONDUCT, /* all but those on outputs */
    VIEW_OUTPUTS, /* those on outputs */
    VIEW_NOTHING, /* none, nor what else is wrong with an end: another rule judges it */
};

struct stage {
    const struct subject *subject;
    struct verdict *verdict;
    ops_test_host *host;
    struct chance chance;
    enum stage_mood mood;
    enum stage_view view;
    struct strbuf settings;           /* JSON */
    struct strbuf secret_settings;    /* the same with secrets, where such may stand; else empty */
    const struct manifest_node *node; /* whose task runs: answers are like its output */
    struct strbuf body;               /* of the answer that was given last */
    size_t complaint_count;           /* that have been looked at */
    size_t task_count;                /* that have ended */
    uint64_t longest_step_us;         /* of the task that ended last */
    ops_status code;                  /* with which it failed; OPS_OK: it completed */
    uint64_t began_ms;                /* when the stage was opened */
};

/* One task, and what is done to it. */
struct stage_act {
    const struct manifest_node *node;
    const char *config;   /* JSON; of a check NULL */
    const char *what;     /* what is special about it, for people; or "" */
    bool has_secrets;     /* its settings are those with secrets, where there are such */
    uint64_t cancel_step; /* 0: it is not cancelled */
    uint32_t cancel_moment;
    uint32_t cancel_how;
};

/* Opens the host. False: the verdict says why. In any case end it with stage_close(). */
bool stage_open(struct stage *stage, const struct subject *subject, struct verdict *verdict);
void stage_close(struct stage *stage);

/*
 * Closes the host and opens another one, with the same settings: init() runs again. `fault` (may be
 * NULL) holds from before it on. False: there is no host now; `why` has what init() said, or the
 * verdict that the old one does not end.
 */
bool stage_reopen(struct stage *stage, const ops_test_fault *fault, ops_test_problem *why);

/*
 * Whether create() takes the settings, as far as can be seen without running a task. What has been
 * created on this host is not created again. `why` (may be NULL) is filled when it does not.
 */
bool stage_create(struct stage *stage, const struct stage_act *act, ops_test_problem *why);

enum stage_result {
    STAGE_ENDED,   /* as it should; what was wrong is in the verdict */
    STAGE_REFUSED, /* the host did not start it: config or settings are wrong */
    STAGE_STUCK,   /* nothing more can be done on this stage */
};

/*
 * Runs one task to its end, and judges. `out_steps` (may be NULL) is how many steps it made; `why`
 * (may be NULL) is filled when it is refused.
 */
enum stage_result stage_play(struct stage *stage, const struct stage_act *act, uint64_t *out_steps,
                             ops_test_problem *why);

/* False: no more of them. */
typedef bool (*stage_visit_fn)(struct stage *stage, const struct stage_act *act, void *user);

/*
 * Visits `wanted` configs of each node type, as acts in which nothing else is set. A type for which
 * none can be made is left out, and told by run.configs.
 */
void stage_each(struct stage *stage, size_t wanted, stage_visit_fn visit, void *user);

/* The same with one check() of each node type that has it. */
void stage_each_check(struct stage *stage, stage_visit_fn visit, void *user);

/* The same with configs at the bounds of the schemas, where such can be made. */
void stage_each_bound(struct stage *stage, stage_visit_fn visit, void *user);

/*
 * The config of `act` with secrets where its schema lets them stand. Owned: free(). NULL: neither
 * the config nor the settings have such a place, or there is no memory. The secrets are there until
 * the next call.
 */
char *stage_with_secrets(struct stage *stage, const struct stage_act *act);

/*
 * Half of the time that the rule has is over, or of a part of it, of which there are `parts`. Rules
 * that play as much as they like stop then: a slow plugin is told as that, by run.strand, and not
 * as one that never ends.
 */
bool stage_is_late(const struct stage *stage, unsigned parts);

/* Real time, from some moment in the past. */
uint64_t stage_now_ms(void);

/* `document` as JSON. Owned: free(). NULL: out of memory. */
char *stage_text(const struct document *document);

#endif
