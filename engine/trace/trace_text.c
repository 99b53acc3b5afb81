/* See trace_text.h. */
#include "engine/trace/trace_text.h"

#include <string.h>

#include <pagelab/cpu.h>
#include <pagelab/request.h>

#include "engine/op.h"
#include "engine/trace/trace_number.h"

#define COMM_BYTES_MAX 15
#define PID_BYTES_MAX  24 /* with a thread and blanks */
#define TGID_BYTES_MAX 16

#define EXPECTED_LINE  "expected 'TASK-PID [CPU] FLAGS TIME: EVENT: ...'"
#define EXPECTED_ALLOC "expected 'page= pfn= order=0..25 migratetype= gfp_flags='"
#define EXPECTED_FREE  "expected 'page= pfn= order=0..25'"

_Static_assert(PL_ORDER_LIMIT == 25, "the complaints name the limit");
_Static_assert(PL_CPU_LIMIT == 64, "the complaints name the limit");

static enum trace_line_kind bad(struct trace_text *text, const char *complaint)
{
    text->complaint = complaint;
    return TRACE_LINE_BAD;
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && trace_is_digit(*at))
        at++;
    return at;
}

static bool starts_with(const char *at, const char *end, const char *word, size_t length)
{
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

#define STARTS_WITH(at, end, literal) starts_with(at, end, literal, sizeof(literal) - 1)

/* --- The columns before the event. --- */

struct columns {
    uint64_t cpu;
    uint8_t context;
    const char *event; /* first byte after "TIMESTAMP: " */
};

/* Is what stands before `bracket` a task and its number: "-123 ", " 123 ", " 123/124 ", perhaps "(  123) "?
 */
static bool task_before(const char *line, const char *bracket)
{
    const char *at = bracket;
    if (at == line || at[-1] != ' ')
        return false;
    while (at > line && at[-1] == ' ')
        at--;
    if (at > line && at[-1] == ')') {
        const char *close = at;
        while (at > line && at[-1] != '(' && close - at < TGID_BYTES_MAX)
            at--;
        while (at > line && (at[-1] == '(' || at[-1] == ' '))
            at--;
    }
    const char *digits = at;
    while (at > line && (trace_is_digit(at[-1]) || (at[-1] == '/' && at != digits)))
        at--;
    return at != digits && at > line && (at[-1] == '-' || at[-1] == ' ');
}

/* "863.342949:" or "12345:". Returns what follows, or NULL. */
static const char *timestamp(const char *at, const char *end)
{
    const char *digits = at;
    at = skip_digits(at, end);
    if (at == digits)
        return NULL;
    if (at < end && *at == '.')
        at = skip_digits(at + 1, end);
    return at < end && *at == ':' ? at + 1 : NULL;
}

static uint8_t context_of(char c)
{
    switch (c) {
    case 's':
        return PL_CONTEXT_SOFTIRQ;
    case 'h':
    case 'H':
        return PL_CONTEXT_HARDIRQ;
    case 'z':
    case 'Z':
        return PL_CONTEXT_NMI;
    default:
        return PL_CONTEXT_TASK;
    }
}

/* Irqs off, resched, context, preemption depth, and since 5.16 migration. */
static bool is_flags(const char *at, size_t length)
{
    if (length < 4 || length > 5)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char c = at[i];
        const char low = (char)(c | 0x20);
        if (c != '.' && c != '#' && !trace_is_digit(c) && !(low >= 'a' && low <= 'z'))
            return false;
    }
    return at[2] == '.' || at[2] == 's' || context_of(at[2]) != PL_CONTEXT_TASK;
}

static bool columns_at(const char *line, const char *bracket, const char *end, struct columns *columns)
{
    if (!task_before(line, bracket))
        return false;
    const char *digits = bracket + 1;
    const char *at = skip_digits(digits, end);
    if (at == end || *at != ']' || !trace_number_decimal(digits, (size_t)(at - digits), &columns->cpu))
        return false;
    const char *word = skip_spaces(at + 1, end);
    if (word == at + 1)
        return false;
    columns->context = PL_CONTEXT_TASK;
    at = timestamp(word, end);
    if (at == NULL) {
        const char *stop = word;
        while (stop < end && *stop != ' ' && stop - word < 8)
            stop++;
        if (!is_flags(word, (size_t)(stop - word)))
            return false;
        columns->context = context_of(word[2]);
        at = timestamp(skip_spaces(stop, end), end);
        if (at == NULL)
            return false;
    }
    columns->event = skip_spaces(at, end);
    return columns->event != at;
}

