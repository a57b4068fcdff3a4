/* h5_type.c - what values are, in a file and in memory. */
#define H5_USE_110_API
#include <hdf5.h>
#include "sim/file/h5_private.h"
#include "models/machine/real.h"

const H5Kind h5_real = sizeof(real) == sizeof(double) ? H5_F64 : H5_F32;

size_t h5_width(H5Kind kind)
{
    return kind == H5_F32 || kind == H5_I32 ? 4 : 8;
}

hid_t h5_type(H5Kind kind, bool in_file)
{
    switch (kind) {
    case H5_F32: return in_file ? H5T_IEEE_F32LE : H5T_NATIVE_FLOAT;
    case H5_F64: return in_file ? H5T_IEEE_F64LE : H5T_NATIVE_DOUBLE;
    case H5_I32: return in_file ? H5T_STD_I32LE : H5T_NATIVE_INT32;
    case H5_I64: return in_file ? H5T_STD_I64LE : H5T_NATIVE_INT64;
    case H5_U64: return in_file ? H5T_STD_U64LE : H5T_NATIVE_UINT64;
    }
    return -1;
}

/* Texts lie where their attribute or row lies. Those of variable length would lie on HDF5's global heap, where one
 * damaged byte makes the library (1.10.8) crash or loop. */
hid_t h5_text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

bool h5_fixed_text(hid_t type)
{
    return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
}

hid_t h5_row_type(H5Row row, bool in_file)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, row.bytes);
    for (int i = 0; i < row.fields; i++) {
        hid_t text = row.field[i].text ? h5_text_type(row.field[i].size) : -1;
        H5Tinsert(type, row.field[i].name, row.field[i].offset,
                  row.field[i].text ? text : h5_type(row.field[i].kind, in_file));
        h5_release(text);
    }
    if (in_file) H5Tpack(type);
    return type;
}
