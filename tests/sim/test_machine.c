/* test_machine.c - a machine's file: a layer under the config, refused by its own lines; and the files that come with
 * sim. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config/file.h"
#include "sim/config/parse.h"
#include "sim/config/rows.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"

/* A config of `text` and --set, of which one may be NULL, on a machine of these lines. */
static bool parse_on(const char *machine, const char *text, const char *set, Config *config, Error *error)
{
    memset(error, 0, sizeof *error);
    return config_parse(
        config,
        &(ConfigSource){
            .name = "t.ini", .text = text, .profile = machine, .sets = &set, .set_count = set != NULL},
        error);
}

#define ON "[hardware]\nprofile = m.ini\n"

static void layers(void **state)
{
    (void)state;
    Config c;
    Error error;
    if (!parse_on(slow_machine, ON, NULL, &c, &error)) fail_msg("%s", error.text);
    assert_true(c.machine.chip.processors == 4 && c.machine.chip.sustained == 0.5);
    assert_true(c.machine.software.fused_bias && c.machine.software.launch_us == 0); /* defaults */
    config_free(&c);
    if (!parse_on(slow_machine, ON "[chip]\nprocessors = 7\n[software]\nlaunch_us = 3\n", "chip.sustained=1",
                  &c, &error))
        fail_msg("%s", error.text);
    assert_true(c.machine.chip.processors == 7 && c.machine.chip.sustained == 1);
    assert_true(c.machine.software.launch_us == 3 && c.machine.chip.stream == 0.8);
    config_free(&c);
    /* a line that only a machine makes sense of, and a --set that takes the machine away */
    if (!parse_on("", ON "[chip]\nprocessors = 7\n", "hardware.profile=ideal", &c, &error))
        fail_msg("%s", error.text);
    assert_true(c.machine.chip.processors == 0);
    config_free(&c);
    /* a preset by --set forgets what the file says of the model, not of the machine */
    if (!parse_on(slow_machine, ON, "model.preset=small", &c, &error)) fail_msg("%s", error.text);
    assert_true(c.machine.chip.processors == 4);
    config_free(&c);
}

static void refused_on(const char *machine, const char *text, const char *message)
{
    Config c;
    Error error;
    assert_false(parse_on(machine, text, NULL, &c, &error));
    if (strncmp(error.text, message, strlen(message)) != 0) fail_msg("'%s', not '%s'", error.text, message);
    assert_null(strchr(error.text, '\n'));
    assert_non_null(strstr(error.text, "; try "));
}

/* The slow machine with one line more, or without the line that begins so. */
static char *changed(const char *more, const char *without)
{
    char *text = calloc(strlen(slow_machine) + 256, 1), *line = NULL;
    strcpy(text, slow_machine);
    if (without && (line = strstr(text, without)))
        memmove(line, strchr(line, '\n') + 1, strlen(strchr(line, '\n')));
    assert_true(!without || line);
    if (more) strcat(text, more);
    return text;
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *more, *without, *message;
    } cases[] = {
        {NULL, "gap_us",
         "m.ini: chip.gap_us: not given (microseconds to start and drain a kernel); try gap_us = "},
        {"processors = 0\n", "processors", "m.ini:22: chip.processors = 0: outside 1 to 1000000; try 108"},
        {"sustained = 1.2\n", "sustained", "m.ini:22: chip.sustained = 1.2: outside 0 to 1"},
        {"stream = fast\n", "stream", "m.ini:22: chip.stream = fast: not a number"},
        {"bandwidth_gb = nan\n", "bandwidth_gb", "m.ini:22: chip.bandwidth_gb = nan: not a number"},
        {"bandwith_gb = 3\n", NULL, "m.ini:23: chip.bandwith_gb = 3: no such key; try chip.bandwidth_gb"},
        {"gap_us = 3\n", NULL, "m.ini:23: chip.gap_us: already given in line 22; try one of the two"},
        {"[train]\n", NULL,
         "m.ini:23: [train]: a machine has [chip], [node] and [software]; try moving it to t.ini"},
        {NULL, "devices",
         "m.ini: node.devices: not given (accelerators in a node; ranks fill node after node); try"},
        {"[node]\ncard_us = -1\n", "card_us", "m.ini:23: node.card_us = -1: outside 0 to 1e9; try 5"},
        {"[node]\ncollectives = nccl\n", NULL,
         "m.ini:24: node.collectives = nccl: not one of ideal, nccl-volta"},
        {"[chips]\n", NULL, "m.ini:23: [chips]: no such section; try [chip]"},
        {"[software]\nfused_bias = maybe\n", NULL, "m.ini:24: software.fused_bias = maybe: not yes or no"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = changed(cases[i].more, cases[i].without);
        refused_on(text, ON, cases[i].message);
        free(text);
    }
    refused_on("processors = 3\n", ON, "m.ini:1: processors: stands before any [section]; try");
    /* what the config gives too is read all the same */
    char *text = changed("sustained = 1.2\n", "sustained");
    refused_on(text, ON "[chip]\nsustained = 1\n", "m.ini:22: chip.sustained = 1.2: outside 0 to 1");
    free(text);
    refused_on(
        slow_machine, "[chip]\nsustained = 1\n",
        "t.ini:2: chip.sustained = 1: has an effect only with a machine as hardware.profile; try leaving it");
    refused_on(slow_machine, slow_machine,
               "t.ini:9: chip.peak_16_tflops = 2e-6: that is the file of a machine, and --config wants a "
               "run's; try --config "
               "zero3.ini --set hardware.profile=t.ini");
    refused_on(slow_machine, "[hardware]\nprofile = given\nforward_ms = 0\n",
               "t.ini:3: hardware.forward_ms = 0: outside 0 to 1e9, without 0; try");
}

