/* version.h - the version of the program, as recorded in every run file. */
#ifndef SIM_BASE_VERSION_H
#define SIM_BASE_VERSION_H
#define SIM_VERSION "0.1.0"
#endif
