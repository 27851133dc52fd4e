# Calls from Lua: the module husk and, for the same library, one written by hand for these calls alone.
if(TARGET husk_lua AND BENCH_LUA)
    add_library(bench_lua_plain MODULE "${CMAKE_CURRENT_LIST_DIR}/lua_plain.c")
    target_include_directories(bench_lua_plain SYSTEM PRIVATE ${LUA_INCLUDE_DIRS})
    target_link_libraries(bench_lua_plain PRIVATE husk::husk husk_warnings)
    set_target_properties(bench_lua_plain PROPERTIES PREFIX "" OUTPUT_NAME lua_plain
        LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    set(lua "${PROJECT_BINARY_DIR}/lua")
    set(run "${CMAKE_COMMAND}" -E env "LD_PRELOAD=${HUSK_SANITIZER_RUNTIME}" "LUA_PATH=${lua}/?.lua$<SEMICOLON>${lua}/?/init.lua"
        "LUA_CPATH=${lua}/?.so$<SEMICOLON>${CMAKE_CURRENT_BINARY_DIR}/?.so"
        "${BENCH_LUA}" "${CMAKE_CURRENT_LIST_DIR}/lua_calls.lua")
    add_custom_target(bench_lua COMMAND ${run} USES_TERMINAL VERBATIM)
    add_dependencies(bench_lua bench_lua_plain husk_lua husk_lua_layer)
    add_dependencies(bench_bindings bench_lua)
    if(HUSK_BUILD_TESTS)
        add_test(NAME bench.lua COMMAND ${run} 1)
        set_tests_properties(bench.lua PROPERTIES LABELS bench ENVIRONMENT BENCH_QUICK=1)
    endif()
endif()
