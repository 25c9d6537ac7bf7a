# SPDX-License-Identifier: Apache-2.0
# The C libraries behind the codecs, as one target: offcut_libraries.
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
add_library(offcut_libraries INTERFACE)
target_link_libraries(offcut_libraries INTERFACE PNG::PNG JPEG::JPEG webpdemux webp)
