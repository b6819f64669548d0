# Compiler and linker flags, shared by every layer through the interface target gridd_flags.

add_library(gridd_flags INTERFACE)
target_include_directories(gridd_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(gridd_flags INTERFACE
    _GNU_SOURCE GRIDD_VERSION="${PROJECT_VERSION}" $<$<BOOL:${GRIDD_CHECK_SLOW}>:GRIDD_CHECK_SLOW>
    $<$<BOOL:${GRIDD_MUTANTS}>:GRIDD_MUTANTS>)
target_compile_options(gridd_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wswitch-enum
    -fno-omit-frame-pointer $<$<BOOL:${GRIDD_WERROR}>:-Werror>)

if(GRIDD_SANITIZE)
    target_compile_definitions(gridd_flags INTERFACE GRIDD_SANITIZED)
    add_compile_options(-fsanitize=${GRIDD_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${GRIDD_SANITIZE})
endif()
# gcc's warnings that follow values go wrong under its thread sanitizer; the other presets have them.
if(GRIDD_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(gridd_flags INTERFACE -Wno-maybe-uninitialized -Wno-format-truncation)
endif()
# Optimised and without LTO it also warns of paths cut to their buffer, which is meant.
if(GRIDD_MUTANTS AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(gridd_flags INTERFACE -Wno-format-truncation)
endif()
if(GRIDD_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(GRIDD_LTO)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
# Hardening, in every preset; tests/lint/hardening.py reads the program for it.
if(GRIDD_HARDEN)
    include(CheckCCompilerFlag)
    add_compile_options(-fstack-protector-strong -fPIE)
    add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
    # Processors differ in what they have.
    foreach(flag -fstack-clash-protection -fcf-protection -mbranch-protection=standard)
        string(MAKE_C_IDENTIFIER "GRIDD_HAS${flag}" has)
        check_c_compiler_flag("${flag} -Werror" ${has})
        if(${has})
            add_compile_options(${flag})
        endif()
    endforeach()
    # glibc's checks need optimised code; sanitizers bring their own.
    if(NOT GRIDD_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "Release")
        add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
    # Debian's clang 14 takes zero only with a flag that says it will be taken away.
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-ftrivial-auto-var-init=zero)
    else()
        add_compile_options(-ftrivial-auto-var-init=pattern)
    endif()
endif()
