/* folder.h - the folder that the charts of some runs are drawn into, where none is asked for. */
#ifndef SIM_PLOT_FOLDER_H
#define SIM_PLOT_FOLDER_H
#include "models/machine/error.h"
#include "sim/plot/draw.h"
#include "sim/plot/run.h"

/* Beside the first run: "zero3-charts" of one, "ddp+zero3-charts" of several, in their order, for the first is what
 * the others are compared with. Where these names do not tell the runs apart from others (one lies elsewhere, has a
 * '+' or a blank in its name, for which '-' stands, or there are more than fit) eight digits that do stand behind them:
 * "a+b+30-more-1f2e3d4c-charts".
 * The same runs always get the same folder. */
bool plot_choose_folder(const PlotRun *runs, int count, char folder[PLOT_PATH], Error *error);
#endif
