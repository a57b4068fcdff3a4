/* test_share_text.c - ranks that read a text themselves: they all see the same, or it is said who does not. Each
 * virtual rank here opens it for itself, as a process does. */
#include "sim/run/share_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parallel/wire/comm_virtual.h"
#include "tests/support/check.h"
#include "tests/support/config_text.h"
#include "tests/support/folder.h"

enum { RANKS = 3 };

/* What each rank finds under data.source; NULL: nothing. */
typedef struct Sight {
    char folder[FOLDER];
    const char *content[RANKS];
    bool same[RANKS], alone; /* alone: one for all, as in a process of virtual ranks */
    SharedText shared[RANKS];
    Error error;
} Sight;

static void look(Comm *comm, void *context)
{
    Sight *s = context;
    Config config;
    Error error;
    char set[96];
    snprintf(set, sizeof set, "data.source=%s/%s.txt", s->folder,
             s->content[comm->rank] ? s->content[comm->rank] : "no");
    const char *sets[] = {set, NULL};
    if (!parse(&config, "[model]\nvocab = 256\n", sets, &error)) fail_msg("%s", error.text);
    Group *world = group_world(comm, CHANNEL_CONTROL);
    s->same[comm->rank] = share_text(world, &config, &s->shared[s->alone ? 0 : comm->rank],
                                     comm->rank == 0 ? &s->error : &error);
    group_free(world);
    config_free(&config);
}

static void see(Sight *s)
{
    Error error;
    s->error.text[0] = '\0';
    assert_true(virtual_run(RANKS, look, s, &error));
    for (int r = 0; r < RANKS; r++) assert_true(s->same[r] == s->same[0]);
}

static void close_all(Sight *s)
{
    for (int r = 0; r < RANKS; r++) share_text_end(&s->shared[r]);
}

static void put(const Sight *s, const char *name, const char *bytes)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s.txt", s->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(bytes, file);
    assert_int_equal(fclose(file), 0);
}

static void all_see_the_same(void **state)
{
    Sight *s = *state;
    for (int alone = 0; alone < 2; alone++) {
        *s = (Sight){.content = {"a", "a", "a"}, .alone = alone};
        assert_int_equal(folder_make(s->folder), 0);
        put(s, "a", "some text");
        see(s);
        assert_true(s->same[0]);
        for (int r = 0; r < RANKS; r++) {
            assert_true((s->shared[r].file != NULL) == (r == 0 || !alone));
            if (s->shared[r].file) assert_int_equal(s->shared[r].text.bytes, 9);
        }
        close_all(s);
        assert_int_equal(folder_remove(s->folder), 0);
    }
}

static void one_does_not(void **state)
{
    Sight *s = *state;
    static const struct {
        const char *content[RANKS], *says;
    } sights[] = {
        {{"a", "a", NULL}, "rank 2, on "},
        {{"a", NULL, "a"},
         "cannot read it: No such file or directory; every node reads the text itself, so try"},
        {{"a", "other", "a"}, "sees another file there, as long and with other bytes; every node"},
        {{"a", "a", "longer"}, "sees another file there, of 11 bytes and not 9; every node"},
        {{NULL, "a", "a"},
         "cannot read it: No such file or directory; try the path of a text file, or markov"},
    };
    *s = (Sight){.alone = false};
    assert_int_equal(folder_make(s->folder), 0);
    put(s, "a", "some text");
    put(s, "other", "some test");
    put(s, "longer", "some texts.");
    for (size_t i = 0; i < sizeof sights / sizeof *sights; i++) {
        memcpy(s->content, sights[i].content, sizeof s->content);
        see(s);
        assert_false(s->same[0]);
        if (!strstr(s->error.text, sights[i].says)) fail_msg("'%s', not '%s'", s->error.text, sights[i].says);
        assert_non_null(strstr(s->error.text, "data.source"));
        close_all(s);
    }
    assert_int_equal(folder_remove(s->folder), 0);
}

int main(void)
{
    static Sight sight;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(all_see_the_same, &sight),
        cmocka_unit_test_prestate(one_does_not, &sight),
    };
    return cmocka_run_group_tests_name("share text", tests, NULL, NULL);
}
