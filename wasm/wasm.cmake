# SPDX-License-Identifier: Apache-2.0
# How the WebAssembly files are made: no JavaScript of Emscripten's, only a .wasm for our own shim.
#   dist/offcut.wasm                  simd128, the baseline
#   dist/offcut.relaxed.wasm          relaxed SIMD
#   dist/offcut.threads.wasm          simd128, shared memory that the host brings, for several threads
#   dist/offcut.relaxed.threads.wasm  both: where the processor has a dot product of bytes, int8 runs twice as fast with
#                                     relaxed SIMD, and two threads without it no faster than one with it
#   dist/offcut.wasi.wasm             the command with the default network inside, WASI preview 1

set(wasm_options -msimd128 -mbulk-memory -mnontrapping-fptoint)
if(OFFCUT_RELAXED_SIMD)
    list(APPEND wasm_options -mrelaxed-simd)
endif()
if(OFFCUT_THREADS)
    list(APPEND wasm_options -matomics)
endif()
if(OFFCUT_WASI)
    # wasmtime lacks the exceptions that longjmp would need: an error inside a library ends the command instead.
    list(APPEND wasm_options -sSUPPORT_LONGJMP=0)
    add_compile_definitions(OFFCUT_NO_LONGJMP)
else()
    list(APPEND wasm_options -sSUPPORT_LONGJMP=wasm)
endif()
add_compile_options(${wasm_options})

# Functions that are called from one place only stay functions unless they are small: V8 compiles one that is used a lot
# in an instant, but not all of loading as one. The file becomes a little smaller as well.
set(wasm_passes --one-caller-inline-max-function-size=400)
# Sizes: the memory starts small, and the stack holds the libraries' deepest calls (libwebp's, about 20 kB) many times.
set(wasm_link_options ${wasm_options} -O3 -sSTANDALONE_WASM -sFILESYSTEM=0 -sALLOW_MEMORY_GROWTH
    -sMAXIMUM_MEMORY=4gb -sMEMORY_GROWTH_GEOMETRIC_STEP=0.1
    -sSTACK_SIZE=256kb -sBINARYEN_EXTRA_PASSES=${wasm_passes})

# The default network, and how the manifest says that it is used, for src/cli/model.c.
function(offcut_put_model_inside target)
    set(models ${PROJECT_SOURCE_DIR}/models)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${models}/manifest.json)
    file(READ ${models}/manifest.json manifest)
    string(JSON file GET "${manifest}" default file)
    foreach(name IN ITEMS mean std divideByPeak bgr)
        string(JSON input_${name} GET "${manifest}" default input ${name})
    endforeach()
    foreach(name IN ITEMS width height) # a network of free size has none
        string(JSON input_${name} ERROR_VARIABLE missing GET "${manifest}" default input ${name})
        if(missing)
            set(input_${name} 0)
        endif()
    endforeach()
    foreach(name IN ITEMS index channel activation)
        string(JSON output_${name} GET "${manifest}" default output ${name})
    endforeach()
    # JSON's false, list and word in C.
    foreach(name IN ITEMS input_divideByPeak input_bgr)
        string(REPLACE ON 1 ${name} ${${name}})
        string(REPLACE OFF 0 ${name} ${${name}})
    endforeach()
    foreach(name IN ITEMS input_mean input_std)
        string(REGEX REPLACE "[[](.*)[]]" "{\\1}" ${name} "${${name}}")
        string(REGEX REPLACE "[ \n]+" "" ${name} "${${name}}")
    endforeach()
    string(TOUPPER ${output_activation} output_activation)
    configure_file(${PROJECT_SOURCE_DIR}/wasm/model_input.h.in ${PROJECT_BINARY_DIR}/model_input.h)
    target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR})
    # C23's #embed, which Clang 19 has in all C.
    set_source_files_properties(${PROJECT_SOURCE_DIR}/src/cli/model.c PROPERTIES
        COMPILE_DEFINITIONS "OFFCUT_MODEL_FILE=\"${models}/${file}\""
        COMPILE_OPTIONS -Wno-c23-extensions OBJECT_DEPENDS ${models}/${file})
endfunction()

function(offcut_link_wasm)
    if(OFFCUT_WASI)
        set(name offcut.wasi)
        add_executable(offcut_wasm ${cli_sources} ${PROJECT_SOURCE_DIR}/wasm/wasi.c)
        target_link_options(offcut_wasm PRIVATE ${wasm_link_options} -sINITIAL_HEAP=1mb)
        offcut_put_model_inside(offcut_wasm)
    else()
        set(name offcut)
        if(OFFCUT_RELAXED_SIMD)
            string(APPEND name .relaxed)
        endif()
        # One C name a line; Emscripten wants an underscore before each.
        set(exports ${PROJECT_SOURCE_DIR}/wasm/exports.txt)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${exports})
        file(STRINGS ${exports} names)
        if(OFFCUT_THREADS)
            string(APPEND name .threads)
            list(APPEND names offcut_threads_set offcut_threads_stack offcut_threads_help
                 _emscripten_stack_restore)
        endif()
        list(TRANSFORM names PREPEND "_")
        list(JOIN names "\n" names)
        file(WRITE ${PROJECT_BINARY_DIR}/exports.txt "${names}\n")

        add_executable(offcut_wasm ${PROJECT_SOURCE_DIR}/wasm/abi.c)
        target_link_options(offcut_wasm PRIVATE ${wasm_link_options} -sINITIAL_MEMORY=1mb --no-entry
                            -sEXPORTED_FUNCTIONS=@${PROJECT_BINARY_DIR}/exports.txt)
        set_target_properties(offcut_wasm PROPERTIES LINK_DEPENDS ${exports})
        if(OFFCUT_THREADS)
            target_sources(offcut_wasm PRIVATE ${PROJECT_SOURCE_DIR}/wasm/threads.c)
            # Emscripten's C library for one thread, which says so: only the main thread uses it for more than arithmetic.
            target_link_options(offcut_wasm PRIVATE -sIMPORTED_MEMORY
                                -Wl,--shared-memory,--no-check-features)
        endif()
    endif()
    target_sources(offcut_wasm PRIVATE ${PROJECT_SOURCE_DIR}/wasm/runtime.c)
    target_link_libraries(offcut_wasm PRIVATE offcut_core offcut_warnings)
    set_target_properties(offcut_wasm PROPERTIES
        OUTPUT_NAME ${name} SUFFIX .wasm RUNTIME_OUTPUT_DIRECTORY ${OFFCUT_DIST})
endfunction()
