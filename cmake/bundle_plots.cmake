# cmake -DROOT=… -DOUT=… -DPLOTS=AUTO|ON|OFF -DNPM=… -DNODE=… -P bundle_plots.cmake: writes plots.js and plots.css into OUT, both
# empty when they are not wanted or npm does not work. What npm fetches stays in OUT, so that a second build asks nobody.
file(MAKE_DIRECTORY ${OUT})
set(problem "")
if(PLOTS STREQUAL "OFF")
    set(problem "SMTPSPEC_PLOTS is OFF")
elseif(NOT NPM OR NOT NODE)
    set(problem "there is no npm")
else()
    file(COPY ${ROOT}/package.json ${ROOT}/package-lock.json ${ROOT}/plots.js DESTINATION ${OUT}/npm)
    # No install scripts: nothing that is fetched runs here but esbuild itself.
    execute_process(COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=0
                            --fetch-timeout=20000
        WORKING_DIRECTORY ${OUT}/npm RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE said TIMEOUT 60)
    if(code EQUAL 0)
        execute_process(COMMAND ${NODE} node_modules/esbuild/bin/esbuild plots.js --bundle --minify --format=iife
                                --charset=ascii --legal-comments=inline --outfile=${OUT}/plots.js
            WORKING_DIRECTORY ${OUT}/npm RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE said TIMEOUT 60)
    endif()
    if(NOT code EQUAL 0)
        set(problem "npm or esbuild failed (${code})")
    endif()
endif()
if(problem AND PLOTS STREQUAL "ON")
    message(FATAL_ERROR "plots of the HTML report: ${problem}\n${said}")
elseif(problem)
    message("The HTML report will have no plots: ${problem}.")
    file(WRITE ${OUT}/plots.js "")
    file(WRITE ${OUT}/plots.css "")
endif()
