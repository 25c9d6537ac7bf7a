# SPDX-License-Identifier: Apache-2.0
# The toolchain of the WebAssembly presets: the user's own Emscripten, or the one that `npm run setup` made.
if(NOT DEFINED ENV{OFFCUT_EMSCRIPTEN})
    find_program(OFFCUT_NODE node REQUIRED)
    execute_process(
        COMMAND ${OFFCUT_NODE} ${CMAKE_CURRENT_LIST_DIR}/emscripten.js
        OUTPUT_VARIABLE folder RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "There is no Emscripten; `npm run setup` sets it up.")
    endif()
    # CMake reads this file again for each of its checks: ask once.
    set(ENV{OFFCUT_EMSCRIPTEN} ${folder})
endif()
include($ENV{OFFCUT_EMSCRIPTEN}/cmake/Modules/Platform/Emscripten.cmake)
