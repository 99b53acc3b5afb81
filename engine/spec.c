/* See spec.h. */
#include "engine/spec.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/plugin.h"
#include "engine/registry.h"

static PL_PRINTF(2, 3) int spec_fail(struct spec_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}

/* What can be lent, in the order in which it is told. */
static const struct {
    const char *key; /* with its '=' */
    const char *words;
    const char *standard;
    unsigned lends;
    size_t part; /* offset in struct spec */
} services[] = {
    {"va=", "address space", SPEC_DEFAULT_VA, REGISTRY_VA, offsetof(struct spec, va)},
    {"tables=", "table memory", SPEC_DEFAULT_TABLES, REGISTRY_TABLES, offsetof(struct spec, tables)},
    {"buf=", "buffers", SPEC_DEFAULT_BUF, REGISTRY_BUF, offsetof(struct spec, buf)},
};

static struct spec_part *part_of(struct spec *spec, size_t service)
{
    return (void *)((unsigned char *)spec + services[service].part);
}

/* Which of them a part names; PL_COUNT_OF(services) if none. */
static size_t service_of(const char *text)
{
    size_t i = 0;
    while (i < PL_COUNT_OF(services) && strncmp(text, services[i].key, strlen(services[i].key)) != 0)
        i++;
    return i;
}

static bool is_service(const char *text)
{
    return service_of(text) < PL_COUNT_OF(services);
}

/* Bytes of the plug-in's path that `text` begins with; 0: it begins with a name. A path may hold what divides
 * names, from its first '/' on: it ends with the first ".so" or ".so.1.2" that the text, '+', ',' or '(' end.
 */
static size_t path_bytes(const char *text)
{
    if (!plugin_is_path(text, strcspn(text, "+,()")))
        return 0;
    for (const char *so = strstr(text, ".so"); so != NULL; so = strstr(so + 1, ".so")) {
        size_t bytes = (size_t)(so - text) + 3 + strspn(so + 3, ".0123456789");
        if (strchr("+,(", text[bytes]) != NULL) /* the terminator, too */
            return bytes;
    }
    return strcspn(text, "+,()"); /* not to be opened, but to be told */
}

/* Bytes up to the next `stop` that is outside parentheses and paths, or to the end. */
static size_t token_bytes(const char *text, char stop)
{
    int depth = 0;
    size_t i = path_bytes(text);
    for (; text[i] != '\0'; i++) {
        if (text[i] == '(')
            depth++;
        else if (text[i] == ')' && depth > 0)
            depth--;
        else if (text[i] == stop && depth == 0)
            break;
        else if (text[i] == '+' && depth == 0)
            i += path_bytes(text + i + 1);
    }
    return i;
}

static size_t name_bytes_of(const char *text, size_t bytes)
{
    size_t path = path_bytes(text);
    const char *open = memchr(text + path, '(', bytes - path);
    return open == NULL ? bytes : (size_t)(open - text);
}

/* Copies the parameters of "name(params)" without their parentheses. */
static int parse_params(const char *text, size_t bytes, const struct spec *spec, char *params,
                        struct spec_error *error)
{
    const char *open = text + name_bytes_of(text, bytes);
    params[0] = '\0';
    if (open == text + bytes)
        return 0;
    size_t param_bytes = bytes - (size_t)(open - text);
    if (param_bytes < 2 || text[bytes - 1] != ')')
        return spec_fail(error, "backend '%s': ')' expected after the parameters", spec->name);
    if (param_bytes - 2 >= SPEC_PARAM_BYTES)
        return spec_fail(error, "backend '%s': parameters of at most %u bytes expected", spec->name,
                         SPEC_PARAM_BYTES - 1);
    memcpy(params, open + 1, param_bytes - 2);
    params[param_bytes - 2] = '\0';
    return 0;
}

