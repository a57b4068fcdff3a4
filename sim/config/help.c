/* help.c - `sim help`: the table of keys, told so that it teaches. */
#include "sim/config/help.h"
#include <string.h>
#include "sim/base/words.h"
#include "sim/config/file.h"
#include "sim/config/presets.h"
#include "sim/config/rows.h"

enum { WIDTH = 98, COLUMN = 28 };

/* Prints words from column `at` on, wrapped at WIDTH with `indent` blanks; ends the line. */
static void print_wrapped(FILE *out, const char *text, size_t length, int indent, int at)
{
    const char *end = text + length;
    bool first = true;
    while (text < end) {
        int word = (int)strcspn(text, " \n");
        if (word > end - text) word = (int)(end - text);
        if (!first && at + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", word, text);
        at += word + !first;
        first = false;
        text += word;
        while (text < end && *text == ' ') text++;
    }
    fputc('\n', out);
}

/* Paragraphs, wrapped; lines that begin with @ stand as they are. */
static void print_paragraphs(FILE *out, const char *text)
{
    bool table = false;
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (*text == '@') {
            if (!table) fputc('\n', out);
            fprintf(out, "%.*s\n", (int)length - 1, text + 1);
        } else {
            fputs("\n  ", out);
            print_wrapped(out, text, length, 2, 2);
        }
        table = *text == '@';
        text += length + (text[length] == '\n');
    }
}

static void default_of(const ConfigRow *row, char *text, size_t size)
{
    Config toy = {.model.shape = preset_shapes[PRESET_TOY]};
    if (row->fallback)
        snprintf(text, size, "%s", row->fallback);
    else
        config_row_format(row, &toy, text, size);
}

/* The range in few words; an upper end nobody meets is left to the help of the one key. */
static void short_range(const ConfigRow *row, char *text, size_t size)
{
    if (row->type == ROW_TEXT || row->type == ROW_LIST || row->type == ROW_SWITCH)
        text[0] = '\0'; /* said by default and help */
    else if (row->type == ROW_INTEGER || (row->type == ROW_NUMBER && row->high > 1))
        snprintf(text, size, "%.0f or more", row->low);
    else
        config_row_range(row, text, size);
}

/* One line a key, as it would stand in the file; choices that do not fit get their own. */
static void print_section(FILE *out, const ConfigSection *section)
{
    fprintf(out, "\n[%s]  %s\n", section->name, section->help);
    for (int i = 0; i < CONFIG_ROWS; i++) {
        const ConfigRow *row = config_row_at(i);
        if (strcmp(row->section, section->name) != 0) continue;
        char value[CONFIG_VALUE], range[CONFIG_RANGE];
        default_of(row, value, sizeof value);
        short_range(row, range, sizeof range);
        int used = fprintf(out, "  %s = %s", row->key, value);
        used += fprintf(out, "%*s%s", used < COLUMN ? COLUMN - used : 1, "", row->help);
        if (!*range)
            fputc('\n', out);
        else if (used + 3 + (int)strlen(range) > WIDTH) {
            fprintf(out, "\n%*s(", COLUMN, "");
            words_append(range, sizeof range, ")");
            print_wrapped(out, range, strlen(range), COLUMN + 1, COLUMN + 1);
        } else
            fprintf(out, " (%s)\n", range);
    }
}

static void print_presets(FILE *out)
{
    fprintf(out, "\n  %-16s %6s %6s %5s %6s %8s\n", "", "layers", "hidden", "heads", "vocab", "sequence");
    for (int i = 0; i < PRESETS; i++) {
        const GptShape *s = &preset_shapes[i];
        fprintf(out, "  %-16s %6lld %6lld %5lld %6lld %8lld%s%s\n", preset_names[i], (long long)s->layers,
                (long long)s->hidden, (long long)s->heads, (long long)s->vocab, (long long)s->sequence,
                *preset_notes[i] ? "  " : "", preset_notes[i]);
    }
    fputs("\n  GPTs, toy and small have ffn = 4 hidden and tied embeddings; the others ffn of their own.\n",
          out);
}

/* What hardware.profile may name. */
static void print_machines(FILE *out, const char *program_directory)
{
    char list[512];
    if (!config_machines(list, sizeof list, program_directory)) return;
    fputs("\n  Machines that come with sim: ", out);
    print_wrapped(out, list, strlen(list), 2, 31);
}

