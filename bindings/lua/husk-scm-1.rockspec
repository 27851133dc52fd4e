-- From the root of the project: luarocks --lua-version 5.4 make bindings/lua/husk-scm-1.rockspec
-- One module with the library inside; needs a C compiler, CMake, SWIG, pkg-config and the headers of Lua 5.4; husk.ffi
-- comes along where pkg-config knows libffi.
rockspec_format = "3.0"
package = "husk"
version = "scm-1"
source = {url = "git+file://."} -- not fetched: made from where it is
description = {
  summary = "Counted objects, weak references and a collector of cycles, through Lua values too",
  detailed = "Heaps of records, lists, maps and boxes with exact reference counts, finalizers, weak containers and a "
    .. "cycle collector that also finds cycles through Lua's own values.",
  license = "MIT",
}
dependencies = {"lua >= 5.4, < 5.5"}
build = {
  type = "command",
  build_command = [[cmake -S . -B "${HUSK_ROCK_BUILD:-build-rock}" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DHUSK_LUA_STATIC=ON ]]
    .. [["-DHUSK_LUA_CDIR=$(LIBDIR)" "-DHUSK_LUA_DIR=$(LUADIR)" -DHUSK_BUILD_LUA=ON -DHUSK_BUILD_PYTHON=OFF ]]
    .. [[-DHUSK_BUILD_GO=OFF -DHUSK_BUILD_GENERIC=OFF -DHUSK_BUILD_CLI=OFF -DHUSK_BUILD_TESTS=OFF -DHUSK_BUILD_BENCH=OFF ]]
    .. [[-DHUSK_BUILD_FFI=`pkg-config --exists libffi && echo ON || echo OFF` -DHUSK_WERROR=OFF && cmake --build "${HUSK_ROCK_BUILD:-build-rock}" --target husk_lua husk_lua_layer]],
  install_command = [[cmake --install "${HUSK_ROCK_BUILD:-build-rock}" --component lua]],
}
