/* utilization.h - how much of its accelerators a simulated step uses: operations a second, MFU and HFU. */
#ifndef SIM_REPORT_UTILIZATION_H
#define SIM_REPORT_UTILIZATION_H
#include "sim/config/config.h"
#include "sim/file/run_file.h"
#include "sim/report/sheet.h"

/* Operations a second of one device, by whose count; NaN: unknown. Over the peak, what the model needs is the MFU. */
typedef struct Utilization {
    double peak;       /* of the chip, on what is trained in */
    double model;      /* Korthikanti et al. 2205.05198, equation 7 */
    double parameters; /* 6 N + 12 L h s a token, N in products */
    double hardware;   /* done under selective recomputation: their equation 8 */
    double counted;    /* done: products of the kernels, what is computed again included */
} Utilization;

/* Of a step of so many seconds on so many ranks, in which so many operations were done. */
Utilization utilization_of(const Config *config, int ranks, double seconds, double products);
/* Of the last step; all NaN where no machine was simulated. */
bool utilization_read(const RunFile *run, Utilization *utilization, Error *error);
/* A table of it; nothing where there is none. */
bool report_utilization(const RunFile *run, Sheet *sheet, Error *error);
#endif
