/* The text in parentheses behind a service's name, "areas=N,fit=best": each name at most once, in any order,
 * and nothing else. */
#ifndef SERVICES_PARAMS_H
#define SERVICES_PARAMS_H

#include <string.h>

#include <pagelab/types.h>

struct param {
    const char *name;
    uint64_t least;
    uint64_t most;
    uint64_t value;    /* before: what it is where nothing is said */
    const char *words; /* NULL: a number; else "one|two": the value is the word's place, from 0 */
    bool given;
};

/* Reads a decimal number of `bytes` digits. */
PL_INLINE bool param_number(struct param *param, const char *text, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > param->most)
            return false;
    }
    param->value = value;
    return bytes != 0 && value >= param->least;
}

PL_INLINE bool param_word(struct param *param, const char *text, size_t bytes)
{
    uint64_t place = 0;
    for (const char *word = param->words; *word != '\0'; place++) {
        size_t word_bytes = strcspn(word, "|");
        if (word_bytes == bytes && strncmp(word, text, bytes) == 0) {
            param->value = place;
            return true;
        }
        word += word_bytes + (word[word_bytes] == '|');
    }
    return false;
}

/* Fills `params` from the text, which may be NULL or empty. False if it is anything else than they are. */
PL_INLINE bool params_parse(const char *text, struct param *params, size_t count)
{
    while (text != NULL && *text != '\0') {
        size_t name_bytes = strcspn(text, "=,");
        size_t at = 0;
        while (at < count &&
               (strlen(params[at].name) != name_bytes || strncmp(params[at].name, text, name_bytes) != 0))
            at++;
        if (at == count || params[at].given || text[name_bytes] != '=')
            return false;
        text += name_bytes + 1;
        size_t bytes = strcspn(text, ",");
        struct param *param = &params[at];
        if (!(param->words == NULL ? param_number(param, text, bytes) : param_word(param, text, bytes)))
            return false;
        param->given = true;
        text += bytes;
        if (*text != ',')
            continue;
        text++;
        if (*text == '\0')
            return false;
    }
    return true;
}

#endif
