# What Debian 12 packages. yaml-cpp, RE2 and zlib are linked statically, so that the program needs nothing at run time but
# the C and C++ runtime, libssl and libcrypto.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers)
find_package(fmt CONFIG REQUIRED)
find_package(tl-expected CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)

find_library(SMTPSPEC_RE2 NAMES libre2.a REQUIRED)
find_library(SMTPSPEC_YAML NAMES libyaml-cpp.a REQUIRED)
find_library(SMTPSPEC_ZLIB NAMES libz.a REQUIRED)
add_library(re2_static INTERFACE)
target_link_libraries(re2_static INTERFACE ${SMTPSPEC_RE2} Threads::Threads)
add_library(zlib_static INTERFACE)
target_link_libraries(zlib_static INTERFACE ${SMTPSPEC_ZLIB})
add_library(yaml_static INTERFACE)
target_link_libraries(yaml_static INTERFACE ${SMTPSPEC_YAML})

# Asio is compiled once; every user must see the same macros.
file(WRITE ${PROJECT_BINARY_DIR}/generated/asio_impl.cpp
    "#include <boost/asio/impl/src.hpp>\n#include <boost/asio/ssl/impl/src.hpp>\n")
add_library(smtpspec_asio STATIC ${PROJECT_BINARY_DIR}/generated/asio_impl.cpp)
target_link_libraries(smtpspec_asio PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
target_compile_definitions(smtpspec_asio PUBLIC
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY
    # Coroutine frames from operator new: glibc's aligned_alloc has no cache per thread, and took a tenth of the mock's time.
    BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN
    # Asio's own cache gives large blocks to small frames, which then wait in them for as long as a client is idle.
    BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
if(SMTPSPEC_SANITIZE)
    target_compile_options(smtpspec_asio PUBLIC -fsanitize=${SMTPSPEC_SANITIZE} -fno-omit-frame-pointer)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(smtpspec_asio PRIVATE -Wno-tsan)
endif()
