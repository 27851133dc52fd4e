# How everything of ours is compiled: language, default build type, warnings, sanitizers.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF) # a file that needs POSIX or Linux calls defines _GNU_SOURCE itself
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON) # clang-tidy and tests/lint read it
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

# Every target of ours links it privately; generated code and programs of others do not.
add_library(husk_warnings INTERFACE)
target_compile_options(husk_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes
    $<$<BOOL:${HUSK_WERROR}>:-Werror>)

# HUSK_SANITIZER_RUNTIME: what LD_PRELOAD must name when a program that is not ours (plain lua5.4) loads a module
# of ours; empty without sanitizers. HUSK_HOST_ENV: the same as a command prefix, empty or "cmake -E env ...".
set(HUSK_SANITIZER_RUNTIME "")
set(HUSK_HOST_ENV "")
if(HUSK_SANITIZE)
    add_compile_options(-fsanitize=${HUSK_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${HUSK_SANITIZE})
    if(HUSK_SANITIZE MATCHES "thread")
        set(runtime libtsan.so)
    else()
        set(runtime libasan.so)
    endif()
    execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=${runtime}
        OUTPUT_VARIABLE HUSK_SANITIZER_RUNTIME OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(HUSK_HOST_ENV "${CMAKE_COMMAND}" -E env "LD_PRELOAD=${HUSK_SANITIZER_RUNTIME}")
endif()

# What libFuzzer is to see of the library: which branches were taken.
if(HUSK_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