/* One layer, "name" or "name(params)". */
static int parse_layer(const char *text, size_t bytes, struct spec *spec, struct spec_error *error)
{
    size_t name_bytes = name_bytes_of(text, bytes);
    if (spec->layer_count == SPEC_LAYER_LIMIT)
        return spec_fail(error, "backend '%s': more than %u layers", spec->name, SPEC_LAYER_LIMIT);
    const struct pl_candidate *candidate = NULL;
    if (plugin_is_path(text, name_bytes)) {
        candidate = plugin_open(text, name_bytes, error->text, sizeof(error->text));
        if (candidate == NULL)
            return -1;
    } else {
        candidate = registry_find(text, name_bytes);
    }
    if (candidate == NULL && registry_find_service(text, name_bytes) != NULL)
        return spec_fail(error,
                         "backend '%.*s': a service, which is lent to a backend, as in buddy,va=rbtree",
                         (int)name_bytes, text);
    if (candidate == NULL && name_bytes > 3 && memcmp(text + name_bytes - 3, ".so", 3) == 0)
        return spec_fail(error, "backend '%.*s': unknown; a plug-in is named by its path, as in ./%.*s",
                         (int)name_bytes, text, (int)name_bytes, text);
    if (candidate == NULL && strstr(text, ".so") != NULL && strchr(text, '/') != NULL)
        return spec_fail(
            error,
            "backend '%.*s': unknown; a path with '+', ',' or '(' in it starts with ./ or /, and "
            "ends with .so",
            (int)name_bytes, text);
    if (candidate == NULL)
        return spec_fail(error, "backend '%.*s': unknown; 'pagelab list' names those there are",
                         (int)name_bytes, text);
    if (parse_params(text, bytes, spec, spec->layers[spec->layer_count].params, error) != 0)
        return -1;
    spec->layers[spec->layer_count++].candidate = candidate;
    return 0;
}

/* "a, b and c": the services that lend this. */
static void services_that_lend(unsigned lends, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (const struct pl_candidate *const *entry = registry_services; *entry != NULL; entry++) {
        if ((registry_lends(*entry) & lends) == 0 || used + 1 >= bytes)
            continue;
        int n = snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : ", ", (*entry)->name);
        used += n < 0 ? 0 : (size_t)n;
    }
}

/* One service, "va=name" or "va=name(params)". */
static int parse_service(const char *text, size_t bytes, struct spec *spec, struct spec_error *error)
{
    size_t service = service_of(text);
    char there[80];
    if (service == PL_COUNT_OF(services))
        return spec_fail(error, "backend '%s': va=, tables= or buf= expected, got '%.*s'", spec->name,
                         (int)bytes, text);
    struct spec_part *part = part_of(spec, service);
    const char *key = services[service].key;
    if (part->candidate != NULL)
        return spec_fail(error, "backend '%s': '%s' given twice", spec->name, key);
    const char *name = text + strlen(key);
    size_t rest = bytes - strlen(key);
    size_t name_bytes = name_bytes_of(name, rest);
    services_that_lend(services[service].lends, there, sizeof(there));
    part->candidate = registry_find_service(name, name_bytes);
    if (part->candidate == NULL && registry_find(name, name_bytes) != NULL)
        return spec_fail(error, "backend '%s': '%.*s' is a backend and lends nothing; for %s there are: %s",
                         spec->name, (int)name_bytes, name, key, there);
    if (part->candidate == NULL)
        return spec_fail(error, "backend '%s': unknown service '%.*s'; for %s there are: %s", spec->name,
                         (int)(strlen(key) + name_bytes), text, key, there);
    if ((registry_lends(part->candidate) & services[service].lends) == 0)
        return spec_fail(error, "backend '%s': '%s' lends no %s; for %s there are: %s", spec->name,
                         part->candidate->name, services[service].words, key, there);
    if (parse_params(name, rest, spec, part->params, error) != 0)
        return -1;
    if (part->candidate->params == NULL && part->params[0] != '\0')
        return spec_fail(error, "backend '%s': '%s' takes no parameters", spec->name, part->candidate->name);
    return 0;
}

/* All services in a text, "va=name,buf=name(params)". */
static int parse_services(const char *text, struct spec *spec, struct spec_error *error)
{
    for (;;) {
        size_t bytes = token_bytes(text, ',');
        if (parse_service(text, bytes, spec, error) != 0)
            return -1;
        text += bytes;
        if (*text++ == '\0')
            return 0;
    }
}

/* What a candidate is lent if its name says nothing: `own` gets the parts that it names. */
static int parse_own_services(const struct pl_candidate *candidate, struct spec *own,
                              struct spec_error *error)
{
    struct spec_error inner = {.text = ""};
    memset(own, 0, sizeof(*own));
    if (candidate->services == NULL)
        return 0;
    snprintf(own->name, sizeof(own->name), "%s", candidate->name);
    if (candidate->kind == PL_KIND_WRAPPER || candidate->kind == PL_KIND_SERVICE)
        return spec_fail(error,
                         "backend '%s': a %s is lent nothing, so it cannot name services, as in '%.40s'",
                         candidate->name, registry_kind_name(candidate->kind), candidate->services);
    if (parse_services(candidate->services, own, &inner) != 0)
        return spec_fail(error, "%.200s (in its own services)", inner.text);
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        if (part_of(own, i)->candidate != NULL && (registry_lends(candidate) & services[i].lends) != 0)
            return spec_fail(
                error, "backend '%s': it brings its own %s, so it cannot name '%s' (in its own services)",
                candidate->name, services[i].words, services[i].key);
    }
    return 0;
}

