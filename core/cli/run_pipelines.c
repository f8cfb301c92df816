/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/run_pipelines.h"

#include <stdio.h>

#include "core/base/error.h"
#include "core/cli/workspace.h"
#include "core/model/bundle.h"
#include "core/model/pipeline.h"

void run_pipelines_finish(struct run_pipelines *pipelines)
{
    definitions_destroy(pipelines->definitions);
    pipelines->definitions = NULL;
    pipelines->own = NULL;
}

/* What was set for the engine need not be set for who looks. */
static const char *read_env(void *user, struct str name)
{
    const struct load_options *options = user;
    const char *value = options->env(options->user, name);
    return value != NULL ? value : "(not set here)";
}

static const struct pipeline *first_of(const struct definitions *definitions)
{
    const struct pipeline *first = NULL;
    for (size_t i = 0; first == NULL && i < definitions->count; i++) {
        first = definitions->pipelines[i];
    }
    return first;
}

static int load_source(struct run_pipelines *pipelines, struct str source, struct error *err)
{
    struct bundle *bundle = NULL;
    struct load_options real = workspace_options(pipelines->workspace);
    struct load_options options = real;
    options.env = read_env;
    options.user = &real;
    int status = bundle_read(source, &bundle, err);
    if (status == 0) {
        status = bundle_load(bundle, &options, &pipelines->definitions, err);
    }
    bundle_destroy(bundle);
    return status;
}

static int load(struct run_pipelines *pipelines, struct str digest, struct error *err)
{
    struct strbuf source = STRBUF_INIT;
    if (pipelines->fetch == NULL) {
        return error_set(err, E_NOT_FOUND, "the run has another definition than this file");
    }
    run_pipelines_finish(pipelines);
    int status = pipelines->fetch(pipelines->user, digest, &source, err);
    if (status == 0) {
        status = load_source(pipelines, strbuf_str(&source), err);
        if (status != 0) {
            error_prefix(err, "the definition of the run: ");
        }
    }
    strbuf_finish(&source);
    if (status == 0) {
        pipelines->own = first_of(pipelines->definitions);
        (void)snprintf(pipelines->digest, sizeof(pipelines->digest), "%.*s", STR_ARG(digest));
    }
    return status;
}

/* Of the same file, else of its library. */
static const struct pipeline *pick(const struct run_pipelines *pipelines, struct str workflow)
{
    const struct definitions *all = pipelines->definitions;
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        if (all->pipelines[i] != NULL && str_equal(all->ids[i], workflow)) {
            return all->pipelines[i];
        }
    }
    if (pipelines->own != NULL && str_equal(pipelines->own->id, workflow)) {
        return pipelines->own;
    }
    return pipelines->own != NULL ? pipeline_find_other(pipelines->own, workflow) : NULL;
}

int run_pipelines_find(void *user, struct str digest, struct str workflow,
                       const struct pipeline **out_pipeline, struct error *err)
{
    struct run_pipelines *pipelines = user;
    if (!str_equal_text(digest, pipelines->digest)) {
        int status = load(pipelines, digest, err);
        if (status != 0) {
            return status;
        }
    }
    *out_pipeline = pick(pipelines, workflow);
    return *out_pipeline != NULL
               ? 0
               : error_set(err, E_NOT_FOUND, "the definition of the run has no pipeline '%.*s'",
                           STR_ARG(workflow));
}
