/* damage_structure.c - structure that sim never writes, made with HDF5 itself: h5.h cannot. */
#define H5_USE_110_API
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/check.h"
#include "tests/support/damage.h"

static hid_t open_file(const char *path)
{
    H5dont_atexit();
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

static hid_t type_of(DamageType type)
{
    static const char field[] = "value";
    hid_t made;
    switch (type) {
    case AS_NUMBERS: return H5Tcopy(H5T_IEEE_F64LE);
    case AS_FLOATS: return H5Tcopy(H5T_IEEE_F32LE);
    case AS_INTEGERS: return H5Tcopy(H5T_STD_I64LE);
    case AS_COUNTS: return H5Tcopy(H5T_STD_U64LE);
    case AS_BYTES: return H5Tcopy(H5T_STD_I8LE);
    case AS_SEQUENCE: return H5Tvlen_create(H5T_STD_I32LE);
    case AS_REFERENCE: return H5Tcopy(H5T_STD_REF_OBJ);
    case AS_ROW:
        made = H5Tcreate(H5T_COMPOUND, 8);
        H5Tinsert(made, field, 0, H5T_IEEE_F64LE);
        return made;
    default:
        made = H5Tcopy(H5T_C_S1);
        H5Tset_size(made, type == AS_TEXT ? 16 : H5T_VARIABLE);
        H5Tset_cset(made, H5T_CSET_UTF8);
        return made;
    }
}

bool damage_shape(const char *path, const char *object, Remade *as)
{
    *as = (Remade){.type = AS_NUMBERS};
    hid_t file = open_file(path), data = file >= 0 ? H5Dopen2(file, object, H5P_DEFAULT) : -1;
    if (data >= 0) {
        hid_t type = H5Dget_type(data), space = H5Dget_space(data);
        hsize_t dims[H5S_MAX_RANK];
        as->rank = H5Sget_simple_extent_dims(space, dims, NULL);
        for (int i = 0; i < as->rank && i < 4; i++) as->dims[i] = dims[i];
        if (H5Tget_class(type) == H5T_INTEGER) as->type = H5Tget_sign(type) ? AS_INTEGERS : AS_COUNTS;
        if (H5Tget_class(type) == H5T_STRING) as->type = AS_TEXT;
        if (H5Tget_class(type) == H5T_COMPOUND) as->type = AS_ROW;
    }
    if (file >= 0) H5Fclose(file);
    return data >= 0 && as->rank >= 0 && as->rank <= 4;
}

void damage_dataset(const char *path, const char *object, const Remade *as)
{
    hid_t file = open_file(path);
    if (file < 0) return;
    H5Ldelete(file, object, H5P_DEFAULT);
    if (as) {
        hsize_t dims[4], chunk[4];
        for (int i = 0; i < as->rank; i++) {
            dims[i] = as->dims[i];
            chunk[i] = as->dims[i] == 0 ? 1 : as->dims[i] < 8 ? as->dims[i] : 8;
        }
        hid_t list = H5Pcreate(H5P_DATASET_CREATE), type = type_of(as->type);
        if (as->rank > 0 && (as->sparse || as->compressed)) H5Pset_chunk(list, as->rank, chunk);
        if (as->rank > 0 && as->compressed) H5Pset_deflate(list, 1);
        if (!as->sparse && !as->raw && !as->virtual) H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
        hid_t space = as->rank ? H5Screate_simple(as->rank, dims, NULL) : H5Screate(H5S_SCALAR);
        if (as->raw) H5Pset_external(list, "/proc/self/exe", 0, H5F_UNLIMITED);
        if (as->virtual) H5Pset_virtual(list, space, "other.h5", object, space);
        H5Dcreate2(file, object, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
        H5Pclose(list);
    }
    H5Fclose(file);
}

void damage_group(const char *path, const char *object)
{
    hid_t file = open_file(path);
    if (file < 0) return;
    H5Ldelete(file, object, H5P_DEFAULT);
    H5Gcreate2(file, object, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
}

void damage_link(const char *path, const char *object)
{
    hid_t file = open_file(path);
    if (file < 0) return;
    H5Ldelete(file, object, H5P_DEFAULT);
    H5Lcreate_soft(object, file, object, H5P_DEFAULT, H5P_DEFAULT); /* to itself */
    H5Fclose(file);
}

void damage_link_to(const char *path, const char *object, const char *other)
{
    H5close(); /* sim makes HDF5 forget such links; begun again, it knows them */
    hid_t file = open_file(path);
    if (file < 0) return;
    H5Ldelete(file, object, H5P_DEFAULT);
    H5Lcreate_external(other, object, file, object, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
}

void damage_values(const char *path, const char *object, Dice *dice)
{
    hid_t file = open_file(path), data = file >= 0 ? H5Dopen2(file, object, H5P_DEFAULT) : -1;
    if (data >= 0) {
        hid_t type = H5Dget_type(data), space = H5Dget_space(data);
        const size_t bytes = (size_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
        unsigned char *values = malloc(bytes + 1);
        for (size_t i = 0; i < bytes; i++) values[i] = (unsigned char)dice_roll(dice, 256);
        const bool plain = H5Tdetect_class(type, H5T_VLEN) <= 0 && H5Tis_variable_str(type) <= 0;
        if (plain) H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        free(values);
    }
    if (file >= 0) H5Fclose(file);
}

/* ---- attributes ---- */

/* `count` of them; 0: none. */
static void remake(const char *path, const char *object, const char *name, hid_t type, hsize_t count,
                   const void *value)
{
    hid_t file = open_file(path), where = file >= 0 ? H5Oopen(file, object, H5P_DEFAULT) : -1;
    if (where >= 0) {
        H5Adelete(where, name);
        hid_t space = count > 1 ? H5Screate_simple(1, &count, NULL) : H5Screate(H5S_SCALAR);
        hid_t made = count ? H5Acreate2(where, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
        if (made >= 0) H5Awrite(made, type, value);
    }
    if (file >= 0) H5Fclose(file);
}

void damage_number(const char *path, const char *object, const char *name, double value)
{
    remake(path, object, name, H5T_NATIVE_DOUBLE, 1, &value);
}

void damage_pair(const char *path, const char *object, const char *name)
{
    const double values[] = {1, 2};
    remake(path, object, name, H5T_NATIVE_DOUBLE, 2, values);
}

void damage_text(const char *path, const char *object, const char *name, const char *text)
{
    H5open();
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text) + 1);
    remake(path, object, name, type, 1, text);
    H5Tclose(type);
}

void damage_any_text(const char *path, const char *object, const char *name, const char *text)
{
    H5open();
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    remake(path, object, name, type, 1, &text);
    H5Tclose(type);
}

void damage_no_attribute(const char *path, const char *object, const char *name)
{
    H5open();
    remake(path, object, name, H5T_NATIVE_DOUBLE, 0, NULL);
}
