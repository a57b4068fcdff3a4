/* csv.h - a field of comma-separated values, as RFC 4180 has it. */
#ifndef SIM_BASE_CSV_H
#define SIM_BASE_CSV_H

/* Prints it to stdout, in quotes where it has a comma, a quote or an end of line. */
void csv_text(const char *text);
#endif
