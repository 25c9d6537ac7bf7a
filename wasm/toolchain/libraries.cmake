# SPDX-License-Identifier: Apache-2.0
# The C libraries behind the codecs: pinned here, fetched into the user's cache folder, compiled with our own flags, so
# that every host computes the same bytes. Target: offcut_libraries. Patches are security fixes only.
find_program(OFFCUT_NODE node REQUIRED)

# Sets NAME_source to the folder of the sources.
function(offcut_fetch name)
    execute_process(
        COMMAND ${OFFCUT_NODE} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/libraries.js ${name} ${ARGN}
        OUTPUT_VARIABLE folder RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "The source of ${name} is not there; the lines above say why.")
    endif()
    set(${name}_source ${folder} PARENT_SCOPE)
endfunction()

offcut_fetch(zlib VERSION 1.2.13
    URL https://zlib.net/fossils/zlib-1.2.13.tar.gz
    SHA256 b3a24de97a8fdbc835b9833169501030b8977031bcb54b3b3ac13740f846ab30
    DEBIAN zlib # without contrib/, which we do not use
    DEBIAN_SHA256 71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1)
offcut_fetch(libpng VERSION 1.6.39
    URL https://github.com/pnggroup/libpng/archive/refs/tags/v1.6.39.tar.gz
    SHA256 a00e9d2f2f664186e4202db9299397f851aea71b36a35e74910b8820e380d441
    DEBIAN libpng1.6
    DEBIAN_SHA256 a00e9d2f2f664186e4202db9299397f851aea71b36a35e74910b8820e380d441
    PATCH libpng-1.6.39.patch)
offcut_fetch(libjpeg VERSION 2.1.5
    URL https://github.com/libjpeg-turbo/libjpeg-turbo/archive/refs/tags/2.1.5.tar.gz
    SHA256 254f3642b04e309fee775123133c6464181addc150499561020312ec61c1bf7c
    DEBIAN libjpeg-turbo
    DEBIAN_SHA256 254f3642b04e309fee775123133c6464181addc150499561020312ec61c1bf7c)
offcut_fetch(libwebp VERSION 1.2.4
    URL https://storage.googleapis.com/downloads.webmproject.org/releases/webp/libwebp-1.2.4.tar.gz
    SHA256 7bf5a8a28cc69bcfa8cb214f2c3095703c6b73ac5fba4d5480c205331d9494df
    DEBIAN libwebp
    DEBIAN_SHA256 7bf5a8a28cc69bcfa8cb214f2c3095703c6b73ac5fba4d5480c205331d9494df
    PATCH libwebp-1.2.4.patch)

# A static library of somebody else's files: no warnings of theirs, and their headers count as the system's.
function(offcut_library name folder)
    list(TRANSFORM ARGN PREPEND ${folder}/)
    add_library(${name} STATIC ${ARGN})
    target_compile_options(${name} PRIVATE -w)
    if(OFFCUT_SANITIZE) # libwebp adds to what it allocated before it looks whether it got it: odd, but no harm
        target_compile_options(${name} PRIVATE -fno-sanitize=pointer-overflow)
    endif()
    set_target_properties(${name} PROPERTIES C_EXTENSIONS ON)
endfunction()

offcut_library(zlib ${zlib_source}
    adler32.c compress.c crc32.c deflate.c inffast.c inflate.c inftrees.c trees.c zutil.c)
target_include_directories(zlib SYSTEM PUBLIC ${zlib_source})
target_compile_definitions(zlib PRIVATE NO_GZIP Z_HAVE_UNISTD_H)

offcut_library(libpng ${libpng_source}
    png.c pngerror.c pngget.c pngmem.c pngread.c pngrio.c pngrtran.c pngrutil.c pngset.c
    pngtrans.c pngwio.c pngwrite.c pngwtran.c pngwutil.c)
target_include_directories(libpng SYSTEM PUBLIC ${libpng_source}
                           ${CMAKE_CURRENT_LIST_DIR}/configuration)
