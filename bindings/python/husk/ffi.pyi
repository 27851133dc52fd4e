from typing import NamedTuple, Type

from husk._ffi import Callback as Callback
from husk._ffi import Struct as Struct
from husk._ffi import View as View
from husk._ffi import address as address
from husk._ffi import clear_callback_error as clear_callback_error
from husk._ffi import heap_type as heap_type
from husk._ffi import last_callback_error as last_callback_error

__all__ = [
    "Callback",
    "Field",
    "Layout",
    "Struct",
    "View",
    "address",
    "clear_callback_error",
    "heap_type",
    "last_callback_error",
    "layout",
]

class Field(NamedTuple):
    type: str
    offset: int
    size: int

class Layout(NamedTuple):
    size: int
    alignment: int
    fields: dict[str, Field]

def layout(struct: str | Type[Struct]) -> Layout: ...
