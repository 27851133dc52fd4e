// Package memory tells what the system says of memory: of a process, its mappings and threads, its control group and the
// machine; and where the memory of this process went, from the objects of its heaps (package husk) to what nobody knows.
//
// What the system does not tell is not known, which is not 0: kernels, containers and rights differ. Each group of numbers
// says by Known what it knows; Fields lists all, with what they mean. Sizes are in bytes.
//
// Process id 0 is this process. A process that has ended, or that does not exist, is husk.ErrMissing; one that the system
// does not let us look at is husk.ErrIO.
package memory
