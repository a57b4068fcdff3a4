/* plot.h - `sim plot RUN.h5|FOLDER...`: the charts of one run, or of several side by side. */
#ifndef SIM_PLOT_PLOT_H
#define SIM_PLOT_PLOT_H

/* argv[0] is "plot"; templates are found from `program_directory`, the folder
 * the program lies in. Prints a line a chart on stdout and a line an
 * error on stderr. Returns the exit status: 0 when all charts that the files
 * have data for were drawn, 1 when something failed, 2 for a bad request. */
int plot_command(int argc, char **argv, const char *program_directory);
#endif
