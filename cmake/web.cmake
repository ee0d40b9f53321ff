# The HTML report becomes part of the program: page.js and style.css as they are, for which nothing has to be installed, and
# the plots, which a library from npm draws. AUTO: without npm or network the page says that plots are left out.
set(SMTPSPEC_PLOTS AUTO CACHE STRING "Plots in the HTML report: AUTO (when npm works), ON (else the build fails), OFF")
set_property(CACHE SMTPSPEC_PLOTS PROPERTY STRINGS AUTO ON OFF)
find_program(SMTPSPEC_NPM npm)
find_program(SMTPSPEC_NODE node)
set(SMTPSPEC_WEB_ROOT ${PROJECT_SOURCE_DIR}/harness/report/web)
set(SMTPSPEC_WEB ${PROJECT_BINARY_DIR}/generated/web_files.cpp)
file(GLOB SMTPSPEC_WEB_SOURCES CONFIGURE_DEPENDS ${SMTPSPEC_WEB_ROOT}/*.js ${SMTPSPEC_WEB_ROOT}/*.css ${SMTPSPEC_WEB_ROOT}/*.json)

# Of its own, so that only a change of the plots asks npm again.
set(SMTPSPEC_PLOTS_OUT ${PROJECT_BINARY_DIR}/generated/plots)
add_custom_command(OUTPUT ${SMTPSPEC_PLOTS_OUT}/plots.js ${SMTPSPEC_PLOTS_OUT}/plots.css
    COMMAND ${CMAKE_COMMAND} -DROOT=${SMTPSPEC_WEB_ROOT} -DOUT=${SMTPSPEC_PLOTS_OUT} -DPLOTS=${SMTPSPEC_PLOTS}
            -DNPM=${SMTPSPEC_NPM} -DNODE=${SMTPSPEC_NODE} -P ${PROJECT_SOURCE_DIR}/cmake/bundle_plots.cmake
    DEPENDS ${SMTPSPEC_WEB_ROOT}/plots.js ${SMTPSPEC_WEB_ROOT}/package-lock.json ${PROJECT_SOURCE_DIR}/cmake/bundle_plots.cmake
    COMMENT "Bundling the plots of the HTML report")
add_custom_command(OUTPUT ${SMTPSPEC_WEB}
    COMMAND ${CMAKE_COMMAND} -DROOT=${SMTPSPEC_WEB_ROOT} -DPLOTS=${SMTPSPEC_PLOTS_OUT} -DOUT=${SMTPSPEC_WEB}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed_web.cmake
    DEPENDS ${SMTPSPEC_WEB_SOURCES} ${SMTPSPEC_PLOTS_OUT}/plots.js ${PROJECT_SOURCE_DIR}/cmake/embed_web.cmake
    COMMENT "Embedding the HTML report")
