/* See spec.h. */
#include "engine/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/registry.h"

static PL_PRINTF(2, 3) int spec_fail(struct spec_error *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return -1;
}

static bool is_service(const char *text)
{
    return strncmp(text, "va=", 3) == 0 || strncmp(text, "tables=", 7) == 0 || strncmp(text, "buf=", 4) == 0;
}

/* Bytes up to the next `stop` that is outside parentheses, or to the end. */
static size_t token_bytes(const char *text, char stop)
{
    int depth = 0;
    size_t i = 0;
    for (; text[i] != '\0'; i++) {
        if (text[i] == '(')
            depth++;
        else if (text[i] == ')' && depth > 0)
            depth--;
        else if (text[i] == stop && depth == 0)
            break;
    }
    return i;
}

/* One layer, "name" or "name(params)". */
static int parse_layer(const char *text, size_t bytes, struct spec *spec, struct spec_error *error)
{
    const char *open = memchr(text, '(', bytes);
    size_t name_bytes = open == NULL ? bytes : (size_t)(open - text);
    if (spec->layer_count == SPEC_LAYER_LIMIT)
        return spec_fail(error, "backend '%s': more than %u layers", spec->name, SPEC_LAYER_LIMIT);
    const struct pl_candidate *candidate = registry_find(text, name_bytes);
    if (candidate == NULL)
        return spec_fail(error, "backend '%.*s': unknown; './pagelab list' names those there are",
                         (int)name_bytes, text);
    char *params = spec->layers[spec->layer_count].params;
    params[0] = '\0';
    if (open != NULL) {
        size_t param_bytes = bytes - name_bytes;
        if (param_bytes < 2 || text[bytes - 1] != ')')
            return spec_fail(error, "backend '%s': ')' expected after the parameters", spec->name);
        if (param_bytes - 2 >= SPEC_PARAM_BYTES)
            return spec_fail(error, "backend '%s': parameters of at most %u bytes expected", spec->name,
                             SPEC_PARAM_BYTES - 1);
        memcpy(params, open + 1, param_bytes - 2);
        params[param_bytes - 2] = '\0';
    }
    spec->layers[spec->layer_count++].candidate = candidate;
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
    /* No service is built in yet; each is named so that a typing error is not taken for one. */
    if (name[page_bytes] == ',')
        return spec_fail(error, "backend '%s': unknown service '%s'; no va=, tables= or buf= is built in",
                         name, name + page_bytes + 1);
    return check_layers(spec, error);
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

const struct pl_candidate *spec_base(const struct spec *spec)
{
    return spec->layers[spec->layer_count - 1].candidate;
}