/* Of whatever the name: with a line of the config's, and the machines there are. */
static void missing_files(void **state)
{
    (void)state;
    static const char *const names[] = {"a100-80gb-dgy", "a100", "nowhere/x", "x.ini"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[128], where[128];
        Error error;
        snprintf(text, sizeof text, "[hardware]\nprofile = %s\n", names[i]);
        snprintf(where, sizeof where,
                 "t.ini:2: hardware.profile = %s: neither one of ideal, measured, given, ", names[i]);
        assert_null(config_profile_text(&(ConfigSource){.name = "t.ini", .text = text}, "tests/sim", &error));
        if (strncmp(error.text, where, strlen(where)) != 0) fail_msg("%s", error.text);
        assert_non_null(strstr(error.text, i == 0   ? "; try a100-80gb-dgx"
                                           : i == 1 ? "; try a100-"
                                                    : "; try "));
    }
    char *none =
        config_profile_text(&(ConfigSource){.name = "t.ini", .text = "[train]\nstep = 3\n"}, NULL, NULL);
    assert_string_equal(none, ""); /* config_parse() says what is wrong */
    free(none);
}

/* Each names no number that the table does not know, gives all, and says where each is from. */
static void shipped(void **state)
{
    (void)state;
    int count = 0;
    DIR *folder = opendir("configs/hardware");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char text[512], *dot = strstr(entry->d_name, ".ini");
        Config c;
        Error error;
        if (!dot) continue;
        snprintf(text, sizeof text, "[hardware]\nprofile = %.*s\n", (int)(dot - entry->d_name),
                 entry->d_name);
        ConfigSource source = {.name = "t.ini", .text = text};
        char *machine = config_profile_text(&source, "tests/sim", &error);
        if (!machine) fail_msg("%s", error.text);
        source.profile = machine;
        if (!config_parse(&c, &source, &error)) fail_msg("%s", error.text);
        const Chip *chip = &c.machine.chip;
        assert_true(chip->peak_16_tflops > chip->peak_32_tflops && chip->bandwidth_gb > 10 * chip->memory_gb);
        for (char *line = strtok(machine, "\n"); line; line = strtok(NULL, "\n"))
            if (strchr(line, '=') && *line != ';' && !strchr(line, ';') && strncmp(line, "flash_b", 7) != 0 &&
                strncmp(line, "fused", 5) != 0)
                fail_msg("%s: %s: from where?", entry->d_name, line);
        free(machine);
        config_free(&c);
        count++;
    }
    closedir(folder);
    assert_true(count >= 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),
        cmocka_unit_test(refusals),
        cmocka_unit_test(missing_files),
        cmocka_unit_test(shipped),
    };
    return cmocka_run_group_tests_name("machine files", tests, NULL, NULL);
}
