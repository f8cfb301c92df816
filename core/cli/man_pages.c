/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/man_pages.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/cli/command.h"
#include "core/cli/man_command.h"
#include "core/cli/man_format.h"
#include "core/cli/man_manifest.h"

struct job {
    const char *folder;
    struct strbuf page;
    int status; /* of the first page that failed */
    struct error *err;
};

static int save(struct str path, struct str page, struct error *err)
{
    FILE *file = fopen(path.p, "we");
    if (file == NULL) {
        return error_set_errno(err, E_IO, errno, "cannot write '%s'", path.p);
    }
    bool is_written = fwrite(page.p, 1, page.n, file) == page.n;
    if (fclose(file) != 0 || !is_written) {
        return error_set_errno(err, E_IO, errno, "cannot write '%s'", path.p);
    }
    return 0;
}

/* Writes the page that was made, and begins the next. */
static void finish_page(struct job *job, struct str name, int section)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_append_format(&path, "%s/%.*s.%d", job->folder, STR_ARG(name), section);
    if (strbuf_status(&path) != 0 || strbuf_status(&job->page) != 0) {
        job->status = error_nomem(job->err);
    }
    if (job->status == 0) {
        job->status = save(strbuf_str(&path), strbuf_str(&job->page), job->err);
    }
    strbuf_clear(&job->page);
    strbuf_finish(&path);
}

static void write_command(void *user, const struct command *command)
{
    struct job *job = user;
    struct strbuf name = STRBUF_INIT;
    man_command_append_name(command, &name);
    man_command_append(command, &job->page);
    finish_page(job, strbuf_str(&name), 1);
    strbuf_finish(&name);
}

int man_pages_write(const char *folder, struct error *err)
{
    struct job job = {.folder = folder, .page = STRBUF_INIT, .err = err};
    man_command_append_program(&job.page);
    finish_page(&job, STR("opstream"), 1);
    command_walk(write_command, &job);
    man_format_append_settings(&job.page);
    finish_page(&job, STR("opstream.yaml"), 5);
    if (job.status == 0) {
        job.status = man_format_append_pipeline(&job.page, err);
    }
    finish_page(&job, STR("opstream-pipeline"), 5);
    if (job.status == 0) {
        job.status = man_manifest_append(&job.page, err);
    }
    finish_page(&job, STR("opstream-plugin.json"), 5);
    strbuf_finish(&job.page);
    return job.status;
}
