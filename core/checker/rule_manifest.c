/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on the manifest, as it stands in the file and beside it; no code of the plugin runs. */
#include <string.h>

#include "core/base/cleanup.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"
#include "core/host/manifest.h"
#include "core/host/version.h"

#define SIDECAR "plugin.json"

void rule_manifest_note(const struct subject *subject, struct verdict *verdict)
{
    if (subject->note_error.code != 0) {
        verdict_fail(verdict, "%s", subject->note_error.message);
    }
}

void rule_manifest_form(const struct subject *subject, struct verdict *verdict)
{
    if (subject->manifest_error.code != 0) {
        verdict_fail(verdict, "%s", subject->manifest_error.message);
    }
}

static void complain_of_difference(const char *path, struct str note, struct str sidecar,
                                   struct verdict *verdict)
{
    size_t at = 0;
    while (at < note.n && at < sidecar.n && note.p[at] == sidecar.p[at]) {
        at++;
    }
    if (at < note.n || at < sidecar.n) {
        verdict_fail(verdict,
                     "'%s' is another manifest than that in the plugin: it has %zu bytes, the "
                     "plugin's has %zu, and they differ from byte %zu on",
                     path, sidecar.n, note.n, at + 1);
    }
}

void rule_manifest_sidecar(const struct subject *subject, struct verdict *verdict)
{
    const char *slash = strrchr(subject->path, '/');
    struct strbuf path = STRBUF_INIT;
    struct strbuf text = STRBUF_INIT;
    struct error err = {0};
    strbuf_append(&path, subject->path, (size_t)(slash - subject->path) + 1);
    strbuf_append_text(&path, SIDECAR);
    if (strbuf_status(&path) != 0) {
        verdict_fail(verdict, "out of memory");
    } else if (subject_read_file(path.p, &text, &err) != 0) {
        verdict_fail(verdict, "%s", err.message);
    } else {
        complain_of_difference(path.p, strbuf_str(&subject->note.text), strbuf_str(&text), verdict);
    }
    strbuf_finish(&path);
    strbuf_finish(&text);
}

void rule_manifest_needs(const struct subject *subject, struct verdict *verdict)
{
    struct error err = {0};
    if (version_check(subject->manifest, &err) != 0) {
        verdict_fail(verdict, "%s", err.message);
    }
}
