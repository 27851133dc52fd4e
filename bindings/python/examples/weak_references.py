"""Weak references: they lead to an object without keeping it.

Prints
    Does the object exist: true
    The object is gone
    Does the object exist: false
The line between comes from the callback: it runs when the object's memory is back, so it is given the weak reference
and not the object.
"""

import husk


class Thing(husk.Record):
    name: str


def gone(weak):
    assert weak() is None
    print("The object is gone")


def exists(weak):
    return "true" if weak() is not None else "false"


thing = Thing("lamp")
weak = husk.ref(thing, gone)

print("Does the object exist:", exists(weak))
del thing  # the last reference
print("Does the object exist:", exists(weak))