/* The leftmost columns in [from, end), and in *bracket where they are. */
static bool next_columns(const char *line, const char *from, const char *end, struct columns *columns,
                         const char **bracket)
{
    for (const char *at = from;; at = *bracket + 1) {
        *bracket = memchr(at, '[', (size_t)(end - at));
        if (*bracket == NULL)
            return false;
        if (columns_at(line, *bracket, end, columns))
            return true;
    }
}

static bool find_columns(const char *line, const char *end, struct columns *columns)
{
    const char *bracket;
    if (!next_columns(line, line, end, columns, &bracket))
        return false;
    /* So short that all of it may be the name of a task; then the real ones follow at once. */
    const char *first = skip_spaces(line, end);
    struct columns later;
    if (PL_UNLIKELY(columns->event - first <= COMM_BYTES_MAX + 1) &&
        next_columns(line, columns->event, end, &later, &bracket) &&
        bracket - columns->event < COMM_BYTES_MAX + PID_BYTES_MAX)
        *columns = later;
    return true;
}

/* --- Lines that are no events. --- */

/* "CPU:1 [LOST 123 EVENTS]" of ftrace, "CPU:7 [204600 EVENTS DROPPED]" of trace-cmd, either without a number.
 */
static bool lost_line(const char *line, const char *end, uint64_t *lost)
{
    if (!STARTS_WITH(line, end, "CPU:"))
        return false;
    const char *at = skip_spaces(skip_digits(line + 4, end), end);
    if (at == end || *at != '[' || end[-1] != ']')
        return false;
    at++;
    const bool is_ftrace = STARTS_WITH(at, end, "LOST ");
    if (is_ftrace)
        at += 5;
    const char *stop = skip_digits(at, end);
    *lost = 1;
    if (stop != at) {
        if (!trace_number_decimal(at, (size_t)(stop - at), lost))
            return false;
        at = skip_spaces(stop, end);
    }
    return is_ftrace ? STARTS_WITH(at, end, "EVENTS]") : STARTS_WITH(at, end, "EVENTS DROPPED]");
}

/* "cpus=2", "version = 6", "CPU 1 is empty" of trace-cmd. */
static bool heading_line(const char *line, const char *end)
{
    if (STARTS_WITH(line, end, "cpus="))
        return end - line > 5 && skip_digits(line + 5, end) == end;
    if (STARTS_WITH(line, end, "version = "))
        return end - line > 10 && skip_digits(line + 10, end) == end;
    if (STARTS_WITH(line, end, "CPU ")) {
        const char *at = skip_digits(line + 4, end);
        return at != line + 4 && end - at == 9 && memcmp(at, " is empty", 9) == 0;
    }
    return false;
}

/* A stack under an event: " => function" of ftrace, "  ffffffff81234567 function+0x1 (where)" of perf. */
static bool stack_line(const char *line, const char *end)
{
    const char *at = line;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == line)
        return false;
    if (STARTS_WITH(at, end, "=> "))
        return true;
    const char *space = memchr(at, ' ', (size_t)(end - at));
    uint64_t address;
    return space != NULL && space - at >= 4 && end[-1] == ')' &&
           trace_number_hex(at, (size_t)(space - at), &address);
}

static bool is_blank(const char *line, const char *end)
{
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    return line == end;
}

static enum trace_line_kind no_event(struct trace_text *text, const char *line, const char *end)
{
    if (is_blank(line, end) || *line == '#' || heading_line(line, end) || stack_line(line, end))
        return TRACE_LINE_NOTHING;
    if (lost_line(line, end, &text->lost))
        return TRACE_LINE_LOST;
    return bad(text, "not a line of a kernel trace; " EXPECTED_LINE);
}

/* "name: ...", "system:name: ...", or what the function tracer and stacks print. */
static enum trace_line_kind other_event(struct trace_text *text, const char *at, const char *end)
{
    const char *name = at;
    while (at < end && *at != ' ' && *at != ':')
        at++;
    if (at > name && at < end && *at == ':')
        return TRACE_LINE_OTHER;
    for (const char *arrow = at; arrow + 1 < end; arrow++) {
        if (arrow[0] == '<' && arrow[1] == '-')
            return TRACE_LINE_OTHER;
    }
    if (STARTS_WITH(name, end, "<stack trace>") || STARTS_WITH(name, end, "<user stack trace>"))
        return TRACE_LINE_NOTHING;
    return bad(text, "line is cut off before its event; " EXPECTED_LINE);
}

