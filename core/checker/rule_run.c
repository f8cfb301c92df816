/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on what the plugin does when it is loaded and its nodes run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/checker/config_mutant.h"
#include "core/checker/config_set.h"
#include "core/checker/rule.h"
#include "core/checker/stage.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "core/value/schema.h"
#include "core/value/value.h"

enum {
    CONFIGS = 12,        /* of a node type */
    ANSWERS = 4,         /* ways in which services answer to one config */
    MUTATED_CONFIGS = 6, /* of a node type */
    MUTANTS = 3000,      /* of all node types together, but for each type */
    MUTANTS_LEAST = 60,  /* at least so many, */
    MUTANTS_MOST = 600,  /* and at most */
    CHECKS = 12,
    STEP_CONFIGS = 3,         /* of a node type */
    STEP_PLAYS = 5,           /* of a config */
    STEP_MOST_US = 10 * 1000, /* as the host's own warning */
    SLOW_SHOWN = 5,
    WHAT_BYTES = 160,
};

void rule_run_load(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    (void)stage_open(&stage, subject, verdict); /* the verdict has it */
    stage_close(&stage);
}

/* ---- Configs ---- */

static void complain_of_refusal(struct stage *stage, const struct stage_act *act, const char *why)
{
    verdict_fail(stage->verdict,
                 "%.*s with %.300s is not started: %s (the settings were %.*s; --settings gives "
                 "others)",
                 STR_ARG(act->node->type.name), act->config != NULL ? act->config : "its check()",
                 why, STR_ARG(strbuf_str(&stage->settings)));
}

/*
 * Services answer as they did to the same config without secrets: what ends otherwise now does so
 * for the secrets. False: no more can be done on this stage.
 */
static bool try_secrets(struct stage *stage, const struct stage_act *plain, struct chance answers,
                        ops_status code)
{
    char *config = stage_with_secrets(stage, plain);
    if (config == NULL) {
        return true;
    }
    ops_test_problem why = {.text = ""};
    struct stage_act act = *plain;
    act.config = config;
    act.has_secrets = true;
    stage->mood = MOOD_GOOD;
    stage->chance = answers;
    enum stage_result result = stage_play(stage, &act, NULL, &why);
    if (result == STAGE_REFUSED) {
        complain_of_refusal(stage, &act, why.text);
    }
    bool is_told = stage->code == OPS_E_INTERNAL || stage->code == OPS_E_PERMISSION;
    if (result == STAGE_ENDED && is_told && stage->code != code && stage->view == VIEW_CONDUCT) {
        verdict_fail(stage->verdict,
                     "%.*s with %.300s, with secrets, fails with %s, which it does not without: "
                     "what x-ops-secret lets stand there the code must use by its handle",
                     STR_ARG(act.node->type.name), config,
                     stage->code == OPS_E_INTERNAL ? "INTERNAL" : "PERMISSION");
    }
    free(config);
    return result == STAGE_ENDED;
}

static bool try_config(struct stage *stage, const struct stage_act *act, void *user)
{
    size_t *tasks = user;
    struct chance first = stage->chance;
    ops_status code = OPS_OK;
    for (int i = 0; i < ANSWERS; i++) {
        ops_test_problem why = {.text = ""};
        stage->mood = i == 0 ? MOOD_GOOD : MOOD_ANY;
        enum stage_result result = stage_play(stage, act, NULL, &why);
        if (result == STAGE_REFUSED) {
            complain_of_refusal(stage, act, why.text);
            return false;
        }
        if (result == STAGE_STUCK) {
            return false;
        }
        code = i == 0 ? stage->code : code;
        (*tasks)++;
    }
    return try_secrets(stage, act, first, code);
}

