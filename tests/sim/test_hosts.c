/* test_hosts.c - which ranks are on which machine, in words. */
#include "sim/run/hosts.h"
#include <stdio.h>
#include <string.h>
#include "tests/support/check.h"

enum { MOST = 400 };

/* Rank r on the machine of the r-th letter. */
static Hosts on(const char *letters, int together)
{
    char name[MOST][NODE_NAME];
    int ranks = (int)strlen(letters);
    for (int r = 0; r < ranks; r++) snprintf(name[r], NODE_NAME, "node-%c", letters[r]);
    return hosts_of((const char(*)[NODE_NAME])name, ranks, together);
}

static void says(const char *letters, int together, int count, int across, const char *text)
{
    Hosts hosts = on(letters, together);
    assert_int_equal(hosts.count, count);
    assert_int_equal(hosts.across, across);
    assert_string_equal(hosts.text, text);
}

static void test_in_order_of_the_first(void **state)
{
    (void)state;
    says("a", 1, 1, 0, "node-a: 0");
    says("aabb", 2, 2, 0, "node-a: 0-1; node-b: 2-3");
    says("baab", 1, 2, 0, "node-b: 0, 3; node-a: 1-2");
    says("abcabc", 1, 3, 0, "node-a: 0, 3; node-b: 1, 4; node-c: 2, 5");
    says("aabaacbb", 1, 3, 0, "node-a: 0-1, 3-4; node-b: 2, 6-7; node-c: 5");
}

static void test_groups_across(void **state)
{
    (void)state;
    says("abab", 2, 2, 2, "node-a: 0, 2; node-b: 1, 3");
    says("aaabbb", 2, 2, 1, "node-a: 0-2; node-b: 3-5");
    says("aaabbb", 3, 2, 0, "node-a: 0-2; node-b: 3-5");
    says("aabaaaaa", 4, 2, 1, "node-a: 0-1, 3-7; node-b: 2");
}

/* Many machines, in whole ones. */
static void test_cut_between_machines(void **state)
{
    (void)state;
    char name[MOST][NODE_NAME], end[64];
    for (int r = 0; r < MOST; r++) snprintf(name[r], NODE_NAME, "machine-%03d", r / 2);
    Hosts hosts = hosts_of((const char(*)[NODE_NAME])name, MOST, 2);
    int told = 1;
    for (const char *at = hosts.text; (at = strstr(at, "; machine-")); at++) told++;
    assert_int_equal(hosts.count, MOST / 2);
    assert_int_equal(hosts.across, 0);
    assert_true(told > 20);
    snprintf(end, sizeof end, "machine-%03d: %d-%d; and %d more", told - 1, 2 * told - 2, 2 * told - 1,
             MOST / 2 - told);
    assert_string_equal(hosts.text + strlen(hosts.text) - strlen(end), end);
    /* one whose ranks alone do not fit */
    for (int r = 0; r < MOST; r++) snprintf(name[r], NODE_NAME, r % 2 ? "b" : "a");
    hosts = hosts_of((const char(*)[NODE_NAME])name, MOST, 1);
    assert_int_equal(hosts.count, 2);
    assert_string_equal(hosts.text, "2 hosts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_of_the_first),
        cmocka_unit_test(test_groups_across),
        cmocka_unit_test(test_cut_between_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
