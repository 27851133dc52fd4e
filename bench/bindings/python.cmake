# Calls from Python: the package husk and, for the same library, a module written by hand for these calls alone.
if(TARGET husk_python)
    find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module) # what bindings/python has found
    add_library(bench_python_plain MODULE "${CMAKE_CURRENT_LIST_DIR}/python_plain.c")
    target_include_directories(bench_python_plain SYSTEM PRIVATE ${Python_INCLUDE_DIRS})
    target_link_libraries(bench_python_plain PRIVATE husk::husk husk_warnings)
    set_target_properties(bench_python_plain PROPERTIES PREFIX "" OUTPUT_NAME python_plain
        LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
    set(run "${CMAKE_COMMAND}" -E env "LD_PRELOAD=${HUSK_SANITIZER_RUNTIME}" "ASAN_OPTIONS=detect_leaks=0"
        "PYTHONPATH=${PROJECT_BINARY_DIR}/python:${CMAKE_CURRENT_BINARY_DIR}"
        "${HUSK_PYTHON}" "${CMAKE_CURRENT_LIST_DIR}/python_calls.py")
    add_custom_target(bench_python COMMAND ${run} USES_TERMINAL VERBATIM)
    add_dependencies(bench_python bench_python_plain husk_python husk_python_layer)
    add_dependencies(bench_bindings bench_python)
    if(HUSK_BUILD_TESTS)
        add_test(NAME bench.python COMMAND ${run} 1)
        set_tests_properties(bench.python PROPERTIES LABELS bench ENVIRONMENT BENCH_QUICK=1)
    endif()
endif()
