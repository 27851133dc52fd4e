"""Python functions as C function pointers, objects of a heap as C structs; by libhusk-ffi, which stands on libffi.

    import ctypes
    from husk import ffi

    def compare(a, b):
        a, b = ctypes.c_int.from_address(a).value, ctypes.c_int.from_address(b).value
        return (a > b) - (a < b)

    numbers = (ctypes.c_int * 3)(3, 1, 2)
    with ffi.Callback("int(ptr,ptr)", compare) as cb:
        ctypes.CDLL(None).qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), ctypes.c_void_p(cb.address))

    Point = ffi.heap_type("Point", "{x:f64,next:ref}")
    p = Point(1.5, next=Point(2.5))
    ctypes.c_double.from_address(ffi.address(p)).value  # 1.5

Signatures and structs are texts of one grammar (docs/ffi-signatures.md). Calling C functions is left to ctypes.

Ownership: a Callback owns its function, and C owns nothing of it; an address keeps nothing alive. Errors: those of husk; what goes wrong in a callback
goes to sys.unraisablehook and last_callback_error(), and C gets zero. Threads: a callback runs on the thread that made
it; elsewhere it is refused.
"""

from collections import namedtuple as _namedtuple

try:
    from husk._ffi import (Callback, Struct, View, _layout, address, clear_callback_error, heap_type,
                           last_callback_error)
except ModuleNotFoundError as _error:
    raise ImportError("husk.ffi: this package was built without libffi; with it (Debian: libffi-dev) it has to be "
                      "built again", name="husk.ffi") from _error

__all__ = ["Callback", "Field", "Layout", "Struct", "View", "address", "clear_callback_error", "heap_type",
           "last_callback_error", "layout"]

Field = _namedtuple("Field", ("type", "offset", "size"))
Field.__doc__ = "A field of a Layout: its type in the grammar, and where it is, in bytes."
Layout = _namedtuple("Layout", ("size", "alignment", "fields"))
Layout.__doc__ = "A struct or union as the C compiler lays it out; fields is a dict, name to Field, in order."


def layout(struct):
    """The Layout of a struct or union, as in layout("{x:f64,next:ref}"), or of a class that heap_type made.

    Fields of an unnamed struct within are listed as if they were the outer one's, as in C11. husk.InvalidError if the
    text is no such type, with a caret under the fault.
    """
    if isinstance(struct, type) and issubclass(struct, Struct):
        struct = struct.__struct__
    size, alignment, rows = _layout(struct)
    fields = {}
    for name, spelled, offset, length in rows:
        if name is not None:
            fields[name] = Field(spelled, offset, length)
        else:
            for inner, field in layout(spelled).fields.items():
                fields[inner] = field._replace(offset=offset + field.offset)
    return Layout(size, alignment, fields)
