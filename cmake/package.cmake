# The man page, the bash completion and the Debian package (cpack -G DEB). Man page and completion are made from the
# program's own --help, so they need a program that runs here and python3; without python3 they are left out.
set(SMTPSPEC_MAINTAINER "The smtpspec authors <authors@smtpspec.invalid>" CACHE STRING "Maintainer of the Debian package")
set(pages ${PROJECT_BINARY_DIR}/pages)
file(MAKE_DIRECTORY ${pages})

find_program(SMTPSPEC_PYTHON3 python3)
if(SMTPSPEC_PYTHON3 AND TARGET smtpspec)
    set(make_page ${SMTPSPEC_PYTHON3} ${PROJECT_SOURCE_DIR}/tools/help_pages.py)
    add_custom_command(OUTPUT ${pages}/smtpspec.1.gz ${pages}/smtpspec
        COMMAND ${make_page} man $<TARGET_FILE:smtpspec> ${PROJECT_SOURCE_DIR} ${pages}/smtpspec.1
        COMMAND gzip -9nf ${pages}/smtpspec.1
        COMMAND ${make_page} bash $<TARGET_FILE:smtpspec> ${PROJECT_SOURCE_DIR} ${pages}/smtpspec
        DEPENDS smtpspec ${PROJECT_SOURCE_DIR}/tools/help_pages.py ${PROJECT_SOURCE_DIR}/docs/exit-codes.md
                ${PROJECT_SOURCE_DIR}/packaging/completion.bash.in
        COMMENT "Making man page and bash completion from --help" VERBATIM)
    add_custom_target(smtpspec_pages ALL DEPENDS ${pages}/smtpspec.1.gz)
    # Installed where they were made: `cmake --build … --target smtpspec` alone makes none, and installs none.
    install(FILES ${pages}/smtpspec.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
    install(FILES ${pages}/smtpspec DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions OPTIONAL)
else()
    message(STATUS "no python3: man page and bash completion are left out")
endif()

file(READ ${PROJECT_SOURCE_DIR}/LICENSE license)
string(REGEX REPLACE "^MIT License\n\nCopyright \\(c\\) ([^\n]*)\n\n" "" body "${license}")
set(owner "${CMAKE_MATCH_1}")
string(STRIP "${body}" body)
string(REPLACE "\n\n" "\n.\n" body "${body}")
string(REPLACE "\n" "\n " body "${body}")
file(WRITE ${pages}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
    "Upstream-Name: smtpspec\n\nFiles: *\nCopyright: ${owner}\nLicense: Expat\n ${body}\n")
configure_file(packaging/changelog.Debian.in ${pages}/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nkf ${pages}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
file(COPY_FILE ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${pages}/changelog)
execute_process(COMMAND gzip -9nkf ${pages}/changelog COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/LICENSE)
install(FILES ${pages}/copyright ${pages}/changelog.Debian.gz ${pages}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})

# cpack packs what is built (target smtpspec_pages) and does not build the tests first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_CONTACT "${SMTPSPEC_MAINTAINER}")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # libc6, libssl3, libstdc++6 with the versions that the symbols ask for
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "conformance tests and latency for SMTP submission")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Judges SMTP servers and clients on ports 25, 465, 587, 2465 and 2587,
rule by rule, each rule a short scenario with its RFC section. The other
side of each conversation is its own: a scripted server that can be told
to misbehave, and a client that does not. It also measures latency per
stage and finds regressions.")
include(CPack)
