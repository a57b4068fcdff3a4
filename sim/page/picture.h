/* picture.h - how large a picture is meant to be seen. */
#ifndef SIM_PAGE_PICTURE_H
#define SIM_PAGE_PICTURE_H
#include <stdbool.h>

/* In pixels, of an SVG by its viewBox, of a PNG at twice the size; false where the file does not tell. */
bool picture_size(const char *path, int *width, int *height);
#endif
