/* planned.c - parsed, checked, planned. */
#include "tests/support/planned.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "sim/config/ranks.h"
#include "tests/support/check.h"

bool planned_case(Planned *p, Case one, int ranks, Error *error)
{
    const char *text = one.schedule;
    *p = (Planned){.one = one};
    const bool parsed = case_config(&p->one, &p->config, error);
    if (parsed && config_check_ranks(&p->config, ranks, error) &&
        plan_from_config(&p->config, ranks, text, text ? (int64_t)strlen(text) : 0, &p->plan, error))
        return true;
    if (parsed) config_free(&p->config);
    case_free(&p->one);
    return false;
}

Planned planned_words(int ranks, const char *format, ...)
{
    char words[1024];
    Planned p;
    Error error;
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    if (!planned_case(&p, case_of_words(1, "%s", words), ranks, &error))
        fail_msg("%s on %d ranks: %s", words, ranks, error.text);
    return p;
}

void planned_free(Planned *p)
{
    plan_free(&p->plan);
    config_free(&p->config);
    case_free(&p->one);
}