/* How many node types have a config; `why` tells of one that has none. */
static size_t count_playable(const struct subject *subject, struct verdict *verdict,
                             struct strbuf *why)
{
    size_t count = 0;
    for (size_t i = 0; i < subject->manifest->node_count; i++) {
        const struct manifest_node *node = &subject->manifest->nodes[i];
        struct config_set set;
        struct error err = {0};
        int status = config_set_init(&set, subject, node, 1, &err);
        if (status == 0) {
            config_set_finish(&set);
            count++;
        } else if (status == E_NOT_FOUND) {
            strbuf_clear(why);
            strbuf_append_format(
                why,
                "no config for %.*s could be made by its schema (%.60s), so it was "
                "not run: put `examples` into the schema, or give configs with "
                "--config",
                STR_ARG(node->type.name), err.message);
        } else {
            verdict_fail(verdict, "%s", err.message);
        }
    }
    return count;
}

void rule_run_configs(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    struct strbuf why = STRBUF_INIT;
    size_t tasks = 0;
    size_t playable = count_playable(subject, verdict, &why);
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, CONFIGS, try_config, &tasks);
        stage_each_bound(&stage, try_config, &tasks);
        verdict_remark(verdict, "%zu tasks of %zu node types%s%s", tasks, playable,
                       why.n > 0 ? "; " : "", why.n > 0 ? why.p : "");
    }
    if (playable == 0 && why.n > 0) {
        verdict_skip(verdict, "%s", why.p);
    }
    strbuf_finish(&why);
    stage_close(&stage);
}

void rule_run_outputs(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    size_t tasks = 0;
    if (stage_open(&stage, subject, verdict)) {
        stage.view = VIEW_OUTPUTS;
        stage_each(&stage, CONFIGS, try_config, &tasks);
    }
    stage_close(&stage);
}

/* ---- The strand ---- */

/*
 * A machine that is busy makes a step long once, and then another one: the shortest of some plays
 * is the plugin's own time.
 */
static bool try_steps(struct stage *stage, const struct stage_act *act, void *user)
{
    size_t *slow = user;
    uint64_t least_us = UINT64_MAX;
    stage->view = VIEW_NOTHING; /* run.configs tells */
    for (int i = 0; i < STEP_PLAYS && least_us > STEP_MOST_US; i++) {
        stage->mood = MOOD_GOOD;
        stage->chance = (struct chance){stage->subject->seed};
        if (stage_play(stage, act, NULL, NULL) != STAGE_ENDED) {
            return false;
        }
        least_us = stage->longest_step_us < least_us ? stage->longest_step_us : least_us;
    }
    if (least_us > STEP_MOST_US) {
        (*slow)++;
        verdict_fail(stage->verdict, "%.*s with %.300s: a step of it takes %llu ms at least",
                     STR_ARG(act->node->type.name), act->config,
                     (unsigned long long)(least_us / 1000));
    }
    return *slow < SLOW_SHOWN;
}

void rule_run_strand(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    size_t slow = 0;
    if (stage_open(&stage, subject, verdict)) {
        stage_each(&stage, STEP_CONFIGS, try_steps, &slow);
    }
    stage_close(&stage);
}

/* ---- Mutations ---- */

struct mutants {
    size_t for_each_node;
    size_t taken;
    size_t refused;
    bool is_cut; /* more take too long */
};

/* What the schema says must be what the host does. */
static bool try_mutant(struct stage *stage, const struct manifest_node *node,
                       const struct document *mutant, const char *what, struct mutants *mutants)
{
    bool is_valid = schema_validate(node->type.config_schema, document_root(mutant), NULL, NULL) ==
                    0;
    char *config = stage_text(mutant);
    if (config == NULL) {
        return false;
    }
    ops_test_problem why = {.text = ""};
    struct stage_act act = {.node = node, .config = config, .what = what};
    char *secret = chance_percent(&stage->chance, 50) ? stage_with_secrets(stage, &act) : NULL;
    act.has_secrets = secret != NULL;
    act.config = secret != NULL ? secret : config;
    enum stage_result result = stage_play(stage, &act, NULL, &why);
    if (result != STAGE_STUCK && is_valid == (result == STAGE_REFUSED)) {
        verdict_fail(stage->verdict, "%.*s, %s: its schema %s, but the host %s (%s)",
                     STR_ARG(node->type.name), what, is_valid ? "allows it" : "does not allow it",
                     is_valid ? "does not start it" : "started it", why.text);
    }
    mutants->taken += result == STAGE_ENDED ? 1 : 0;
    mutants->refused += result == STAGE_REFUSED ? 1 : 0;
    free(secret);
    free(config);
    return result != STAGE_STUCK;
}

