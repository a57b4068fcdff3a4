/* h5_attribute.c - attributes: set, read, listed. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- setting ---- */

/* A dataset in use, or opened: finding one by its path takes as long as setting its attribute. */
static hid_t open_object(H5 *file, const char *object)
{
    for (H5Open *open = file->open; open; open = open->next)
        if (!strcmp(open->path, object)) return H5Iinc_ref(open->id) > 0 ? open->id : -1;
    return H5Oopen(file->id, object, H5P_DEFAULT);
}

/* One that is there; negative: none is, or it is a text of another length, which then goes, to come new. */
static hid_t open_attribute(hid_t where, const char *name, hid_t file_type)
{
    if (H5Aexists(where, name) <= 0) return -1;
    hid_t attribute = H5Aopen(where, name, H5P_DEFAULT), type = attribute < 0 ? -1 : H5Aget_type(attribute);
    bool fits = H5Tget_class(file_type) != H5T_STRING || (type >= 0 && H5Tequal(type, file_type) > 0);
    h5_release(type);
    if (fits) return attribute;
    h5_release(attribute);
    H5Adelete(where, name);
    return -1;
}

bool h5_set_attribute(H5 *file, const char *object, const char *name, hid_t file_type, hid_t memory_type,
                      const void *value, Error *error)
{
    hid_t where = open_object(file, object), space = -1, attribute = -1;
    bool ok = where >= 0;
    if (ok) attribute = open_attribute(where, name, file_type);
    if (ok && attribute < 0) {
        space = H5Screate(H5S_SCALAR);
        attribute = H5Acreate2(where, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    }
    ok = ok && attribute >= 0 && H5Awrite(attribute, memory_type, value) >= 0;
    if (!ok) h5_fail(file->path, "set the attribute", name, error);
    h5_release(attribute);
    h5_release(space);
    h5_release(where);
    return ok;
}

bool h5_set_text(H5 *file, const char *object, const char *name, const char *value, Error *error)
{
    hid_t type = h5_text_type(strlen(value) + 1);
    bool ok = h5_set_attribute(file, object, name, type, type, value, error);
    h5_release(type);
    return ok;
}

bool h5_set_number(H5 *file, const char *object, const char *name, double value, Error *error)
{
    return h5_set_attribute(file, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &value, error);
}

bool h5_set_integer(H5 *file, const char *object, const char *name, int64_t value, Error *error)
{
    return h5_set_attribute(file, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, &value, error);
}

/* ---- reading ---- */

static hid_t attribute_of(H5 *file, const char *object, const char *name)
{
    hid_t where = H5Oopen(file->id, object, H5P_DEFAULT);
    hid_t attribute = where >= 0 && H5Aexists(where, name) > 0 ? H5Aopen(where, name, H5P_DEFAULT) : -1;
    h5_release(where);
    return attribute;
}

/* One value; false, and nothing read, when there are more, or none. */
static bool holds_one(hid_t attribute)
{
    hid_t space = H5Aget_space(attribute);
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    h5_release(space);
    return one;
}

bool h5_get_text(H5 *file, const char *object, const char *name, char *value, size_t size)
{
    hid_t attribute = attribute_of(file, object, name);
    if (attribute < 0) return false;
    hid_t type = H5Aget_type(attribute);
    bool ok = holds_one(attribute) && h5_fixed_text(type) && H5Tget_size(type) <= H5_TEXT_MOST;
    char *text = ok ? allocate_zeroed(1, H5Tget_size(type) + 1) : NULL;
    ok = ok && H5Aread(attribute, type, text) >= 0;
    if (ok) snprintf(value, size, "%s", text);
    free(text);
    h5_release(type);
    h5_release(attribute);
    return ok;
}

bool h5_get_number(H5 *file, const char *object, const char *name, double *value)
{
    hid_t attribute = attribute_of(file, object, name);
    if (attribute < 0) return false;
    hid_t type = H5Aget_type(attribute);
    const H5T_class_t class = H5Tget_class(type);
    double number;
    bool ok = holds_one(attribute) && (class == H5T_INTEGER || class == H5T_FLOAT) &&
              H5Aread(attribute, H5T_NATIVE_DOUBLE, &number) >= 0;
    if (ok) *value = number;
    h5_release(type);
    h5_release(attribute);
    return ok;
}

typedef struct Visit {
    bool (*visit)(const char *name, void *context);
    void *context;
} Visit;

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context)
{
    (void)object;
    (void)info;
    const Visit *v = context;
    return !v->visit(name, v->context);
}

bool h5_each_attribute(H5 *file, const char *object, bool (*visit)(const char *name, void *context),
                       void *context, Error *error)
{
    Visit v = {visit, context};
    hid_t id = H5Oopen(file->id, object, H5P_DEFAULT);
    bool ok = id >= 0 && H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, &v) >= 0;
    if (!ok) h5_fail(file->path, "read the attributes of", object, error);
    h5_release(id);
    return ok;
}
