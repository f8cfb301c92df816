/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/brought_env.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/cli/command.h"
#include "core/cli/engine_command.h"
#include "core/model/bundle.h"
#include "core/value/json.h"
#include "core/value/secrets.h"
#include "core/value/value.h"

static int take_options(const struct command_args *args)
{
    const char *option = NULL;
    for (size_t i = 0; (option = command_value_at(args, "env", i)) != NULL; i++) {
        const char *equals = strchr(option, '=');
        char *name = equals != NULL ? str_dup(str_make(option, (size_t)(equals - option))) : NULL;
        bool is_set = name != NULL && name[0] != '\0' && setenv(name, equals + 1, 1) == 0;
        free(name);
        if (!is_set) {
            return command_error(EXIT_USAGE, "--env: '%s' is not NAME=VALUE", option);
        }
    }
    return EXIT_DONE;
}

void brought_env_write(const struct bundle *bundle, struct strbuf *out)
{
    const char *separator = "";
    strbuf_append_text(out, "\"env\":{");
    for (size_t i = 0; bundle_env_at(bundle, i).n > 0; i++) {
        struct str name = bundle_env_at(bundle, i);
        char *text = str_dup(name);
        bool is_secret = str_starts_with(name, STR(SECRETS_VARIABLE_PREFIX));
        const char *value = text != NULL && !is_secret ? getenv(text) : NULL;
        free(text);
        if (value != NULL) {
            strbuf_append_text(out, separator);
            json_write_string(name, out);
            strbuf_append_char(out, ':');
            json_write_string(str_from(value), out);
            separator = ",";
        }
    }
    strbuf_append_char(out, '}');
}

static int make_body(const struct document *definition, struct strbuf *out)
{
    struct error err = {0};
    struct bundle *bundle = NULL;
    const struct value *source = value_get(document_root(definition), STR("source"));
    struct str text = value_is(source, VALUE_STRING) ? value_str(source) : STR("");
    int status = bundle_read(text, &bundle, &err);
    if (status == 0) {
        brought_env_write(bundle, out);
        status = strbuf_status(out) == 0 ? 0 : error_nomem(&err);
    }
    bundle_destroy(bundle);
    return status == 0 ? EXIT_DONE : command_error(EXIT_STATE, "%s", err.message);
}

int brought_env_append(struct engine_session *session, const struct command_args *args,
                       struct strbuf *out)
{
    cleanup_document struct document *definition = NULL;
    int code = take_options(args);
    if (code == EXIT_DONE) {
        code =
            engine_command_get_job(session, args->operands[0], "/definition", STR(""), &definition);
    }
    return code == EXIT_DONE ? make_body(definition, out) : code;
}
