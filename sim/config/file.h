/* file.h - finding and reading an ini file, and the files it names. */
#ifndef SIM_CONFIG_FILE_H
#define SIM_CONFIG_FILE_H
#include <stdio.h>
#include "models/machine/error.h"
#include "sim/config/config.h"

/* Returns the malloc'd text of the file `name`, or NULL. A name with a slash is
 * taken as it is; a bare one is looked for here, then in ../share/sim/configs
 * (installed), ../../configs and ../../../configs (source tree) as seen from
 * `program_directory`, the folder of the executable (NULL: only here). */
char *config_read(const char *name, const char *program_directory, Error *error);

/* The folder `name` among sim's own configs, in the first of these places that has it. */
bool config_folder(const char *program_directory, const char *name, char *folder, size_t size);

/* Writes "a100-80gb-dgx, h100-dgx": what hardware.profile may name of sim's own; false where there is none. */
bool config_machines(char *list, size_t size, const char *program_directory);

/* Returns the malloc'd text of the file of the machine that hardware.profile names, or NULL: NAME is NAME.ini in the
 * folder hardware of one of these places; FILE.ini, or a path, is taken as it is; localhost is localhost.ini here. */
char *config_read_profile(const Config *config, const char *program_directory, Error *error);

/* Opens the plain file that `key` names; or NULL, refusing with "try the path of INSTEAD". */
FILE *config_open_path(const Config *config, const char *key, const char *path, const char *instead,
                       Error *error);

/* Returns the malloc'd bytes of a file that `key` names, `most` of them, with a zero behind; or NULL, refusing as
 * above, and a file that is larger. */
char *config_read_path(const Config *config, const char *key, const char *path, const char *instead,
                       size_t most, int64_t *bytes, Error *error);
#endif
