/* links.h - the report's part on links: what devices send inside their nodes and out of them, and how long that keeps
 * their links busy. */
#ifndef SIM_REPORT_LINKS_H
#define SIM_REPORT_LINKS_H
#include "parallel/network/network.h"
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

enum { LINK_AXES = 4 };
extern const char *const links_axis[LINK_AXES]; /* their names */

/* Of a step on a machine; NaN where there is none, or nothing is recorded. */
typedef struct Links {
    double bytes[LINK_AXES][ROUTES]; /* a device sends, the mean over all */
    const char *verdict[LINK_AXES];  /* against the formula; "" where there is none */
    double busy[ROUTES];             /* share of the step, the mean over devices; */
    double busiest[ROUTES];          /* and of the busiest link */
} Links;
bool links_read(const RunFile *run, Links *links, Error *error);

/* Nothing of a run on no machine, or of one rank. */
bool report_links(const RunFile *run, Sheet *sheet, Error *error);
/* A line where tensor groups reach over nodes: they talk most. */
bool report_crossing(const RunFile *run, Sheet *sheet, Error *error);
#endif
