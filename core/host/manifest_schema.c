/* SPDX-License-Identifier: Apache-2.0 */
#include "core/host/manifest_schema.h"

#include "core/base/error.h"
#include "core/base/str.h"
#include "core/value/json.h"

/* In parts: there is a limit to what a compiler must take as one text. */
/* clang-format off */
static const char keys[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"id\",\"version\",\"abi\",\"nodes\"],"
    "\"properties\":{"
      "\"id\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
        "\"description\":\"The name of the plugin: lower-case letters, digits, '_' and '-', in parts with "
        "dots between. Yours is VENDOR.NAME; its file is VENDOR.NAME.so\"},"
      "\"version\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
        "\"description\":\"Of the plugin, MAJOR.MINOR.PATCH such as 1.2.3; it is that of the code\"},"
      "\"summary\":{\"type\":\"string\",\"maxLength\":200,"
        "\"description\":\"What the plugin is for, in one line\"},"
      "\"abi\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"epoch\"],"
        "\"description\":\"Which interface the code was written for\","
        "\"properties\":{"
          "\"epoch\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,"
            "\"description\":\"1; a plugin of another epoch is not loaded\"},"
          "\"minor_needed\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000,\"default\":0,"
            "\"description\":\"The minor version that added what the code uses; an older host does not "
            "load the plugin\"}}},"
      "\"interfaces\":{\"type\":\"object\",\"additionalProperties\":false,"
        "\"description\":\"The services of the host that the code uses. ops.value, ops.exec, ops.timer, "
        "ops.log and ops.secret are always there; what is not named here is NULL\",\"properties\":{"
        "\"required\":{\"$ref\":\"#/$defs/interfaces\","
          "\"description\":\"Those without which the plugin is not loaded, such as {\\\"ops.http\\\": 1}: "
          "the name, and the lowest version that will do\"},"
        "\"optional\":{\"$ref\":\"#/$defs/interfaces\","
          "\"description\":\"Those that it can do without: where the host lacks one, it is NULL\"}}},"
      "\"capabilities\":{\"type\":\"object\","
        "\"description\":\"What the plugin asks to be allowed\",\"properties\":{"
        "\"exec\":{\"type\":\"boolean\",\"default\":false,"
          "\"description\":\"To start child processes, by ops.process\"},"
        "\"secret.read\":{\"type\":\"boolean\",\"default\":false,"
          "\"description\":\"To read what secrets are in; to send one, to sign with it or to give it to a "
          "child takes no capability\"}}},"
      "\"isolation\":{\"enum\":[\"any\",\"process\"],\"default\":\"any\","
        "\"description\":\"process: never inside the orchestrator; a host without worker processes does "
        "not load it\"},"
      "\"license\":{\"type\":\"string\",\"maxLength\":200,"
        "\"description\":\"For people, such as Apache-2.0\"},"
      "\"docs\":{\"type\":\"string\",\"maxLength\":2000,"
        "\"description\":\"For people: an address, or a text\"},"
      "\"settings_schema\":{\"type\":\"object\","
        "\"description\":\"JSON Schema (2020-12) of what 'integrations' may set for the plugin. Without it "
        "there are no settings\"},"
      "\"rate_limit\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,"
        "\"description\":\"What the service allows, such as 200/minute: the rate_limit of the plugin's nodes "
        "where 'integrations' says none, nor off\"},"
      "\"nodes\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,"
        "\"description\":\"The node types of the plugin: those of its code, all of them\","
        "\"items\":{\"$ref\":\"#/$defs/node\"}}},";

static const char definitions[] =
    "\"$defs\":{"
      "\"interfaces\":{\"type\":\"object\",\"maxProperties\":100,"
        "\"additionalProperties\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000}},"
      "\"node\":{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":[\"type\",\"summary\",\"config_schema\"],"
        "\"properties\":{"
          "\"type\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128,"
            "\"description\":\"What pipelines call it: the id of the plugin, or the id, a dot and more\"},"
          "\"summary\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":200,"
            "\"description\":\"What it does, in one line\"},"
          "\"docs\":{\"type\":\"string\",\"maxLength\":2000,"
            "\"description\":\"For people: an address, or a text\"},"
          "\"config_version\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,\"default\":1,"
            "\"description\":\"That of the code: one more each time when an old config would mean something "
            "else\"},"
          "\"config_schema\":{\"type\":\"object\","
            "\"description\":\"JSON Schema (2020-12) of the config. What breaks it never comes to the code\"},"
          "\"output_schema\":{\"type\":\"object\","
            "\"description\":\"JSON Schema of the output: expressions in pipelines are checked against it. "
            "Without it the output may be anything\"},"
          "\"ports\":{\"type\":\"array\",\"maxItems\":100,\"uniqueItems\":true,"
            "\"description\":\"Outcomes besides success and error, by which edges leave the node\","
            "\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}},"
          "\"ports_from\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":200,"
            "\"description\":\"Outcomes that the config names: a JSON pointer into it, with '*' for each item\"},"
          "\"side_effects\":{\"type\":\"boolean\",\"default\":true,"
            "\"description\":\"false: it changes nothing outside, so that it runs again whenever nobody knows "
            "whether it had begun\"},"
          "\"idempotent\":{\"type\":\"boolean\",\"default\":false,"
            "\"description\":\"true: done twice is as done once, so that it is tried again although nobody knows "
            "what came of it\"},"
          "\"processes\":{\"type\":\"boolean\",\"default\":false,"
            "\"description\":\"true: it starts child processes, for which 'limits' of a node are\"},"
          "\"streams\":{\"type\":\"boolean\",\"default\":false,"
            "\"description\":\"true: it emits items before it ends\"},"
          "\"check\":{\"type\":\"boolean\",\"default\":false,"
            "\"description\":\"true: its code has a check(), which finds out whether the service is there\"},"
          "\"risk\":{\"enum\":[\"low\",\"medium\",\"high\",\"critical\"],\"default\":\"low\","
            "\"description\":\"How much care it needs; 'risk' of a node says otherwise\"}}}}}";
/* clang-format on */

int manifest_schema_read(struct document **out_schema, struct error *err)
{
    struct strbuf text = STRBUF_INIT;
    strbuf_append_text(&text, keys);
    strbuf_append_text(&text, definitions);
    int status = strbuf_status(&text) == 0 ? json_read(strbuf_str(&text), NULL, out_schema, err)
                                           : error_nomem(err);
    strbuf_finish(&text);
    return status;
}
