/* bindings/go/errors.i: no call of the flat layer raises. A status is returned as a number, NULL stays NULL, and
 * the public package makes *husk.Error of them while it still holds the heap's lock. */
%define HUSK_ENTER(heap) %enddef
%define HUSK_LEAVE(heap) %enddef
%define HUSK_RAISE(status, heap) %enddef
