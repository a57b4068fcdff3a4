/* cell.c - one cell of a schedule's text. */
#include "parallel/schedule/cell.h"
#include <ctype.h>
#include <string.h>

static const char OVERLAP[] = "OVERLAP_F_B";

static bool read_number(const char **at, const char *end, int *number)
{
    enum { DIGITS = 6 };
    const char *start = *at;
    *number = 0;
    for (; *at < end && *at - start < DIGITS && isdigit((unsigned char)**at); ++*at)
        *number = 10 * *number + (**at - '0');
    return *at > start && (*at == end || !isdigit((unsigned char)**at));
}

static bool read_action(const char *start, const char *end, Action *action)
{
    const char *at = start;
    int stage, microbatch;
    if (!read_number(&at, end, &stage) || at == end) return false;
    char kind = *at++;
    if (!read_number(&at, end, &microbatch) || at != end) return false;
    for (int k = 0; k < ACTION_KINDS; k++)
        if (action_computes((ActionKind)k) && action_name[k][0] == kind) {
            *action = (Action){.kind = (ActionKind)k, .stage = stage, .microbatch = microbatch};
            return true;
        }
    return false;
}

/* Whether "(0F7;7B3)OVERLAP_F_B" stands there: two actions, a forward and then a backward. */
static bool read_pair(const char *start, const char *end, Action action[CELL_ACTIONS])
{
    size_t length = (size_t)(end - start), name = strlen(OVERLAP);
    if (length < name + 2 || memcmp(end - name, OVERLAP, name) != 0) return false;
    const char *open = start, *close = end - name - 1, *between = memchr(start, ';', length);
    if (*open != '(' || *close != ')' || !between || between > close) return false;
    return read_action(open + 1, between, &action[0]) && read_action(between + 1, close, &action[1]) &&
           action[0].kind == ACTION_FORWARD && action[1].kind == ACTION_BACKWARD;
}

int cell_read(const char *start, const char *end, Action action[CELL_ACTIONS], Error *error)
{
    char shown[64];
    size_t length = (size_t)(end - start);
    if (read_action(start, end, action)) return 1;
    if (read_pair(start, end, action)) {
        action[0].overlapped = true;
        return 2;
    }
    error_show(shown, sizeof shown, start, length);
    bool pair = memchr(start, '(', length) || memchr(start, ')', length);
    bool tabs = memchr(start, '\t', length);
    if (!pair && (tabs || memchr(start, ';', length)))
        error_set(error, "\"%s\" are cells with %s between them; try commas", shown, tabs ? "tabs" : ";");
    else if (pair)
        error_set(error,
                  "\"%s\" is not a forward and a backward that overlap, such as (0F7;7B3)%s: one of each, "
                  "the forward first",
                  shown, OVERLAP);
    else
        error_set(
            error,
            "\"%s\" is not a stage, one of F, B, I, W and a microbatch, such as 0F3; sends and receives "
            "are not written, they follow",
            shown);
    return 0;
}

void cell_write(Action action, Action next, FILE *out)
{
    char first[64], second[64];
    action_text(action, first, sizeof first);
    if (action.overlapped)
        fprintf(out, "(%s;%s)%s", first, action_text(next, second, sizeof second), OVERLAP);
    else
        fputs(first, out);
}
