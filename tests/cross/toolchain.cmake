# SPDX-License-Identifier: ISC
# Debian's cross compilers with the sysroot that ./sysroot makes; CROSS_ARCH is armhf, arm64 or s390x. The presets of these names
# say it, and try_compile(), which reads this file anew, is told.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CROSS_ARCH)
set(table_armhf arm-linux-gnueabihf arm armv7l)
set(table_arm64 aarch64-linux-gnu aarch64 aarch64)
set(table_s390x s390x-linux-gnu s390x s390x)
if(NOT DEFINED table_${CROSS_ARCH})
  message(FATAL_ERROR "CROSS_ARCH is \"${CROSS_ARCH}\", not armhf, arm64 or s390x")
endif()
list(GET table_${CROSS_ARCH} 0 CMAKE_LIBRARY_ARCHITECTURE)
list(GET table_${CROSS_ARCH} 1 emulated)
list(GET table_${CROSS_ARCH} 2 CMAKE_SYSTEM_PROCESSOR)
cmake_path(SET CMAKE_SYSROOT NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroot/${CROSS_ARCH})

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${CMAKE_LIBRARY_ARCHITECTURE}-gcc)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${emulated}-static;-L;${CMAKE_SYSROOT})
