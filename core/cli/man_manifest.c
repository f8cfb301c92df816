/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/man_manifest.h"

#include <inttypes.h>

#include "core/base/str.h"
#include "core/cli/man_roff.h"
#include "core/host/manifest_schema.h"
#include "core/value/value.h"

/* A map of the manifest, under a heading. */
struct part {
    const char *title;
    const char *text;    /* before its keys */
    const char *pointer; /* to its schema, in that of manifests */
};

static const struct part parts[] = {
    {"THE MANIFEST", "The keys of the whole.\n", ""},
    {"ABI", "The keys of abi.\n", "/properties/abi"},
    {"INTERFACES", "The keys of interfaces.\n", "/properties/interfaces"},
    {"CAPABILITIES", "The keys of capabilities. With another one a plugin is not loaded.\n",
     "/properties/capabilities"},
    {"A NODE TYPE", "The keys of an item of nodes.\n", "/$defs/node"},
};

/* What the schemas inside a manifest know beside JSON Schema: those who look for them read them. */
static const struct {
    const char *name;
    const char *kind;
    const char *text;
} marks[] = {
    {"x-ops-secret", "true or false",
     "A secret may stand here: the code gets a handle of it, and not its bytes"},
    {"x-ops-public", "true or false",
     "Beside x-ops-secret: what stands here as it is need not be hidden"},
    {"x-ops-raw", "true or false", "The value is taken as it is written: no templates"},
    {"x-ops-origin", "true, or JSON pointer",
     "The URL of the service that is called, or where in the settings the URL is of what this key "
     "names, such as /services/*/base_url"},
    {"x-ops-names", "JSON pointer",
     "The map in the settings that has the name that stands here, such as /services: one that is "
     "not there is found before anything runs"},
    {"x-ops-unused", "text", "A setting that has no effect yet, and why: who sets it is warned"},
};

static const char example[] =
    "{\n"
    "  \"id\": \"acme.weather\",\n"
    "  \"version\": \"1.0.0\",\n"
    "  \"summary\": \"What the weather is like\",\n"
    "  \"abi\": {\"epoch\": 1},\n"
    "  \"interfaces\": {\"required\": {\"ops.http\": 1}},\n"
    "  \"nodes\": [\n"
    "    {\n"
    "      \"type\": \"acme.weather.now\",\n"
    "      \"summary\": \"Asks for the weather of a place\",\n"
    "      \"side_effects\": false,\n"
    "      \"config_schema\": {\n"
    "        \"type\": \"object\",\n"
    "        \"required\": [\"url\"],\n"
    "        \"additionalProperties\": false,\n"
    "        \"properties\": {\n"
    "          \"url\": {\"type\": \"string\", \"format\": \"uri\", \"x-ops-origin\": true},\n"
    "          \"token\": {\"type\": \"string\", \"x-ops-secret\": true}\n"
    "        }\n"
    "      }\n"
    "    }\n"
    "  ]\n"
    "}\n";

/* ---- One key ---- */

static struct str text_at(const struct value *map, const char *key)
{
    const struct value *text = value_get(map, str_from(key));
    return value_is(text, VALUE_STRING) ? value_str(text) : str_make("", 0);
}

static const struct value *follow(const struct value *root, const struct value *schema)
{
    const struct value *ref = value_get(schema, STR("$ref"));
    if (!value_is(ref, VALUE_STRING)) {
        return schema;
    }
    struct str text = value_str(ref);
    return value_pointer(root, str_make(text.p + 1, text.n - 1));
}

static void append_bounds(const struct value *schema, const char *least, const char *most,
                          const char *unit, struct strbuf *out)
{
    const struct value *low = value_get(schema, str_from(least));
    const struct value *high = value_get(schema, str_from(most));
    if (low != NULL && high != NULL) {
        strbuf_append_format(out, ", %" PRId64 " to %" PRId64 "%s", value_int(low), value_int(high),
                             unit);
    } else if (high != NULL) {
        strbuf_append_format(out, ", up to %" PRId64 "%s", value_int(high), unit);
    }
}

static void append_choices(const struct value *choices, struct strbuf *out)
{
    for (size_t i = 0; i < value_count(choices); i++) {
        strbuf_append_text(out, i > 0 ? " | " : "");
        strbuf_append_str(out, value_str(value_at(choices, i)));
    }
}

