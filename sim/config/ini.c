/* ini.c - a line reader under libinih.
 *
 * libinih splits sections, keys and comments. As Debian builds it, it has no
 * line numbers, cuts lines at 200 bytes, ends a quoted value at " ;", takes an
 * indented line for more of the value above, keeps on after an error, and says
 * nothing of a section without keys. So the reader that feeds it counts lines,
 * takes each value off its line and keeps it here, and hands over only what is
 * short and plain: "[section]" or "key =". */
#include "sim/config/ini.h"
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/base/words.h"

typedef struct Lines {
    const char *name;
    char *next; /* the rest of the text; lines are cut out of it in place */
    int line;
    char *value; /* of the "key =" handed over last */
    bool failed;
    IniVisit visit;
    void *context;
    Error *error;
} Lines;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_comment(char c)
{
    return c == ';' || c == '#';
}

static char *trim(char *text)
{
    while (is_blank(*text)) text++;
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1])) length--;
    text[length] = '\0';
    return text;
}

static bool refuse(Lines *lines, const char *why)
{
    lines->failed = true;
    return error_set(lines->error, "%s:%d: %s", lines->name, lines->line, why);
}

/* Shows the line, as what is wrong in it may be nothing that an editor shows. */
static bool refuse_line(Lines *lines, const char *line)
{
    char shown[84];
    lines->failed = true;
    return error_set(lines->error, "%s:%d: \"%s\" is not 'key = value'; try one such as steps = 100",
                     lines->name, lines->line, error_show(shown, sizeof shown, line, strlen(line)));
}

/* Cuts the next line out of the text; NULL at its end, or when the line is no text. */
static char *next_line(Lines *lines)
{
    if (*lines->next == '\0') return NULL;
    char *line = lines->next, *end = strchr(line, '\n');
    lines->line++;
    lines->next = end ? end + 1 : line + strlen(line);
    if (!end) end = lines->next;
    if (end > line && end[-1] == '\r') end--;
    *end = '\0';
    if (strchr(line, '\r')) {
        refuse(lines,
               "a carriage return inside the line; try line ends as Unix (LF) or Windows (CR LF) has them");
        return NULL;
    }
    return trim(line);
}

/* Takes quotes and comment off a value, in place. */
static bool clean_value(Lines *lines, char *text)
{
    text = trim(text);
    lines->value = text;
    char quote = *text;
    if (quote == '"' || quote == '\'') {
        char *end = strchr(++lines->value, quote);
        if (!end)
            return refuse(lines, "a quote that is not closed; try the same quote at the end of the value");
        *end++ = '\0';
        char *rest = trim(end);
        if (*rest && (!is_comment(*rest) || rest == end))
            return refuse(lines, "text after the closing quote; try a blank and ; or # before a comment");
        return true;
    }
    for (char *c = text; *c; c++)
        if (is_comment(*c) && is_blank(c[-1])) { /* c[-1]: the separator at the least */
            *c = '\0';
            break;
        }
    trim(text);
    return true;
}

/* "[section]  ; comment": tells the visitor and hands the bare header over. */
static bool hand_section(Lines *lines, char *line, char *buffer, size_t size)
{
    char *end = strchr(line, ']');
    if (!end) return refuse(lines, "a section without its closing bracket; try one such as [train]");
    *end = '\0';
    char *rest = trim(end + 1), *section = trim(line + 1);
    if (*rest && !is_comment(*rest))
        return refuse(lines, "text after [section]; try it on a line of its own");
    IniEntry entry = {.section = section, .line = lines->line};
    if (!lines->visit(lines->context, &entry, lines->error)) {
        lines->failed = true;
        return false;
    }
    if ((size_t)snprintf(buffer, size, "[%s]\n", section) >= size)
        return refuse(lines, "a section name that is too long");
    return true;
}

/* "key = value ; comment": keeps the value, hands "key =" over. */
static bool hand_key(Lines *lines, char *line, char *buffer, size_t size)
{
    char *separator = line;
    while (*separator && *separator != '=' && *separator != ':' &&
           !(is_comment(*separator) && is_blank(separator[-1])))
        separator++;
    if (*separator != '=' && *separator != ':') return refuse_line(lines, line);
    if (!clean_value(lines, separator + 1)) return false;
    char mark = *separator;
    *separator = '\0';
    if (*trim(line) == '\0') return refuse(lines, "no key before the '='; try one such as steps = 100");
    if ((size_t)snprintf(buffer, size, "%s %c\n", trim(line), mark) >= size)
        return refuse(lines, "a key that is too long; `sim help` lists the keys there are");
    return true;
}

/* inih's reader: one line a call, NULL at the end. */
static char *read_line(char *buffer, int size, void *stream)
{
    Lines *lines = stream;
    if (lines->failed) return NULL;
    char *line = next_line(lines);
    if (!line) return NULL;
    bool fine = true;
    if (*line == '\0' || is_comment(*line))
        snprintf(buffer, (size_t)size, "\n");
    else if (*line == '[')
        fine = hand_section(lines, line, buffer, (size_t)size);
    else
        fine = hand_key(lines, line, buffer, (size_t)size);
    return fine ? buffer : NULL;
}

/* inih's handler; the value inih saw is empty, the real one was kept by the reader. */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
    (void)value;
    Lines *lines = user;
    if (lines->failed) return 0;
    IniEntry entry = {.section = section, .key = key, .value = lines->value, .line = lines->line};
    if (!lines->visit(lines->context, &entry, lines->error)) lines->failed = true;
    return !lines->failed;
}

bool ini_each(const char *name, const char *text, IniVisit visit, void *context, Error *error)
{
    char *copy = words_copy(words_behind_mark(text));
    Lines lines = {.name = name, .next = copy, .visit = visit, .context = context, .error = error};
    int status = ini_parse_stream(read_line, &lines, take_entry, &lines);
    if (status != 0 && !lines.failed) refuse(&lines, "not 'key = value'");
    free(copy);
    return !lines.failed;
}