static void print_row(FILE *out, const ConfigRow *row, const char *program_directory)
{
    const Condition *condition = &config_conditions[row->when];
    char value[CONFIG_VALUE], range[CONFIG_RANGE], set[CONFIG_VALUE], quoted[2 * CONFIG_VALUE];
    default_of(row, value, sizeof value);
    config_row_range(row, range, sizeof range);
    fprintf(out, "%s.%s: %s.\n\n", row->section, row->key, row->help);
    fprintf(out, "  %-9s ", row->choices ? "choices" : row->type == ROW_TEXT ? "length" : "values");
    print_wrapped(out, range, strlen(range), 12, 12);
    const char *none =
        row->type == ROW_TEXT || row->type == ROW_LIST ? "(empty)" : "(none: the machine's file gives it)";
    fprintf(out, "  %-9s %s%s\n", "default", *value ? value : none,
            row->fallback ? "" : ", from the preset toy");
    if (row->when != ALWAYS) {
        fprintf(out, "  %-9s ", "applies");
        print_wrapped(out, condition->words, strlen(condition->words), 12, 12);
    }
    fprintf(out, "  %-9s [%s]\n  %9s %s = %s\n", "example", row->section, "", row->key, row->example);
    snprintf(set, sizeof set, "%s.%s=%s", row->section, row->key, row->example);
    words_quote(quoted, sizeof quoted, set);
    fprintf(out, "  %-9s --set %s\n", "or", quoted);
    if (row->more) print_paragraphs(out, row->more);
    if (row->choices == preset_names) print_presets(out);
    if (strcmp(row->key, "profile") == 0) print_machines(out, program_directory);
}

static void print_overview(FILE *out)
{
    fputs(
        "A config is an ini file: sections, and key = value. A key left out has the value shown here.\n"
        "--set section.key=value changes one for a run. `sim help parallel.data` tells all about one.\n"
        "\nA key that is given where it has no effect is refused; `sim help` of it says when it applies. A\n"
        "line of the file is let be where only a --set took its effect away, and so is a value that asks\n"
        "for nothing: no, none, auto.\n",
        out);
    for (int i = 0; i < CONFIG_SECTIONS; i++) print_section(out, &config_sections[i]);
    fputs("\nThe least config that trains with ZeRO-3 is two lines:\n"
          "\n  [parallel]\n  data = zero3\n",
          out);
}

/* No key of that bare name, nor a section or a command: which was meant. */
static void refuse_bare(const char *key, const char *const *commands, Error *error)
{
    char why[1024], list[256], shown[100];
    const int choice = config_row_with_choice(key);
    if (choice >= 0) {
        const ConfigRow *chosen = config_row_at(choice);
        error_set(error, "help %s: a value of %s.%s; try sim help %s.%s", key, chosen->section, chosen->key,
                  chosen->section, chosen->key);
        return;
    }
    const char *command = words_nearest(key, commands);
    int far = command ? words_far(key, command) : 0;
    for (int i = 0; command && i < CONFIG_ROWS; i++) {
        int other = words_far(key, config_row_at(i)->key);
        if (other >= 0 && other < far) command = NULL; /* a key is nearer */
    }
    words_show(shown, sizeof shown, key);
    config_row_unknown("", key, why, sizeof why);
    words_join(list, sizeof list, commands);
    if (command)
        error_set(error, "help %s: no such command; try sim help %s", shown, command);
    else if (strstr(why, "try one of"))
        error_set(error, "help %s: %s, or a command: %s", shown, why, list);
    else
        error_set(error, "help %s: %s", shown, why);
}

/* `sim help seed`: the one row of that bare name; -1 with `error` filled when there are none or several. */
static int bare_row(const char *key, const char *const *commands, Error *error)
{
    char list[256] = "";
    int found = -1, count = 0;
    for (int i = 0; i < CONFIG_ROWS; i++) {
        if (strcmp(config_row_at(i)->key, key) != 0) continue;
        words_append(list, sizeof list, "%s%s.%s", count ? " or " : "", config_row_at(i)->section, key);
        found = i;
        count++;
    }
    if (count == 1) return found;
    if (count > 1)
        error_set(error, "help %s: more than one key has that name; try sim help %s", key, list);
    else
        refuse_bare(key, commands, error);
    return -1;
}

bool config_help(FILE *out, const char *key, const char *program_directory, const char *const *commands,
                 Error *error)
{
    if (!key) {
        print_overview(out);
        return true;
    }
    for (int i = 0; i < CONFIG_SECTIONS; i++)
        if (strcmp(config_sections[i].name, key) == 0) {
            print_section(out, &config_sections[i]);
            return true;
        }
    int index = config_row_named(key);
    const char *dot = strchr(key, '.');
    if (index < 0 && dot) {
        char section[64], why[1024], shown[100];
        words_show(shown, sizeof shown, key);
        snprintf(section, sizeof section, "%.*s", (int)(dot - key < 63 ? dot - key : 63), key);
        config_row_unknown(section, dot + 1, why, sizeof why);
        return error_set(error, "help %s: %s", shown, why);
    }
    if (index < 0) index = bare_row(key, commands, error);
    if (index < 0) return false;
    print_row(out, config_row_at(index), program_directory);
    return true;
}
