/* folder.h - a folder of a test's own, below /tmp, and what lies in it. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H
#include <stdbool.h>

enum { FOLDER = 32 };

/* Makes one, and fills its path; 0, or -1 where none can be made, as cmocka's set-up has it. */
int folder_make(char path[FOLDER]);
/* Removes it with all that lies in it: 0 if it went. */
int folder_remove(const char *path);
/* Whether a file lies in it. */
bool folder_has(const char *path, const char *name);
/* Whether anything in it ends in .tmp. */
bool folder_has_draft(const char *path);
#endif
