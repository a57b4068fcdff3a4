/* checkpoint_image.h - a checkpoint's file without its values, kept for those that follow: making hundreds of datasets
 * anew takes longer than writing what HDF5 made of them the first time. */
#ifndef SIM_FILE_CHECKPOINT_IMAGE_H
#define SIM_FILE_CHECKPOINT_IMAGE_H
#include "sim/file/checkpoint_layout.h"

typedef struct CheckpointImage CheckpointImage;

/* Of a draft that is closed; `place` (checkpoint_places()) stays known, too. NULL: it cannot be read. */
CheckpointImage *checkpoint_image_take(const char *draft, const Gpt *gpt, const Config *config,
                                       const uint64_t *place);
/* Makes a blank one (h5_blank) such a file, with room for its values; `place` (checkpoint_places()) becomes what it is
 * there. */
bool checkpoint_image_put(const CheckpointImage *image, H5 *file, uint64_t *place, Error *error);
void checkpoint_image_free(CheckpointImage *image); /* NULL is left alone */
#endif
