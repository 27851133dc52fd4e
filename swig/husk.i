/* swig/husk.i: the public headers in reading order. husk/inline.h has nothing for scripts: retain and release
 * belong to a language's host code. weakmap.i and cleanup.i are for languages that bind containers and cleanups
 * flat (bindings/generic), which include them after this file: a language with proxies writes both by hand. */
%include "base.i"
%include "ownership.i"
%include "status.i"
%include "heap.i"
%include "type.i"
%include "obj.i"
%include "weak.i"
%include "collect.i"
%include "walk.i"
%include "value.i"
%include "kinds.i"
%include "bridge.i"
%include "debug.i"
%include "snapshot.i"
%include "stats.i"
%include "report.i"
