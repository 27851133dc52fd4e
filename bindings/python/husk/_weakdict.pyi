from husk.weakref import WeakKeyDictionary as WeakKeyDictionary
from husk.weakref import WeakValueDictionary as WeakValueDictionary
