from husk.weakref import finalize as finalize
