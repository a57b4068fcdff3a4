/* words.h - small help with what messages say: the name that was meant, lists, sizes. */
#ifndef SIM_BASE_WORDS_H
#define SIM_BASE_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A copy, to be freed. */
char *words_copy(const char *text);

/* `text` behind the byte order mark that some editors and spreadsheets put before UTF-8, if it has one. */
const char *words_behind_mark(const char *text);

/* Adds to the end of `text`, never past `size`. */
void words_append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Writes "a, b, c" from a list that ends in NULL. */
void words_join(char *text, size_t size, const char *const *names);

/* Changes of one letter, or swaps of two neighbours, that turn `a` into `b`
 * (optimal string alignment); only the first 63 characters are compared. */
int words_distance(const char *a, const char *b);

/* How far what was typed is from a name that may have been meant, -1 when it can hardly have been: names that it
 * begins, however their parts are joined, are nearer than those it misspells, and these than those that begin alike up to a dash. */
int words_far(const char *typed, const char *name);

/* Whether a name is so near that no other need be told beside it: what was typed misspells no more than a letter in
 * three of it. */
bool words_is_near(const char *typed, const char *name);

/* The name least far from `typed` in a list that ends in NULL, or NULL when none can have been meant. */
const char *words_nearest(const char *typed, const char *const *names);

/* Which of a list that ends in NULL the word is, in letters of either case; or NULL. */
const char *words_among(const char *word, const char *const *names);

/* `value` as it can stand in one line of a message: "" when empty, cut when
 * long, '?' for characters that cannot be seen (error_show). */
void words_show(char *shown, size_t size, const char *value);
/* All of it so, however long; to be freed. */
char *words_shown(const char *value);

/* Columns that it takes on a screen: bytes that continue a letter of UTF-8 take none. */
int words_columns(const char *text);

/* Whether `word` has `ending`, in letters of either case, behind something else. */
bool words_end_in(const char *word, const char *ending);

/* The plural's ending: "" of one, "s" of any other number. */
const char *words_s(int64_t count);

/* `name` as a shell takes it for one word, to stand in a command that is shown: in quotes unless it needs none,
 * control bytes as $'...' has them. Cut where it does not fit. */
void words_quote(char *quoted, size_t size, const char *name);

/* "1.250 MB", in powers of 1000; "-" of NaN. And "1.25 MB", of what is known about. */
void words_bytes_about(double bytes, char *text, size_t size);
void words_bytes(double bytes, char *text, size_t size);

/* "12 s", "3 min 05 s", "2 h 07 min", "130 days". */
void words_duration(double seconds, char *text, size_t size);

/* Divisors of `n`, ascending, as "1, 2, 4 or 8": those nearest to `wanted`, eight at most; of those that fit. */
void words_divisors_with(int64_t n, int64_t wanted, bool (*fits)(int64_t divisor, void *context),
                         void *context, char *text, size_t size);
void words_divisors(int64_t n, int64_t wanted, char *text, size_t size);
#endif
