# husk._weakset: gives WeakSet its methods, which _core.pyi and weakref.pyi have.