int spec_check_services(const struct pl_candidate *candidate, struct spec_error *error)
{
    struct spec own;
    return parse_own_services(candidate, &own, error);
}

/* What was not named: what the base names itself, else the base's own, else the standard one. */
static int fill_services(struct spec *spec, struct spec_error *error)
{
    struct spec own;
    if (parse_own_services(spec_base(spec), &own, error) != 0)
        return -1;
    for (size_t i = 0; i < PL_COUNT_OF(services); i++) {
        struct spec_part *part = part_of(spec, i);
        if (part->candidate != NULL)
            continue;
        *part = *part_of(&own, i);
        if (part->candidate != NULL)
            continue;
        part->candidate = (registry_lends(spec_base(spec)) & services[i].lends) != 0
                              ? spec_base(spec)
                              : registry_find_service(services[i].standard, strlen(services[i].standard));
        if (part->candidate == spec_base(spec))
            memcpy(part->params, spec->layers[spec->layer_count - 1].params, sizeof(part->params));
    }
    return 0;
}

static int check_layers(const struct spec *spec, struct spec_error *error)
{
    for (uint32_t i = 0; i < spec->layer_count; i++) {
        const struct pl_candidate *candidate = spec->layers[i].candidate;
        bool last = i + 1 == spec->layer_count;
        bool wrapper = candidate->kind == PL_KIND_WRAPPER;
        if (wrapper && last)
            return spec_fail(error, "backend '%s': the wrapper '%s' needs a backend, as in %s+buddy",
                             spec->name, candidate->name, candidate->name);
        if (candidate->params == NULL && spec->layers[i].params[0] != '\0')
            return spec_fail(error, "backend '%s': '%s' takes no parameters", spec->name, candidate->name);
        if (!wrapper && !last)
            return spec_fail(error, "backend '%s': '%s' is no wrapper, so nothing can follow it", spec->name,
                             candidate->name);
    }
    return 0;
}

int spec_parse(const char *name, struct spec *spec, struct spec_error *error)
{
    memset(spec, 0, sizeof(*spec));
    if (name[0] == '\0')
        return spec_fail(error, "backend '': a name expected");
    if (strlen(name) >= sizeof(spec->name))
        return spec_fail(error, "backend '%.40s...': a name of at most %zu bytes expected", name,
                         sizeof(spec->name) - 1);
    memcpy(spec->name, name, strlen(name) + 1);
    size_t page_bytes = token_bytes(name, ',');
    for (size_t at = 0; at <= page_bytes;) {
        size_t bytes = token_bytes(name + at, '+');
        if (at + bytes > page_bytes)
            bytes = page_bytes - at;
        if (parse_layer(name + at, bytes, spec, error) != 0)
            return -1;
        at += bytes + 1;
    }
    if (check_layers(spec, error) != 0)
        return -1;
    if (name[page_bytes] == ',' && parse_services(name + page_bytes + 1, spec, error) != 0)
        return -1;
    return fill_services(spec, error);
}

int spec_parse_list(const char *list, struct spec *specs, struct spec_error *error)
{
    uint32_t count = 0;
    for (const char *at = list;;) {
        size_t bytes = token_bytes(at, ',');
        while (at[bytes] == ',' && is_service(at + bytes + 1))
            bytes += 1 + token_bytes(at + bytes + 1, ',');
        char name[SPEC_NAME_BYTES];
        if (bytes >= sizeof(name))
            return spec_fail(error, "backends: '%.40s...': a name of at most %zu bytes expected", at,
                             sizeof(name) - 1);
        memcpy(name, at, bytes);
        name[bytes] = '\0';
        if (count == SPEC_LIST_LIMIT)
            return spec_fail(error, "backends: at most %u names expected", SPEC_LIST_LIMIT);
        if (spec_parse(name, &specs[count++], error) != 0)
            return -1;
        at += bytes;
        if (*at++ == '\0')
            return (int)count;
    }
}

void spec_services(const struct spec *spec, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < PL_COUNT_OF(services) && used + 1 < bytes; i++) {
        const struct spec_part *part = (const void *)((const unsigned char *)spec + services[i].part);
        bool with = part->params[0] != '\0';
        int n = snprintf(text + used, bytes - used, "%s%s%s%s%s%s", i == 0 ? "" : ",", services[i].key,
                         part->candidate->name, with ? "(" : "", part->params, with ? ")" : "");
        used += n < 0 ? 0 : (size_t)n;
    }
}

const struct pl_candidate *spec_base(const struct spec *spec)
{
    return spec->layers[spec->layer_count - 1].candidate;
}
