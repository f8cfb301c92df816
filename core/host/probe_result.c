/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/probe_result.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/build_id.h"
#include "core/host/private_file.h"
#include "core/value/builder.h"
#include "core/value/json.h"
#include "core/value/value.h"

enum { RESULT_FORMAT = 2, RESULT_MAX_BYTES = 256 * 1024 };

static const char *const outcome_names[PROBE_OUTCOME_COUNT] = {"passed", "crashed", "exited",
                                                               "hung", "refused"};

static const char *const stage_names[PROBE_STAGE_COUNT] = {
    "open", "dlopen", "symbol", "descriptor", "init", "create", "destroy", "shutdown", "exit"};

const char *probe_stage_name(enum probe_stage stage)
{
    return (unsigned)stage < PROBE_STAGE_COUNT ? stage_names[stage] : "?";
}

const char *probe_outcome_name(enum probe_outcome outcome)
{
    return outcome_names[outcome];
}

void probe_result_finish(struct probe_result *result)
{
    strbuf_finish(&result->message);
    strbuf_finish(&result->version);
    strbuf_finish(&result->file);
    strbuf_finish(&result->stack);
    strbuf_finish(&result->output);
    *result = PROBE_RESULT_INIT;
}

/* ---- Text ---- */

void probe_result_append_signal(int signal, struct strbuf *out)
{
    const char *name = sigabbrev_np(signal);
    if (name != NULL) {
        strbuf_append_format(out, "SIG%s", name);
    } else {
        strbuf_append_format(out, "signal %d", signal);
    }
}

void probe_result_append_text(const struct probe_result *result, struct strbuf *out)
{
    const char *stage = probe_stage_name(result->stage);
    switch (result->outcome) {
    case PROBE_PASSED:
        strbuf_append_text(out, "passed");
        break;
    case PROBE_CRASHED:
        strbuf_append_format(out, "crashed in %s with ", stage);
        probe_result_append_signal(result->signal, out);
        break;
    case PROBE_EXITED:
        strbuf_append_format(out, "ended the process with code %d in %s", result->exit_code, stage);
        break;
    case PROBE_HUNG:
        strbuf_append_format(out, "hung in %s: killed after %g s", stage,
                             (double)result->limit_ms / 1000);
        break;
    case PROBE_REFUSED:
        strbuf_append_format(out, "refused in %s (", stage);
        strbuf_append_str(out, strbuf_str(&result->message));
        strbuf_append_char(out, ')');
        break;
    case PROBE_OUTCOME_COUNT:
        break;
    }
}

/* ---- Files ---- */

static bool make_path(const char *folder, const char *hash, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s.json", folder, hash);
    return n > 0 && n < PATH_MAX;
}

static int result_build(const struct probe_result *result, struct document **out_document)
{
    struct builder *b = builder_create();
    builder_map_begin(b);
    builder_member_int(b, STR("format"), RESULT_FORMAT);
    builder_member_string(b, STR("host"), str_from(OPSTREAM_BUILD_ID));
    builder_member_string(b, STR("message"), strbuf_str(&result->message));
    builder_member_string(b, STR("version"), strbuf_str(&result->version));
    builder_member_string(b, STR("file"), strbuf_str(&result->file));
    builder_member_int(b, STR("tried_unix_ms"), result->tried_unix_ms);
    builder_member_string(b, STR("outcome"), str_from(outcome_names[result->outcome]));
    builder_member_string(b, STR("stage"), str_from(probe_stage_name(result->stage)));
    builder_member_int(b, STR("signal"), result->signal);
    builder_member_int(b, STR("exit_code"), result->exit_code);
    builder_member_int(b, STR("limit_ms"), result->limit_ms);
    builder_member_string(b, STR("stack"), strbuf_str(&result->stack));
    builder_member_string(b, STR("output"), strbuf_str(&result->output));
    builder_map_end(b);
    return builder_finish(b, out_document, NULL);
}

