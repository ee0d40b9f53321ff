# Compiler flags for our own code. Warnings are errors; those that are switched off are false alarms of g++ 12 on
# every Asio coroutine (docs/decisions.md).
add_library(smtpspec_options INTERFACE)
target_include_directories(smtpspec_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(smtpspec_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-qual -Wnull-dereference -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(smtpspec_options INTERFACE
        -Wno-mismatched-new-delete -Wno-tsan -Wno-null-dereference -Wno-maybe-uninitialized -fpch-preprocess)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # libstdc++ 12's std::stable_sort calls get_temporary_buffer, which clang 19 reports as deprecated.
    target_compile_options(smtpspec_options INTERFACE -Wno-deprecated-declarations)
endif()
if(SMTPSPEC_SANITIZE)
    target_compile_options(smtpspec_options INTERFACE
        -fsanitize=${SMTPSPEC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(smtpspec_options INTERFACE -fsanitize=${SMTPSPEC_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # False alarms of g++ 12 on std::string under a sanitiser, which keeps it from seeing which branch is taken
        # (docs/decisions.md); the release build has these warnings.
        target_compile_options(smtpspec_options INTERFACE
            -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
    endif()
endif()
find_program(SMTPSPEC_MOLD mold)
if(SMTPSPEC_MOLD)
    target_link_options(smtpspec_options INTERFACE -fuse-ld=mold)
endif()
find_program(SMTPSPEC_CCACHE ccache)
if(SMTPSPEC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${SMTPSPEC_CCACHE})
endif()
