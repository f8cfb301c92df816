/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/foreign.h"

#include <string.h>

#include "core/base/suggest.h"
#include "core/model/format.h"
#include "core/model/report.h"
#include "core/model/tree.h"

/* The first line that says something: mermaid's comments begin with "%%". */
static struct str first_line(struct str text)
{
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
        struct str line = str_trim(str_make(text.p, n));
        if (line.n > 0 && !str_starts_with(line, STR("%%"))) {
            return line;
        }
        n += end != NULL;
        text = str_make(text.p + n, text.n - n);
    }
    return text;
}

bool foreign_is_diagram(const struct report *report)
{
    static const char *const words[] = {"graph ", "flowchart ", "digraph ", "stateDiagram"};
    struct str line = first_line(report->source);
    if (line.n == 0 || memchr(line.p, ':', line.n) != NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_starts_with(line, str_from(words[i]))) {
            report_error(report, (struct place){.line = 1, .column = 1},
                         "this is a diagram, not a pipeline");
            report_hint(report,
                        "`opstream graph` draws a pipeline; nothing makes one of a drawing");
            return true;
        }
    }
    return false;
}

/* What a pipeline is known by. */
static const char *const marks[] = {"id",    "name",  "workflow", "workflows",
                                    "nodes", "edges", "steps",    "states",
                                    "tools", "type",  "service",  "extends"};

static bool is_near_a_mark(struct str key)
{
    struct suggest nearest = suggest_start(key);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        suggest_offer(&nearest, str_from(marks[i]));
    }
    return nearest.best.n > 0;
}

/* The first key that no pipeline has; NULL when the map may be meant as one. */
static const struct tree_member *find_unknown(const struct tree *map)
{
    const struct tree_member *unknown = NULL;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (tree_get(map, str_from(marks[i])) != NULL) {
            return NULL;
        }
    }
    for (uint32_t i = 0; i < map->count; i++) {
        const struct tree_member *member = &map->as.members[i];
        if (format_find(format_pipeline_keys, member->key.text) != NULL) {
            continue;
        }
        if (is_near_a_mark(member->key.text)) {
            return NULL;
        }
        unknown = unknown != NULL ? unknown : member;
    }
    return unknown;
}

/* Without its folders. */
static const char *file_name(const struct report *report)
{
    const char *slash = report->file != NULL ? strrchr(report->file, '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : report->file;
    return name != NULL && strcmp(name, "-") != 0 ? name : "FILE.yaml";
}

bool foreign_is_settings(const struct report *report, const struct tree *map)
{
    const struct tree_member *unknown = find_unknown(map);
    if (unknown == NULL) {
        return false;
    }

    report_error(report, unknown->key.place,
                 "this is not a pipeline: it has '%.*s', but no 'name' or 'id' and nothing to run",
                 STR_ARG(unknown->key.text));
    report_hint(report,
                "settings of a plugin go under 'integrations' of a pipeline, or are named "
                "there: integrations: {PLUGIN: %s}",
                file_name(report));
    return true;
}
