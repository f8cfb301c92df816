/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on the file as the loader sees it; no code of it runs. */
#include <string.h>

#include "core/checker/elf_image.h"
#include "core/checker/rule.h"
#include "core/checker/subject.h"
#include "core/checker/verdict.h"

#define ENTRY_SYMBOL "opstream_plugin_v1"

void rule_static_elf(const struct subject *subject, struct verdict *verdict)
{
    if (subject->image_error.code != 0) {
        verdict_fail(verdict, "%s", subject->image_error.message);
    }
}

static bool is_entry_of_another_epoch(struct str name)
{
    static const char start[] = "opstream_plugin_v";
    size_t n = sizeof start - 1;
    return str_starts_with(name, str_from(start)) && name.n > n &&
           strspn(name.p + n, "0123456789") == name.n - n;
}

/* Gold shows them in every library: nobody asked for them, and they hide nothing of anybody's. */
static bool is_linkers_own(struct str name)
{
    return str_equal(name, STR("_end")) || str_equal(name, STR("_edata")) ||
           str_equal(name, STR("__bss_start"));
}

void rule_static_exports(const struct subject *subject, struct verdict *verdict)
{
    struct elf_symbol symbol;
    bool is_there = false;
    for (size_t i = 0; elf_image_symbol(&subject->image, i, &symbol); i++) {
        if (!symbol.is_defined || !symbol.is_visible || symbol.bind == STB_GNU_UNIQUE) {
            continue;
        }
        if (str_equal(symbol.name, STR(ENTRY_SYMBOL))) {
            is_there = true;
            if (symbol.type != STT_OBJECT) {
                verdict_fail(verdict, "'" ENTRY_SYMBOL "' is a function; it must be constant data");
            }
        } else if (!is_entry_of_another_epoch(symbol.name) && !is_linkers_own(symbol.name)) {
            verdict_fail(verdict, "it exports '%.*s'", STR_ARG(symbol.name));
        }
    }
    if (!is_there) {
        verdict_fail(verdict, "it does not export '" ENTRY_SYMBOL "'");
    }
}

void rule_static_unique(const struct subject *subject, struct verdict *verdict)
{
    struct elf_symbol symbol;
    for (size_t i = 0; elf_image_symbol(&subject->image, i, &symbol); i++) {
        if (symbol.bind == STB_GNU_UNIQUE) {
            verdict_fail(verdict, "'%.*s' is unique in the whole process", STR_ARG(symbol.name));
        }
    }
}

/* One of the flags `bit` in the entry `tag`. */
static bool has_flag(const struct elf_image *image, int64_t tag, uint64_t bit)
{
    uint64_t flags = 0;
    return elf_image_value(image, tag, &flags) && (flags & bit) != 0;
}

void rule_static_tls(const struct subject *subject, struct verdict *verdict)
{
    if (has_flag(&subject->image, DT_FLAGS, DF_STATIC_TLS)) {
        verdict_fail(verdict, "the flag DF_STATIC_TLS is set");
    }
}

void rule_static_textrel(const struct subject *subject, struct verdict *verdict)
{
    uint64_t value = 0;
    if (elf_image_value(&subject->image, DT_TEXTREL, &value) ||
        has_flag(&subject->image, DT_FLAGS, DF_TEXTREL)) {
        verdict_fail(verdict, "the loader has to write into its code (DT_TEXTREL)");
    }
    for (size_t i = 0; i < subject->image.load_count; i++) {
        const Elf64_Phdr *load = &subject->image.loads[i];
        if ((load->p_flags & PF_W) != 0 && (load->p_flags & PF_X) != 0) {
            verdict_fail(verdict, "the segment at 0x%llx can be written and run",
                         (unsigned long long)load->p_vaddr);
        }
    }
}

void rule_static_stack(const struct subject *subject, struct verdict *verdict)
{
    if (!subject->image.has_stack_header) {
        verdict_fail(verdict, "it has no PT_GNU_STACK, which asks for a stack that can be run");
    } else if ((subject->image.stack_flags & PF_X) != 0) {
        verdict_fail(verdict, "its PT_GNU_STACK asks for a stack that can be run");
    }
}

