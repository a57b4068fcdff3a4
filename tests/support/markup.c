/* markup.c - reads elements, attributes, entities and comments, and nothing else that XML has. */
#include "tests/support/markup.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "models/machine/error.h"
#include "tests/support/check.h"

enum { DEPTH = 32, NAME = 32 };

typedef struct Reader {
    const char *page, *at;
    char *text;
    size_t used;
    char open[DEPTH][NAME];
    int depth;
} Reader;

static void bad(const Reader *r, const char *why)
{
    fail_msg("byte %td: %s: %.60s", r->at - r->page, why, r->at);
}

static bool take(Reader *r, const char *word)
{
    if (strncmp(r->at, word, strlen(word)) != 0) return false;
    r->at += strlen(word);
    return true;
}

static char character(Reader *r)
{
    static const struct {
        const char *entity;
        char is;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (take(r, entities[i].entity)) return entities[i].is;
    if (*r->at == '&' || *r->at == '<' || !*r->at) bad(r, "not escaped");
    return *r->at++;
}

static void read_name(Reader *r, char name[NAME])
{
    int length = 0;
    while (isalnum((unsigned char)*r->at) || *r->at == '-')
        if (length < NAME - 1) name[length++] = *r->at++;
    if (!length) bad(r, "no name");
    name[length] = '\0';
}

static void read_attribute(Reader *r)
{
    char name[NAME];
    read_name(r, name);
    if (!take(r, "=\"")) bad(r, "no quoted value");
    while (*r->at != '"') character(r);
    r->at++;
}

static void read_tag(Reader *r)
{
    char name[NAME];
    if (take(r, "!DOCTYPE html>")) return;
    if (take(r, "!--")) {
        const char *end = strstr(r->at, "--");
        if (end && end[2] == '>')
            r->at = end + 3;
        else
            bad(r, "a comment does not end");
        return;
    }
    if (take(r, "/")) {
        read_name(r, name);
        if (!r->depth || strcmp(r->open[--r->depth], name) != 0 || !take(r, ">"))
            bad(r, "ends what is not open");
        return;
    }
    read_name(r, name);
    while (take(r, " ") && isalpha((unsigned char)*r->at)) read_attribute(r);
    if (take(r, "/>")) return;
    if (!take(r, ">") || r->depth == DEPTH) bad(r, "does not end");
    strcpy(r->open[r->depth++], name);
}

char *markup_text(const char *page)
{
    Reader r = {.page = page, .at = page, .text = allocate(strlen(page) + 1)};
    while (*r.at) {
        if (take(&r, "<")) {
            read_tag(&r);
            r.text[r.used++] = ' ';
        } else
            r.text[r.used++] = character(&r);
    }
    if (r.depth) bad(&r, r.open[r.depth - 1]);
    r.text[r.used] = '\0';
    return markup_squeeze(r.text);
}

void markup_each(const char *page, const char *attribute, void (*use)(void *context, const char *value),
                 void *context)
{
    char begin[NAME + 4], value[1024];
    snprintf(begin, sizeof begin, " %s=\"", attribute);
    for (const char *at = page; (at = strstr(at, begin));) {
        at += strlen(begin);
        snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\""), at);
        use(context, value);
    }
}

char *markup_squeeze(char *text)
{
    size_t used = 0;
    for (const char *c = text; *c; c++) {
        const bool blank = *c == ' ' || *c == '\n';
        if (!blank || (used && text[used - 1] != ' ')) text[used++] = blank ? ' ' : *c;
    }
    text[used] = '\0';
    return text;
}
