/* not_hdf5.c - by the name's ending. */
#include "sim/file/not_hdf5.h"
#include "sim/base/words.h"

bool refuse_not_hdf5(const char *path, Error *error)
{
    char quoted[1024];
    words_quote(quoted, sizeof quoted, path);
    if (words_end_in(path, ".csv"))
        return error_set(
            error,
            "%s: rows as text, which a spreadsheet reads; try the .h5 of the run or sweep that it "
            "is of, sim validate %s for steps that were measured, or --set parallel.schedule=%s "
            "for a schedule",
            path, quoted, quoted);
    if (words_end_in(path, ".ini"))
        return error_set(error,
                         "%s: a config, and no run's file; try sim --config %s, and then the .h5 that "
                         "it writes",
                         path, quoted);
    if (words_end_in(path, ".json"))
        return error_set(error, "%s: not HDF5; try it on ui.perfetto.dev, if it is a trace", path);
    if (words_end_in(path, ".h5"))
        return error_set(
            error,
            "%s: empty, or damaged: it does not begin as HDF5 does; try what it was copied from, "
            "or another",
            path);
    return error_set(
        error,
        "%s: not HDF5, as all is that sim keeps of runs, checkpoints, weights and sweeps; try one "
        "whose name ends in .h5",
        path);
}
