/* See boundary.h. */
#include "fuzz/boundary.h"

#include <pagelab/compiler.h>

#include <stddef.h>
#include <string.h>

#include "engine/program_operands.h"
#include "fuzz/life.h"

#define OPERANDS_AT 2u
#define CODE_EDGE   0x8000u /* the two top bits of a code of two bytes: an edge, */
#define CODE_BESIDE 0xc000u /* an edge and some frames; see operands_decode */
#define CODE_PAGES  3u      /* sizes of 0 to 2 pages come before the edges */
#define CODE_PAGE   1u      /* a size of one page: what other operands are while one is at an edge */

static const uint16_t numbers8[] = {0, 1, 2, 3, 4, 7, 8, 15, 16, 127, 128, 254, 255};
static const uint16_t numbers16[] = {0, 1, 2, 3, 255, 256, 511, 512, 513, 0x7fff, 0x8000, 0xfffe, 0xffff};

unsigned boundary_edge_code(unsigned edge, int frames)
{
    if (frames == 0)
        return CODE_EDGE | edge;
    return CODE_BESIDE | (unsigned)(frames + 128) << 6 | edge;
}

unsigned boundary_name_count(const struct op_operand *operand)
{
    unsigned count = 0;
    while (operand->names != NULL && operand->names[count].name != NULL)
        count++;
    return count;
}

/* No bit, each bit, each pair: an illegal combination is one of two. */
static unsigned bits_code(unsigned bits, unsigned which)
{
    if (which == 0)
        return 0;
    if (which <= bits)
        return 1u << (which - 1);
    which -= bits + 1;
    for (unsigned high = 1; high < bits; high++) {
        if (which < high)
            return 1u << high | 1u << which;
        which -= high;
    }
    return (1u << bits) - 1;
}

unsigned boundary_code_count(const struct op_operand *operand)
{
    unsigned names = boundary_name_count(operand);
    switch (operand->form) {
    case OP_NUMBER8:
        return (unsigned)PL_COUNT_OF(numbers8);
    case OP_NUMBER16:
        return (unsigned)PL_COUNT_OF(numbers16);
    case OP_BYTES:
    case OP_EDGE32:
        return CODE_PAGES + op_edge_count;
    case OP_ALIGN:
        return op_alignment_count;
    case OP_BITS:
    case OP_BITS16:
        return 2 + names + names * (names == 0 ? 0 : names - 1) / 2;
    case OP_NAME:
        break;
    }
    return names == 0 ? 1 : names;
}

unsigned boundary_code(const struct op_operand *operand, unsigned which)
{
    switch (operand->form) {
    case OP_NUMBER8:
        return numbers8[which % PL_COUNT_OF(numbers8)];
    case OP_NUMBER16:
        return numbers16[which % PL_COUNT_OF(numbers16)];
    case OP_BYTES:
    case OP_EDGE32:
        return which < CODE_PAGES ? which : boundary_edge_code((which - CODE_PAGES) % op_edge_count, 0);
    case OP_BITS:
    case OP_BITS16:
        return bits_code(boundary_name_count(operand), which);
    case OP_ALIGN:
    case OP_NAME:
        break;
    }
    return which;
}

/* --- records --- */

static void put_code(uint8_t *record, unsigned at, const struct op_operand *operand, unsigned code)
{
    record[at] = (uint8_t)code;
    if (operands_form_bytes(operand->form) == 2)
        record[at + 1] = (uint8_t)(code >> 8);
}

/* The next operand that takes bytes of its own, its place in the record in `at`; NULL: no more. */
static const struct op_operand *next_operand(const struct op_operand *operand, unsigned *at, unsigned *next)
{
    while (operand->name != NULL && (operand->place == OP_AT_SLOT || operand->place == OP_AT_OTHER))
        operand++;
    if (operand->name == NULL || *next + operands_form_bytes(operand->form) > PROGRAM_RECORD_BYTES)
        return NULL;
    *at = *next;
    *next += operands_form_bytes(operand->form);
    return operand;
}

/* Sizes are one page, all else is zero. */
static void plain_record(enum op_family family, unsigned kind, uint8_t record[PROGRAM_RECORD_BYTES])
{
    unsigned at = 0;
    unsigned next = OPERANDS_AT;
    memset(record, 0, PROGRAM_RECORD_BYTES);
    record[0] = (uint8_t)family_index_of(family, kind);
    const struct op_operand *operand = next_operand(op_info(kind)->operands, &at, &next);
    for (; operand != NULL; operand = next_operand(operand + 1, &at, &next)) {
        if (operand->form == OP_BYTES || operand->form == OP_EDGE32)
            put_code(record, at, operand, CODE_PAGE);
    }
}

static void visit_kind(enum op_family family, unsigned kind, boundary_visit *visit, void *self)
{
    uint8_t plain[PROGRAM_RECORD_BYTES];
    uint8_t record[PROGRAM_RECORD_BYTES];
    unsigned at = 0;
    unsigned next = OPERANDS_AT;
    plain_record(family, kind, plain);
    visit(self, kind, plain);
    const struct op_operand *operand = next_operand(op_info(kind)->operands, &at, &next);
    for (; operand != NULL; operand = next_operand(operand + 1, &at, &next)) {
        for (unsigned which = 0; which < boundary_code_count(operand); which++) {
            memcpy(record, plain, sizeof(record));
            put_code(record, at, operand, boundary_code(operand, which));
            if (memcmp(record, plain, sizeof(record)) != 0)
                visit(self, kind, record);
        }
    }
}

