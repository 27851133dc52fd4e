"""Avoiding cycles: the same tree twice, with strong and with weak links from children to parents.

Prints, for each, how many of its nodes died at once when the root was dropped, and how many the collector had to
find. With strong links every node is part of a cycle; with weak ones counting alone ends them all.
"""

import husk


class TreeNode(husk.Record):
    parent: object
    left: "TreeNode"
    right: "TreeNode"


def grow(depth, link, parent=None):
    """A tree of that depth; link makes of a node what its children keep of it."""
    node = TreeNode(link(parent) if parent is not None else None)
    if depth > 1:
        node.left = grow(depth - 1, link, node)
        node.right = grow(depth - 1, link, node)
    return node


heap = husk.default


def nodes():
    return heap.census().get("TreeNode", 0)


def attempt(title, link):
    root = grow(10, link)
    planted = nodes()
    del root
    left = nodes()
    done = heap.collect()
    assert nodes() == 0
    print(
        f"{title} parent links: {planted} nodes, {planted - left} died at once, "
        f"{left} left for the collector, which collected {done.collected}"
    )


heap.disable("avoiding_cycles")  # no pass by itself in between: the figures are to be exact
attempt("strong", lambda node: node)
attempt("weak", husk.ref)
heap.enable()