# The filters in SSE2, which Emscripten's headers make simd128 of; the same bytes as without.
if(EMSCRIPTEN OR CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_sources(libpng PRIVATE ${libpng_source}/intel/filter_sse2_intrinsics.c
                   ${libpng_source}/intel/intel_init.c)
    target_compile_definitions(libpng PUBLIC PNG_ARM_NEON_OPT=0 PNG_INTEL_SSE_OPT=1)
else()
    target_compile_definitions(libpng PUBLIC PNG_ARM_NEON_OPT=0 PNG_INTEL_SSE_OPT=0)
endif()
target_link_libraries(libpng PUBLIC zlib)

set(jpeg_decoder
    jcomapi.c jaricom.c jdapimin.c jdapistd.c jdarith.c jdatasrc.c jdcoefct.c jdcolor.c jddctmgr.c
    jdhuff.c jdicc.c jdinput.c jdmainct.c jdmarker.c jdmaster.c jdmerge.c jdphuff.c jdpostct.c
    jdsample.c jerror.c jidctflt.c jidctfst.c jidctint.c jidctred.c jmemmgr.c jmemnobs.c
    jquant1.c jquant2.c jsimd_none.c jutils.c)
set(jpeg_encoder
    jcapimin.c jcapistd.c jcarith.c jccoefct.c jccolor.c jcdctmgr.c jchuff.c jcicc.c jcinit.c
    jcmainct.c jcmarker.c jcmaster.c jcparam.c jcphuff.c jcprepct.c jcsample.c jctrans.c jdatadst.c
    jdtrans.c jfdctflt.c jfdctfst.c jfdctint.c)
if(EMSCRIPTEN)
    list(REMOVE_ITEM jpeg_encoder jcarith.c jcphuff.c jctrans.c jdtrans.c)
endif()
offcut_library(libjpeg ${libjpeg_source} ${jpeg_decoder})
target_include_directories(libjpeg SYSTEM PUBLIC ${libjpeg_source}
                           ${CMAKE_CURRENT_LIST_DIR}/configuration)
target_compile_definitions(libjpeg PRIVATE NO_GETENV NO_PUTENV)
# jsimd_none.c says no to whatever could be done by SIMD; these are in src/codec/jpeg_simd.c.
set(jpeg_hooks)
foreach(name IN ITEMS idct_islow ycc_rgb_convert h2v1_fancy_upsample h2v2_fancy_upsample)
    string(REPLACE _convert "" can ${name})
    list(APPEND jpeg_hooks jsimd_${name}=no_${name} jsimd_can_${can}=no_can_${can})
endforeach()
set_source_files_properties(${libjpeg_source}/jsimd_none.c PROPERTIES COMPILE_DEFINITIONS "${jpeg_hooks}")

set(webp_decoder
    src/dec/alpha_dec.c src/dec/buffer_dec.c src/dec/frame_dec.c src/dec/idec_dec.c src/dec/io_dec.c
    src/dec/quant_dec.c src/dec/tree_dec.c src/dec/vp8_dec.c src/dec/vp8l_dec.c src/dec/webp_dec.c
    src/demux/demux.c
    src/dsp/alpha_processing.c src/dsp/alpha_processing_neon.c src/dsp/alpha_processing_sse2.c
    src/dsp/cpu.c src/dsp/dec.c src/dsp/dec_clip_tables.c src/dsp/dec_neon.c src/dsp/dec_sse2.c
    src/dsp/filters.c src/dsp/filters_neon.c src/dsp/filters_sse2.c src/dsp/lossless.c
    src/dsp/lossless_neon.c src/dsp/lossless_sse2.c src/dsp/rescaler.c src/dsp/rescaler_neon.c
    src/dsp/rescaler_sse2.c src/dsp/upsampling.c src/dsp/upsampling_neon.c
    src/dsp/upsampling_sse2.c src/dsp/yuv.c src/dsp/yuv_neon.c src/dsp/yuv_sse2.c
    src/utils/bit_reader_utils.c src/utils/color_cache_utils.c src/utils/filters_utils.c
    src/utils/huffman_utils.c src/utils/quant_levels_dec_utils.c src/utils/random_utils.c
    src/utils/rescaler_utils.c src/utils/thread_utils.c src/utils/utils.c)
offcut_library(libwebp ${libwebp_source} ${webp_decoder})
target_include_directories(libwebp SYSTEM PUBLIC ${libwebp_source}/src ${libwebp_source})

add_library(offcut_libraries INTERFACE)
target_link_libraries(offcut_libraries INTERFACE libpng libjpeg libwebp)

set(webp_encoder
    alpha_enc analysis_enc backward_references_cost_enc backward_references_enc config_enc
    cost_enc filter_enc frame_enc histogram_enc iterator_enc near_lossless_enc picture_csp_enc
    picture_enc picture_psnr_enc picture_rescale_enc picture_tools_enc predictor_enc quant_enc
    syntax_enc token_enc tree_enc vp8l_enc webp_enc)
list(TRANSFORM webp_encoder REPLACE "(.+)" "src/enc/\\1.c")
set(sharpyuv sharpyuv/sharpyuv.c sharpyuv/sharpyuv_csp.c sharpyuv/sharpyuv_dsp.c
    sharpyuv/sharpyuv_gamma.c sharpyuv/sharpyuv_neon.c sharpyuv/sharpyuv_sse2.c)
if(EMSCRIPTEN)
    set(sharpyuv) # wasm/runtime.c stands in for it
endif()
offcut_library(offcut_webp_encoder ${libwebp_source} ${webp_encoder} ${sharpyuv}
    src/dsp/cost.c src/dsp/cost_neon.c src/dsp/cost_sse2.c src/dsp/enc.c src/dsp/enc_neon.c
    src/dsp/enc_sse2.c src/dsp/lossless_enc.c src/dsp/lossless_enc_neon.c
    src/dsp/lossless_enc_sse2.c src/dsp/ssim.c src/dsp/ssim_sse2.c
    src/mux/anim_encode.c src/mux/muxedit.c src/mux/muxinternal.c src/mux/muxread.c
    src/utils/bit_writer_utils.c src/utils/huffman_encode_utils.c src/utils/quant_levels_utils.c)
target_include_directories(offcut_webp_encoder PRIVATE ${libwebp_source})
target_link_libraries(offcut_webp_encoder PUBLIC libwebp)
offcut_library(offcut_jpeg_encoder ${libjpeg_source} ${jpeg_encoder})
target_link_libraries(offcut_jpeg_encoder PUBLIC libjpeg)
# Count bits by an instruction instead of by two tables of 64 kB.
target_compile_definitions(offcut_jpeg_encoder PRIVATE USE_CLZ_INTRINSIC)
target_link_libraries(offcut_libraries INTERFACE offcut_jpeg_encoder offcut_webp_encoder)

if(EMSCRIPTEN)
    # The default error handler prints and exits; ours never lets it, but it would make hosts provide both.
    set_source_files_properties(${libjpeg_source}/jerror.c PROPERTIES
        COMPILE_OPTIONS "-Dfprintf=offcut__print_nothing;-Dexit=offcut__no_exit")
    # Every byte is downloaded; -O3 unrolls what gains nothing here, and the encoders are for conversions only.
    foreach(library zlib libpng libjpeg libwebp)
        target_compile_options(${library} PRIVATE -O2)
    endforeach()
    target_compile_options(offcut_jpeg_encoder PRIVATE -Oz)
    target_compile_options(offcut_webp_encoder PRIVATE -Oz)
    # Blocks are decoded to a side of 8, 4, 2 or 1, and those of 8 by src/codec/jpeg_simd.c or jidctfst.c.
    set(never_called islow float)
    foreach(side IN ITEMS 3 5 6 7 9 10 11 12 13 14 15 16)
        list(APPEND never_called ${side}x${side})
    endforeach()
    list(TRANSFORM never_called REPLACE "(.+)" "jpeg_idct_\\1=jsimd_idct_islow")
    set_source_files_properties(${libjpeg_source}/jddctmgr.c PROPERTIES
        COMPILE_DEFINITIONS "${never_called}")
    set_source_files_properties(${libjpeg_source}/jdmaster.c PROPERTIES # nobody asks for palettes
        COMPILE_OPTIONS "-Djinit_1pass_quantizer=jinit_color_deconverter;-Djinit_2pass_quantizer=jinit_color_deconverter")
    # libpng's and libwebp's SSE2 code through Emscripten's headers.
    target_compile_options(libpng PRIVATE -mssse3)
    target_compile_options(libwebp PRIVATE -msse2)
    target_compile_options(offcut_webp_encoder PRIVATE -msse2)

    set(webp_twins alpha_processing.c filters.c upsampling.c yuv.c)
    # These run only where their SSE2 twins do not.
    list(TRANSFORM webp_twins PREPEND ${libwebp_source}/src/dsp/ OUTPUT_VARIABLE files)
    set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS -Oz)
    # Leave out what is never called. Native builds keep all of it for the tests.
    foreach(name IN ITEMS libwebp offcut_webp_encoder)
        target_compile_definitions(${name} PRIVATE
            WEBP_REDUCE_CSP WEBP_REDUCE_SIZE WEBP_DISABLE_STATS)
    endforeach()
    target_compile_definitions(offcut_jpeg_encoder PRIVATE # we write baseline only
        jinit_phuff_encoder=jinit_huff_encoder jinit_arith_encoder=jinit_huff_encoder)
endif()