static bool mutate_config(struct stage *stage, const struct manifest_node *node,
                          const struct document *config, size_t count, struct mutants *mutants)
{
    bool goes_on = true;
    for (size_t i = 0; goes_on && i < count; i++) {
        if (stage_is_late(stage, 1)) {
            mutants->is_cut = true;
            return false;
        }
        char what[WHAT_BYTES] = "";
        struct document *mutant = NULL;
        if (config_mutate(config, &stage->chance, &mutant, what, sizeof what, NULL) == 0) {
            goes_on = try_mutant(stage, node, mutant, what, mutants);
            document_unref(mutant);
        }
    }
    return goes_on;
}

static bool mutate_node(struct stage *stage, const struct manifest_node *node,
                        struct mutants *mutants)
{
    struct config_set set;
    bool goes_on = true;
    if (config_set_init(&set, stage->subject, node, MUTATED_CONFIGS, NULL) != 0) {
        return true; /* run.configs tells */
    }
    for (size_t i = 0; goes_on && i < set.count; i++) {
        goes_on =
            mutate_config(stage, node, set.configs[i], mutants->for_each_node / set.count, mutants);
    }
    config_set_finish(&set);
    return goes_on;
}

void rule_run_mutations(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    size_t nodes = subject->manifest->node_count;
    size_t wanted = MUTANTS / nodes;
    wanted = wanted < MUTANTS_LEAST ? MUTANTS_LEAST : wanted > MUTANTS_MOST ? MUTANTS_MOST : wanted;
    struct mutants mutants = {.for_each_node = wanted};
    bool goes_on = stage_open(&stage, subject, verdict);
    stage.mood = MOOD_ANY;
    for (size_t i = 0; goes_on && i < nodes; i++) {
        goes_on = mutate_node(&stage, &subject->manifest->nodes[i], &mutants);
    }
    verdict_remark(verdict, "%zu allowed, %zu refused%s", mutants.taken, mutants.refused,
                   mutants.is_cut ? ": more take too long" : "");
    stage_close(&stage);
}

/* ---- Checks of services ---- */

static bool try_check(struct stage *stage, const struct manifest_node *node)
{
    for (int i = 0; i < CHECKS; i++) {
        ops_test_problem why = {.text = ""};
        struct stage_act act = {
            .node = node, .config = NULL, .what = "", .has_secrets = i % 2 == 1};
        stage->mood = i == 0 ? MOOD_GOOD : MOOD_ANY;
        enum stage_result result = stage_play(stage, &act, NULL, &why);
        if (result == STAGE_REFUSED) {
            complain_of_refusal(stage, &act, why.text);
        }
        if (result != STAGE_ENDED) {
            return false;
        }
    }
    return true;
}

void rule_run_checks(const struct subject *subject, struct verdict *verdict)
{
    struct stage stage;
    size_t count = 0;
    bool goes_on = stage_open(&stage, subject, verdict);
    for (size_t i = 0; goes_on && i < subject->manifest->node_count; i++) {
        const struct manifest_node *node = &subject->manifest->nodes[i];
        if ((node->type.flags & NODE_TYPE_CHECKS) != 0) {
            count++;
            goes_on = try_check(&stage, node);
        }
    }
    if (count == 0) {
        verdict_skip(verdict, "no node type has a check()");
    }
    stage_close(&stage);
}
