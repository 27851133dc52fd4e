"""Reference counting: how many references an object has, and that asking is one of them.

Prints
    Initial reference count: 2
    Reference count after increasing: 3
    Reference count after deletion: 2

The map `names` is the namespace: its entries a and b are counted references in the heap, as the names of a program
are. The second reference of the first line is the handle with which this script asks; husk.refcount leaves it out.
"""

import husk

names = husk.Map()
numbers = husk.List([1, 2, 3])  # the one handle on the list: the same object is always the same Python object

names["a"] = numbers
print("Initial reference count:", husk.getrefcount(names["a"]))

names["b"] = names["a"]
print("Reference count after increasing:", husk.getrefcount(names["a"]))

del names["b"]
print("Reference count after deletion:", husk.getrefcount(names["a"]))
