from typing import NamedTuple

from husk._ffi import Callback as Callback
from husk._ffi import clear_callback_error as clear_callback_error
from husk._ffi import last_callback_error as last_callback_error

__all__ = ["Callback", "Field", "Layout", "clear_callback_error", "last_callback_error", "layout"]

class Field(NamedTuple):
    type: str
    offset: int
    size: int

class Layout(NamedTuple):
    size: int
    alignment: int
    fields: dict[str, Field]

def layout(text: str) -> Layout: ...