static void append_kind(const struct value *schema, struct strbuf *out)
{
    const struct value *choices = value_get(schema, STR("enum"));
    const struct str type = text_at(schema, "type");
    const struct value *others = value_get(schema, STR("additionalProperties"));
    if (choices != NULL) {
        append_choices(choices, out);
    } else if (str_equal(type, STR("string"))) {
        strbuf_append_text(out, "text");
        append_bounds(schema, "minLength", "maxLength", " characters", out);
    } else if (str_equal(type, STR("integer"))) {
        strbuf_append_text(out, "number");
        append_bounds(schema, "minimum", "maximum", "", out);
    } else if (str_equal(type, STR("boolean"))) {
        strbuf_append_text(out, "true or false");
    } else if (str_equal(type, STR("array"))) {
        const struct value *items = value_get(schema, STR("items"));
        bool is_text = str_equal(text_at(items, "type"), STR("string"));
        strbuf_append_text(out, is_text ? "list of texts" : "list of maps");
        append_bounds(schema, "minItems", "maxItems", "", out);
    } else if (value_is(others, VALUE_MAP)) {
        strbuf_append_text(out, "map, each value a ");
        append_kind(others, out);
    } else {
        strbuf_append_text(out, "map");
    }
}

static bool is_required(const struct value *schema, struct str key)
{
    const struct value *required = value_get(schema, STR("required"));
    for (size_t i = 0; required != NULL && i < value_count(required); i++) {
        if (str_equal(value_str(value_at(required, i)), key)) {
            return true;
        }
    }
    return false;
}

static void append_item(struct str name, struct str kind, struct str text, struct strbuf *out)
{
    man_roff_item_begin(out);
    man_roff_bold(out, name);
    strbuf_append_text(out, " (");
    man_roff_italic(out, kind);
    strbuf_append_text(out, ")\n");
    man_roff_text(out, text);
    strbuf_append_char(out, '.');
}

static void append_key(const struct value *root, const struct value *map,
                       const struct value_member *member, struct strbuf *out)
{
    struct strbuf kind = STRBUF_INIT;
    struct str name = value_str(&member->key);
    append_kind(follow(root, &member->value), &kind);
    append_item(name, strbuf_str(&kind), text_at(&member->value, "description"), out);
    man_roff_default(out, value_get(&member->value, STR("default")));
    strbuf_append_text(out, is_required(map, name) ? " It is needed." : "");
    man_roff_item_end(out);
    strbuf_finish(&kind);
}

/* ---- The page ---- */

static void append_parts(const struct value *root, struct strbuf *out)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct value *map = value_pointer(root, str_from(parts[i].pointer));
        const struct value *keys = value_get(map, STR("properties"));
        man_roff_section(out, parts[i].title);
        man_roff_paragraphs(out, str_from(parts[i].text));
        for (size_t k = 0; k < value_count(keys); k++) {
            append_key(root, map, value_member_at(keys, k), out);
        }
    }
}

static void append_marks(struct strbuf *out)
{
    man_roff_section(out, "MARKS IN SCHEMAS");
    man_roff_paragraphs(
        out, STR("settings_schema, config_schema and output_schema are JSON Schema 2020-12. A key\n"
                 "that is none of its keywords is refused, with its place, but for those that\n"
                 "begin with 'x-', which are yours. Those that begin with 'x-ops-' are these\n"
                 "marks, of settings and configs:\n"));
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        append_item(str_from(marks[i].name), str_from(marks[i].kind), str_from(marks[i].text), out);
        man_roff_item_end(out);
    }
}

int man_manifest_append(struct strbuf *out, struct error *err)
{
    static const char *const pages[] = {
        "opstream(1)",
        "opstream-plugin-new(1)",
        "opstream-plugin-check(1)",
        "opstream-plugin-inspect(1)",
        "opstream-nodes(1)",
        "opstream.yaml(5)",
        "opstream-pipeline(5)",
        NULL,
    };
    struct document *schema = NULL;
    int status = manifest_schema_read(&schema, err);
    if (status != 0) {
        return status;
    }
    man_roff_begin(out, STR("opstream-plugin.json"), 5);
    man_roff_name(out, STR("opstream-plugin.json"), "the manifest of a plugin");
    man_roff_section(out, "SYNOPSIS");
    man_roff_text(out, STR("manifest.json, ID/plugin.json"));
    strbuf_append_char(out, '\n');
    man_roff_section(out, "DESCRIPTION");
    man_roff_paragraphs(
        out,
        STR("The manifest says what a plugin is and which node types it has. Its author writes\n"
            "manifest.json; the build puts it into ID.so, and beside that as plugin.json, for\n"
            "people and programs. OpStream believes the one in ID.so, reads it without running\n"
            "any code, and refuses a plugin whose manifest has a key that is not here.\n\n"
            "A manifest is JSON, one object, in UTF-8. 'opstream plugin inspect manifest.json'\n"
            "looks at it before anything is built, 'opstream plugin check ID.so' afterwards.\n"));
    append_parts(document_root(schema), out);
    append_marks(out);
    man_roff_section(out, "EXAMPLES");
    man_roff_example(out, str_from(example));
    man_roff_see_also(out, pages);
    document_unref(schema);
    return 0;
}
