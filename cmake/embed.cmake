# The scenarios, endpoint profiles and client adapters become part of the program.
file(GLOB_RECURSE SMTPSPEC_DATA CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/scenarios
    ${PROJECT_SOURCE_DIR}/scenarios/*.smtp ${PROJECT_SOURCE_DIR}/scenarios/*.yaml)
list(SORT SMTPSPEC_DATA)
set(SMTPSPEC_EMBEDDED ${PROJECT_BINARY_DIR}/generated/embedded_data.cpp)
list(TRANSFORM SMTPSPEC_DATA PREPEND ${PROJECT_SOURCE_DIR}/scenarios/ OUTPUT_VARIABLE SMTPSPEC_DATA_PATHS)
file(WRITE ${PROJECT_BINARY_DIR}/generated/data_files.txt.new "${SMTPSPEC_DATA}")
file(COPY_FILE ${PROJECT_BINARY_DIR}/generated/data_files.txt.new ${PROJECT_BINARY_DIR}/generated/data_files.txt ONLY_IF_DIFFERENT)
add_custom_command(OUTPUT ${SMTPSPEC_EMBEDDED}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}/scenarios -DLIST=${PROJECT_BINARY_DIR}/generated/data_files.txt
            -DOUT=${SMTPSPEC_EMBEDDED} -P ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake
    DEPENDS ${SMTPSPEC_DATA_PATHS} ${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake ${PROJECT_BINARY_DIR}/generated/data_files.txt
    COMMENT "Embedding scenarios and profiles")

function(smtpspec_program)
    add_library(smtpspec_embedded STATIC ${SMTPSPEC_EMBEDDED} ${SMTPSPEC_WEB})
    target_link_libraries(smtpspec_embedded PUBLIC smtpspec_options)
    if(EXISTS ${PROJECT_SOURCE_DIR}/harness/cli/main.cpp)
        add_executable(smtpspec harness/cli/main.cpp)
        target_link_libraries(smtpspec PRIVATE smtpspec_harness_cli smtpspec_embedded)
        install(TARGETS smtpspec RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/scenarios/ DESTINATION ${CMAKE_INSTALL_DATADIR}/smtpspec/scenarios)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
    install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
endfunction()
