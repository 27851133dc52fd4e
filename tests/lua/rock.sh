#!/bin/sh
# rock.sh LUA ROOT SCRATCH: `luarocks make` builds the rock and installs it into a tree of its own, without the
# network, and plain Lua runs the guide's first lines with it, and a call of husk.ffi where libffi is. Exit 77:
# luarocks is not installed.
set -eu
lua=$1 root=$2 scratch=$3
unset LUA_PATH LUA_CPATH
if ! command -v luarocks >/dev/null; then
    echo "luarocks is not installed: the rock is not tried"
    exit 77
fi
rm -rf "$scratch/tree"
mkdir -p "$scratch"
cd "$root"
HUSK_ROCK_BUILD="$scratch/build" luarocks --lua-version 5.4 --tree "$scratch/tree" make --only-server="$scratch" \
    bindings/lua/husk-scm-1.rockspec >"$scratch/log" 2>&1 || { tail -n 40 "$scratch/log"; exit 1; }
core=$(find "$scratch/tree" -path '*/lua/5.4/husk/core.so')
[ -n "$core" ] || { echo "the tree has no husk/core.so"; exit 1; }
if ldd "$core" | grep -q libhusk; then echo "the rock needs a libhusk beside it"; exit 1; fi
[ -f "$scratch/tree/share/lua/5.4/husk/meta/husk.d.lua" ] || { echo "the annotations are missing"; exit 1; }
cd "$scratch"
rock_ffi=true
if ! pkg-config --exists libffi; then
    echo "libffi is not installed: the rock comes without husk.ffi, which is not tried"
    rock_ffi=false
fi
rock_ffi=$rock_ffi \
LUA_PATH="$scratch/tree/share/lua/5.4/?.lua;$scratch/tree/share/lua/5.4/?/init.lua" \
LUA_CPATH="$scratch/tree/lib/lua/5.4/?.so" "$lua" -e '
  local husk = require "husk"
  assert(package.searchpath("husk.core", package.cpath):find("/tree/", 1, true))
  local Node = husk.type("Node", {"value"})
  local n = Node{}
  n.value = husk.box{n}
  n = nil
  husk.collect()
  assert(not husk.census().Node)
  husk.weak.keys{[husk.list{}] = {}}
  require("husk.expect").dead(husk.weak(husk.list{}))
  assert(pcall(require, "husk.ffi") == (os.getenv "rock_ffi" == "true"))
  if os.getenv "rock_ffi" == "true" then
    local ffi = require "husk.ffi"
    ffi.cdef "int abs(int);"
    assert(ffi.C.abs(-7) == 7)
  end
  print("husk " .. husk.version() .. " from a rock")'
