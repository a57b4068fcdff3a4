/* report_command.h - `sim report RUN.h5|FOLDER... [--csv | --json]`. */
#ifndef SIM_REPORT_REPORT_COMMAND_H
#define SIM_REPORT_REPORT_COMMAND_H

/* argv[0] is "report". One run as a screen of text, several as one table, or either as CSV or JSON; nothing of it
 * before every option is checked and every file read. Returns the exit status: 2 for a bad request. */
int report_command(int argc, char **argv);
#endif
