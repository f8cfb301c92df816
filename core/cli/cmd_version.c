/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/commands.h"
#include "core/cli/exit_code.h"
#include "core/cli/terminal.h"
#include "core/host/cgroup.h"
#include "core/value/json.h"

static const struct command_option options[] = {
    {"verbose", 'v', NULL, "and by what steps are limited on this machine", false},
    {"json", 0, NULL, "print one JSON document", false},
    {NULL, 0, NULL, NULL, false},
};

/* What a step has of its group: the limits that it holds, and that all of it can be killed. */
static const struct {
    const char *key;
    unsigned controller; /* enum cgroup_controller; 0: none is needed */
} parts[] = {{"memory", CGROUP_MEMORY}, {"processes", CGROUP_PIDS}, {"cpu_time", 0}, {"kill", 0}};

enum { PART_COUNT = sizeof parts / sizeof parts[0] };

static void append_part(const struct cgroup *cgroup, size_t i, struct strbuf *out)
{
    if (parts[i].controller != 0) {
        cgroup_append_controller(cgroup, (enum cgroup_controller)parts[i].controller, out);
    } else {
        strbuf_append_text(out, "used");
    }
}

static void append_text(const struct cgroup *cgroup, struct strbuf *out)
{
    strbuf_append_text(out, "opstream " OPSTREAM_VERSION " (plugin interface 1.0)\n");
    if (cgroup == NULL) {
        return;
    }
    strbuf_append_text(out, "limits of steps: rlimits, and processes that are counted\n"
                            "cgroup v2 for them: ");
    cgroup_append_text(cgroup, out);
    strbuf_append_char(out, '\n');
    for (size_t i = 0; i < PART_COUNT && cgroup->state == CGROUP_THERE; i++) {
        strbuf_append_format(out, "  %-11s", parts[i].key);
        append_part(cgroup, i, out);
        strbuf_append_char(out, '\n');
    }
}

static void append_json_parts(const struct cgroup *cgroup, struct strbuf *out)
{
    for (size_t i = 0; i < PART_COUNT && cgroup->state == CGROUP_THERE; i++) {
        struct strbuf part = STRBUF_INIT;
        append_part(cgroup, i, &part);
        strbuf_append_format(out, ",\"%s\":", parts[i].key);
        json_write_string(strbuf_str(&part), out);
        strbuf_finish(&part);
    }
}

static void append_json(const struct cgroup *cgroup, struct strbuf *out)
{
    strbuf_append_text(out, "{\"version\":\"" OPSTREAM_VERSION
                            "\",\"plugin_abi\":{\"epoch\":1,\"minor\":0}");
    if (cgroup != NULL) {
        struct strbuf text = STRBUF_INIT;
        cgroup_append_text(cgroup, &text);
        strbuf_append_format(out, ",\"limits\":{\"by\":\"%s\",\"cgroup\":{\"state\":\"%s\"",
                             cgroup->state == CGROUP_THERE ? "rlimits and cgroup" : "rlimits",
                             cgroup_state_name(cgroup->state));
        strbuf_append_text(out, ",\"text\":");
        json_write_string(strbuf_str(&text), out);
        append_json_parts(cgroup, out);
        strbuf_append_text(out, "}}");
        strbuf_finish(&text);
    }
    strbuf_append_text(out, "}\n");
}

static int run(const struct command_args *args)
{
    struct cgroup cgroup;
    const struct cgroup *shown = NULL;
    struct strbuf out = STRBUF_INIT;
    if (command_has(args, "verbose")) {
        cgroup_look("", &cgroup);
        shown = &cgroup;
    }
    if (command_has(args, "json")) {
        append_json(shown, &out);
    } else {
        append_text(shown, &out);
    }
    int status = strbuf_status(&out) == 0 ? terminal_write_stdout(strbuf_str(&out))
                                          : command_error(EXIT_STATE, "out of memory");
    strbuf_finish(&out);
    return status;
}

const struct command cmd_version = {
    .name = "version",
    .group = "About",
    .summary = "print the version",
    .usage = "[-v] [--json]",
    .options = options,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