/* Frames: each order and class, and runs whose size, alignment or boundary is at an edge. */
static void visit_frames(boundary_visit *visit, void *self)
{
    static const uint8_t runs[] = {0,   1,   2,   3,   127, 239, 240, 241, 242,
                                   243, 244, 245, 246, 247, 250, 252, 254, 255};
    for (unsigned order = 0; order < 16; order++) {
        for (unsigned alloc_class = 0; alloc_class < 3; alloc_class++)
            visit(self, OP_ALLOC,
                  (const uint8_t[PROGRAM_RECORD_BYTES]){0, (uint8_t)(order | alloc_class << 4)});
    }
    for (unsigned i = 0; i < PL_COUNT_OF(runs); i++) {
        for (unsigned edge = 0; edge < 3; edge++)
            visit(self, OP_ALLOC_RUN,
                  (const uint8_t[PROGRAM_RECORD_BYTES]){20, [4] = runs[i],
                                                        [7] = (uint8_t)(edge == 1   ? 9u
                                                                        : edge == 2 ? 9u << 4
                                                                                    : 0)});
    }
}

void boundary_each(enum op_family family, boundary_visit *visit, void *self)
{
    if (family == OP_FAMILY_PAGE) {
        visit_frames(visit, self);
        return;
    }
    for (unsigned kind = OP_PAGE_END; kind < OP_KIND_COUNT; kind++) {
        if (op_info(kind)->name != NULL && family_index_of(family, kind) != OP_FAMILY_INDEXES)
            visit_kind(family, kind, visit, self);
    }
}

/* --- dictionary --- */

struct dictionary {
    FILE *out;
    uint32_t count;
};

static void write_entry(void *self, unsigned kind, const uint8_t record[PROGRAM_RECORD_BYTES])
{
    struct dictionary *dictionary = self;
    (void)kind;
    fputc('"', dictionary->out);
    for (unsigned i = 0; i < PROGRAM_RECORD_BYTES; i++)
        fprintf(dictionary->out, "\\x%02x", record[i]);
    fputs("\"\n", dictionary->out);
    dictionary->count++;
}

uint32_t boundary_write_dictionary(enum op_family family, FILE *out)
{
    struct dictionary dictionary = {out, 0};
    fprintf(out, "# Boundary records of programs of family %s.\n", op_family_names[family]);
    boundary_each(family, write_entry, &dictionary);
    return dictionary.count;
}

/* --- programs --- */

/* One program that is being filled; a variant takes another life where a system has several of one sort. */
struct filler {
    enum op_family family;
    unsigned variant;
    boundary_take *take;
    void *self;
    uint32_t number;
    unsigned kind; /* of the records in it */
    size_t byte_count;
    uint8_t bytes[PROGRAM_BYTES_MAX];
};

static void flush(struct filler *filler)
{
    if (filler->byte_count > PROGRAM_HEADER_BYTES)
        filler->take(filler->self, filler->number++, filler->bytes, filler->byte_count);
    memset(filler->bytes, 0, PROGRAM_HEADER_BYTES);
    filler->bytes[3] = 1; /* floors 0, 2, 8 */
    filler->bytes[5] = (uint8_t)filler->family;
    filler->byte_count = PROGRAM_HEADER_BYTES;
}

static void append(struct filler *filler, const uint8_t record[PROGRAM_RECORD_BYTES])
{
    memcpy(filler->bytes + filler->byte_count, record, PROGRAM_RECORD_BYTES);
    filler->byte_count += PROGRAM_RECORD_BYTES;
}

/* The life of the kind's system that gives a handle of this sort, the variant-th; NULL: none, or it is what
 * the kind itself makes. */
static const struct life *life_for(const struct filler *filler, unsigned kind, bool other)
{
    const struct life *found[8];
    unsigned count = 0;
    for (uint32_t i = 0; i < life_count && count < PL_COUNT_OF(found); i++) {
        if (lives[i].other != other || system_of(lives[i].make) != system_of(kind))
            continue;
        if (lives[i].make == kind)
            return NULL;
        found[count++] = &lives[i];
    }
    return count == 0 ? NULL : found[filler->variant % count];
}

static void fill(void *self, unsigned kind, const uint8_t record[PROGRAM_RECORD_BYTES])
{
    struct filler *filler = self;
    const struct life *life[2] = {NULL, NULL};
    uint8_t made[PROGRAM_RECORD_BYTES];
    for (unsigned other = 0; filler->family != OP_FAMILY_PAGE && other < 2; other++)
        life[other] = life_for(filler, kind, other == 1);
    if (kind != filler->kind || filler->byte_count + (size_t)5 * PROGRAM_RECORD_BYTES > PROGRAM_BYTES_MAX)
        flush(filler);
    filler->kind = kind;
    for (unsigned other = 0; other < 2; other++) {
        if (life[other] != NULL) {
            plain_record(filler->family, life[other]->make, made);
            append(filler, made);
        }
    }
    append(filler, record);
    for (unsigned other = 2; other-- > 0;) {
        if (life[other] != NULL) {
            plain_record(filler->family, life[other]->release, made);
            append(filler, made);
        }
    }
}

void boundary_programs(enum op_family family, boundary_take *take, void *self)
{
    struct filler filler = {.family = family, .take = take, .self = self};
    for (; filler.variant < (family == OP_FAMILY_PAGE ? 1u : 2u); filler.variant++) {
        filler.byte_count = 0;
        filler.kind = OP_KIND_COUNT;
        boundary_each(family, fill, &filler);
        flush(&filler);
    }
}