int probe_result_write(const char *folder, const char *hash, const struct probe_result *result)
{
    char path[PATH_MAX];
    cleanup_document struct document *document = NULL;
    struct strbuf text = STRBUF_INIT;
    if (!make_path(folder, hash, path)) {
        return ENAMETOOLONG;
    }
    if (result_build(result, &document) != 0) {
        return ENOMEM;
    }

    json_write(document_root(document), JSON_PRETTY, &text);
    strbuf_append_char(&text, '\n');
    int errnum = strbuf_status(&text) == 0 ? private_file_replace(path, strbuf_str(&text)) : ENOMEM;
    strbuf_finish(&text);
    return errnum;
}

bool probe_result_remove(const char *folder, const char *hash)
{
    char path[PATH_MAX];
    return make_path(folder, hash, path) && unlink(path) == 0;
}

static bool take_text(const struct value *map, struct str key, struct strbuf *out)
{
    const struct value *member = value_get(map, key);
    if (!value_is(member, VALUE_STRING)) {
        return false;
    }
    strbuf_append_str(out, value_str(member));
    return strbuf_status(out) == 0;
}

static bool take_number(const struct value *map, struct str key, int64_t most, int64_t *out)
{
    const struct value *member = value_get(map, key);
    if (!value_is(member, VALUE_INT) || value_int(member) < 0 || value_int(member) > most) {
        return false;
    }
    *out = value_int(member);
    return true;
}

static bool take_name(const struct value *map, struct str key, const char *const *names,
                      unsigned count, unsigned *out)
{
    const struct value *member = value_get(map, key);
    for (unsigned i = 0; value_is(member, VALUE_STRING) && i < count; i++) {
        if (str_equal_text(value_str(member), names[i])) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool is_of_this_build(const struct value *map)
{
    const struct value *host = value_get(map, STR("host"));
    int64_t format = 0;
    return take_number(map, STR("format"), RESULT_FORMAT, &format) && format == RESULT_FORMAT &&
           value_is(host, VALUE_STRING) && str_equal_text(value_str(host), OPSTREAM_BUILD_ID);
}

static bool result_take(const struct value *map, struct probe_result *out)
{
    unsigned outcome = 0;
    unsigned stage = 0;
    int64_t signal = 0;
    int64_t exit_code = 0;
    bool is_whole = is_of_this_build(map) &&
                    take_name(map, STR("outcome"), outcome_names, PROBE_OUTCOME_COUNT, &outcome) &&
                    take_name(map, STR("stage"), stage_names, PROBE_STAGE_COUNT, &stage) &&
                    take_number(map, STR("signal"), 128, &signal) &&
                    take_number(map, STR("exit_code"), 255, &exit_code) &&
                    take_number(map, STR("limit_ms"), INT64_MAX, &out->limit_ms) &&
                    take_number(map, STR("tried_unix_ms"), INT64_MAX, &out->tried_unix_ms) &&
                    take_text(map, STR("message"), &out->message) &&
                    take_text(map, STR("version"), &out->version) &&
                    take_text(map, STR("file"), &out->file) &&
                    take_text(map, STR("stack"), &out->stack) &&
                    take_text(map, STR("output"), &out->output);
    out->outcome = (enum probe_outcome)outcome;
    out->stage = (enum probe_stage)stage;
    out->signal = (int)signal;
    out->exit_code = (int)exit_code;
    return is_whole;
}

bool probe_result_read(const char *folder, const char *hash, struct probe_result *out)
{
    char path[PATH_MAX];
    cleanup_document struct document *document = NULL;
    struct strbuf text = STRBUF_INIT;
    bool is_good = make_path(folder, hash, path) &&
                   private_file_read(path, RESULT_MAX_BYTES, NULL, &text) &&
                   json_read(strbuf_str(&text), NULL, &document, NULL) == 0 &&
                   result_take(document_root(document), out);
    strbuf_finish(&text);
    if (!is_good) {
        probe_result_finish(out);
    }
    return is_good;
}
