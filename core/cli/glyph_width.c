/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cli/glyph_width.h"

#include "core/base/utf8.h"

enum {
    FIRST = ' ',
    OTHER = 700, /* letters beyond ASCII: the wide ones among the common */
    WIDE = 1050, /* East Asian, emoji, and what is no UTF-8 */
};

/* Of printable ASCII, in thousandths of the size: a wide face, so that others fit, too. */
static const short normal_widths[] = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838,
};

static const short bold_widths[] = {
    348,  456, 521, 838, 696, 1002, 872, 306,  457, 457, 523, 838, 380, 415,  380, 365,
    696,  696, 696, 696, 696, 696,  696, 696,  696, 696, 400, 400, 838, 838,  838, 580,
    1000, 774, 762, 734, 830, 683,  683, 821,  837, 372, 372, 775, 637, 995,  837, 850,
    733,  850, 770, 720, 682, 812,  774, 1103, 771, 724, 725, 457, 365, 457,  838, 500,
    500,  675, 716, 593, 716, 678,  435, 716,  712, 343, 343, 665, 343, 1042, 712, 687,
    716,  716, 493, 595, 478, 712,  652, 924,  645, 652, 582, 712, 365, 712,  838,
};

enum { COUNT = sizeof(normal_widths) / sizeof(normal_widths[0]) };

static int width_of(uint32_t code, enum glyph_weight weight)
{
    if (code >= FIRST && code < FIRST + COUNT) {
        return weight == GLYPH_BOLD ? bold_widths[code - FIRST] : normal_widths[code - FIRST];
    }
    unsigned cells = utf8_width(code);
    return cells == 0 ? 0 : cells == 1 ? OTHER : WIDE;
}

size_t glyph_width_fit(struct str text, int size, enum glyph_weight weight, int pixels)
{
    int64_t width = 0;
    size_t i = 0;
    while (i < text.n) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + i, text.n - i, &code);
        width += length > 0 ? width_of(code, weight) : WIDE;
        if (width * size > (int64_t)pixels * 1000) {
            break;
        }
        i += length > 0 ? length : 1;
    }
    return i;
}

int glyph_width_measure(struct str text, int size, enum glyph_weight weight)
{
    enum { MOST = 1000000 };
    int64_t width = 0;
    for (size_t i = 0; i < text.n && width < MOST;) {
        uint32_t code = 0;
        size_t length = utf8_decode(text.p + i, text.n - i, &code);
        width += length > 0 ? width_of(code, weight) : WIDE;
        i += length > 0 ? length : 1;
    }
    return (int)((width * size + 999) / 1000);
}