/* --- The fields of our events. --- */

enum {
    HAS_PAGE = 1,
    HAS_PFN = 2,
    HAS_ORDER = 4,
    HAS_MOBILITY = 8,
    HAS_GFP = 16,
};

struct fields {
    unsigned seen; /* HAS_* */
    bool is_bare;
    const char *page;
    size_t page_bytes;
    uint64_t frame;
    uint64_t order;
    uint64_t mobility;
    uint32_t gfp;
};

/* The page is only a hashed pointer; but NULL says that there is none. */
static bool no_page(const struct fields *fields)
{
    uint64_t number;
    if ((fields->seen & HAS_PAGE) == 0)
        return fields->frame == 0;
    if ((fields->page_bytes == 6 && memcmp(fields->page, "(null)", 6) == 0) ||
        (fields->page_bytes == 5 && memcmp(fields->page, "(nil)", 5) == 0))
        return true;
    return fields->frame == 0 && trace_number_hex(fields->page, fields->page_bytes, &number) && number == 0;
}

static bool frame_field(struct trace_text *text, struct fields *fields, const char *value, size_t length)
{
    fields->is_bare = !(length > 2 && value[0] == '0' && (value[1] | 0x20) == 'x');
    if (!trace_number_hex(value, length, &fields->frame))
        return false;
    if (fields->is_bare)
        text->bare_letters |= skip_digits(value, value + length) != value + length;
    return true;
}

static bool mobility_field(struct fields *fields, const char *value, size_t length)
{
    const bool negative = length > 1 && *value == '-';
    if (!trace_number_decimal(value + negative, length - negative, &fields->mobility))
        return false;
    if (negative || fields->mobility >= PL_MOBILITY_COUNT)
        fields->mobility = PL_MOBILITY_UNMOVABLE;
    return true;
}

_Static_assert(PL_MOBILITY_UNMOVABLE == 0 && PL_MOBILITY_MOVABLE == 1 && PL_MOBILITY_RECLAIMABLE == 2,
               "the kernel's migrate types are our mobilities");

/* One "key=value". Keys that we do not know are fine: vendors add some. */
static bool field(struct trace_text *text, struct fields *fields, const char *at, const char *stop)
{
    unsigned bit;
    bool fits;
    if (STARTS_WITH(at, stop, "page=")) {
        bit = HAS_PAGE;
        fields->page = at + 5;
        fields->page_bytes = (size_t)(stop - at - 5);
        fits = fields->page_bytes != 0;
    } else if (STARTS_WITH(at, stop, "pfn=")) {
        bit = HAS_PFN;
        fits = frame_field(text, fields, at + 4, (size_t)(stop - at - 4));
    } else if (STARTS_WITH(at, stop, "order=")) {
        bit = HAS_ORDER;
        fits = trace_number_decimal(at + 6, (size_t)(stop - at - 6), &fields->order) &&
               fields->order <= PL_ORDER_LIMIT;
    } else if (STARTS_WITH(at, stop, "migratetype=")) {
        bit = HAS_MOBILITY;
        fits = mobility_field(fields, at + 12, (size_t)(stop - at - 12));
    } else if (STARTS_WITH(at, stop, "gfp_flags=")) {
        bit = HAS_GFP;
        fits = trace_gfp_parse(&text->gfp, at + 10, (size_t)(stop - at - 10), &fields->gfp);
    } else {
        return memchr(at, '=', (size_t)(stop - at)) != NULL;
    }
    if (!fits || (fields->seen & bit) != 0)
        return false;
    fields->seen |= bit;
    return true;
}

static bool all_fields(struct trace_text *text, struct fields *fields, const char *at, const char *end)
{
    at = skip_spaces(at, end);
    /* Tools that cannot evaluate the kernel's own format print the raw fields after this. */
    if (STARTS_WITH(at, end, "[FAILED TO PARSE]"))
        at = skip_spaces(at + 17, end);
    while (at < end) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (!field(text, fields, at, stop))
            return false;
        at = skip_spaces(stop, end);
    }
    return true;
}

/* A caller in interrupt context, or one that cannot sleep and holds __GFP_HIGH (GFP_ATOMIC), may dip into the
 * reserve as FreeBSD's SYSTEM class may. INTERRUPT would be __GFP_MEMALLOC, no floor at all: not used. */
