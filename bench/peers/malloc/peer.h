/* peer.h: counting by hand over malloc finds no cycles and has no weak references: rows of births and lists alone. */
#ifndef PEERS_MALLOC_PEER_H
#define PEERS_MALLOC_PEER_H

#include "counted.h"

#define PEER_TREES 0
#define PEER_WEAK 0
#define PEER_STEPS 0

#endif