/*
 * Compilers put one function of their own first; it does nothing here. Where the file is stripped
 * it has no name: then one function is taken for it.
 */
static bool is_of_compiler(struct str name, size_t count)
{
    return str_equal(name, STR("frame_dummy")) || str_equal(name, STR("__do_global_dtors_aux")) ||
           (name.n == 0 && count == 1);
}

static void look_at_array(const struct elf_image *image, int64_t address_tag, int64_t size_tag,
                          const char *when, struct verdict *verdict)
{
    size_t count = elf_image_function_count(image, size_tag);
    size_t unnamed = 0;
    for (size_t i = 0; i < count; i++) {
        struct str name = elf_image_function(image, address_tag, i);
        if (name.n == 0 && count > 1) {
            unnamed++;
        } else if (!is_of_compiler(name, count)) {
            verdict_fail(verdict, "'%.*s' runs when %s", STR_ARG(name), when);
        }
    }
    if (unnamed > 1) {
        verdict_fail(verdict,
                     "%zu functions run when %s (it is stripped: build without -s to see their "
                     "names)",
                     unnamed - 1, when);
    }
}

/*
 * The start files of compilers have code of their own there, which begins the section: that is so
 * in stripped files too, and no function of an author begins it.
 */
static void look_at_start_code(const struct elf_image *image, int64_t tag, struct str section,
                               const char *when, struct verdict *verdict)
{
    const char *tag_name = tag == DT_INIT ? "DT_INIT" : "DT_FINI";
    uint64_t address = 0;
    if (!elf_image_value(image, tag, &address) || address == 0 ||
        elf_image_section_begins(image, section, address)) {
        return;
    }
    struct str name = elf_image_function_at(image, address);
    if (name.n > 0) {
        verdict_fail(verdict, "'%.*s' runs when %s (%s)", STR_ARG(name), when, tag_name);
    } else {
        verdict_fail(verdict,
                     "the function at 0x%llx runs when %s (%s is not the start of its section "
                     "%.*s)",
                     (unsigned long long)address, when, tag_name, STR_ARG(section));
    }
}

static void look_at_resolvers(const struct elf_image *image, struct verdict *verdict)
{
    struct elf_symbol symbol;
    size_t cursor = 0;
    uint64_t address = 0;
    for (size_t i = 0; elf_image_symbol(image, i, &symbol); i++) {
        if (symbol.is_defined && symbol.type == STT_GNU_IFUNC) {
            verdict_fail(verdict, "the resolver of '%.*s' runs when the library is loaded (IFUNC)",
                         STR_ARG(symbol.name));
        }
    }
    while (elf_image_next_resolver(image, &cursor, &address)) {
        struct str name = elf_image_function_at(image, address);
        if (name.n > 0) {
            verdict_fail(verdict, "the resolver '%.*s' runs when the library is loaded (IFUNC)",
                         STR_ARG(name));
        } else {
            verdict_fail(verdict, "the resolver at 0x%llx runs when the library is loaded (IFUNC)",
                         (unsigned long long)address);
        }
    }
}

void rule_static_constructors(const struct subject *subject, struct verdict *verdict)
{
    look_at_start_code(&subject->image, DT_INIT, STR(".init"), "the library is loaded", verdict);
    look_at_start_code(&subject->image, DT_FINI, STR(".fini"), "the program ends", verdict);
    look_at_resolvers(&subject->image, verdict);
    look_at_array(&subject->image, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, "the library is loaded",
                  verdict);
    look_at_array(&subject->image, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, "the program ends", verdict);
}

void rule_static_rpath(const struct subject *subject, struct verdict *verdict)
{
    Elf64_Dyn entry;
    for (size_t i = 0; elf_image_dynamic(&subject->image, i, &entry); i++) {
        if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH) {
            struct str path = elf_image_text(&subject->image, entry.d_un.d_val);
            verdict_fail(verdict, "its %s is '%.*s'", entry.d_tag == DT_RPATH ? "RPATH" : "RUNPATH",
                         STR_ARG(path));
        }
    }
}

void rule_static_build_id(const struct subject *subject, struct verdict *verdict)
{
    if (!subject->image.has_build_id) {
        verdict_fail(verdict, "it has no note with a build id");
    }
}