static uint8_t class_of(uint8_t context, uint32_t gfp)
{
    const bool may_sleep = (gfp & TRACE_GFP_DIRECT_RECLAIM) != 0;
    if (context != PL_CONTEXT_TASK || (!may_sleep && (gfp & TRACE_GFP_HIGH) != 0))
        return PL_CLASS_SYSTEM;
    return PL_CLASS_NORMAL;
}

static uint16_t flags_of(const struct fields *fields)
{
    unsigned flags = fields->is_bare ? TRACE_FLAG_BARE : 0;
    if ((fields->gfp & TRACE_GFP_DIRECT_RECLAIM) != 0)
        flags |= OP_FLAG_MAY_SLEEP;
    if ((fields->gfp & TRACE_GFP_ZERO) != 0)
        flags |= OP_FLAG_ZERO;
    return (uint16_t)flags;
}

static enum trace_line_kind page_event(struct trace_text *text, enum trace_event_kind kind,
                                       const struct columns *columns, const char *at, const char *end,
                                       struct trace_event *event)
{
    const unsigned needed = kind == TRACE_ALLOC  ? HAS_PFN | HAS_ORDER | HAS_MOBILITY | HAS_GFP
                            : kind == TRACE_FREE ? HAS_PFN | HAS_ORDER
                                                 : HAS_PFN;
    struct fields fields = {0};
    if (!all_fields(text, &fields, at, end) || (fields.seen & needed) != needed)
        return bad(text, kind == TRACE_ALLOC ? "mm_page_alloc with a field missing or wrong; " EXPECTED_ALLOC
                                             : "mm_page_free with a field missing or wrong; " EXPECTED_FREE);
    if (columns->cpu >= PL_CPU_LIMIT)
        return bad(text, "CPU beyond what this program simulates; expected [0] to [63]");
    if (fields.frame > TRACE_FRAME_LIMIT - ((uint64_t)1 << fields.order))
        return bad(text, "pfn beyond any machine's memory; expected less than 2^45");
    if (kind == TRACE_ALLOC && no_page(&fields))
        return TRACE_LINE_FAILED;
    text->bare_count += fields.is_bare;
    *event = (struct trace_event){
        .frame = fields.frame,
        .kind = (uint8_t)kind,
        .cpu = (uint8_t)columns->cpu,
        .context = columns->context,
        .order = (uint8_t)fields.order,
        .alloc_class = kind == TRACE_ALLOC ? class_of(columns->context, fields.gfp) : 0,
        .mobility = (uint8_t)fields.mobility,
        .flags = flags_of(&fields),
    };
    return TRACE_LINE_EVENT;
}

enum trace_line_kind trace_text_parse(struct trace_text *text, const char *line, size_t length,
                                      struct trace_event *event)
{
    const char *end = line + length;
    if (length != 0 && end[-1] == '\r')
        end--;
    while (end > line && end[-1] == ' ')
        end--;
    struct columns columns;
    if (end == line || *line == '#' || !find_columns(line, end, &columns))
        return no_event(text, line, end);
    const char *at = columns.event;
    /* perf may print the sample period first. */
    const char *period = skip_digits(at, end);
    if (period != at && period < end && *period == ' ')
        at = skip_spaces(period, end);
    const char *name = at;
    if (STARTS_WITH(name, end, "kmem:"))
        name += 5;
    if (STARTS_WITH(name, end, "mm_page_alloc:"))
        return page_event(text, TRACE_ALLOC, &columns, name + 14, end, event);
    if (STARTS_WITH(name, end, "mm_page_free:"))
        return page_event(text, TRACE_FREE, &columns, name + 13, end, event);
    if (STARTS_WITH(name, end, "mm_page_free_batched:"))
        return page_event(text, TRACE_FREE_BATCHED, &columns, name + 21, end, event);
    return other_event(text, at, end);
}

/* The digits of `frame`, which were read as hexadecimal, read as decimal. */
static uint64_t decimal_digits(uint64_t frame)
{
    uint64_t sum = 0;
    for (int shift = 60; shift >= 0; shift -= 4)
        sum = sum * 10 + (frame >> shift & 15);
    return sum;
}

void trace_text_frames(const struct trace_text *text, struct trace_events *events)
{
    if (text->bare_count == 0)
        return;
    for (size_t i = 0; i < events->count; i++) {
        struct trace_event *event = &events->items[i];
        if ((event->flags & TRACE_FLAG_BARE) == 0)
            continue;
        event->flags &= (uint16_t)~TRACE_FLAG_BARE;
        if (text->bare_letters == 0)
            event->frame = decimal_digits(event->frame);
    }
}
